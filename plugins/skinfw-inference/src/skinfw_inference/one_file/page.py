"""The page: its program, its style and its blocks of bytes, put together as one file."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skinfw.toolkit import NOTICE
from skinfw_inference.one_file.runtime_web import LICENCE, VERSION, RuntimeWeb

_HERE = Path(__file__).parent
SCRIPTS = ("pixels.js", "views.js", "answers.js", "network.js", "maps.js", "page.js")
"""The program, in this order; each file uses functions of those before it."""


def fill_page(
    name: str,
    network: bytes,
    runtime: RuntimeWeb,
    facts: Mapping[str, Any],
    texts: Mapping[str, Any],
) -> str:
    """Return the page.

    name: of the run.
    network: the ONNX file.
    facts: what the program computes with, as JSON takes it.
    texts: what else the template asks for.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    script = "\n".join(_read(file) for file in SCRIPTS)
    style = _read("page.css")
    # Blocks of the page are not parsed as HTML, up to what would end them.
    about = json.dumps(facts, allow_nan=False).replace("<", "\\u003c")
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("page.html.jinja").render(
        **texts,
        name=name,
        notice=NOTICE,
        policy=_policy(script, style),
        style=Markup(style),
        script=Markup(script),
        about=Markup(about),
        network=_packed(network),
        runtime_wasm=_packed(runtime.wasm),
        runtime_script=_packed(runtime.script),
        runtime_version=VERSION,
        licence=LICENCE.read_text(encoding="utf-8"),
    )


def _read(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _packed(content: bytes) -> str:
    """Return bytes as the page holds them: gzip, the same for the same bytes, in base64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode("ascii")


def _policy(script: str, style: str) -> str:
    """Return the content security policy: this program and this style, and no request to anybody.

    blob: is the module of ONNX Runtime, which the program unpacks from the page.
    """
    own, look = (
        base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in (script, style)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{own}' blob: 'wasm-unsafe-eval'; "
        f"style-src 'sha256-{look}'; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
