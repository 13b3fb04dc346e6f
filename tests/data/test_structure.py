"""Files that would cost much are refused by their structure; good ones are decoded as ever."""

import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from campaigns.hostile_images import BOMBS, EPS, IMPOSTORS, good, segment
from PIL import Image

from skinfw.data.decoding import file_size, read_file, read_image
from skinfw.data.structure.bounds import Limits
from skinfw.data.structure.tiff import orientation
from skinfw.errors import SkinfwError

EVERY = Limits(formats=(*Limits().formats, "gif"))


@pytest.mark.parametrize(
    ("bomb", "why"),
    [
        ("png of 65,535 squared", "65,535 pixels, more than image.max_pixels = 40,000,000"),
        ("png of two heads", "60,000 x 60,000 pixels"),
        ("png of many chunks", "more than 65,536 chunks"),
        ("png without pixels", "0 x 9 pixels"),
        ("jpeg of 65,535 squared", "65,535 x 65,535 pixels"),
        ("jpeg of a thousand scans", "more than 64 scans"),
        ("jpeg of many fill bytes", "more than 65,536 segments"),
        ("jpeg of much junk", "more than 65,536 segments"),
        ("jpeg of many comments", "more than 65,536 segments"),
        ("jpeg of many blocks", "more than 65,536 segments"),
        ("jpeg of much exif", "EXIF data have more than"),
        ("jpeg of many frames", "several frame headers"),
        ("jpeg with tags that overlap", "EXIF tags claim"),
        ("jpeg with pictures that overlap", "MPF tags claim"),
        ("tiff of 65,535 squared", "65,535 x 65,535 pixels"),
        ("tiff with tags that overlap", "TIFF tags claim"),
        ("tiff of many values", "more than 65,536 values"),
        ("tiff of many strips", "more than 65,536 values"),
        ("tiff of strips that overlap", "far more pixels than the image"),
        ("tiff of a huge tile", "65,520 x 65,520 pixels"),
        ("tiff of a rare compression", "compression 34925"),
        ("webp of a huge canvas", "pixels, more than image.max_pixels"),
        ("webp of 16,384 squared", "1/2 of it for webp"),
        ("webp of many frames", "more than 65,536 frames"),
        ("bmp of 2**31", "pixels, more than image.max_pixels"),
        ("bmp of long runs", "run-length encoding"),
        ("jpeg 2000 of 65,535 squared", "1/4 of it for jpeg2000"),
        ("jpeg 2000 of a billion tiles", "9,720,000 tiles"),
        ("jpeg 2000 of small blocks", "very small blocks"),
        ("jpeg 2000 of many layers", "more than 256 layers"),
        ("jpeg 2000 of many components", "10,000 components"),
        ("jpeg 2000 of many comments", "more than 65,536 segments"),
        ("jpeg 2000 of many boxes", "more than 65,536 boxes"),
        ("gif of 65,535 squared", "65,535 x 65,535 pixels"),
        ("gif of many comments", "more than 65,536 blocks"),
    ],
)  # fmt: skip
def test_a_bomb_is_refused_by_its_structure(tmp_path: Path, bomb: str, why: str) -> None:
    file = tmp_path / "ISIC_0000001.jpg"
    file.write_bytes(BOMBS[bomb]())
    with pytest.raises(SkinfwError) as error:
        read_image(file, limits=EVERY)
    assert why in error.value.why
    assert len(str(error.value).splitlines()) == 4 and str(file) in str(error.value)


def test_every_format_is_told_by_content_and_not_by_name(tmp_path: Path) -> None:
    for name, content in good().items():
        file = tmp_path / f"{name}.eps"
        file.write_bytes(content)
        assert read_image(file, limits=EVERY).shape in ((120, 160, 3), (160, 120, 3)), name


def test_gif_must_be_added(tmp_path: Path) -> None:
    file = tmp_path / "a.jpg"
    file.write_bytes(good()["a.gif"])
    with pytest.raises(SkinfwError) as error:
        read_image(file)
    assert "it is a gif file" in error.value.why and 'add "gif"' in error.value.cure


@pytest.mark.parametrize("content", [*IMPOSTORS.values(), EPS + good()["base.jpg"]])
def test_what_is_no_image_reaches_no_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    def opened(*_: object, formats: object = None, **__: object) -> None:
        assert formats in (["jpeg"], ["png"], ["bmp"])  # which their first bytes say
        raise OSError("damaged")

    monkeypatch.setattr(Image, "open", opened)
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(SkinfwError, match="cannot be decoded"):
        read_image(tmp_path / "a.jpg", limits=EVERY)


def test_limits_are_those_of_the_recipe(tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    file.write_bytes(good()["a.png"])
    assert file_size(file.read_bytes(), Limits(pixels=160 * 120)) == (160, 120)
    with pytest.raises(SkinfwError, match=r"image\.max_pixels = 19,199"):
        read_image(file, limits=Limits(pixels=160 * 120 - 1))
    with file.open("r+b") as sparse:
        sparse.truncate(3_000_000)
    assert read_image(file, limits=Limits(megabytes=3)).size
    with pytest.raises(SkinfwError, match=r"image\.max_megabytes = 2"):
        read_image(file, limits=Limits(megabytes=2))


@pytest.mark.skipif(sys.platform == "win32", reason="there are no named pipes")
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (os.mkfifo, "a pipe or a device"),
        (lambda file: file.symlink_to("/dev/zero"), "a pipe or a device"),
        (lambda file: file.symlink_to(file), "symbolic links"),
        (Path.mkdir, "directory"),
    ],
)
def test_only_a_file_is_read(tmp_path: Path, make, why: str) -> None:
    make(tmp_path / "a.jpg")
    with pytest.raises(SkinfwError) as error:
        read_file(tmp_path / "a.jpg")
    assert why in error.value.why


def test_broken_exif_and_profile_do_not_cost_the_image(tmp_path: Path) -> None:
    whole = good()["progressive.jpg"]
    file = tmp_path / "a.jpg"
    file.write_bytes(whole)
    expected = read_image(file)
    broken = segment(0xE2, b"ICC_PROFILE\0\1\2none")
    for exif in (b"", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff", b"MM\0*\0\0\0\x08"):
        file.write_bytes(whole[:2] + segment(0xE1, b"Exif\0\0" + exif) + broken + whole[2:])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the filter of skinfw is not that of pytest
            assert (read_image(file) == expected).all()


@pytest.mark.parametrize("held", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_images_are_turned_upright_as_pillow_does(tmp_path: Path, kind: str, held: int) -> None:
    from PIL import ImageOps

    ramp = Image.fromarray(np.arange(24 * 36, dtype=np.uint32).astype(np.uint8).reshape(24, 36))
    exif = Image.Exif()
    exif[0x0112] = held
    about = {"tiffinfo": {0x0112: held}} if kind == "TIFF" else {"exif": exif}
    ramp.convert("RGB").save(tmp_path / "a", kind, **about)
    with Image.open(tmp_path / "a") as image:
        expected = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    assert (read_image(tmp_path / "a") == expected).all()
    assert kind == "TIFF" or orientation(exif.tobytes()) == held


def test_large_images_are_the_same_in_bands(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    from skinfw.data import rgb

    for name in ("alpha.png", "palette.png", "deep.png", "deep.tif", "cmyk.jpg", "fax.tif"):
        (tmp_path / name).write_bytes(good()[name])
    whole = {file: [read_image(file, short) for short in (0, 30)] for file in tmp_path.iterdir()}
    monkeypatch.setattr(rgb, "_BAND_PIXELS", 160 * 24)
    for file, (one, two) in whole.items():
        assert (read_image(file) == one).all() and (read_image(file, 30) == two).all(), file
