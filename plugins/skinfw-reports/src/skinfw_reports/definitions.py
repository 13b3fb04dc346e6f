"""What the numbers of a page mean: links from their names to definitions at its end."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from markupsafe import Markup, escape

from skinfw.toolkit import Definition, number_definitions

_CODE = re.compile("`([^`]+)`")


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
        """Return the definitions for the template: each name, its words and its text.

        A definition that names another number links to it, which is defined, too.
        """
        waiting, entries = list(self.used.values()), []
        while waiting:
            own = waiting.pop(0)
            text = _CODE.sub(lambda found: self._named(found[1], waiting), str(escape(own.text)))
            words = own.name.replace("_", " ")
            entries.append({"name": own.name, "words": words, "text": Markup(text)})
        return entries

    def _named(self, name: str, waiting: list[Definition]) -> str:
        """Return code of a definition as a link where it names a number, which then waits."""
        if name in number_definitions() and name not in self.used:
            waiting.append(number_definitions()[name])
        return str(self.link(name))
