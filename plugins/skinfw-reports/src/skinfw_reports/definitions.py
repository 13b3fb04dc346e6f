"""What the numbers of a page mean: links from their names to definitions at its end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from skinfw.toolkit import Definition, number_definitions


@dataclass(frozen=True)
class Glossary:
    """Link names to definitions, and keep the definitions that were asked for.

    used: by name, in the order in which the page names them.
    """

    used: dict[str, Definition] = field(default_factory=dict)

    def link(self, label: str) -> Markup | str:
        """Return a label as a link to its definition; as it is where it names no number."""
        known = number_definitions()
        before = label.partition("/")[0]
        own = known.get(before.replace(" ", "_")) or known.get(before)
        if own is None:
            return label
        self.used[own.name] = own
        return Markup('<a class="term" href="#number-{}">{}</a>').format(own.name, label)

    def entries(self) -> list[dict[str, str]]:
        """Return the definitions for the template: each name, its words and its text."""
        return [
            {"name": own.name, "words": own.name.replace("_", " "), "text": _html(own.text)}
            for own in self.used.values()
        ]


def _html(text: str) -> Markup:
    """Return a definition with its code as such."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))
