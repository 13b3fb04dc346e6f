"""Read a report page into what stands at each place of it, so that two pages can be compared."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_SVG = re.compile(r"<svg\b.*?</svg>", re.DOTALL)
_TEXT = re.compile(r"<text\b[^>]*>(.*?)</text>", re.DOTALL)
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_VOID = {"meta", "link", "img", "br", "input", "hr"}


_IMAGE = re.compile(r"data:\s*image/[^\"')>]+", re.IGNORECASE)


@dataclass
class Page:
    """Hold what a page shows.

    texts: by place, such as 'section "Calibration", table "Before and after", row "ece"'.
    drawings: the SVG elements, by place.
    sections: the keys of the sections.
    """

    texts: dict[str, str] = field(default_factory=dict)
    drawings: dict[str, str] = field(default_factory=dict)
    sections: set[str] = field(default_factory=set)

    def without(self, keys: set[str]) -> Page:
        """Return the page without some sections, and without what leads to them."""
        own = {f'section "{key}"' for key in keys}
        links = tuple(f'link to "#{key}"' for key in keys)

        def stays(place: str) -> bool:
            first, *others = place.split(", ")
            return first not in own and not any(part.startswith(links) for part in others)

        return Page(
            {place: text for place, text in self.texts.items() if stays(place)},
            {place: text for place, text in self.drawings.items() if stays(place)},
            self.sections - keys,
        )


def strip_images(html: str) -> str:
    """Return a page without the images that stand in it."""
    return _IMAGE.sub("data:,", html)


def read_page(html: str) -> Page:
    """Return what a page shows, place by place; the images in it do not count."""
    html = strip_images(html)
    drawings = _SVG.findall(html)
    reader = _Reader(drawings)
    reader.feed(_SVG.sub("<svg></svg>", html))
    reader.close()
    return reader.page


def page_differences(old: Page, new: Page, source: str, strict: bool) -> Iterator[str]:
    """Yield what differs in the texts of two pages.

    old: as the run has it.
    new: as it was derived again.
    source: what it was derived from, such as "the predictions give".
    strict: whether the same code made both, so that words count; else numbers do.
    """
    for place in dict.fromkeys([*old.texts, *new.texts]):
        own, other = old.texts.get(place), new.texts.get(place)
        if own == other:
            continue
        if own is not None and other is not None:
            if strict or _NUMBER.findall(own) != _NUMBER.findall(other):
                yield f'{place} says "{_short(own)}", {source} "{_short(other)}"'
        elif strict:
            yield (
                f'{place} says "{_short(own)}", {source} no such text'
                if own is not None
                else f'{place} is not there, {source} "{_short(other or "")}"'
            )


def drawing_differences(old: Page, new: Page, source: str) -> Iterator[str]:
    """Yield what differs in the drawings of two pages, all made by the same libraries."""
    for place in dict.fromkeys([*old.drawings, *new.drawings]):
        own, other = old.drawings.get(place, ""), new.drawings.get(place, "")
        if own == other:
            continue
        texts = zip(_TEXT.findall(own), _TEXT.findall(other), strict=False)
        changed = next(((one, two) for one, two in texts if one != two), None)
        if changed:
            yield f'{place} says "{changed[0].strip()}", {source} "{changed[1].strip()}"'
        else:
            yield f"{place} is drawn otherwise than {source.rpartition(' ')[0]} would draw it"


class _Reader(HTMLParser):
    """Keep where in the page it is, and what stands there."""

    def __init__(self, drawings: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.page, self._drawings = Page(), iter(drawings)
        self._section, self._stack = "head", [""]
        self._caption, self._head, self._row, self._column = "", [""], "", 0
        self._in_head, self._link = False, ""
        self._counts: Counter[str] = Counter()
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note where the tag stands and what its attributes say."""
        self._flush()
        if tag == "svg":
            self.page.drawings[self._place("drawing")] = next(self._drawings, "")
            return
        named = dict(attributes)
        if tag == "h2" and named.get("id"):
            self._section = f'section "{named["id"]}"'
            self.page.sections.add(str(named["id"]))
        elif tag == "table":
            self._caption, self._head, self._row = "", [], ""
        elif tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self._row, self._column = "", -1
        elif tag in ("td", "th"):
            self._column += 1
        if tag == "a":
            self._link = f'link to "{named.get("href")}"'
        if named:
            name = self._link if tag == "a" else f"<{tag}>"
            self._note(name, " ".join(f"{key}={value}" for key, value in attributes))
        elif tag in ("script", "iframe", "object", "form"):
            self._note(f"<{tag}>", "")
        if tag not in _VOID:
            self._stack.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Note the text that ends here."""
        self._flush()
        if tag == "svg":
            return
        if tag in self._stack:
            while self._stack.pop() != tag:
                pass
        if tag == "table":
            self._caption, self._row = "", ""
        elif tag == "thead":
            self._in_head = False

    def handle_data(self, data: str) -> None:
        """Keep text until its element ends."""
        self._text.append(data)

    def _flush(self) -> None:
        text = " ".join("".join(self._text).split())
        self._text.clear()
        if not text:
            return
        tag = self._stack[-1] if self._stack else ""
        if tag == "caption":
            self._caption = text
        if self._in_head and tag == "th":
            self._head.append(text)
        elif tag == "th":
            self._row = text
        self._note(self._link if tag == "a" else tag, text)

    def _note(self, name: str, text: str) -> None:
        self.page.texts[self._place(name)] = text

    def _place(self, name: str) -> str:
        place = self._section
        if self._caption:
            place += f', table "{_short(self._caption)}"'
            if self._row:
                place += f', row "{self._row}"'
                if 0 < self._column < len(self._head):
                    place += f', column "{self._head[self._column]}"'
        place += f", {name}"
        self._counts[place] += 1
        count = self._counts[place]
        return place if count == 1 else f"{place} {count}"


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:120]} ..."
