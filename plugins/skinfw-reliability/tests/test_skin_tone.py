"""Skin whose colour is known is painted, and found again under lesion, hair, tube and noise."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from skinfw_reliability.pictures import Picture, look_at
from skinfw_reliability.skin_tone import band, typology_angle

SKINS = [(75.0, 12.0, 14.0), (68.0, 14.0, 17.0), (60.0, 15.0, 19.0), (54.0, 14.0, 20.0),
         (42.0, 12.0, 18.0), (30.0, 9.0, 10.0)]  # fmt: skip


def painted(skin: tuple[float, float, float], *parts: str, seed: int = 0) -> np.ndarray:
    """A picture of skin of one Lab colour with noise, and what else is named."""
    rng = np.random.default_rng(seed)
    height, width = 300, 400
    lab = np.empty((height, width, 3), np.float32)
    lab[:] = skin
    if "lesion" in parts:
        place = np.zeros((height, width), np.uint8)
        cv2.ellipse(place, (180, 150), (130, 100), 20, 0, 360, 1, -1)
        lab[place > 0] = (skin[0] * 0.45, 12, 10)
    if "touching" in parts:
        lab[:170, :250] = (skin[0] * 0.5, 14, 12)
    if "hair" in parts:
        for _ in range(40):
            ends = rng.integers(0, 400, (2, 2))
            place = np.zeros((height, width), np.uint8)
            cv2.line(place, ends[0].tolist(), ends[1].tolist(), 1, 2)
            lab[place > 0] = (12, 2, 3)
    if "ruler" in parts:
        lab[-22:, 100:300] = (93, 0, 1)
    lab[..., 0] += rng.normal(0, 2.5, (height, width))
    lab[..., 1:] += rng.normal(0, 1.0, (height, width, 2))
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    if "tube" in parts:
        y, x = np.mgrid[:height, :width]
        radius = np.hypot(x - 200, y - 150) / 185
        rgb *= np.clip((1.0 - radius) / 0.04, 0, 1)[..., None]
    return np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("skin", SKINS)
@pytest.mark.parametrize(
    "parts",
    [(), ("lesion",), ("touching",), ("lesion", "hair"), ("lesion", "tube"), ("lesion", "ruler"),
     ("lesion", "hair", "tube", "ruler")],
    ids="-".join,
)  # fmt: skip
def test_the_angle_of_painted_skin_is_found(skin: tuple, parts: tuple) -> None:
    expected = math.degrees(math.atan2(skin[0] - 50, skin[2]))
    assert typology_angle(painted(skin, *parts)) == pytest.approx(expected, abs=2)


@pytest.mark.parametrize("side", [150, 1500])
def test_the_size_of_the_picture_does_not_matter(side: int) -> None:
    image = painted(SKINS[1], "lesion", "hair", "tube")
    other = cv2.resize(image, (side * 4 // 3, side), interpolation=cv2.INTER_AREA)
    assert typology_angle(other) == pytest.approx(typology_angle(image), abs=2)


def test_what_is_no_skin_has_no_angle() -> None:
    for grey in (0, 128, 255):
        assert math.isnan(typology_angle(np.full((60, 80, 3), grey, np.uint8)))


def test_light_skin_under_bluish_light_is_not_called_dark() -> None:
    assert band(typology_angle(painted((70.0, 14.0, -4.0)))) == "very light"


def test_bands_are_those_of_del_bino_and_bernerd() -> None:
    edges = (56, 55, 41, 28, 10, -30, -80)
    names = ["very light", "light", "intermediate", "tan", "brown", "dark", "dark"]
    assert [band(angle) for angle in edges] == names
    assert band(math.nan) == ""


def test_files_tell_size_and_angle_and_broken_ones_nothing(tmp_path: Path) -> None:
    Image.fromarray(painted(SKINS[2], "lesion")).save(tmp_path / "a.jpg", quality=95)
    (tmp_path / "b.jpg").write_bytes(b"no picture")
    good, broken, absent = look_at([str(tmp_path / f"{name}.jpg") for name in "abc"])
    assert (good.width, good.height) == (400, 300)
    assert good.angle == pytest.approx(math.degrees(math.atan2(10, 19)), abs=2)
    for empty in (broken, absent):
        assert (empty.width, empty.height) == (0, 0) and math.isnan(empty.angle)
    assert isinstance(good, Picture)
