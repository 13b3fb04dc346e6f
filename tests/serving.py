"""A server of `skinfw serve` in a thread of the tests, and requests to it as bytes."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from support import TINY, TINY_BACKBONE, remembered_runs

SERVED = """
[[report]]
use = "calibration"

[[report]]
use = "out-of-distribution"

[[report]]
use = "model-card"
"""
"""What a run leaves for its server beside its network."""


def train_served(folder: Path, *sets: str) -> Path:
    """Train the tiny recipe for an epoch, with what was fitted on validation; return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.py").write_text(TINY_BACKBONE)
    (folder / "tiny.toml").write_text(TINY + SERVED)
    return remembered_runs(folder / "tiny.toml")("train.epochs=1", "explainer.0.images=1", *sets)


@dataclass(frozen=True)
class Heard:
    """Hold what a server has answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Served:
    """Hold a server that runs."""

    port: int
    service: Any

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Heard:
        """Send a request and return the answer; `_` in names of headers stands for `-`."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named)
            response = connection.getresponse()
            heard = {name.lower(): value for name, value in response.getheaders()}
            return Heard(response.status, heard, response.read())
        finally:
            connection.close()

    def predict(self, image: bytes, query: str = "", **headers: str) -> Heard:
        """Ask about an image."""
        named = {"Content_Type": "application/octet-stream", **headers}
        return self.ask("POST", f"/predict{query}", image, **named)


@contextmanager
def serving(run: Path, policy: Any, similar: bool = True) -> Iterator[Served]:
    """Serve a run until the block ends.

    policy: what is taken, and from whom.
    """
    from skinfw_serve.app import create_app
    from skinfw_serve.listening import listen, make_server
    from skinfw_serve.loading import load_service

    service, about = load_service(run, (), True, None, similar, policy)
    server = make_server(create_app(service, policy, about), policy)
    with listen("127.0.0.1", 0) as waiting:
        thread = threading.Thread(target=server.run, args=([waiting],), daemon=True)
        thread.start()
        try:
            yield Served(waiting.getsockname()[1], service)
        finally:
            server.should_exit = True
            thread.join(20)
            service.stop()


def noise(seed: int = 0, size: tuple[int, int] = (60, 48), kind: str = "PNG") -> bytes:
    """Return an image file of noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    content = BytesIO()
    Image.fromarray(pixels).save(content, kind)
    return content.getvalue()


def form(*images: bytes, name: str = "image", file: str = "a.jpg") -> tuple[bytes, str]:
    """Return the body of a form with images, and its content type."""
    line = "----a-line-between-parts"
    parts = [
        f'--{line}\r\nContent-Disposition: form-data; name="{name}"; filename="{file}"\r\n'
        "Content-Type: image/jpeg\r\n\r\n".encode()
        + image
        + b"\r\n"
        for image in images
    ]
    return b"".join(parts) + f"--{line}--\r\n".encode(), f"multipart/form-data; boundary={line}"
