"""Where Quantus has a measure of the scorecard, the two agree; skipped where it is absent."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from skinfw_explain.scorecard import faithfulness, location
from skinfw_explain.scorecard.imputation import impute

pytestmark = pytest.mark.filterwarnings("ignore")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    quantus = pytest.importorskip("quantus", reason="Quantus is not installed: pip install quantus")

RNG = np.random.default_rng(1)
COUNT, SIDE = 12, 16


@pytest.fixture
def maps() -> np.ndarray:
    return RNG.random((COUNT, SIDE, SIDE))


@pytest.fixture
def lesions() -> np.ndarray:
    masks = RNG.random((COUNT, SIDE, SIDE)) < 0.3
    return masks


@pytest.fixture
def images() -> np.ndarray:
    return RNG.random((COUNT, 1, SIDE, SIDE)).astype(np.float32)


@pytest.fixture
def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(SIDE * SIDE, 3), nn.Softmax(1)).eval()


def ask_quantus(
    metric: Callable[..., Any],
    model: nn.Module,
    images: np.ndarray,
    maps: np.ndarray,
    lesions: np.ndarray | None = None,
) -> np.ndarray:
    given = {
        "x_batch": images,
        "y_batch": np.zeros(COUNT, int),
        "a_batch": maps[:, None],
        "s_batch": None if lesions is None else lesions[:, None],
    }
    return np.array(metric(model=model, device="cpu", **given))


def test_places(
    model: nn.Module, images: np.ndarray, maps: np.ndarray, lesions: np.ndarray
) -> None:
    keys = {"disable_warnings": True, "display_progressbar": False, "abs": False,
            "normalise": False}  # fmt: skip
    for metric, ours in (
        (quantus.PointingGame(**keys), location.pointing(maps, lesions)),
        (quantus.RelevanceMassAccuracy(**keys), location.energy(maps, lesions)),
        (quantus.RelevanceRankAccuracy(**keys), location.rank(maps, lesions)),
    ):
        theirs = ask_quantus(metric, model, images, maps, lesions)
        assert theirs.astype(float) == pytest.approx(ours.astype(float)), type(metric).__name__


def test_pixel_flipping(model: nn.Module, images: np.ndarray, maps: np.ndarray) -> None:
    flipping = quantus.PixelFlipping(
        features_in_step=SIDE, perturb_baseline=0.25, abs=False, normalise=False,
        disable_warnings=True, display_progressbar=False,
    )  # fmt: skip
    theirs = ask_quantus(flipping, model, images, maps)
    own = torch.from_numpy(images)

    def ask(changed: torch.Tensor) -> torch.Tensor:
        return model(changed)[:, 0].detach()

    order = faithfulness.pixel_order(torch.from_numpy(maps))
    ours = faithfulness.exchange_curve(ask, own, torch.full_like(own, 0.25), order, SIDE)
    assert theirs == pytest.approx(ours[:, 1:].numpy(), abs=1e-6)


def test_noisy_linear_imputation(images: np.ndarray, maps: np.ndarray) -> None:
    from quantus.functions.perturb_func import noisy_linear_imputation

    order = faithfulness.pixel_order(torch.from_numpy(maps))
    for share in faithfulness.SHARES:
        gone = faithfulness.first_pixels(order, share, (SIDE, SIDE))
        ours = impute(torch.from_numpy(images), gone).numpy()
        for place, image in enumerate(images):
            indices = np.flatnonzero(gone[place].numpy())
            theirs = noisy_linear_imputation(image, indices, noise=0.0)
            assert ours[place] == pytest.approx(theirs, abs=2e-3)
