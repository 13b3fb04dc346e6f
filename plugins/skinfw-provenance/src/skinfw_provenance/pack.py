"""Pack a run for others: its files, what they are, and no image of a patient."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from skinfw import SkinfwError
from skinfw.toolkit import (
    PREDICTION_FILES,
    Plan,
    display_path,
    extra_packages,
    file_digest,
    load_plan,
    read_lock,
    read_run,
    written_files,
)
from skinfw_provenance.archive import ABOUT, FORMAT, PAGES, RUN, TEXTS, write_archive
from skinfw_provenance.crate import Terms, describe_pack
from skinfw_provenance.derivation import derive
from skinfw_provenance.pages import strip_images
from skinfw_provenance.rebuild import plan_of, rebuild
from skinfw_provenance.sbom import bill_of_materials, licence_of
from skinfw_provenance.verification import Verification
from skinfw_provenance.verify import verify_run

CRATE, SBOM = "ro-crate-metadata.json", "sbom.cdx.json"


@dataclass
class Contents:
    """Hold what goes into a pack.

    members: by name in the run, a file or the text of one whose images were taken out.
    left_out: names of files that stay behind.
    stripped: the SHA-256 of each file whose images were taken out.
    """

    members: dict[str, Path | bytes] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)
    stripped: dict[str, str] = field(default_factory=dict)

    def sentences(self) -> list[str]:
        """Return what a reader must know of what is absent."""
        said = []
        if self.left_out:
            why = "since they may show patients or are of unknown kinds"
            said.append(f"Left out, {why}: {', '.join(self.left_out)}.")
        if self.stripped:
            said.append(f"Images of patients were taken out of {', '.join(self.stripped)}.")
        if any(name in self.members for name in PREDICTION_FILES.values()):
            said.append("The tables of predictions tell where each image lay on this machine.")
        return said


def pack_run(run: Path, archive: Path, images: bool, licence: str, trust: bool = False) -> Contents:
    """Write one archive of a run that agrees with itself.

    run: the folder, of a run that is done.
    archive: the target.
    images: whether files that may show patients go along.
    licence: of the pack, as its author gives it.
    trust: whether Python files that the run names may be imported unseen.
    Returns what is in it. Raises SkinfwError where the run is not done, or differs from its files.
    """
    record, lock = read_run(run), read_lock(run)
    if record.get("status") != "done":
        raise SkinfwError(
            f"the run is {record.get('status')}; only one that is done is packed",
            display_path(run),
            cure=f"skinfw run {display_path(run)} --resume",
        )
    if verify_run(run, trust=trust).differences:
        raise SkinfwError(
            "the run does not say what its own files give",
            display_path(run),
            "an archive would spread it",
            f"skinfw verify {display_path(run)} names each place",
        )
    contents = choose_contents(run, images, trust)
    ended = datetime.fromisoformat(record["ended"])
    about = {"format": FORMAT, "left_out": contents.left_out, "stripped": contents.stripped}
    members: dict[str, Path | bytes] = {
        **{f"{RUN}/{name}": content for name, content in contents.members.items()},
        ABOUT: (json.dumps(about, indent=1) + "\n").encode(),
        SBOM: bill_of_materials(lock, ended),
    }
    digests = {name: _digest(content) for name, content in members.items()}
    terms, left = _terms(run, record, licence, trust), contents.sentences()
    members[CRATE] = describe_pack(record, digests, terms, left, ended)
    write_archive(archive, members)
    return contents


def choose_contents(run: Path, images: bool, trust: bool = False) -> Contents:
    """Choose the files of a run that go into a pack.

    images: whether all of them do. Else a picture goes along only where it can be drawn again
        from predictions, so that it shows no patient, and pages lose their images.
    trust: whether Python files that the run names may be imported unseen.
    """
    drawn = set() if images else _drawn_again(run, trust)
    contents = Contents()
    for file in [run / "run.json", *written_files(run)]:
        name = file.relative_to(run).as_posix()
        if images or name in drawn:
            contents.members[name] = file
        elif file.suffix in PAGES:
            text = file.read_text(encoding="utf-8")
            without = strip_images(text).encode()
            contents.members[name] = without
            if without != text.encode():
                contents.stripped[name] = hashlib.sha256(without).hexdigest()
        elif file.suffix in TEXTS:
            contents.members[name] = file
        else:
            contents.left_out.append(name)
    return contents


def _drawn_again(run: Path, trust: bool) -> set[str]:
    """Return the pictures that reports draw from predictions, without any image."""
    found = Verification()
    with TemporaryDirectory(prefix="skinfw-pack-") as folder:
        derivation = derive(
            rebuild(run, plan_of(run, (), False, found), found), Path(folder), found
        )
        pictures = {name for name, file in derivation.files.items() if file.suffix not in TEXTS}
    return pictures - derivation.explained


def _terms(run: Path, record: Mapping[str, Any], licence: str, trust: bool) -> Terms:
    plan: Plan | None
    try:
        plan = load_plan(run, trust=trust or None)
    except SkinfwError:  # its components are not here any more
        plan = None
    return Terms(
        licence,
        terms_of_data(plan, "licence"),
        terms_of_data(plan, "attribution"),
        _weights_terms(plan, str(record["recipe"]["backbone"]["use"])),
    )


def terms_of_data(plan: Plan | None, term: str) -> str:
    """Return what the data sets of a run declare of their files; empty where none does.

    term: "licence" or "attribution".
    """
    if plan is None:
        return ""
    merged = [own.implementation for own in plan.components.dataset.sets]
    sets: list[object] = [*merged] or [plan.dataset]
    said = (getattr(getattr(own, "downloads", None), term, "") for own in sets)
    return "; ".join(dict.fromkeys(filter(None, said)))


def _weights_terms(plan: Plan | None, backbone: str) -> str:
    """Say which packages brought the weights that the training began with, and their licences."""
    if plan is None:
        return f"The backbone {backbone} is not installed where this was packed."
    entry = plan.components.backbone.entry
    packages = [entry.plugin.distribution]
    if entry.component.extra:
        packages += extra_packages(entry.plugin.distribution, entry.component.extra)
    named = [f"{name} ({licence_of(name) or 'no licence declared'})" for name in packages]
    return (
        f"The backbone {backbone} is from {', '.join(named)}. Weights that it loads from elsewhere "
        "have the licence of whoever published them."
    )


def _digest(content: Path | bytes) -> str:
    return (
        hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else file_digest(content)
    )
