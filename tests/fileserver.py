"""A server of files on this machine: a good one, or one with the faults that real ones have."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class FileServer:
    """Serve bytes by path, and remember who asked for what.

    files: the bytes of each path.
    ranges: whether it can send a part.
    tags: whether it names versions.
    cuts: each of the next answers ends after so many bytes, though it promised all.
    stalls: a path whose bytes stop coming after half of them, with the connection open.
    asked: path and Range header of each GET.
    """

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = dict(files)
        self.ranges = self.tags = True
        self.cuts: list[int] = []
        self.stalls = ""
        self.asked: list[tuple[str, str | None]] = []
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                server.asked.append((self.path, self.headers["Range"]))
                self._answer(body=True)

            def _answer(self, body: bool) -> None:
                if self.path not in server.files:
                    self.send_error(404)
                    return
                content = server.files[self.path]
                tag = f'"{hashlib.md5(content).hexdigest()}"'
                start = 0
                fresh = self.headers["If-Range"] in (None, tag)
                if server.ranges and fresh and (span := self.headers["Range"]):
                    start = int(span.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content) > 0:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(content)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                self.send_response(206 if start else 200)
                if start:
                    span = f"bytes {start}-{len(content) - 1}/{len(content)}"
                    self.send_header("Content-Range", span)
                self.send_header("Content-Length", str(len(content) - start))
                if server.tags:
                    self.send_header("ETag", tag)
                self.end_headers()
                if body:
                    self._send(content[start:])

            def _send(self, content: bytes) -> None:
                if server.stalls == self.path:
                    self.wfile.write(content[: len(content) // 2])
                    server._over.wait(60)
                elif server.cuts:
                    self.wfile.write(content[: server.cuts.pop(0)])
                else:
                    self.wfile.write(content)
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """Keep the output of the tests clean."""

        return Handler


def zipped(members: Mapping[str, bytes]) -> bytes:
    """Return a zip of some members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()
