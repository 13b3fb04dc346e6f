"""Grad-CAM of DenseNet-121 beside pytorch-grad-cam."""

from __future__ import annotations

import copy

import torch

from benchmarks import ours
from benchmarks.dataset import CLASSES
from benchmarks.harness import Bench, Peer, Row, clocked, need, race

BATCH = 32


def grad_cam(bench: Bench) -> list[Row]:
    """Explain images: ours in batches, the peer image by image and in batches."""
    peer = need("pytorch_grad_cam", "grad-cam")
    target = need("pytorch_grad_cam.utils.model_targets", "grad-cam").ClassifierOutputTarget
    torch.manual_seed(0)
    count, size = bench.amount(64, 2), bench.amount(224, 64)
    model = ours.densenet(bench.scratch, size).eval()
    images = torch.randn(count, 3, size, size)
    # Each side has the memory layout that is its default, and the faster for it.
    usual = copy.deepcopy(model).to(memory_format=torch.contiguous_format)
    layer = usual.get_submodule(str(model.cam_layer))
    images_last = images.contiguous(memory_format=torch.channels_last)
    classes = torch.arange(count) % len(CLASSES)
    explainer = ours.grad_cam()

    def explain() -> None:
        for some in torch.arange(count).split(BATCH):
            explainer(model, images_last[some], classes[some])

    def theirs(batch: int) -> None:
        with peer.GradCAM(model=usual, target_layers=[layer]) as cam:
            for some in torch.arange(count).split(batch):
                targets = [target(int(label)) for label in classes[some]]
                cam(input_tensor=images[some], targets=targets)
        usual.zero_grad()

    return race(
        bench,
        f"Grad-CAM of {count} images",
        clocked(explain),
        [
            Peer("pytorch-grad-cam, a call per image", clocked(lambda: theirs(1)), 4.0),
            Peer(f"pytorch-grad-cam, batches of {BATCH}", clocked(lambda: theirs(BATCH)), 4.0),
        ],
    )
