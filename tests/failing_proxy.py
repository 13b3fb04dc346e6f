"""A proxy before an HTTP server that fails as servers and networks do: busy, slow, cut off."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BUSY = (
    b'<?xml version="1.0" encoding="UTF-8"?><Error><Code>SlowDown</Code>'
    b"<Message>Please reduce your request rate.</Message></Error>"
)


class FailingProxy:
    """Forward requests; the first time that a file is asked for, fail by its number.

    failures: how many were injected, by kind.
    most: requests that were open at one time.
    """

    def __init__(self, port: int) -> None:
        self.port, self.failures, self.most, self.open = port, Counter[str](), 0, 0
        self._seen: set[str] = set()
        self._lock = threading.Lock()

    def failure(self, path: str) -> str:
        """Say how a request shall fail; blank for not at all."""
        with self._lock:
            if path in self._seen or ".jpg" not in path:
                return ""
            self._seen.add(path)
            number = int(path.partition(".jpg")[0][-2:])
            kind = ("busy", "slow", "cut", "")[number % 4]
            self.failures[kind] += 1
            return kind

    @contextmanager
    def counting(self) -> Iterator[None]:
        with self._lock:
            self.open += 1
            self.most = max(self.most, self.open)
        try:
            yield
        finally:
            with self._lock:
                self.open -= 1


@contextmanager
def failing_proxy(port: int) -> Iterator[tuple[FailingProxy, int]]:
    """Yield a proxy before a port of this machine, and its own port."""
    proxy = FailingProxy(port)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with proxy.counting():
                self._answer()

        do_HEAD = do_GET

        def _answer(self) -> None:
            kind = proxy.failure(self.path) if self.command == "GET" else ""
            if kind == "busy":
                self.send_response(503, "Slow Down")
                self.send_header("Content-Length", str(len(BUSY)))
                self.end_headers()
                self.wfile.write(BUSY)
                return
            server = http.client.HTTPConnection("127.0.0.1", proxy.port)
            server.request(self.command, self.path, headers=dict(self.headers.items()))
            answer = server.getresponse()
            content = answer.read()
            server.close()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("connection", "transfer-encoding", "server", "date"):
                    self.send_header(name, value)
            self.end_headers()
            if kind == "cut":
                self.wfile.write(content[: len(content) // 2])
                self.close_connection = True
                return
            pieces = 4 if kind == "slow" else 1
            step = max(1, -(-len(content) // pieces))
            for start in range(0, len(content), step):
                time.sleep(0.1 * (kind == "slow"))
                self.wfile.write(content[start : start + step])

        def log_message(self, *arguments: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    try:
        yield proxy, httpd.server_address[1]
    finally:
        httpd.shutdown()
        httpd.server_close()
