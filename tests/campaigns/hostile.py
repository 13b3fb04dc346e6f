"""What is made to do harm: archives, pickles, names, pages, texts of exported files."""

from __future__ import annotations

import io
import json
import os
import random
import stat
import warnings
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import torch
from cases import of_a_network

from campaigns.campaign import Campaign, Figures
from campaigns.mutations import bad_bytes, bad_text, mutated
from campaigns.sandbox import CANARY, canary, watched
from skinfw import (
    ClassGroup,
    Comparison,
    ComparisonEntry,
    Estimate,
    Explanations,
    Findings,
    FindingsTable,
    Result,
    SkinfwError,
    Validation,
    ValidationNumber,
    ValidationSet,
    write_csv,
)
from skinfw.errors import printable
from skinfw.files.paths import file_name

TEXTS = (
    "</script><script>alert(1)</script>", '"onload="alert(1)', "' onmouseover='alert(1)",
    "<img src=x onerror=alert(1)>", "javascript:alert(1)", "{{ 7 * 7 }}{% raw %}", "&lt;b&gt;",
    "<!--", "]]>", "</style><b>", "</svg><script>x</script>", "$\\frac{1$", "\x1b[2J", "a\tb",
    "\u202egnp.exe", "=cmd|' /C calc'!A0", "+1", "@SUM(A1)", "-1+1", "../../../../tmp/x", "C:\\x",
    "con", "nul.txt", "a/b", "..", ".", "~root", "x" * 400, "\u0130\u0131", "e\u0301", "\u00e9",
    "痣" * 90, "a\nb", " a ", "-rf",
)  # fmt: skip
MEMBERS = (
    "../x", "a/../../x", "/tmp/x", "C:\\x", "\\\\host\\x", "a\\..\\..\\x", "A.jpg", "a.jpg", "con",
    "a.jpg/b", "", ".", "..", "a.jpg.", "x" * 300, "é.jpg", "e\u0301.jpg", "b/c", "b",
)  # fmt: skip


def _archive(dice: random.Random) -> bytes:
    """Return a zip of which some members are hostile."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        archive.writestr("a.jpg", b"1")
        for name in dice.sample(MEMBERS, dice.choice([1, 1, 3])):
            member = zipfile.ZipInfo(name)
            member.filename = name
            kind = dice.choice([0, 0, stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFREG])
            member.external_attr = (kind | 0o777) << 16
            archive.writestr(member, dice.choice([b"/etc/passwd", b"x" * 100]))
    content = buffer.getvalue()
    return content if dice.random() < 0.7 else bad_bytes(content, dice)


class _Follower:
    def begin(self, text: str, total: int, done: int) -> None: ...

    def advance(self, count: int) -> None: ...

    def say(self, text: str) -> None: ...


def unpack_archive(dice: random.Random, folder: Path) -> None:
    """Unpack an archive, as `data fetch` does."""
    from skinfw_fetch.unpack import unpack

    archive, target = folder / "A.zip", folder / "A"
    archive.write_bytes(_archive(dice))
    with unpack(archive, target, _Follower()) as whole:
        whole.rename(target)
    for file in target.rglob("*"):
        assert not file.is_symlink() and (file.is_file() or file.is_dir()), f"{file} is no file"


class _Command:
    """Run a command when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.file}",)


def _save(value: Any, file: Path, zipped: bool) -> None:
    torch.save(value, file, _use_new_zipfile_serialization=zipped)


def read_pickle(dice: random.Random, folder: Path) -> None:
    """Read what runs a command in the hands of a careless reader."""
    from skinfw.recipe.settings import EngineSettings
    from skinfw.runtime.device import choose_hardware
    from skinfw.training.checkpoint import STATES, load_state
    from skinfw_cache.features import keep_features
    from skinfw_timm.weights import load_file

    command, zipped = _Command(folder / CANARY), dice.random() < 0.5
    way = dice.randrange(4)
    if way == 0:
        (folder / "last").mkdir()
        torch.save(
            {"model": command}, folder / "last" / "state.pt", _use_new_zipfile_serialization=zipped
        )
        load_state(folder / STATES, choose_hardware(EngineSettings(device="cpu")))
    elif way == 1:
        torch.save(
            [{"x": command}, command][zipped],
            folder / "w.pth",
            _use_new_zipfile_serialization=zipped,
        )
        load_file(torch.nn.Linear(2, 2), folder / "w.pth")
    elif way == 2:
        torch.save({"w": torch.zeros(4)}, folder / "w.pth")
        (folder / "w.pth").write_bytes(bad_bytes((folder / "w.pth").read_bytes(), dice))
        load_file(torch.nn.Linear(2, 2), folder / "w.pth")
    else:
        np.save(folder / "f.npy", np.array([command], object), allow_pickle=True)
        made = keep_features(
            folder / "f.npy", lambda: np.zeros((1, 1, 1), np.float32), lambda _: None
        )
        assert made.shape == (1, 1, 1)


class _Elements(HTMLParser):
    """Collect elements, their attributes, and the addresses of links."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, *(name for name, _ in attrs)))
        for name, value in attrs:
            if name in ("href", "src", "xlink:href"):
                assert (value or "").startswith(("data:", "#")), f"{tag} leads to {value}"


def elements(html: str) -> list[tuple[str, ...]]:
    """Return the elements of a page with the names of their attributes."""
    reader = _Elements()
    reader.feed(html)
    return reader.seen


def _result(folder: Path, word: Callable[[str], str]) -> Result:
    """Return a result in which all names come from a function."""
    made = of_a_network(0, 40, 3)
    classes = tuple(word(f"c{place}") for place in range(3))
    ids = [word(f"i{place}") for place in range(40)]
    test = type(made)(ids, ids, made.true, made.probabilities, classes)
    some = type(made)(
        ids[:2], ids[:2], 1 - made.predicted[:2].clip(0, 1), made.probabilities[:2], classes
    )
    write_csv(folder / "splits.csv", ["id", "lesion", "label", "part"],
              [[f"i{n}", f"i{n}", "c", "test"] for n in range(3)])  # fmt: skip
    maps = np.ones((2, 8, 8), np.float32)
    shown = [Explanations("cam", "predicted", some, np.zeros((2, 8, 8, 3), np.uint8), maps)]
    table = FindingsTable(word("caption"), [word("h1"), "h2"], [[word("row"), 1]])
    own = Findings("own", word("title"), [word("t")], [table])
    record = {
        "notes": [word("note")], "command": word("command"), "platform": word("platform"),
        "recipe": {"split": {"use": word("split")}, "backbone": {"use": word("net")}},
        "hardware": {"device": word("cpu")}, "versions": {"skinfw": word("1")},
        "xray": [{"class": word("c0"), "images": 5, "lesions": 4, "drawn": 9, "most_repeated": 2,
                  "share_of_loss": [0.1, 0.4]}],
    }  # fmt: skip
    return Result(
        folder, word("name"), classes, [], 1, "balanced_accuracy", {"test": test},
        {"test": {"balanced_accuracy": 0.5, f"sensitivity/{classes[0]}": 0.25}}, shown, {},
        [word("mark")], record=record, findings=[own],
        evaluation={"dataset": word("data"), "notes": [word("said")]},
    )  # fmt: skip


def _rendered(folder: Path, word: Callable[[str], str], which: int) -> str:
    """Return a page: of a run, of a comparison, of a validation, or of a notebook."""
    from skinfw.api.html import table
    from skinfw.api.runs import Run
    from skinfw_reports.page import Page

    if which == 0:
        Page().write(_result(folder, word), folder)
        return (folder / "report.html").read_text(encoding="utf-8")
    if which == 1:
        numbers = {word("n"): [ComparisonEntry(0.5, (0.4, 0.6)), ComparisonEntry(0.4, (0.3, 0.5))]}
        Page().compare(
            Comparison((word("a"), word("b")), (1, 1), (1, 1), numbers, [word("x")]), folder
        )
        return (folder / "comparison.html").read_text(encoding="utf-8")
    if which == 2:
        one = ValidationNumber(Estimate(0.5, 0.4, 0.6), Estimate(0.6), Estimate(0.1), 2, 1)
        group = ClassGroup(word("g"), (word("l"),), (word("c"),))
        own = ValidationSet(word("s"), word("d"), 2, 1, {word("r"): 1}, [group],
                            {"accuracy": one, word("n"): one}, [word("x")])  # fmt: skip
        failed = ValidationSet(word("t"), failure=word("f"))
        Page().validate(Validation(word("a"), own, [own, failed], 0.5, [word("m")]), folder)
        return (folder / "validation.html").read_text(encoding="utf-8")
    shown = table([word("h")], [[word("a"), word("b")]], word("caption"))
    return shown + Run(folder, _result(folder, word))._repr_html_()


def render_page(dice: random.Random, folder: Path) -> None:
    """Draw a page of hostile names; it has the elements of one of harmless names."""
    which, evil = dice.randrange(4), dice.choice([text for text in TEXTS if "\n" not in text])
    good = elements(_rendered(folder, lambda text: text, which))
    found = elements(_rendered(folder, lambda text: evil + text, which))
    assert found == good, f"{evil!r} adds {set(found) ^ set(good)}"


def name_file(dice: random.Random, folder: Path) -> None:
    """Make files of hostile names; each lies in its folder, under a name of its own."""
    texts = {*TEXTS, *(dice.choice(TEXTS) + dice.choice(TEXTS) for _ in range(20))}
    inner = folder / "inner"
    inner.mkdir()
    for text in sorted(texts):
        name = file_name(text)
        file = inner / f"{name}-20300101-120000"
        file.mkdir()
        assert file.resolve().parent == inner.resolve(), f"{text!r} lies elsewhere"
    assert len(list(inner.iterdir())) == len(texts)


def read_exported(dice: random.Random, folder: Path) -> None:
    """Read the texts of an exported file."""
    from skinfw_inference.exported_model import read_metadata

    data: dict[str, Any] = {
        "classes": ["a", "b"], "marks": ["m"], "training_images": [1, 2], "image": {"size": 32},
        "calibration": {"temperature": 1.0, "limits": {"a": 0.5, "b": None}, "sets": "lac"},
        "view": {"use": "center"}, "backbone": {"use": "x"}, "prepare": [], "modify": [],
    }  # fmt: skip
    if dice.random() < 0.2:
        data["view"] = {"use": f"{canary(folder)}:Net"}
    else:
        data = mutated(data, dice)
    texts = {str(name): json.dumps(value) for name, value in data.items()}
    if dice.random() < 0.3:
        texts[dice.choice(list(texts) or ["x"])] = bad_text(data, dice).decode(errors="replace")
    model = read_metadata(folder / "m.onnx", texts, False)
    _ = model.image, model.view, model.view_averaging, model.components("prepare")


def read_downloads(dice: random.Random, folder: Path) -> None:
    """Read the record of what was fetched."""
    from skinfw import Download
    from skinfw_fetch.record import Record

    entry = {"url": "u", "bytes": 3, "sha256": "0" * 64, "etag": "", "date": "", "unpacked": [1, 1]}
    data = {"dataset": "acme", "files": {"a.zip": entry}}
    content = (
        bad_text(data, dice) if dice.random() < 0.4 else json.dumps(mutated(data, dice)).encode()
    )
    (folder / "downloads.json").write_bytes(content)
    (folder / "a.zip").write_bytes(b"abc")
    Record(folder, "acme").state(Download("https://example.org/a.zip", 3, "A"))


def show_text(dice: random.Random, folder: Path) -> None:
    """Show an error of hostile texts: four lines at most, and none steers the terminal."""
    error = SkinfwError(*(dice.choice(TEXTS) for _ in range(4)))
    assert str(error).count("\n") <= 3
    shown = "".join(printable(text) for text in TEXTS) + str(error)
    assert not set(shown) & {"\x1b", "\r", "\u202e", "\x9b"}


KINDS = (
    unpack_archive, read_pickle, render_page, name_file, read_exported, read_downloads, show_text,
    unpack_archive, read_exported,
)  # fmt: skip


def hostile_case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Try one attack."""
    kind = KINDS[number % len(KINDS)]
    own = Path(matplotlib.get_configdir()), Path(matplotlib.get_cachedir())
    with watched(folder, *own) as seen:
        try:
            kind(dice, folder)
            outcome = "harmless"
        except SkinfwError as error:
            outcome = "refused"
            assert error.what and error.where, f"{kind.__name__}: {error}"
        except Exception as error:
            figures.fail(number, f"{kind.__name__}: {type(error).__name__}: {str(error)[:300]}")
            outcome = "failed"
    if seen:
        figures.fail(number, f"{kind.__name__} did what it must not: {'; '.join(seen[:3])}")
    figures.count(outcome)


CAMPAIGNS = (Campaign("hostile", 1_000, 10, hostile_case),)
