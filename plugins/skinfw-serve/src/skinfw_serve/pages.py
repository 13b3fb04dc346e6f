"""The pages: the one that answers, the model card, and the one that asks for the token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import ClientDisconnect

from skinfw.toolkit import NOTICE
from skinfw_serve.gate import COOKIE
from skinfw_serve.problems import ProblemError

if TYPE_CHECKING:
    from skinfw_serve.gate import Doorkeeper
    from skinfw_serve.policy import Policy
    from skinfw_serve.schemas import About

_FILES = {"page.css": "text/css", "page.js": "text/javascript"}
_FORM_BYTES = 4_096


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("skinfw_serve"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_routes(about: About, policy: Policy, doorkeeper: Doorkeeper) -> APIRouter:
    """Return the routes of the pages and their files.

    about: the network.
    policy: in how many seconds a form must have arrived.
    doorkeeper: knows who may see them.
    """
    router = APIRouter(include_in_schema=False)
    common: dict[str, Any] = {"name": about.name, "notice": NOTICE}
    own_card = markdown(about.card)

    def render(template: str, status: int = 200, **values: Any) -> HTMLResponse:
        text = _templates().get_template(template).render(**common, **values)
        return HTMLResponse(text, status)

    @router.get("/")
    async def page(request: Request) -> Response:
        if not doorkeeper.knows(request):
            return render("sign_in.html.jinja", 401, fault="")
        return render("page.html.jinja", about=about)

    @router.get("/card")
    async def card() -> Response:
        return render("card.html.jinja", about=about, card=own_card)

    @router.post("/session")
    async def session(request: Request) -> Response:
        form = await _read_form(request, policy.body_seconds)
        if not doorkeeper.accepts(form.get("token", ""), request):
            return render("sign_in.html.jinja", 401, fault="This is not the token.")
        answer = RedirectResponse("/", 303)
        answer.set_cookie(COOKIE, doorkeeper.session, httponly=True, samesite="strict")
        return answer

    def file_route(name: str, media_type: str) -> None:
        content = files("skinfw_serve").joinpath("static", name).read_bytes()

        @router.get(f"/{name}", name=name)
        async def static_file() -> Response:
            return Response(content, media_type=media_type)

    for name, media_type in _FILES.items():
        file_route(name, media_type)
    return router


async def _read_form(request: Request, seconds: float) -> Mapping[str, str]:
    """Return the fields of a small form of a page.

    Raises ProblemError where it is none, or too large or too slow.
    """
    body = b""
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > _FORM_BYTES:
                    raise ProblemError(413, "the form is too large")
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=10)
    except TimeoutError:
        raise ProblemError(408, "the form did not arrive in time") from None
    except ClientDisconnect:
        raise ProblemError(400, "the sender went away") from None
    except ValueError:
        raise ProblemError(400, "the form has too many fields") from None
    return {name: values[0].strip() for name, values in fields.items()}


def markdown(text: str) -> Markup:
    """Return Markdown as HTML below the page's own heading.

    What could lead elsewhere, or is HTML already, stays text: a card may be a stranger's.
    """
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["image", "link", "autolink", "html_block", "html_inline", "reference"])
    tokens = reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 1)}"
    written = reader.renderer.render(tokens, reader.options, {})
    # A table may be wider than a telephone, and is then moved by keys as well.
    around = '<div class="wide" role="region" aria-label="Table" tabindex="0"><table>'
    return Markup(written.replace("<table>", around).replace("</table>", "</table></div>"))
