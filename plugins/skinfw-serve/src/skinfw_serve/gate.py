"""Who may come in: names, tokens, numbers; and what every answer says to a browser."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING, Any

from skinfw_serve.problems import ProblemError, problem_response
from skinfw_serve.rates import Rates

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from skinfw_serve.measures import Measures
    from skinfw_serve.policy import Policy
    from skinfw_serve.uploads import Uploads

COOKIE = "skinfw_session"
IMAGES = ("/predict", "/batch")
_OPEN = ("/", "/session", "/page.css", "/page.js")
"""What is seen without a token: a page that asks for it."""
_SAFE = ("GET", "HEAD", "OPTIONS")
_HOST = re.compile(r"(?P<name>\[[^]]*\]|[^:]*)(:[0-9]*)?")
_ATTEMPTS = 20
"""Wrong tokens a minute of one client."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
_RAW_HEADERS = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]


class Doorkeeper:
    """Compare tokens, and remember browsers that have brought the right one."""

    def __init__(self, policy: Policy) -> None:
        """Make the secret of the browsers' cookies, which dies with the server."""
        self._token, self.session = policy.token, secrets.token_urlsafe(32)
        self._attempts = Rates(_ATTEMPTS, _ATTEMPTS)

    def knows(self, request: Request) -> bool:
        """Tell whether a request may come in.

        Raises ProblemError where its sender has guessed too often.
        """
        if not self._token:
            return True
        if _equal(_cookie(request), self.session):
            return True
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and self.accepts(token.strip(), request)

    def accepts(self, token: str, request: Request) -> bool:
        """Tell whether a token is the right one; raises as `knows`."""
        if _equal(token, self._token):
            return True
        self._attempts.spend(client(request), 1)
        return False


def _equal(one: str, other: str) -> bool:
    """Compare two secrets in a time that does not depend on where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def _cookie(request: Request) -> str:
    try:
        found = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found else ""


def client(request: Request) -> str:
    """Return what tells one client from another: the address of its machine."""
    return request.client.host if request.client else ""


class Gate:
    """Stand before the application: refuse, count, and give every answer its headers."""

    def __init__(
        self,
        app: ASGIApp,
        policy: Policy,
        doorkeeper: Doorkeeper,
        measures: Measures,
        uploads: Uploads,
    ) -> None:
        """Open the gate.

        app: what answers.
        """
        self._app, self._policy, self._doorkeeper = app, policy, doorkeeper
        self._measures, self._uploads = measures, uploads
        self._busy = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        start, statuses = time.perf_counter(), [500]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses[0] = message["status"]
                message = {**message, "headers": [*message["headers"], *_RAW_HEADERS]}
            await send(message)

        with self._measures.in_flight.track_inprogress():
            try:
                await self._answer(scope, receive, send_with_headers)
            finally:
                seconds = time.perf_counter() - start
                self._measures.request(scope["path"], statuses[0], seconds)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request

        state: dict[str, Any] = scope.setdefault("state", {})
        images = scope["path"] in IMAGES and scope["method"] == "POST"
        try:
            self._check(Request(scope), images)
        except ProblemError as error:
            await problem_response(error.problem, error.headers)(scope, receive, send)
            return
        self._busy += images
        try:
            await self._app(scope, receive, send)
        finally:
            self._busy -= images
            self._uploads.release(state.get("held", 0))

    def _check(self, request: Request, images: bool) -> None:
        """Raise ProblemError for a request that may not come in."""
        host = _HOST.fullmatch(request.headers.get("host", "").lower())
        if self._policy.hosts and (host is None or host["name"] not in self._policy.hosts):
            raise ProblemError(
                421,
                "the server is not called so",
                "a page of the internet could pretend to be this one by a name of its own",
                f"call it {self._policy.hosts[0]}",
            )
        if "transfer-encoding" in request.headers:
            # A byte a piece would keep the server from others; closing it ends the reading.
            error = ProblemError(
                411,
                "the request does not say how long it is",
                "it comes in pieces (Transfer-Encoding)",
                "send it whole, with its Content-Length",
            )
            error.headers["Connection"] = "close"
            raise error
        from_elsewhere = request.headers.get("sec-fetch-site", "none") not in (
            "none", "same-origin",
        )  # fmt: skip
        if from_elsewhere and request.method not in _SAFE:
            raise ProblemError(403, "another page has sent this", "", "use this server's own page")
        # Not request.url: a Host header such as "a/?" moves the path that it tells.
        if request.scope["path"] not in _OPEN and not self._doorkeeper.knows(request):
            error = ProblemError(
                401,
                "the token is missing or wrong",
                "",
                "send the header Authorization: Bearer TOKEN, as skinfw serve has printed it",
            )
            error.headers["WWW-Authenticate"] = "Bearer"
            raise error
        if images and self._busy >= self._policy.requests:
            raise ProblemError(
                503,
                "the server is busy",
                f"it answers {self._policy.requests} requests at once",
                "wait as long as Retry-After says",
                retry_after=1,
            )
