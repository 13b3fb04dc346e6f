"""What mkdocs adds to docs/: the reference, the decisions, and the cells of the notebook."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from api_pages import api_pages
from component_pages import component_pages
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PAGES = {f"reference/{name}.md": text for name, text in (*component_pages(), *api_pages())}


def on_config(config: MkDocsConfig) -> None:
    """Put the reference and the decisions behind what mkdocs.yml lists."""
    decisions = sorted(Path(config.docs_dir).glob("adr/*.md"))
    assert config.nav is not None
    config.nav += [
        {"Reference": list(PAGES)},
        {"Decisions": [f"adr/{page.name}" for page in decisions]},
    ]


def on_files(files: Files, *, config: MkDocsConfig) -> None:
    """Add the pages of the reference, which are written nowhere."""
    for path, text in PAGES.items():
        files.append(File.generated(config, path, content=text))


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Show the notebook on the page that offers it."""
    if page.file.src_uri != "python.md":
        return markdown
    assert page.file.abs_src_path is not None
    notebook = Path(page.file.abs_src_path).with_name("notebook.ipynb")
    return "\n\n".join((markdown, *_cells(notebook)))


def _cells(notebook: Path) -> Iterator[str]:
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        text = "".join(cell["source"])
        is_code = cell["cell_type"] == "code"
        # Its headings go below the page's own.
        yield f"```python\n{text}\n```" if is_code else re.sub("^#", "##", text, flags=re.MULTILINE)
