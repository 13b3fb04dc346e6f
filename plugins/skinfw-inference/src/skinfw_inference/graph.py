"""A trained network as one module from pixels to probabilities, and what to try it on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from skinfw import SkinfwError
from skinfw.toolkit import (
    EngineSettings,
    TrainedModel,
    choose_hardware,
    display_path,
    load_network,
    make_view,
)
from skinfw_inference.onnx_predictor import INPUT, METADATA

TOLERANCE = 1e-4


class Graph(torch.nn.Module):
    """Lead from pixels, and metadata as people write them, to probabilities."""

    def __init__(self, trained_model: TrainedModel) -> None:
        """Load the network, or all members of an ensemble.

        Raises SkinfwError where one file cannot answer for them.
        """
        super().__init__()
        _check_alike(trained_model)
        plain = EngineSettings(device="cpu", precision="fp32", memory_format="contiguous")
        hardware = choose_hardware(plain)
        own = trained_model.networks
        self.networks = torch.nn.ModuleList([load_network(one, hardware) for one in own])
        self._normalise = [hardware.normaliser(network) for network in self.networks]
        self._metadata = [_scales(one) for one in own]
        self._scoring, self._classes = [one.view_averaging for one in own], len(own[0].classes)
        self._combination = trained_model.combination
        self.requires_grad_(False)  # what is exported answers, and learns no more

    def logits(self, images: torch.Tensor) -> torch.Tensor:
        """Return what the first network says of images, [N, C], before it is a probability.

        images: as for `forward`.
        """
        answer: torch.Tensor = self.networks[0](self._normalise[0](images))
        return answer[:, : self._classes]

    def forward(self, images: torch.Tensor, metadata: torch.Tensor | None = None) -> torch.Tensor:
        """Return the probabilities [N, C].

        images: uint8 [N, H, W, 3], or [N, P, H, W, 3] for networks that look at P pictures.
        metadata: float32 [N, K], numbers in their own units and places of words, NaN missing.
        """
        steps = zip(self.networks, self._normalise, self._metadata, self._scoring, strict=True)
        answers = []
        for network, normalise, (mean, spread), scoring in steps:
            known = () if metadata is None else ((metadata - mean) / spread,)
            logits = network(normalise(images), *known)[:, : self._classes]
            answers.append(scoring.probabilities(logits))
        return self._combination.probabilities(answers)


def graph_inputs(
    images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32]
) -> dict[str, torch.Tensor]:
    """Return what a graph is given, by the names that exported files have for it.

    images, metadata: as `Graph.forward` takes them; metadata without a column are no input.
    """
    given = {INPUT: images, METADATA: metadata} if metadata.shape[1] else {INPUT: images}
    return {name: torch.from_numpy(own) for name, own in given.items()}


def _scales(model: TrainedModel) -> tuple[torch.Tensor, torch.Tensor]:
    """Return what is taken off the metadata, and what they are divided by; words stay."""
    words = [(0.0, 1.0)] * len(model.known.categories)
    scales = [*model.known.numbers.values(), *words]
    return torch.tensor([mean for mean, _ in scales]), torch.tensor([own for _, own in scales])


@contextmanager
def refuse_trace() -> Iterator[None]:
    """Say that a network cannot be exported, whatever its backbone raises while it is traced."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise SkinfwError(
            f"the network cannot be exported: {type(error).__name__}",
            why=str(error).splitlines()[0] if str(error) else "",
            cure="skinfw predict --runtime torch works; --traceback shows what stands in the way",
        ) from error


def refuse_difference(difference: float, who: str, file: Path) -> None:
    """Raise SkinfwError where exported answers are not those of the network.

    difference: the largest one of a probability.
    who: answers otherwise.
    """
    if not difference <= TOLERANCE:
        raise SkinfwError(
            f"{who} and torch differ by {difference:.2g}",
            str(file),
            f"probabilities must agree to {TOLERANCE}; no file was kept",
            "report it to the backbone's plugin; skinfw predict --runtime torch works",
        )


def _check_alike(trained_model: TrainedModel) -> None:
    """Refuse an ensemble that one file cannot answer for: it takes one picture of an image."""
    first, *others = trained_model.networks
    differs = [name for name in ("image", "prepare", "view", "modalities") for own in others
               if _looks(own, name) != _looks(first, name)]  # fmt: skip
    view = first.view
    several = len(make_view(view, first.image.size).plan((512, 512))) > 1
    linear = trained_model.combination.method == "probabilities"
    why = ""
    if differs:
        why = f"its members look at images in different ways: [{differs[0]}] is not the same"
    elif len({_words(own) for own in trained_model.networks}) > 1:
        why = "its members get other metadata, or were trained on other words"
    elif others and several and (not linear or first.view_averaging.combine == "vote"):
        why = "its answers are combined after each member has averaged its views"
    if why:
        raise SkinfwError(
            "the ensemble cannot be one exported file",
            display_path(trained_model.path),
            why,
            "skinfw predict --runtime torch works; or export its members one by one",
        )


def _words(model: TrainedModel) -> tuple[object, ...]:
    """Return what decides which metadata a network gets; each has its own scale of numbers."""
    return (tuple(model.known.numbers), *model.known.categories.items())


def _looks(model: TrainedModel, name: str) -> object:
    """Return what of a table decides the picture that a network gets."""
    table = model.tables.get(name, [])
    if name == "image":  # sizes in training are no matter
        return {key: own for key, own in table.items() if key != "train_sizes"}
    if name == "view":  # the graph has each member's own adjustment
        return {key: own for key, own in table.items() if key not in ("scores", "logit_adjustment")}
    return table


def trial_inputs(model: TrainedModel) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
    """Return images and metadata on which an exported file is compared with its network.

    Images are black, white, a ramp of colours, and noise, fine and coarse; metadata are unknown,
    or spread over what training saw.
    """
    images = _images(model.image.size)
    if model.known.pictures > 1:
        turns = [np.roll(images, turn, 0) for turn in range(model.known.pictures)]
        images = np.stack(turns, axis=1)
    columns = [
        [mean + turn * spread for turn in range(-2, 2)]
        for mean, spread in model.known.numbers.values()
    ]
    columns += [
        [float(turn % len(words)) for turn in range(4)] for words in model.known.categories.values()
    ]
    metadata = np.full((len(images), len(columns)), np.nan, np.float32)
    metadata[1:] = np.array(columns, np.float32).reshape(-1, 4).T
    return images, metadata


@torch.inference_mode()
def one_by_one(
    graph: Graph, images: npt.NDArray[np.uint8], metadata: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """Return what torch says, image by image: it takes every branch that an image decides."""
    given = [torch.from_numpy(images), torch.from_numpy(metadata)]
    pieces = zip(*given, strict=True)
    return np.concatenate(
        [graph(image[None], known[None] if len(known) else None).numpy() for image, known in pieces]
    )


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
