"""Errors as answers: what is wrong, why, and the cure, in the form of RFC 9457."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from skinfw import SkinfwError
from skinfw.toolkit import printable

MEDIA_TYPE = "application/problem+json"


class Problem(BaseModel):
    """Say why a request has no answer."""

    type: str = Field(
        default="about:blank", description="Always about:blank: `status` says the kind."
    )
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    what: str = Field(description="The problem in one sentence.")
    why: str = Field(default="", description="The fact behind it; empty where `what` says it all.")
    cure: str = Field(
        default="", description="What the sender can do now; empty where nothing helps."
    )


class ProblemError(Exception):
    """Carry a problem to where it becomes the answer."""

    def __init__(
        self, status: int, what: str, why: str = "", cure: str = "", retry_after: int | None = None
    ) -> None:
        """Keep the problem.

        retry_after: seconds after which the same request may have an answer.
        """
        super().__init__(what)
        self.problem = Problem(
            title=HTTPStatus(status).phrase, status=status, what=what, why=why, cure=cure
        )
        self.headers = {} if retry_after is None else {"Retry-After": str(retry_after)}


def image_problem(error: SkinfwError) -> ProblemError:
    """Return the problem of an image that cannot be used; no path or name is in it."""
    return ProblemError(422, printable(error.what), printable(error.why), printable(error.cure))


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    """Return the answer that tells a problem."""
    return JSONResponse(
        problem.model_dump(), problem.status, dict(headers or {}), media_type=MEDIA_TYPE
    )


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return what an OpenAPI document says of the problems of one operation."""
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        status: {
            "description": HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status in statuses
    }
