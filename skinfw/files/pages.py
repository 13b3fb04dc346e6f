"""The pages of the documents, which errors cite; they come with skinfw."""

from __future__ import annotations

from pathlib import Path


def page(name: str) -> Path:
    """Return the file of a page.

    name: such as "kinds.md".
    """
    here = Path(__file__).parents[1]
    # In a wheel they lie in the package, in a checkout beside it.
    return next(
        file for file in (here / "docs" / name, here.parent / "docs" / name) if file.is_file()
    )
