"""Image files as strangers send them: mutated ones, bombs, and what is none behind such a name."""

from __future__ import annotations

import io
import os
import random
import struct
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms

EPS = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n"
    b"(/tmp/x) (w) file\n{} loop\n"
)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """Return the bytes of a file."""
    sink = io.BytesIO()
    image.copy().save(sink, kind, **options)  # which leaves settings in the image
    return sink.getvalue()


@cache
def good() -> dict[str, bytes]:
    """Return a small photograph in every format, by ending and variant."""
    rng = np.random.default_rng(0)
    coarse = Image.fromarray(rng.integers(40, 200, (5, 7, 3), np.uint8))
    image = coarse.resize((160, 120), Image.Resampling.BICUBIC)
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 6, "<script>alert(1)</script>"
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    alpha = image.copy()
    alpha.putalpha(90)
    deep = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 256)

    def frames() -> dict[str, object]:
        return {"save_all": True, "append_images": [image.rotate(90), image.rotate(180)]}

    return {
        "base.jpg": saved(image, "JPEG", exif=exif, icc_profile=icc, comment=b"<svg onload=x>"),
        "progressive.jpg": saved(image, "JPEG", progressive=True, quality=95),
        "grey.jpg": saved(image.convert("L"), "JPEG"),
        "cmyk.jpg": saved(image.convert("CMYK"), "JPEG"),
        "pictures.jpg": saved(image, "MPO", **frames()),
        "a.png": saved(image, "PNG", exif=exif, icc_profile=icc),
        "palette.png": saved(image.convert("P"), "PNG", transparency=3),
        "alpha.png": saved(alpha, "PNG"),
        "deep.png": saved(deep, "PNG"),
        "animated.png": saved(image, "PNG", **frames()),
        "raw.tif": saved(image, "TIFF", tiffinfo={274: 6}, icc_profile=icc),
        "lzw.tif": saved(image, "TIFF", compression="tiff_lzw"),
        "jpeg.tif": saved(image, "TIFF", compression="jpeg"),
        "fax.tif": saved(image.convert("1"), "TIFF", compression="group4"),
        "deep.tif": saved(deep, "TIFF", compression="tiff_adobe_deflate"),
        "pages.tif": saved(image, "TIFF", **frames()),
        "big.tif": saved(image, "TIFF", big_tiff=True),
        "a.webp": saved(image, "WEBP", exif=exif, icc_profile=icc),
        "lossless.webp": saved(alpha, "WEBP", lossless=True),
        "animated.webp": saved(image, "WEBP", **frames()),
        "a.bmp": saved(image, "BMP"),
        "palette.bmp": saved(image.convert("P"), "BMP"),
        "a.jp2": saved(image, "JPEG2000"),
        "tiles.j2k": saved(image, "JPEG2000", no_jp2=True, tile_size=(64, 64)),
        "a.gif": saved(image.convert("P"), "GIF", comment=b"x" * 300),
    }


def mutated(dice: random.Random) -> tuple[str, bytes]:
    """Return a file of which a few bytes, a part, or the order of parts is wrong."""
    name, whole = dice.choice(list(good().items()))
    content = bytearray(whole)
    for _ in range(dice.choice([1, 1, 1, 2, 8])):
        at = int(len(content) * dice.random() ** dice.choice([1, 3]))
        size = dice.choice([1, 2, 4, 16, 300])
        other = dice.randrange(len(content) or 1)
        match dice.choice(["flip", "cut", "number", "swap", "double", "drop", "junk", "splice"]):
            case "flip":
                content[at : at + 1] = bytes(
                    byte ^ 1 << dice.randrange(8) for byte in content[at : at + 1]
                )
            case "cut":
                del content[at:]
            case "number":
                number = dice.choice([0, 1, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 65_535, 1 << 20])
                width = dice.choice([2, 4])
                number &= (1 << 8 * width) - 1
                content[at : at + width] = number.to_bytes(width, dice.choice(["big", "little"]))
            case "swap":
                one, two = content[at : at + size], content[other : other + size]
                content[at : at + size], content[other : other + size] = two, one
            case "double":
                content[at:at] = content[at : at + size] * dice.choice([1, 50])
            case "drop":
                del content[at : at + size]
            case "junk":
                content[at:at] = dice.randbytes(size)
            case "splice":
                content[at:] = dice.choice(list(good().values()))[at:]
    return name, bytes(content)


def chunk(name: bytes, content: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png(
    width: int, height: int, *middle: bytes, deep: int = 8, colour: int = 2, data: bytes = b""
) -> bytes:
    """Return a PNG file whose pixels are black as far as there are any."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, deep, colour, 0, 0, 0))
    body = chunk(b"IDAT", data or zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(middle) + body + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    """Return many zeros, deflated."""
    packer = zlib.compressobj(1)
    return (
        b"".join(packer.compress(bytes(1 << 20)) for _ in range((count >> 20) + 1)) + packer.flush()
    )


def segment(marker: int, content: bytes) -> bytes:
    """Return a segment of a JPEG file."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(content) + 2) + content


def jpeg(width: int, height: int, *middle: bytes, scans: int = 1, parts: int = 1) -> bytes:
    """Return a progressive JPEG file whose scans hold nothing but runs of empty blocks."""
    frame = struct.pack(">BHHB", 8, height, width, parts)
    frame += b"".join(bytes([part + 1, 0x11, 0]) for part in range(parts))
    tables = segment(0xDB, b"\0" + b"\1" * 64) + segment(0xC2, frame)
    tables += segment(0xC4, b"\x10\1" + bytes(15) + b"\xe0") + segment(0xC4, b"\0\1" + bytes(16))
    blocks = -(-width // 8) * -(-height // 8)
    runs = bytes((blocks // (1 << 14) + 2) * 15 // 8 + 1)
    body = b"".join(
        segment(0xDA, bytes([1, scan % parts + 1, 0, 1, 63, 0])) + runs for scan in range(scans)
    )
    return b"\xff\xd8" + b"".join(middle) + tables + body + b"\xff\xd9"


def tiff(*tags: tuple[int, int, int, int], rest: bytes = b"", following: int = 0) -> bytes:
    """Return a little-endian TIFF file of (tag, type, count, value)."""
    rows = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + struct.pack("<I", following) + rest


def grey(width: int, height: int, *tags: tuple[int, int, int, int], rest: bytes = b"") -> bytes:
    """Return a grey TIFF file."""
    usual = {256: (4, 1, width), 257: (4, 1, height), 258: (3, 1, 8), 262: (3, 1, 1)}
    usual |= {277: (3, 1, 1), 273: (4, 1, 8), 279: (4, 1, 8)} | {tag: own for tag, *own in tags}
    return tiff(*((tag, *own) for tag, own in usual.items()), rest=rest)


def bmp(width: int, height: int, bits: int, compression: int, data: bytes) -> bytes:
    """Return a BMP file."""
    head = struct.pack("<IiiHHIIIIII", 40, width, height, 1, bits, compression, 0, 1, 1, 0, 0)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + head + bytes(1024) + data


def codestream(
    width: int,
    height: int,
    tile: int,
    parts: int = 3,
    layers: int = 1,
    block: int = 4,
    rest: bytes = b"",
) -> bytes:
    """Return the head of a JPEG 2000 codestream."""
    size = struct.pack(">H8IH", 0, width, height, 0, 0, tile, tile, 0, 0, parts) + b"\7\1\1" * parts
    style = struct.pack(">BBHBBBBBB", 0, 0, layers, 0, 5, block, block, 0, 1)
    return (
        b"\xff\x4f" + segment(0x51, size) + segment(0x52, style)
        + segment(0x5C, b"\x40" + b"\x40" * 16) + rest
        + b"\xff\x90\0\x0a\0\0\0\0\0\x0e\0\1\xff\x93\xff\xd9"
    )  # fmt: skip


def overlapping(tags: int, size: int) -> bytes:
    """Return EXIF data whose tags all claim the same bytes."""
    return tiff(*((40_000 + tag, 7, size, 8) for tag in range(tags)), rest=bytes(size))


def webp(kind: bytes, content: bytes) -> bytes:
    """Return a WebP file of one chunk."""
    body = b"WEBP" + kind + struct.pack("<I", len(content)) + content
    return b"RIFF" + struct.pack("<I", len(body)) + body


EXIF_SEGMENT = segment(0xE1, b"Exif\0\0" + bytes(65_000))
MANY_BLOCKS = segment(0xED, b"Photoshop 3.0\0" + b"8BIM\0\0\0\0\0\0\0\0" * 5000)
PIXELS = 39_000_000

BOMBS: dict[str, Callable[[], bytes]] = {
    "png of 65,535 squared": lambda: png(65_535, 65_535),
    "png of 2**31": lambda: png(2**31 - 1, 2**31 - 1),
    "png within the limit": lambda: png(6500, 6000, data=zeros(6000 * 19_501)),
    "transparent png within the limit": lambda: png(6500, 6000, colour=6, data=zeros(156_006_000)),
    "deep png within the limit": lambda: png(6500, 6000, deep=16, colour=0, data=zeros(78_006_000)),
    "png with much more data": lambda: png(100, 100, data=zeros(100 << 20)),
    "png with a bomb of a profile": lambda: png(9, 9, chunk(b"iCCP", b"x\0\0" + zeros(100 << 20))),
    "png with bombs of texts": lambda: (
        png(9, 9, *[chunk(b"zTXt", b"x\0\0" + zeros(64 << 20))] * 50)
    ),
    "png with many texts": lambda: png(9, 9, *[chunk(b"zTXt", b"x\0\0" + zeros(1 << 20))] * 500),
    "png of many chunks": lambda: png(9, 9, *[chunk(b"teSt", b"")] * 300_000),
    "png of two heads": lambda: png(
        9, 9, chunk(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    ),
    "png with tags that overlap": lambda: png(9, 9, chunk(b"eXIf", overlapping(3000, 200_000))),
    "png without pixels": lambda: png(0, 9),
    "png of one row": lambda: png(100_000, 1, data=zlib.compress(bytes(300_001))),
    "png of one column": lambda: png(1, 100_000, data=zlib.compress(bytes(400_000))),
    "jpeg of 65,535 squared": lambda: jpeg(65_535, 65_535),
    "jpeg of one row": lambda: jpeg(65_535, 1),
    "jpeg without pixels": lambda: jpeg(0, 0),
    "jpeg of 64 scans within the limit": lambda: jpeg(6500, 6000, scans=64, parts=1),
    "jpeg of 60 scans in colour": lambda: jpeg(6500, 6000, scans=60, parts=3),
    "jpeg of 60 scans in four colours": lambda: jpeg(6500, 6000, scans=60, parts=4),
    "jpeg of a thousand scans": lambda: jpeg(6500, 6000, scans=1000),
    "jpeg of many fill bytes": lambda: jpeg(9, 9, b"\xff" * 20_000_000),
    "jpeg of much junk": lambda: jpeg(9, 9, b"\xff\xe0\0\2" + bytes(20_000_000)),
    "jpeg of many comments": lambda: jpeg(9, 9, segment(0xFE, b"") * 1_000_000),
    "jpeg of much exif": lambda: jpeg(9, 9, EXIF_SEGMENT * 500),
    "jpeg of many blocks": lambda: jpeg(9, 9, MANY_BLOCKS * 300),
    "jpeg of many frames": lambda: (
        jpeg(9, 9, segment(0xC0, b"\x08\0\x09\0\x09\1" + bytes(60_000)) * 300)
    ),
    "jpeg with tags that overlap": lambda: (
        jpeg(9, 9, segment(0xE1, b"Exif\0\0" + overlapping(2000, 40_000)))
    ),
    "jpeg with pictures that overlap": lambda: (
        jpeg(9, 9, segment(0xE2, b"MPF\0" + overlapping(2000, 40_000)))
    ),
    "jpeg with a broken profile": lambda: (
        jpeg(9, 9, segment(0xE2, b"ICC_PROFILE\0\1\2" + bytes(9)))
    ),
    "tiff of 65,535 squared": lambda: grey(65_535, 65_535),
    "tiff without pixels": lambda: grey(0, 5),
    "tiff of one row": lambda: grey(100_000, 1, rest=bytes(100_000)),
    "tiff with tags that overlap": lambda: tiff(
        *((1000 + tag, 7, 1_000_000, 8) for tag in range(3000)), rest=bytes(1_000_000)
    ),
    "tiff of many values": lambda: grey(9, 9, (258, 3, 5_000_000, 8), rest=bytes(10_000_000)),
    "tiff of many strips": lambda: grey(
        1, 200_000, (278, 4, 1, 1), (273, 4, 200_000, 8), (279, 4, 200_000, 8), rest=bytes(800_000)
    ),
    "tiff of strips that overlap": lambda: grey(
        6000, 6000, (278, 4, 1, 5999), (273, 4, 60_000, 200), rest=bytes(36_000_000)
    ),
    "tiff of a huge tile": lambda: grey(
        9, 9, (259, 3, 1, 8), (322, 4, 1, 65_520), (323, 4, 1, 65_520), (324, 4, 1, 8),
        (325, 4, 1, 9),
    ),
    "tiff that follows itself": lambda: tiff((256, 4, 1, 9), following=8),
    "tiff of a rare compression": lambda: grey(9, 9, (259, 3, 1, 34_925), rest=bytes(99)),
    "tiff with tags inside tags": lambda: (
        grey(9, 9, (34_665, 4, 1, 8), (34_853, 4, 1, 8), rest=bytes(99))
    ),
    "tiff within the limit": lambda: grey(
        6500, 6000, (259, 3, 1, 8), (278, 4, 1, 6000), (273, 4, 1, 130), (279, 4, 1, 178_000),
        rest=bytes(8) + zeros(40 << 20),
    ),
    "webp of a huge canvas": lambda: webp(b"VP8X", bytes(4) + b"\xff\xff\xff\xff\xff\xff"),
    "webp of 16,384 squared": lambda: webp(b"VP8L", b"\x2f\xff\xff\xff\x0f" + bytes(99)),
    "webp of many frames": lambda: webp(
        b"VP8X", b"\2\0\0\0" + bytes(6) + (b"ANMF" + struct.pack("<I", 16) + bytes(16)) * 100_000
    ),
    "bmp of 2**31": lambda: bmp(2**31 - 1, 2**31 - 1, 24, 0, b""),
    "bmp without pixels": lambda: bmp(0, 0, 24, 0, b""),
    "bmp of long runs": lambda: bmp(6000, 6000, 8, 1, b"\1\1" * 1_000_000),
    "bmp of jumps": lambda: bmp(450_000, 1, 8, 1, b"\0\2\xff\xff" * 100_000),
    "bmp of runs within the limit": lambda: bmp(700, 700, 8, 1, b"\1\1" * 490_000),
    "bmp of empty rows": lambda: bmp(500_000, 1, 8, 1, b"\1\1\0\0" * 1000),
    "jpeg 2000 of 65,535 squared": lambda: codestream(65_535, 65_535, 65_535),
    "jpeg 2000 of a billion tiles": lambda: codestream(3600, 2700, 1),
    "jpeg 2000 of small blocks": lambda: codestream(3600, 2700, 3600, block=0),
    "jpeg 2000 of many layers": lambda: codestream(3600, 2700, 3600, layers=65_535),
    "jpeg 2000 of many components": lambda: codestream(99, 99, 99, parts=10_000),
    "jpeg 2000 within the limit": lambda: codestream(3600, 2700, 3600),
    "jpeg 2000 of many comments": lambda: codestream(9, 9, 9, rest=segment(0x64, b"") * 1_000_000),
    "jpeg 2000 of many boxes": lambda: b"\0\0\0\x0cjP  \r\n\x87\n" + b"\0\0\0\x08free" * 900_000,
    "gif of 65,535 squared": lambda: b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\2",
    "gif of many comments": lambda: b"GIF89a\t\0\t\0\0\0\0" + b"!\xfe" + b"\1x" * 5_000_000,
}  # fmt: skip

IMPOSTORS: dict[str, bytes] = {
    "eps": EPS,
    "eps behind a dos head": (
        b"\xc5\xd0\xd3\xc6" + struct.pack("<7I", 32, len(EPS), 0, 0, 0, 0, 0) + EPS
    ),
    "ps": b"%!PS\n<< /PageSize [9 9] >> setpagedevice (%pipe%id) (w) file\nshowpage\n",
    "pdf": b"%PDF-1.7\n1 0 obj << /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >> endobj\n",
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "svg of entities": (
        b"<?xml version='1.0'?><!DOCTYPE s [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><svg>&a;</svg>"
    ),
    "wmf": b"\xd7\xcd\xc6\x9a\0\0" + bytes(100),
    "emf": b"\1\0\0\0" + bytes(36) + b" EMF" + bytes(100),
    "ico": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + struct.pack("<II", 2**31, 22),
    "psd": b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 30_000, 30_000, 8, 3) + bytes(12),
    "heif": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
    "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(99),
    "ppm": b"P3 99999 99999 255\n" + b"1 " * 1000,
    "fits": b"SIMPLE  =                    T" + bytes(2880),
    "tga": b"\0\0\x02" + bytes(9) + b"\xff\xff\xff\xff\x18\0",
    "pcx": b"\n\5\1\x08\0\0\0\0\xff\xff\xff\xff" + bytes(120),
    "xpm": b"/* XPM */\nstatic char * x[] = {\"99999 99999 2 1\",\n",
    "dds": b"DDS |\0\0\0" + bytes(120),
    "icns": b"icns\xff\xff\xff\xff" + bytes(99),
    "sgi": b"\x01\xda\1\1" + bytes(508),
    "im": b"Image type: RGB image\r\nImage size (x*y): 99999*99999\r\n" + bytes(500),
    "mpeg": b"\0\0\1\xb3\xff\xff\xff" + bytes(99),
    "flash": b"CWS\7" + bytes(99),
    "program": b"\x7fELF" + bytes(99),
    "script": b"#!/bin/sh\ntouch /tmp/owned\n",
    "pickle": b"\x80\4cposix\nsystem\n(Vid\ntR.",
    "zip": b"PK\3\4" + bytes(99),
    "html": b"<html>404 not found</html>",
    "empty": b"",
    "one byte": b"\xff",
    "bmp of eps": b"BM" + EPS,
    "jpeg of eps": b"\xff\xd8\xff\xfe" + struct.pack(">H", len(EPS) + 2) + EPS,
    "png of eps": b"\x89PNG\r\n\x1a\n" + EPS,
    "riff of no webp": b"RIFF\x10\0\0\0WAVEfmt " + bytes(99),
}  # fmt: skip


def special(dice: random.Random, folder: Path) -> Path:
    """Make what is no file, or no ordinary one, under the name of an image."""
    place = folder / "image.jpg"
    whole = folder / "whole"
    whole.write_bytes(good()["base.jpg"])
    match dice.choice(
        ["link", "loop", "dangling", "pipe", "folder", "zero", "sparse", "random", "proc"]
    ):
        case "link":
            place.symlink_to(whole)
        case "loop":
            place.symlink_to(place)
        case "dangling":
            place.symlink_to(folder / "absent")
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "zero":
            place.symlink_to("/dev/zero")
        case "random":
            place.symlink_to("/dev/urandom")
        case "proc":
            place.symlink_to("/proc/self/status")
        case "sparse":
            with place.open("wb") as file:
                file.write(dice.choice(list(good().values())))
                file.truncate(dice.choice([10**8, 10**10, 10**12]))
    return place
