"""Uploads from strangers to `skinfw serve`: broken images, bombs, forms that lie, slow senders.

A server runs in a thread; what would crash it ends the campaign. Whatever is sent, the answer is a
problem of the sender or, where the image can still be decoded, the answer of `skinfw predict`.
"""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from campaigns.campaign import Campaign, Figures
from campaigns.hostile_images import BOMBS, IMPOSTORS, good, mutated
from campaigns.sandbox import watched

PATIENCE, SECONDS = 30.0, 10.0
RAW = "application/octet-stream"
TYPES = (
    "text/html", "image/svg+xml", "application/json", "application/x-www-form-urlencoded", "", "x",
    "image/jpeg; charset=utf-8", "multipart/form-data", "multipart/form-data; boundary=",
    "multipart/mixed; boundary=x", "IMAGE/PNG", "image/../../etc/passwd", "application/pdf",
)  # fmt: skip
NAMES = (
    "../../../../etc/passwd", "..\\..\\boot.ini", "a" * 3000, "<script>alert(1)</script>.jpg",
    "lesion.jpg\0.html", "'; DROP TABLE lesions;--", "%2e%2e%2fx", "/dev/zero", "CON",
    "\u202egpj.exe", "$(touch ran.txt)", "Jane Doe.jpg",
)  # fmt: skip
_open = ExitStack()


@cache
def _served() -> Any:
    """Return the server, once for all cases."""
    from serving import serving, train_served

    from skinfw_serve.policy import Policy

    folder = Path(_open.enter_context(TemporaryDirectory(prefix="served-")))
    run = train_served(folder)
    policy = Policy(body_seconds=0.5, head_seconds=0.5, rate=10**9, batch_images=20)
    return run, _open.enter_context(serving(run, policy, similar=False))


@cache
def _model() -> Any:
    import skinfw

    return skinfw.load(_served()[0], trust=True)


def _end() -> None:
    _open.close()
    _served.cache_clear()
    _model.cache_clear()


def _form(image: bytes, dice: random.Random, field: str = "image") -> tuple[bytes, str]:
    line, name = f"line{dice.randrange(10**9)}", dice.choice(NAMES)
    head = f'--{line}\r\nContent-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    head += f"Content-Type: {dice.choice(TYPES)}\r\n\r\n"
    body = head.encode("utf-8", "replace") + image + f"\r\n--{line}--\r\n".encode()
    return body, f"multipart/form-data; boundary={line}"


def _spoilt(body: bytes, dice: random.Random) -> bytes:
    """Return a form of which a few bytes are wrong."""
    content = bytearray(body)
    for _ in range(dice.choice([1, 3, 20])):
        at = dice.randrange(len(content))
        match dice.choice(["flip", "drop", "double"]):
            case "flip":
                content[at] ^= 1 << dice.randrange(8)
            case "drop":
                del content[at : at + dice.choice([1, 2, 50])]
            case "double":
                content[at:at] = content[at : at + dice.choice([2, 100])]
    return bytes(content)


def _image(dice: random.Random, number: int) -> bytes:
    """Return something that may have been an image."""
    kind = dice.choice(["mutated", "mutated", "mutated", "impostor", "polyglot", "good"])
    if kind == "mutated":
        return mutated(dice)[1]
    if kind == "good":
        return dice.choice(list(good().values()))
    other = list(IMPOSTORS.values())[number % len(IMPOSTORS)]
    image = dice.choice(list(good().values()))
    return other if kind == "impostor" else dice.choice([other + image, image + other])


def raw(dice: random.Random, number: int) -> str:
    """Send an image as it is; compare an answer with that of `skinfw predict`."""
    content = _image(dice, number)
    heard = _served()[1].predict(content)
    return _checked(heard, _expected(content))


def form(dice: random.Random, number: int) -> str:
    """Send an image in a form, under a name that must not matter."""
    content = _image(dice, number)
    body, kind = _form(content, dice)
    heard = _served()[1].ask("POST", "/predict?map=true", body, Content_Type=kind)
    return _checked(heard, None if heard.status == 400 else _expected(content))


def spoilt_form(dice: random.Random, number: int) -> str:
    """Send a form that is damaged itself."""
    body, kind = _form(dice.choice(list(good().values())), dice, dice.choice(["image", "file", ""]))
    heard = _served()[1].ask("POST", "/predict", _spoilt(body, dice), Content_Type=kind)
    return _checked(heard, None, known=heard.status != 200)


def bomb(dice: random.Random, number: int) -> str:
    """Send what would cost far more than its bytes."""
    content = list(BOMBS.values())[number % len(BOMBS)]()
    heard = _served()[1].predict(content)
    return _checked(heard, None, known=heard.status != 200)


def wrong_type(dice: random.Random, number: int) -> str:
    """Say that an image is something else, or something else an image."""
    content, kind = _image(dice, number), dice.choice(TYPES)
    encoding = dice.choice(["", "", "gzip", "br, deflate"])
    headers = {"Content_Type": kind} | ({"Content_Encoding": encoding} if encoding else {})
    heard = _served()[1].ask("POST", dice.choice(["/predict", "/batch"]), content, **headers)
    return _checked(heard, None, known=heard.status != 200)


def batch(dice: random.Random, number: int) -> str:
    """Send several images at once; each has its line."""
    images = [_image(dice, number + place) for place in range(dice.randrange(1, 6))]
    line = "line-of-the-campaign"
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="image"\r\n\r\n'.encode() + own + b"\r\n"
        for own in images
    ]
    body = b"".join(parts) + f"--{line}--\r\n".encode()
    kind = f"multipart/form-data; boundary={line}"
    heard = _served()[1].ask("POST", "/batch", body, Content_Type=kind)
    if heard.status != 200:
        raise ValueError(f"status {heard.status}")
    lines = [json.loads(own) for own in heard.body.splitlines()]
    for one, image in zip(lines, images, strict=True):
        _compare(one["answer"], _expected(image))
        if one["problem"] and not 400 <= one["problem"]["status"] < 500:
            raise ValueError(f"a line of status {one['problem']['status']}")
    return "batch"


def path(dice: random.Random, number: int) -> str:
    """Ask for files and methods that are not there."""
    name = dice.choice(NAMES).encode("ascii", "ignore").decode().translate({0: "%00", 32: "+"})
    method = dice.choice(["GET", "POST", "PUT", "DELETE", "TRACE", "HEAD"])
    place = dice.choice(
        [f"/{name}", f"/page.css/{name}", f"/predict?map={name}", "//predict", "/.."]
    )
    heard = _served()[1].ask(method, place.replace("\\", "%5c"), b"x" if method == "POST" else None)
    return _checked(heard, None, known=heard.status != 200, empty=method == "HEAD")


def slow(dice: random.Random, number: int) -> str:
    """Stop in the middle: of a head, of a body, of a chunk; or promise more than is sent."""
    image = good()["base.jpg"]
    head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: {RAW}\r\n"
    said = {
        "head": head.encode()[: dice.randrange(1, len(head))],
        "body": f"{head}Content-Length: {len(image)}\r\n\r\n".encode() + image[:50],
        "chunk": f"{head}Transfer-Encoding: chunked\r\n\r\n40\r\n".encode() + image[:50],
        "junk": f"{head}Transfer-Encoding: chunked\r\n\r\nxyz\r\n".encode(),
        "twice": f"{head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n".encode() + b"hello!",
        "negative": f"{head}Content-Length: -5\r\n\r\n".encode(),
        "no http": dice.randbytes(300),
        "long head": f"{head}X: {'a' * 100_000}\r\n\r\n".encode(),
    }
    kind = list(said)[number % len(said)]
    with socket.create_connection(("127.0.0.1", _served()[1].port), PATIENCE) as sender:
        sender.sendall(said[kind])
        heard = b""
        try:
            while more := sender.recv(65_536):
                heard += more
        except ConnectionResetError:
            pass
    if heard and not heard.startswith(b"HTTP/1.1 4"):
        raise ValueError(f"{kind}: {heard[:60]!r}")
    return "refused" if heard else "closed"


_KINDS: tuple[Callable[[random.Random, int], str], ...] = (
    raw, raw, raw, form, form, spoilt_form, bomb, wrong_type, batch, path, slow,
)  # fmt: skip


def _expected(content: bytes) -> np.ndarray[Any, Any] | None:
    """Return what `skinfw predict` says of the bytes of a file; None where they are no image."""
    file = Path(_served()[0]) / "upload"
    file.write_bytes(content)
    answers = _model().predict([file], batch_size=1)
    return None if answers.errors else answers.probabilities[0]


def _compare(answer: Any, expected: np.ndarray[Any, Any] | None) -> None:
    if (answer is None) != (expected is None):
        raise ValueError("predict says " + ("an answer" if expected is not None else "none"))
    if answer is not None and expected is not None:
        said = [one["probability"] for one in answer["probabilities"]]
        if np.abs(said - expected).max() > 1e-6:
            raise ValueError("the answer is another than that of predict")


def _checked(heard: Any, expected: Any, known: bool = True, empty: bool = False) -> str:
    """Return how a request ended; raise ValueError where it may not have ended so."""
    if heard.status == 200:
        if known:
            _compare(heard.json, expected)
        return "answered"
    if not 400 <= heard.status < 500:
        raise ValueError(f"status {heard.status}: {heard.body[:200]!r}")
    if known and expected is not None:
        raise ValueError(f"status {heard.status}, though predict answers")
    if not empty and not heard.json["what"]:
        raise ValueError("the problem is not told")
    return "refused"


def upload(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Try one upload, and whether the server answers afterwards."""
    kind = _KINDS[number % len(_KINDS)]
    run, server = _served()
    name = f"case {number}, {kind.__name__}"
    start = time.perf_counter()
    with watched(folder, Path(run)) as seen:
        try:
            figures.count(kind(dice, number // len(_KINDS)))
        except (ValueError, OSError) as error:
            figures.fail(name, str(error))
    seconds = time.perf_counter() - start
    figures.largest("seconds", seconds)
    if seconds > SECONDS:
        figures.fail(name, f"took {seconds:.1f} s")
    for what in seen:
        figures.fail(name, what)
    if server.ask("GET", "/health").json["status"] != "ok":
        figures.fail(name, "the server does not answer any more")


CAMPAIGNS = (Campaign("uploads", size=1000, sample=22, case=upload, slow=True, end=_end),)
