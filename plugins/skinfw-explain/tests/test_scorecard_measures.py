"""The measures of the scorecard, against what they are by hand, by scipy and by closed forms."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.sparse import lil_matrix
from scipy.sparse.linalg import spsolve
from scipy.stats import spearmanr
from torch import nn

from skinfw_explain.scorecard import faithfulness, location
from skinfw_explain.scorecard.imputation import add_noise, impute
from skinfw_explain.scorecard.randomisation import STAGES, randomised, stages
from skinfw_explain.scorecard.ranks import rank_correlation
from skinfw_explain.scorecard.stability import shifted, stability

RNG = np.random.default_rng(0)


def disc(side: int, radius: float, row: float, column: float) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return np.hypot(rows - row, columns - column) <= radius


def test_pointing_asks_for_the_peak_alone() -> None:
    lesion = disc(20, 5, 10, 10)
    maps = np.zeros((5, 20, 20), np.float32)
    maps[0, 10, 12] = 1  # inside
    maps[1, 0, 0], maps[1, 10, 10] = 1, 0.9  # outside, though more lies inside
    maps[2, 10, 10] = maps[2, 10, 11] = maps[2, 0, 0] = 1  # two of three peaks inside
    maps[3, 10, 10] = maps[3, 0, 0] = 1  # one of two
    hits = location.pointing(maps, np.broadcast_to(lesion, maps.shape))
    assert hits.tolist() == [True, False, True, False, False], "the last map is black"


def test_energy_is_a_share_of_the_sum() -> None:
    lesion = disc(30, 8, 15, 15)
    uniform = np.ones((2, 30, 30), np.float32)
    uniform[1] = 0
    share = location.energy(uniform, np.broadcast_to(lesion, uniform.shape))
    assert share[0] == pytest.approx(lesion.mean()) and math.isnan(share[1])
    inside = lesion[None] * RNG.random((1, 30, 30))
    assert location.energy(inside, lesion[None])[0] == pytest.approx(1)
    assert location.energy(inside, location.corners(30, 30))[0] == 0


def test_rank_counts_the_highest_pixels_inside() -> None:
    lesion = np.zeros((1, 4, 4), bool)
    lesion[0, :2] = True  # eight pixels
    heat = np.arange(16.0)[::-1].reshape(1, 4, 4)  # falls row by row
    assert location.rank(heat, lesion)[0] == 1
    assert location.rank(-heat, lesion)[0] == 0
    assert location.rank(np.ones((1, 4, 4)), lesion)[0] == pytest.approx(0.5), "ties by their share"
    assert math.isnan(location.rank(heat, np.zeros_like(lesion))[0])


def test_the_border_band_is_a_ring_of_a_tenth_of_the_diameter() -> None:
    lesion = disc(200, 50, 100, 100)
    (band,) = location.border_bands(lesion[None])
    diameter = 2 * math.sqrt(lesion.sum() / math.pi)
    far = np.abs(np.hypot(*(np.mgrid[:200, :200] - 100)) - 50.5)
    width = location.BORDER * diameter
    assert band[far < width - 2].all() and not band[far > width + 2].any()


def test_corners_are_four_squares() -> None:
    own = location.corners(50, 100)
    assert own.sum() == 4 * 10 * 10 and own[0, 0] and own[-1, -1] and not own[25].any()


def test_ranks_correlate_as_in_scipy() -> None:
    first = RNG.random((3, 40, 30)).round(1)  # with ties
    second = (first + RNG.random((3, 40, 30))).round(1)
    wanted = [spearmanr(*(own.ravel() for own in pair)).statistic
              for pair in zip(first, second, strict=True)]  # fmt: skip
    assert rank_correlation(first, second) == pytest.approx(wanted)
    assert np.isnan(rank_correlation(first, np.ones_like(first))).all()


def test_ranks_of_large_maps_are_those_of_their_blocks() -> None:
    small = RNG.random((1, 64, 64))
    other = RNG.random((1, 64, 64))
    large, larger = (own.repeat(3, 1).repeat(3, 2) for own in (small, other))
    assert rank_correlation(large, larger) == pytest.approx(rank_correlation(small, other))


def _imputed(image: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """Solve the linear system of Rong et al. directly."""
    number = np.full(missing.shape, -1)
    number[missing] = np.arange(missing.sum())
    left = lil_matrix((missing.sum(), missing.sum()))
    right = np.zeros((missing.sum(), len(image)))
    near = [(down, over) for down in (-1, 0, 1) for over in (-1, 0, 1) if down or over]
    for row, column in np.argwhere(missing):
        own = number[row, column]
        for down, over in near:
            there = (row + down, column + over)
            weight = 1 / 12 if down and over else 1 / 6
            if not all(0 <= at < side for at, side in zip(there, missing.shape, strict=True)):
                continue
            left[own, own] += weight
            if missing[there]:
                left[own, number[there]] -= weight
            else:
                right[own] += weight * image[(slice(None), *there)]
    filled = image.copy()
    filled[:, missing] = spsolve(left.tocsr(), right).T
    return filled


def test_imputation_solves_the_linear_system() -> None:
    images = RNG.random((2, 3, 24, 20))
    missing = np.stack([disc(24, 8, 10, 9)[:, :20], RNG.random((24, 20)) < 0.7])
    ours = impute(torch.from_numpy(images), torch.from_numpy(missing)).numpy()
    for place in range(2):
        assert ours[place] == pytest.approx(_imputed(images[place], missing[place]), abs=2e-3)
    noise = add_noise(torch.from_numpy(images), torch.from_numpy(missing), torch.ones(3, 24, 20))
    assert np.array_equal(noise.numpy() != images, np.broadcast_to(missing[:, None], images.shape))


def brightness(images: torch.Tensor) -> torch.Tensor:
    return images.mean((1, 2, 3))


def test_exchange_curves_have_their_closed_form() -> None:
    images = torch.ones(1, 3, 8, 8, dtype=torch.float64)
    images[..., 4:] = 0
    good = images[:, 0]  # high where the image is bright
    order = faithfulness.pixel_order(good)
    curve = faithfulness.exchange_curve(brightness, images, torch.zeros_like(images), order, 4)
    assert curve[0].tolist() == pytest.approx([0.5, 0.25, 0, 0, 0])
    assert faithfulness.area(curve)[0] == pytest.approx((0.375 + 0.125 + 0 + 0) / 4)
    bad = faithfulness.pixel_order(-good)
    curve = faithfulness.exchange_curve(brightness, images, torch.zeros_like(images), bad, 4)
    assert curve[0].tolist() == pytest.approx([0.5, 0.5, 0.5, 0.25, 0])


def test_faithful_maps_score_better_than_their_opposite() -> None:
    images = torch.from_numpy(RNG.random((4, 3, 32, 32))).float()
    lesions = torch.from_numpy(disc(32, 8, 16, 16)).expand(4, 32, 32)
    images[:, 0][lesions] = 1.0
    images[:, 0][~lesions] *= 0.2

    def ask(own: torch.Tensor) -> torch.Tensor:  # the network looks at the lesion alone
        return (own[:, 0] * lesions).mean((1, 2)) / lesions.float().mean((1, 2))

    right, wrong = lesions.float(), 1 - lesions.float()
    for measure, sign in ((faithfulness.deletion, -1), (faithfulness.insertion, 1),
                          (faithfulness.road, 1)):  # fmt: skip
        good, bad = (measure(ask, images, own) for own in (right, wrong))
        assert bool((sign * (good - bad) > 0.1).all()), measure.__name__
    even = faithfulness.road(ask, images, torch.ones(4, 32, 32))
    assert bool((even.abs() < faithfulness.road(ask, images, right).abs()).all())


def test_blocks_that_are_gone_are_filled_and_others_stay() -> None:
    images = torch.from_numpy(RNG.random((1, 3, 10, 10)))
    gone = torch.zeros(1, 4, 4, dtype=torch.bool)
    gone[0, 0, 1] = gone[0, 3, 3] = True  # the last block is a single pixel
    filled, pixels = faithfulness.fill_blocks(images, gone, 3)
    assert pixels[0].sum() == 9 + 1 and pixels[0, 0, 3] and pixels[0, 9, 9]
    assert torch.equal(filled[0][:, ~pixels[0]], images[0][:, ~pixels[0]])
    assert not (filled[0][:, pixels[0]] == images[0][:, pixels[0]]).any()


def _network() -> nn.Sequential:
    torch.manual_seed(0)
    blocks = nn.Sequential(*(nn.Conv2d(4, 4, 1) for _ in range(6)))
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    return nn.Sequential(nn.Conv2d(3, 4, 1), blocks, head).eval()


def test_stages_are_forgotten_from_the_top_and_the_network_stays() -> None:
    model = _network()
    before = {name: own.clone() for name, own in model.state_dict().items()}
    assert [len(own) for own in stages(model)] == [1, 2, 3, 2]
    seen = []
    for copy in randomised(model):
        now = copy.state_dict()
        seen.append({name for name, own in before.items() if not torch.equal(now[name], own)})
        assert all(torch.equal(now[name].flatten().sort()[0], own.flatten().sort()[0])
                   for name, own in before.items())  # fmt: skip
    assert len(seen) == STAGES and seen[0] == {"2.2.weight", "2.2.bias"}
    assert all(one < two for one, two in pairwise(seen))
    assert "0.weight" in seen[-1] and "0.weight" not in seen[-2]
    assert all(torch.equal(model.state_dict()[name], own) for name, own in before.items())


def test_a_map_that_follows_the_image_is_stable() -> None:
    images = torch.from_numpy(RNG.random((3, 3, 48, 48))).float()
    grey = images.mean(1)
    follows = stability(lambda own: own.mean(1), images, grey.numpy())
    assert follows == pytest.approx(1, abs=1e-6)
    fixed = stability(lambda own: grey, images, grey.numpy())
    assert (fixed < 0.3).all()
    assert torch.equal(shifted(images, 2)[:, :, 2:, 2:], images[:, :, :-2, :-2])
