"""The socket, and the program that answers on it until somebody stops it."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from typing import TYPE_CHECKING, Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from skinfw import RecipeError, SkinfwError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from skinfw_serve.policy import Policy

_CONNECTIONS = 512
"""At once; further ones are told to come again."""
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def is_loopback(host: str) -> bool:
    """Tell whether only programs of this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that waits for connections.

    port: 0 takes any that is free.
    Raises SkinfwError where the port is in use or may not be used, or the host is none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    where = f"--host {host} --port {port}"
    try:
        return socket.create_server((host, port), family=family)
    except socket.gaierror as error:
        raise RecipeError(
            f"there is no host {host[:80]!r}", where, error.strerror or "", "--host 127.0.0.1"
        ) from None
    except (OSError, OverflowError) as error:
        if getattr(error, "errno", None) == errno.EADDRINUSE:
            raise SkinfwError(
                f"port {port} is in use",
                where,
                "another program, perhaps another skinfw serve, listens there",
                f"--port {port + 1}, or --port 0 for any that is free",
            ) from None
        why = getattr(error, "strerror", None) or str(error)
        raise SkinfwError(
            f"nobody can listen on port {port}", where, why, "--host 127.0.0.1 --port 8000"
        ) from None


def address(host: str, port: int) -> str:
    """Return what a browser takes."""
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{port}/"


def make_server(app: ASGIApp, policy: Policy) -> uvicorn.Server:
    """Return the program that answers.

    app: what it answers with.
    """

    class Patient(_Patient):
        head_seconds, body_seconds = policy.head_seconds, policy.body_seconds

    config = uvicorn.Config(
        app,
        http=Patient,
        ws="none",
        lifespan="off",
        access_log=False,  # nobody's address, and no name, is written down
        log_level="error",
        proxy_headers=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=10,
    )
    return uvicorn.Server(config)


class _Patient(H11Protocol):
    """Close a connection whose next head does not arrive in time, or whose answer is not taken."""

    head_seconds: float
    body_seconds: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        self._watch = self.loop.call_later(self.head_seconds, self._look)
        self._waited = 0.0
        self._end: asyncio.TimerHandle | None = None

    def on_response_complete(self) -> None:
        self._since = self.loop.time()
        self._waited = 0.0
        super().on_response_complete()

    def pause_writing(self) -> None:
        """Wait for a client that takes its answer slowly, but no longer than for a slow sender."""
        super().pause_writing()
        self._paused = self.loop.time()
        self._end = self.loop.call_later(self.body_seconds - self._waited, self.transport.abort)

    def resume_writing(self) -> None:
        if self._end is not None:
            self._end.cancel()
            self._waited += self.loop.time() - self._paused
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._watch.cancel()
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        idle: Any = self.cycle is None or self.cycle.response_complete
        left = self._since + self.head_seconds - self.loop.time()
        if idle and left <= 0:
            self.transport.close()  # once the rest of the last answer is taken
            self._watch = self.loop.call_later(self.body_seconds, self.transport.abort)
            return
        self._watch = self.loop.call_later(left if left > 0 else self.head_seconds, self._look)
