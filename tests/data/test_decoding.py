from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinfw.data.decoding import read_image
from skinfw.errors import SkinfwError

RED = (200, 30, 40)


def picture() -> Image.Image:
    image = Image.new("RGB", (40, 30), RED)
    image.paste((10, 220, 30), (0, 0, 20, 15))  # green, top left
    return image


@pytest.mark.parametrize(
    ("name", "convert"),
    [
        ("a.png", lambda image: image),
        ("a.png", lambda image: image.convert("P", palette=Image.Palette.ADAPTIVE)),
        ("a.png", lambda image: image.convert("RGBA")),
        ("a.tif", lambda image: image.convert("CMYK")),
        ("a.bmp", lambda image: image),
    ],
)
def test_every_mode_becomes_the_same_rgb(tmp_path: Path, name: str, convert) -> None:
    convert(picture()).save(tmp_path / name)
    pixels = read_image(tmp_path / name)
    assert pixels.shape == (30, 40, 3) and pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - np.asarray(picture(), int)).max() <= 4


def test_grey_and_16_bit_keep_their_range(tmp_path: Path) -> None:
    ramp = np.linspace(0, 255, 64).astype(np.uint8).reshape(8, 8)
    Image.fromarray(ramp).save(tmp_path / "grey.png")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    for name in ("grey.png", "deep.png"):
        pixels = read_image(tmp_path / name)
        assert (pixels == ramp[..., None]).all(), name


def test_transparency_shows_white(tmp_path: Path) -> None:
    image = picture().convert("RGBA")
    image.putalpha(0)
    image.save(tmp_path / "clear.png")
    assert (read_image(tmp_path / "clear.png") == 255).all()


def test_exif_orientation_is_applied(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees clockwise to see it upright
    picture().save(tmp_path / "turned.jpg", exif=exif, quality=95)
    pixels = read_image(tmp_path / "turned.jpg")
    assert pixels.shape == (40, 30, 3)
    green = pixels[..., 1] > 120
    assert green[:20, 15:].mean() > 0.9 and green[20:].mean() < 0.1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "does not exist"),
        (b"", "is empty"),
        (b"<html>not found</html>", "no image format"),
        ("truncated", "truncated"),
    ],
)
def test_an_undecodable_file_is_named(tmp_path: Path, content, why: str) -> None:
    file = tmp_path / "ISIC_0000001.jpg"
    if content == "truncated":
        noise = np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8)
        Image.fromarray(noise).save(file)
        content = file.read_bytes()[:2000]
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SkinfwError) as error:
        read_image(file)
    assert error.value.where == str(file)
    assert why in error.value.why
    assert error.value.cure


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"quality": 95}),
        ("RGB", {"quality": 60, "progressive": True}),
        ("RGB", {"subsampling": 0}),
        ("L", {"quality": 90}),
        ("CMYK", {"quality": 90}),
    ],
)
@pytest.mark.parametrize(("short", "factor"), [(0, 1), (30, 2), (7, 8)])
def test_jpeg_pixels_are_those_of_pillow(
    tmp_path: Path, mode: str, options: dict, short: int, factor: int
) -> None:
    """Whichever library decodes it, whole or reduced."""
    noise = np.random.default_rng(0).integers(0, 255, (61, 83, 3), np.uint8)
    file = tmp_path / "a.jpg"
    Image.fromarray(noise).convert(mode).save(file, **options)
    image = Image.open(file)
    image.draft(image.mode, (83 // factor, 61 // factor))
    expected = np.asarray(image.convert("RGB"), int)
    assert expected.shape == (-(-61 // factor), -(-83 // factor), 3)
    assert np.abs(read_image(file, short).astype(int) - expected).max() <= 1


def test_bytes_behind_the_end_of_a_jpeg_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    picture().save(file, quality=95)
    expected = read_image(file)
    file.write_bytes(file.read_bytes() + b"appended by some camera")
    assert (read_image(file) == expected).all()


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "grey.jpg", "cmyk.jpg", "palette.png"])
@pytest.mark.parametrize(("short", "factor"), [(0, 1), (100, 1), (75, 2), (70, 2), (20, 4)])
def test_large_images_are_halved_while_they_are_decoded(
    tmp_path: Path, name: str, short: int, factor: int
) -> None:
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(40, 200, (5, 7, 3), np.uint8))
    image = coarse.resize((200, 150), Image.Resampling.BICUBIC)
    mode = {"grey.jpg": "L", "cmyk.jpg": "CMYK", "palette.png": "P"}.get(name, "RGB")
    image.convert(mode).save(tmp_path / name, quality=95)
    whole = Image.fromarray(read_image(tmp_path / name))
    pixels = read_image(tmp_path / name, short)
    assert pixels.shape == (-(-150 // factor), 200 // factor, 3)
    expected = np.asarray(whole.reduce(factor), int)
    assert np.abs(pixels.astype(int) - expected).mean() < 2.5


def test_halving_knows_the_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture().resize((200, 150)).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    pixels = read_image(tmp_path / "turned.jpg", 50)
    assert pixels.shape == (100, 75, 3)
    green = pixels[..., 1] > 120
    assert green[:50, 38:].mean() > 0.9 and green[50:].mean() < 0.1
