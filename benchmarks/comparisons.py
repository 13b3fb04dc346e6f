"""All comparisons, in the order of the table."""

from benchmarks import (
    audit,
    augment,
    bootstrap,
    grad_cam,
    guards,
    kmeans,
    launch,
    memory,
    metadata,
    predict,
    probe,
    randaugment,
    serve,
    startup,
    training,
    triage,
    variation,
)  # fmt: skip
from benchmarks.harness import Comparison

COMPARISONS = (
    Comparison(
        "jpeg-to-tensor",
        "JPEG files to augmented batches, per core / torchvision",
        augment.jpeg_to_tensor,
    ),
    Comparison(
        "cached-to-tensor",
        "decoded images to augmented batches, per core / torchvision",
        augment.cached_to_tensor,
    ),
    Comparison(
        "albumentations",
        "both of these / Albumentations",
        augment.albumentations,
    ),
    Comparison(
        "epoch-in-memory",
        "a training epoch from memory / a bare PyTorch loop",
        training.in_memory,
    ),
    Comparison(
        "epoch-reference",
        "a training epoch from files / torchvision's reference loop",
        training.beside_reference,
    ),
    Comparison(
        "epoch-lightning",
        "a training epoch from files / Lightning",
        training.beside_lightning,
    ),
    Comparison("guards", "a training epoch / without the guards", guards.epoch),
    Comparison("grad-cam", "Grad-CAM of DenseNet-121 / pytorch-grad-cam", grad_cam.grad_cam),
    Comparison("probe", "a linear probe / through the frozen network", probe.probe),
    Comparison("launch", "trials by two local workers / by one", launch.launch),
    Comparison("predict-onnx", "skinfw predict with ONNX Runtime / with torch", predict.predict),
    Comparison("serve", "skinfw serve for 8 clients / its network alone", serve.serve),
    Comparison("kmeans", "thinning a class by K-means / scikit-learn", kmeans.kmeans),
    Comparison(
        "bootstrap",
        "intervals of all numbers over lesions / a loop over scikit-learn",
        bootstrap.bootstrap,
    ),
    Comparison("startup", "commands that a person waits for / a bare Python", startup.startup),
    Comparison("metadata", "tables of up to 400,000 rows / smaller ones", metadata.metadata),
    Comparison("randaugment", "modified RandAugment / op by op on Pillow", randaugment.policy),
    Comparison("audit", "looking for copies, cold and warm / a limit", audit.audit),
    Comparison("crops", "sixteen crops of an image / a decode per crop", variation.crops),
    Comparison("pathology", "the ops of virtual pathology / a limit", variation.pathology),
    Comparison("triage", "the bounds of triage over divisions / their word", triage.triage),
    Comparison("memory", "resident memory of a training / a limit", memory.memory),
)
