"""The API: images in, answers out, and what the server says of itself."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response, StreamingResponse
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from skinfw.toolkit import NOTICE
from skinfw_serve.gate import Doorkeeper, Gate, client
from skinfw_serve.measures import Measures
from skinfw_serve.pages import page_routes
from skinfw_serve.problems import Problem, ProblemError, problem_response, problem_responses
from skinfw_serve.rates import Rates
from skinfw_serve.schemas import About, Answer, BatchLine, Health
from skinfw_serve.service import Wish
from skinfw_serve.uploads import FIELD, FORM, RAW, Uploads, split_images

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from skinfw_serve.policy import Policy
    from skinfw_serve.service import Service

_log = logging.getLogger("uvicorn.error")
WINDOW = 8
"""Images of one batch that are decoded or computed at once."""
MOST_SIMILAR = 20
NDJSON = "application/x-ndjson"

_BINARY = {"type": "string", "format": "binary"}
_ONE_IMAGE = {
    "required": True,
    "content": {
        RAW[0]: {"schema": _BINARY},
        "image/*": {"schema": _BINARY},
        FORM: {"schema": {"type": "object", "properties": {FIELD: _BINARY}, "required": [FIELD]}},
    },
}
_MANY = {"type": "array", "items": _BINARY, "minItems": 1}
_SEVERAL_IMAGES = {
    "required": True,
    "content": {
        FORM: {"schema": {"type": "object", "properties": {FIELD: _MANY}, "required": [FIELD]}}
    },
}
_REFUSALS = (400, 401, 403, 408, 411, 413, 415, 421, 422, 429, 500, 503)
_Map = Annotated[bool, Query(description="Whether to show where the evidence is.")]
_Similar = Annotated[
    int, Query(ge=0, le=MOST_SIMILAR, description="How many training cases to compare with.")
]


def create_app(service: Service, policy: Policy, about: About) -> ASGIApp:
    """Return the application, behind its gate.

    service: answers for images.
    policy: what is taken, and from whom.
    about: the network.
    """
    guard = [Depends(HTTPBearer(auto_error=False))] if policy.token else []
    app = FastAPI(
        title=f"skinfw serve {about.name}",
        version=about.skinfw,
        description=NOTICE,
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
    )
    measures = Measures(lambda: service.threads.waiting)
    uploads, doorkeeper = Uploads(policy), Doorkeeper(policy)
    images = _Images(service, policy, uploads, measures)
    _add_problems(app)
    app.include_router(page_routes(about, policy, doorkeeper))
    app.include_router(_image_routes(images, policy), dependencies=guard)
    app.include_router(_state_routes(service, about, measures), dependencies=guard)
    return Gate(app, policy, doorkeeper, measures, uploads)


class _Images:
    """Read the images of a request within bounds, and answer for each, counted."""

    def __init__(
        self, service: Service, policy: Policy, uploads: Uploads, measures: Measures
    ) -> None:
        self._service, self._policy, self._uploads = service, policy, uploads
        self._measures = measures
        self._rates = Rates(policy.rate, max(policy.batch_images, policy.rate // 10))

    async def read(self, request: Request, most: int) -> list[bytes]:
        """Return the images of a request.

        most: bytes of its body.
        """
        self._rates.spend(client(request), 1)
        body = await self._uploads.read(request, most)
        content_type = request.headers.get("content-type", "")
        images = await asyncio.get_running_loop().run_in_executor(
            self._service.pool, split_images, content_type, body, self._policy
        )
        self._rates.spend(client(request), len(images) - 1)
        return images

    async def answer(self, image: bytes, wish: Wish) -> Answer:
        """Return the answer for an image."""
        try:
            found = await self._service.answer(image, wish)
        except BaseException:
            self._measures.image("problem")
            raise
        self._measures.image("answer")
        return found

    async def line(self, index: int, image: bytes, wish: Wish) -> str:
        """Return the line of an image of a batch, whatever becomes of it."""
        try:
            said = BatchLine(index=index, answer=await self.answer(image, wish))
        except ProblemError as error:
            said = BatchLine(index=index, problem=error.problem)
        except Exception as error:  # the other images have their answers all the same
            _log.exception("an image of a batch has no answer")
            said = BatchLine(index=index, problem=_failure(error).problem)
        return said.model_dump_json() + "\n"


def _image_routes(images: _Images, policy: Policy) -> APIRouter:
    """Return the operations that take images."""
    router = APIRouter(responses=problem_responses(*_REFUSALS))

    @router.post(
        "/predict",
        summary="Answer for one image.",
        openapi_extra={"requestBody": _ONE_IMAGE},
    )
    async def predict(request: Request, map: _Map = False, similar: _Similar = 0) -> Answer:
        first, *others = await images.read(request, policy.image_bytes + _FORM_OVERHEAD)
        if others:
            raise ProblemError(400, "there are several images", "", "send them to /batch")
        return await images.answer(first, Wish(map, similar))

    @router.post(
        "/batch",
        summary="Answer for several images, a line of JSON for each, in their order.",
        openapi_extra={"requestBody": _SEVERAL_IMAGES},
        response_class=StreamingResponse,
        responses={
            200: {
                "description": "A line for each image, as soon as it is answered.",
                "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/BatchLine"}}},
            }
        },
    )
    async def batch(request: Request, map: _Map = False, similar: _Similar = 0) -> Response:
        wish, several = Wish(map, similar), await images.read(request, policy.batch_bytes)
        lines = _in_order(several, partial(images.line, wish=wish))
        return StreamingResponse(lines, media_type=NDJSON)

    return router


_FORM_OVERHEAD = 4_096
"""Bytes that a form has beside its image."""


async def _in_order(images: list[bytes], line: Any) -> AsyncIterator[str]:
    """Yield the line of each image; the next ones are computed meanwhile."""
    tasks: deque[asyncio.Task[str]] = deque()
    try:
        for index, image in enumerate(images):
            tasks.append(asyncio.create_task(line(index, image)))
            if len(tasks) == WINDOW:
                yield await tasks.popleft()
        while tasks:
            yield await tasks.popleft()
    finally:
        for task in tasks:
            task.cancel()


def _state_routes(service: Service, about: About, measures: Measures) -> APIRouter:
    """Return the operations that tell of the network and the server."""
    router = APIRouter(responses=problem_responses(401, 411, 421, 500))

    @router.get("/model", summary="What the network is, and what it cannot do.")
    async def model() -> About:
        return about

    @router.get("/health", summary="Whether the server answers.", responses=problem_responses(503))
    async def health() -> Health:
        if not service.threads.alive:
            raise ProblemError(503, "a thread of it has ended", "", "start the server again")
        return Health(status="ok", waiting=service.threads.waiting)

    @router.get(
        "/metrics",
        summary="Requests, seconds and images, as Prometheus reads them.",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def metrics() -> Response:
        return Response(measures.text(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _failure(error: Exception) -> ProblemError:
    """Return the problem of an error that nobody expected; its text is not for strangers."""
    why = f"{type(error).__name__}, which the terminal of the server tells in full"
    return ProblemError(500, "the server has failed", why)


def _add_problems(app: FastAPI) -> None:
    """Answer every error as a problem."""

    @app.exception_handler(ProblemError)
    async def known(_: Request, error: ProblemError) -> Response:
        return problem_response(error.problem, error.headers)

    @app.exception_handler(RequestValidationError)
    async def wrong_value(_: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"][1:])
        said = ProblemError(422, f'the parameter "{key}" is wrong', str(first["msg"]))
        return problem_response(said.problem)

    @app.exception_handler(HTTPException)
    async def of_the_frame(_: Request, error: HTTPException) -> Response:
        said = ProblemError(error.status_code, str(error.detail), "", "GET /openapi.json tells all")
        return problem_response(said.problem, error.headers)

    @app.exception_handler(Exception)
    async def unexpected(_: Request, error: Exception) -> Response:
        return problem_response(_failure(error).problem)

    original = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        schemas = document["components"]["schemas"]
        for model in (Problem, BatchLine):
            schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
            for name, own in schema.pop("$defs", {}).items():
                schemas.setdefault(name, own)
            schemas[model.__name__] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
