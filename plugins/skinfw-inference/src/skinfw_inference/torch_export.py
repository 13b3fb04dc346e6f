"""Write a trained network as a program of torch.export, for whoever has torch and not skinfw."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from skinfw import atomic_write
from skinfw.toolkit import TrainedModel
from skinfw_inference.exported_model import write_metadata
from skinfw_inference.graph import (
    Graph,
    graph_inputs,
    one_by_one,
    refuse_difference,
    refuse_trace,
    trial_inputs,
)
from skinfw_inference.onnx_predictor import ROWS

ABOUT = "skinfw.json"
"""The name, inside the file, of the texts that say how the network is used."""


def export(trained_model: TrainedModel, file: Path) -> float:
    """Write a run's network as a .pt2 file, and compare its answers with the network's.

    trained_model: of a run folder.
    file: the target; it gets its name only when the answers agree.
    Returns the largest difference of a probability.
    """
    graph = Graph(trained_model).eval()
    images, metadata = trial_inputs(trained_model)
    with atomic_write(file) as partial:
        program = _trace(graph, images[:2], metadata[:2])
        about = {ABOUT: json.dumps(write_metadata(trained_model))}
        # torch asks for the ending of a name, and a partial file has another one.
        with partial.open("wb") as target:
            torch.export.save(program, target, extra_files=about)
        difference = _difference(graph, partial, images, metadata)
        refuse_difference(difference, "the exported program", file)
    return difference


def _trace(
    graph: Graph, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32]
) -> torch.export.ExportedProgram:
    """Return the program, for any number of images."""
    given = graph_inputs(images, metadata)
    rows = torch.export.Dim(ROWS, min=1)
    with refuse_trace(), warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        return torch.export.export(
            graph,
            (),
            given,
            dynamic_shapes={name: {0: rows} for name in given},
        )


@torch.inference_mode()
def _difference(
    graph: Graph,
    file: Path,
    images: npt.NDArray[np.uint8],
    metadata: npt.NDArray[np.float32],
) -> float:
    """Return the largest difference of what the file says, image by image and of all at once."""
    expected = one_by_one(graph, images, metadata)
    with file.open("rb") as source:
        module = torch.export.load(source).module()
    largest = 0.0
    for cut in (slice(0, 1), slice(None)):
        answers = module(**graph_inputs(images[cut], metadata[cut])).numpy()
        largest = max(largest, float(np.abs(answers - expected[cut]).max()))
    return largest
