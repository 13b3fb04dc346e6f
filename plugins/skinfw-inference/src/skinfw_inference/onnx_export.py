"""Write a trained network as one ONNX file that says how it is used."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
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
from skinfw_inference.onnx_predictor import OUTPUT, ROWS, OnnxPredictor
from skinfw_inference.packages import missing_package

OPSET = 17  # old enough for every torch and runtime, new enough for layer normalisation


def export(trained_model: TrainedModel, file: Path) -> float:
    """Write a run's network as ONNX, and compare its answers with torch's.

    trained_model: of a run folder.
    file: the target; it gets its name only when the answers agree.
    Returns the largest difference of a probability.
    """
    graph = Graph(trained_model).eval()
    with atomic_write(file) as partial:
        write_graph(graph, graph, (OUTPUT,), trained_model, partial)
        return check_answers(graph, trained_model, partial, file)


def write_graph(
    graph: Graph,
    module: torch.nn.Module,
    outputs: Sequence[str],
    trained_model: TrainedModel,
    file: Path,
) -> None:
    """Write a module as ONNX, with the texts that say how the network is used.

    graph: of the trained model.
    module: the graph, or what it is part of.
    outputs: names of what the module returns.
    """
    try:
        import onnx
    except ImportError as error:
        raise missing_package("onnx") from error
    images, metadata = trial_inputs(trained_model)
    _trace(module, graph_inputs(images[:2], metadata[:2]), outputs, file)
    model = onnx.load(file)
    model.doc_string = NOTICE
    onnx.helper.set_model_props(model, write_metadata(trained_model))
    onnx.save(model, file)


def _trace(
    module: torch.nn.Module, given: dict[str, torch.Tensor], outputs: Sequence[str], file: Path
) -> None:
    """Write the graph, constants and batch normalisation folded, for any number of images."""
    with refuse_trace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns that it traces, and that it is the old one
        torch.onnx.export(
            module,
            tuple(given.values()),
            file,
            input_names=list(given),
            output_names=list(outputs),
            dynamic_axes={name: {0: ROWS} for name in (*given, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )


@torch.inference_mode()
def check_answers(graph: Graph, trained_model: TrainedModel, file: Path, shown: Path) -> float:
    """Compare what a file answers with torch, image by image, and with a shorter call filled up.

    file: the ONNX file.
    shown: its name in a message.
    Returns the largest difference of a probability; raises SkinfwError where it is too large.
    """
    images, metadata = trial_inputs(trained_model)
    expected = one_by_one(graph, images, metadata)
    answers = [
        OnnxPredictor(file, rows, trained_model.trust).probabilities(images, metadata)
        for rows in (1, len(images) - 1)
    ]
    difference = float(max(np.abs(answer - expected).max() for answer in answers))
    refuse_difference(difference, "ONNX Runtime", shown)
    return difference
