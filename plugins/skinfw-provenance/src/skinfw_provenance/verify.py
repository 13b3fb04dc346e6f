"""Verify a run: derive its files again from its predictions, and compare everything."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinfw import SkinfwError
from skinfw.toolkit import (
    JsonError,
    Plan,
    data_differences,
    data_record,
    load_data,
    read_history,
    read_json,
    read_run,
)
from skinfw_provenance.archive import PackRecord
from skinfw_provenance.compare import (
    count_values,
    csv_differences,
    json_differences,
    same_picture,
    unreadable,
)
from skinfw_provenance.derivation import Derivation, derive
from skinfw_provenance.pages import Page, drawing_differences, page_differences, read_page
from skinfw_provenance.rebuild import RunContents, plan_of, read_splits, rebuild
from skinfw_provenance.records import (
    check_bytes,
    check_history,
    check_labels,
    check_lock,
    check_results,
    check_splits,
)
from skinfw_provenance.verification import Verification

WHOLE = PackRecord()
GIVE = "the predictions give"
_DRAWS = ("matplotlib", "numpy")


def verify_run(
    run: Path,
    data: bool = False,
    sets: Sequence[str] = (),
    pack_record: PackRecord = WHOLE,
    trust: bool = False,
) -> Verification:
    """Derive everything that a run says again from its own files, and compare.

    run: the folder.
    data: whether to look at the data set, too: at each file, and at what reports need of it.
    sets: texts such as `dataset.root=elsewhere`, where the data are somewhere else today.
    pack_record: what the archive that it came in does not have.
    trust: whether Python files that the run names may be imported unseen.
    Raises SkinfwError where it is no run folder.
    """
    found = Verification()
    record = read_run(run)
    lock = check_lock(run, record, found)
    plan = plan_of(run, sets, data, found, trust)
    try:
        check_splits(run, record, found)
        contents = rebuild(run, plan, found, trust)
    except (SkinfwError, OSError, KeyError, ValueError) as error:
        found.differ(*_unreadable(run, error))
        check_bytes(run, record, None, pack_record, found)
        return found
    check_labels(run, contents, found)
    check_history(read_history(run), record["recipe"], found)
    with TemporaryDirectory(prefix="skinfw-verify-") as folder:
        derivation = derive(contents, Path(folder), found)
        _Files(run, contents, derivation, lock, found).compare(pack_record)
        check_results(contents, derivation, found)
        check_bytes(run, record, derivation, pack_record, found)
    if data and plan:
        check_data(run, plan, lock, found)
    return found


def check_data(run: Path, plan: Plan, lock: dict[str, Any], found: Verification) -> None:
    """Compare the data set of today with what recipe.lock has of each file and of the table.

    run: the folder.
    plan: of the run.
    """
    if not lock:
        found.leave("the data", "there is no recipe.lock to compare them with")
        return
    rows = load_data(plan).rows
    now = data_record(plan, rows[rows["id"].isin(read_splits(run)["id"])].reset_index(drop=True))
    found.differ("data", data_differences(lock["data"], now))
    found.agree("data", len(now["files"]) + 1)


def _unreadable(run: Path, error: BaseException) -> tuple[str, list[str]]:
    """Return which file of a run cannot be read, and why."""
    if not isinstance(error, SkinfwError):
        return "run.json", [f"or a file beside it cannot be read: {type(error).__name__}: {error}"]
    return error.where.removeprefix(f"{run}/").partition(":")[0], [unreadable(error)]


class _Files:
    """Compare the files of a run with those that were derived again."""

    def __init__(
        self,
        run: Path,
        contents: RunContents,
        derivation: Derivation,
        lock: dict[str, Any],
        found: Verification,
    ) -> None:
        self.run, self.contents, self.derivation, self.found = run, contents, derivation, found
        self.recorded: dict[str, Any] = lock.get("packages", {})
        self.drawn_alike = bool(lock) and all(self._same_version(name) for name in _DRAWS)
        self.strict = self._same_version("skinfw")

    def compare(self, pack_record: PackRecord) -> None:
        """Compare each file that could be derived.

        pack_record: what is not there on purpose.
        """
        for name, file in sorted(self.derivation.files.items()):
            old = self.run / name
            if name in pack_record.left_out and not old.is_file():
                continue
            if not old.is_file():
                self.found.differ(name, [f"is not there, and {GIVE} one"])
            elif file.suffix == ".json":
                self._json(name, old, file)
            elif file.suffix == ".csv":
                self._table(name, old, file)
            elif file.suffix == ".html":
                self._page(name, old, file)
            elif file.suffix == ".md":
                self._bytes(name, old, file)
            else:
                self._picture(name, old, file)

    def _json(self, name: str, old: Path, new: Path) -> None:
        try:
            derived = read_json(new)
        except JsonError:  # a report has words of its own
            self._bytes(name, old, new)
            return
        try:
            said = read_json(old)
        except (JsonError, OSError) as error:
            self.found.differ(name, [unreadable(error)])
            return
        lines = list(json_differences(said, derived, GIVE))
        if not self.contents.complete and name in ("metrics.json", "intervals.json"):
            lines = [line for line in lines if not line.endswith("no such value")]
        self._keep(name, lines, count_values(derived))

    def _table(self, name: str, old: Path, new: Path) -> None:
        try:
            lines = list(csv_differences(old, new, self._source(name)))
        except SkinfwError:  # a report has tables of its own
            self._bytes(name, old, new)
            return
        self._keep(name, lines, len(new.read_bytes().splitlines()))

    def _bytes(self, name: str, old: Path, new: Path) -> None:
        same = old.read_bytes() == new.read_bytes()
        self._keep(name, [] if same else [f"its bytes are others than {GIVE}"], 1)

    def _page(self, name: str, old: Path, new: Path) -> None:
        page = read_page(old.read_text(encoding="utf-8", errors="replace"))
        derived = read_page(new.read_text(encoding="utf-8"))
        if self.derivation.silent and (beyond := page.sections - derived.sections):
            page = page.without(beyond)
            for key in sorted(beyond):
                self.found.leave(f'{name}: section "{key}"', "its report could not be asked")
        give = "the run's files give"
        lines = list(page_differences(page, derived, give, self.strict))
        lines += self._drawings(name, page, derived)
        self._keep(name, lines, len(derived.texts))

    def _drawings(self, name: str, page: Page, derived: Page) -> list[str]:
        if not self.drawn_alike:
            self._leave_drawings(f"the drawings of {name}")
            return []
        self.found.agree(name, len(derived.drawings))
        return list(drawing_differences(page, derived, "the run's files give"))

    def _picture(self, name: str, old: Path, new: Path) -> None:
        if same_picture(old, new):
            self.found.agree(name)
        elif not self.drawn_alike:
            self._leave_drawings(name)
        elif name in self.derivation.explained:
            self.derivation.files.pop(name)  # its bytes are compared with their checksum
        else:
            self.found.differ(name, [f"other pixels than {GIVE.rpartition(' ')[0]} would draw"])

    def _source(self, name: str) -> str:
        return GIVE if name in self.derivation.reported else "its probabilities give"

    def _keep(self, name: str, lines: Sequence[str], values: int) -> None:
        self.found.differ(name, lines)
        self.found.agree(name, max(0, values - len(lines)))

    def _leave_drawings(self, name: str) -> None:
        versions = [f"{package} {self.recorded.get(package, {}).get('version', 'unknown')}"
                    for package in _DRAWS]  # fmt: skip
        self.found.leave(name, f"drawn by {', '.join(versions)}, which would have to draw again")

    def _same_version(self, package: str) -> bool:
        return bool(self.recorded.get(package, {}).get("version") == version(package))
