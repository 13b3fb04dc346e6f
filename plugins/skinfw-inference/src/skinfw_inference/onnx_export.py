"""Write a trained network as one ONNX file that says how it is used."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from skinfw import atomic_write
from skinfw.toolkit import TrainedModel
from skinfw_inference.exported_model import NOTICE, write_metadata
from skinfw_inference.graph import (
    Graph,
    graph_inputs,
    one_by_one,
    refuse_difference,
    refuse_trace,
    trial_inputs,
)
from skinfw_inference.onnx_predictor import (
    OUTPUT,
    ROWS,
    OnnxPredictor,
    runtime,
)
from skinfw_inference.packages import missing_package

OPSET = 17  # old enough for every torch and runtime, new enough for layer normalisation


def export(trained_model: TrainedModel, file: Path) -> float:
    """Write a run's network as ONNX, and compare its answers with torch's.

    trained_model: of a run folder.
    file: the target; it gets its name only when the answers agree.
    Returns the largest difference of a probability.
    """
    try:
        import onnx
    except ImportError as error:
        raise missing_package("onnx") from error
    runtime()
    graph = Graph(trained_model).eval()
    images, metadata = trial_inputs(trained_model)
    with atomic_write(file) as partial:
        _trace(graph, images[:2], metadata[:2], partial)
        model = onnx.load(partial)
        model.doc_string = NOTICE
        onnx.helper.set_model_props(model, write_metadata(trained_model))
        onnx.save(model, partial)
        difference = _difference(graph, partial, images, metadata, trained_model.trust)
        refuse_difference(difference, "ONNX Runtime", file)
    return difference


def _trace(
    graph: Graph, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32], file: Path
) -> None:
    """Write the graph, constants and batch normalisation folded, for any number of images."""
    given = graph_inputs(images, metadata)
    with refuse_trace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it traces, and that it is the old one
        torch.onnx.export(
            graph,
            tuple(given.values()),
            file,
            input_names=list(given),
            output_names=[OUTPUT],
            dynamic_axes={name: {0: ROWS} for name in (*given, OUTPUT)},
            opset_version=OPSET,
            dynamo=False,
        )


@torch.inference_mode()
def _difference(
    graph: Graph,
    file: Path,
    images: npt.NDArray[np.uint8],
    metadata: npt.NDArray[np.float32],
    trust: bool,
) -> float:
    """Return the largest difference, image by image, and with a shorter call filled up."""
    expected = one_by_one(graph, images, metadata)
    answers = [
        OnnxPredictor(file, rows, trust).probabilities(images, metadata)
        for rows in (1, len(images) - 1)
    ]
    return float(max(np.abs(answer - expected).max() for answer in answers))
