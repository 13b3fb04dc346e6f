"""Write a trained network as one ONNX file that says how it is used."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from skinfw import SkinfwError, atomic_write
from skinfw.toolkit import (
    EngineSettings,
    TrainedModel,
    choose_hardware,
    display_path,
    load_network,
    make_view,
)
from skinfw_inference.exported_model import NOTICE, write_metadata
from skinfw_inference.onnx_predictor import (
    INPUT,
    OUTPUT,
    ROWS,
    OnnxPredictor,
    runtime,
)
from skinfw_inference.packages import missing_package

TOLERANCE = 1e-4
OPSET = 17  # old enough for every torch and runtime, new enough for layer normalisation


class _Graph(torch.nn.Module):
    """Lead from pixels to probabilities."""

    def __init__(self, trained_model: TrainedModel) -> None:
        super().__init__()
        plain = EngineSettings(device="cpu", precision="fp32", memory_format="contiguous")
        hardware = choose_hardware(plain)
        own = trained_model.networks
        self.networks = torch.nn.ModuleList([load_network(one, hardware) for one in own])
        self._normalise = [hardware.normaliser(network) for network in self.networks]
        self._scoring, self._classes = [one.view_averaging for one in own], len(own[0].classes)
        self._combination = trained_model.combination

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        steps = zip(self.networks, self._normalise, self._scoring, strict=True)
        answers = [
            scoring.probabilities(network(normalise(images))[:, : self._classes])
            for network, normalise, scoring in steps
        ]
        return self._combination.probabilities(answers)


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
    _check_alike(trained_model)
    graph = _Graph(trained_model).eval()
    images = _images(trained_model.image.size)
    with atomic_write(file) as partial:
        _trace(graph, images[:2], partial)
        model = onnx.load(partial)
        model.doc_string = NOTICE
        onnx.helper.set_model_props(model, write_metadata(trained_model))
        onnx.save(model, partial)
        difference = _difference(graph, partial, images, trained_model.trust)
        if not difference <= TOLERANCE:
            raise SkinfwError(
                f"ONNX Runtime and torch differ by {difference:.2g}",
                str(file),
                f"probabilities must agree to {TOLERANCE}; no file was kept",
                "report it to the backbone's plugin; skinfw predict --runtime torch works",
            )
    return difference


def _check_alike(trained_model: TrainedModel) -> None:
    """Refuse an ensemble that one file cannot answer for: it takes one picture of an image."""
    first, *others = trained_model.networks
    differs = [name for name in ("image", "prepare", "view") for own in others
               if _looks(own, name) != _looks(first, name)]  # fmt: skip
    view = first.view
    several = len(make_view(view, first.image.size).plan((512, 512))) > 1
    linear = trained_model.combination.method == "probabilities"
    why = ""
    if differs:
        why = f"its members look at images in different ways: [{differs[0]}] is not the same"
    elif others and several and (not linear or first.view_averaging.combine == "vote"):
        why = "its answers are combined after each member has averaged its views"
    if why:
        raise SkinfwError(
            "the ensemble cannot be one exported file",
            display_path(trained_model.path),
            why,
            "skinfw predict --runtime torch works; or export its members one by one",
        )


def _looks(model: TrainedModel, name: str) -> object:
    """Return what of a table decides the picture that a network gets."""
    table = model.tables.get(name, [])
    if name == "image":  # sizes in training are no matter
        return {key: own for key, own in table.items() if key != "train_sizes"}
    if name == "view":  # the graph has each member's own adjustment
        return {key: own for key, own in table.items() if key not in ("scores", "logit_adjustment")}
    return table


def _trace(graph: _Graph, images: npt.NDArray[np.uint8], file: Path) -> None:
    """Write the graph, constants and batch normalisation folded, for any number of images."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that it traces, and that it is the old one
            torch.onnx.export(
                graph,
                (torch.from_numpy(images),),
                file,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_axes={INPUT: {0: ROWS}, OUTPUT: {0: ROWS}},
                opset_version=OPSET,
                dynamo=False,
            )
    except OSError:
        raise
    except Exception as error:  # tracing runs the backbone, which may raise anything
        raise SkinfwError(
            f"the network cannot be exported: {type(error).__name__}",
            why=str(error).splitlines()[0] if str(error) else "",
            cure="skinfw predict --runtime torch works; --traceback shows what stands in the way",
        ) from error


@torch.inference_mode()
def _difference(graph: _Graph, file: Path, images: npt.NDArray[np.uint8], trust: bool) -> float:
    """Return the largest difference, image by image, and with a shorter call filled up."""
    # One by one, torch takes every branch that depends on what an image shows.
    expected = torch.cat([graph(image[None]) for image in torch.from_numpy(images)]).numpy()
    answers = [
        OnnxPredictor(file, rows, trust).probabilities(images) for rows in (1, len(images) - 1)
    ]
    return float(max(np.abs(answer - expected).max() for answer in answers))


def _images(size: int) -> npt.NDArray[np.uint8]:
    """Return black, white, a ramp of colours, and noise, fine and coarse."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, size).astype(np.uint8)
    colours = np.stack(np.broadcast_arrays(ramp[:, None], ramp[None], ramp[::-1, None]), axis=2)
    fine = rng.integers(0, 256, (size, size, 3), np.uint8)
    cells = rng.integers(0, 256, (8, 8, 3), np.uint8)
    coarse = cells.repeat(-(-size // 8), 0).repeat(-(-size // 8), 1)[:size, :size]
    black = np.zeros_like(fine)
    return np.stack([black, ~black, colours, fine, coarse])
