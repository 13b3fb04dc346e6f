"""The images of a request: read in bounds of bytes and time, and held in memory alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from skinfw_serve.problems import ProblemError

if TYPE_CHECKING:
    from skinfw_serve.policy import Policy

FIELD = "image"
RAW = ("application/octet-stream", "image/")
FORM = "multipart/form-data"
_CURE = (
    f"send the bytes as {RAW[0]} or image/..., or as {FORM} with fields called {FIELD}, "
    f"as curl -F {FIELD}=@lesion.jpg does"
)
_HEAD_BYTES = 4_096  # of the head of one part of a form
_DISCARDED = 4  # times the bytes that are allowed are read, so that the sender hears the answer


class Uploads:
    """Read requests, and count what all of them hold."""

    def __init__(self, policy: Policy) -> None:
        """Hold nothing yet."""
        self._policy, self._held = policy, 0

    async def read(self, request: Request, most: int) -> bytes:
        """Return the bytes of a request, which are held until `release` is told of them.

        most: of them.
        Raises ProblemError where they are too many, too slow or packed.
        """
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise ProblemError(415, "the request is packed", cure="send it without packing it")
        body = bytearray()
        try:
            async with asyncio.timeout(self._policy.body_seconds):
                await self._read(request, most, body)
        except TimeoutError:
            raise ProblemError(
                408,
                "the request did not arrive in time",
                f"it may take {self._policy.body_seconds:g} seconds",
                "send a smaller image, or over a faster connection",
            ) from None
        except ClientDisconnect:
            raise ProblemError(400, "the sender went away") from None
        finally:
            request.state.held = len(body)
        return bytes(body)

    def release(self, held: int) -> None:
        """Forget bytes that a request held."""
        self._held -= held

    async def _read(self, request: Request, most: int, body: bytearray) -> None:
        too_large = ProblemError(
            413,
            "the request is too large",
            f"it may have {most:,} bytes",
            "send smaller images, or fewer at once",
        )
        announced = request.headers.get("content-length", "")
        if request.headers.get("expect") and announced.isdecimal() and int(announced) > most:
            raise too_large
        seen = 0
        async for chunk in request.stream():
            seen += len(chunk)
            if seen > _DISCARDED * most:
                raise too_large
            if seen > most:
                self._held -= len(body)
                body.clear()
                continue
            if self._held + len(chunk) > self._policy.held_bytes:
                raise ProblemError(503, "too many bytes wait", retry_after=2)
            self._held += len(chunk)
            body += chunk
        if seen > most:
            raise too_large


def split_images(content_type: str, body: bytes, policy: Policy) -> list[bytes]:
    """Return the images of a request, in their order.

    content_type: as the request says it.
    Raises ProblemError where that is none of images, or one of them is too large.
    """
    kind, options = parse_options_header(content_type)
    said = kind.decode("latin-1").lower()
    if said == FORM:
        images = _form_images(options.get(b"boundary", b""), body, policy.batch_images)
    elif said.startswith(RAW):
        images = [body]
    else:
        raise ProblemError(415, "the request does not say that it holds an image", "", _CURE)
    if not images:
        raise ProblemError(400, "there is no image in the request", "", _CURE)
    if max(map(len, images)) > policy.image_bytes:
        raise ProblemError(
            413,
            "an image is too large",
            f"it may have {policy.image_bytes:,} bytes",
            "save it with fewer pixels, or as JPEG",
        )
    return images


def _form_images(boundary: bytes, body: bytes, most: int) -> list[bytes]:
    """Return the fields of a form, whatever their files are called."""
    parts = _Parts(most)
    try:
        parser = MultipartParser(boundary, parts.callbacks)
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise ProblemError(400, "the form is damaged", str(error)[:200], _CURE) from None
    if not parts.ended:
        raise ProblemError(400, "the form is damaged", "it has no end", _CURE)
    return [bytes(own) for own in parts.contents]


class _Parts:
    """Collect the parts of a form."""

    def __init__(self, most: int) -> None:
        self.contents: list[bytearray] = []
        self.ended = False
        self._most = most
        self._field, self._value, self._head = b"", b"", 0
        self._name = ""

    @property
    def callbacks(self) -> Any:
        """What the parser calls."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_end": self._end,
        }

    def _begin(self) -> None:
        if len(self.contents) == self._most:
            raise ProblemError(
                413, "there are too many images", f"a request may hold {self._most}", "send fewer"
            )
        self._name, self._head = "", 0
        self._field = self._value = b""

    def _count_head(self, start: int, end: int) -> None:
        self._head += end - start
        if self._head > _HEAD_BYTES:
            raise ProblemError(400, "the form is damaged", "the head of a part is too long", _CURE)

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._count_head(start, end)
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._count_head(start, end)
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            _, options = parse_options_header(self._value)
            self._name = options.get(b"name", b"").decode("latin-1")
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        if self._name != FIELD:
            raise ProblemError(400, f'a field of the form is not called "{FIELD}"', "", _CURE)
        self.contents.append(bytearray())

    def _data(self, data: bytes, start: int, end: int) -> None:
        self.contents[-1] += data[start:end]

    def _end(self) -> None:
        self.ended = True
