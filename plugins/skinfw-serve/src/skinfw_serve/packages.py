"""The packages of the extra `serve`, looked for before anything heavy is imported."""

from __future__ import annotations

from importlib.util import find_spec

from skinfw import SkinfwError

_PACKAGES = ("fastapi", "markdown_it", "prometheus_client", "python_multipart", "uvicorn")


def check_packages() -> None:
    """Refuse to begin where a package of the extra `serve` is not installed; imports none."""
    if lacking := [name for name in _PACKAGES if find_spec(name) is None]:
        raise SkinfwError(
            f"{', '.join(lacking)} is not installed",
            why="the page and the API are made of FastAPI and uvicorn",
            cure="pip install 'skinfw[serve]'",
        )
