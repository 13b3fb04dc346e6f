"""Where the views of an image look, and what they show."""

import numpy as np
import pytest

from skinfw import SkinfwError
from skinfw.data.warping import apply_steps, fold_steps
from skinfw_augment.views import Center, MultiCrop, MultiScale


@pytest.mark.parametrize(
    ("height", "width", "short", "ys", "xs"),
    [
        (450, 600, 450, [0, 75, 150, 226], [0, 125, 250, 376]),
        (450, 450, 450, [0, 75, 150, 226], [0, 75, 150, 226]),
        (336, 522, 336, [0, 37, 74, 112], [0, 99, 198, 298]),
    ],
    ids=["ISIC 2018", "ISIC 2019", "Derm7PT"],
)
def test_the_grid_is_the_published_one(height, width, short, ys, xs) -> None:
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    plans = MultiCrop(224, resize=short / 224).plan((height, width))
    result = {apply_steps(image, fold_steps(plan)).tobytes() for plan in plans}
    wanted = {image[y : y + 224, x : x + 224].tobytes() for y in ys for x in xs}
    assert len(plans) == 16 and result == wanted
    # The one that stands for all between epochs lies in the middle.
    central = {image[y : y + 224, x : x + 224].tobytes() for y in ys[1:3] for x in xs[1:3]}
    assert apply_steps(image, fold_steps(plans[0])).tobytes() in central


def test_the_grid_spans_an_image_that_is_resized() -> None:
    plans = MultiCrop(64, grid=3, resize=2.0).plan((400, 500))
    assert len(plans) == 9
    matrices = [fold_steps(plan)[0].matrix for plan in plans]
    assert any(matrix @ [0, 0, 1] == pytest.approx([0, 0, 1]) for matrix in matrices)
    assert any(matrix @ [64, 64, 1] == pytest.approx([500, 400, 1]) for matrix in matrices)


def test_scales_show_more_and_less_of_the_middle() -> None:
    view = MultiScale(64, scales=(0.5, 1.0, 2.0), count=2, resize=2.0)
    plans = [fold_steps(plan) for plan in view.plan((300, 400))]
    assert len(plans) == 6
    sides = [abs((plan[0].matrix @ [64, 0, 1] - plan[0].matrix @ [0, 0, 1])[0]) for plan in plans]
    assert sides == pytest.approx([75, 75, 150, 150, 300, 300], abs=0.6)
    for plan in plans:
        assert plan[0].matrix @ [32, 32, 1] == pytest.approx([200, 150, 1], abs=1.5)


def test_the_scale_of_one_is_the_center_view() -> None:
    image = np.random.default_rng(0).integers(0, 256, (128, 160, 3), np.uint8)
    plans = MultiScale(64, scales=(1.0,), count=1, resize=2.0).plan((128, 160))
    (center,) = Center(64, resize=2.0).plan((128, 160))
    assert (
        apply_steps(image, fold_steps(plans[0])) == apply_steps(image, fold_steps(center))
    ).all()


@pytest.mark.parametrize("scales", [(), (1.0, 2.5)])
def test_scales_beyond_the_image_are_refused(scales: tuple[float, ...]) -> None:
    with pytest.raises(SkinfwError, match="do not fit a resize of 2"):
        MultiScale(64, scales=scales, resize=2.0)
