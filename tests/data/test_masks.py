"""Masks that a network's images depend on: what lacks one, and what has changed since."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from skinfw.data.masks import check_masks
from skinfw.data.table import fingerprint, load_data
from skinfw.errors import SkinfwError
from skinfw.recipe.plan import DataPlan, load_data_plan
from skinfw.workflows.lock import data_record


def plan_of(tmp_path: Path, keep: str = "lesion") -> DataPlan:
    """Return the recipe of two images, both with the same pixels and a mask of their own."""
    if not (tmp_path / "list.csv").exists():
        for name in ("a", "b", "a_mask", "b_mask"):
            cv2.imwrite(str(tmp_path / f"{name}.png"), np.full((6, 8, 3), 255, np.uint8))
        rows = "path,label,mask\na.png,MEL,a_mask.png\nb.png,NV,b_mask.png\n"
        (tmp_path / "list.csv").write_text(rows)
    dataset = {"use": "csv", "file": str(tmp_path / "list.csv")}
    return load_data_plan({"image": {"keep": keep}, "dataset": dataset})


@pytest.mark.parametrize("cells", ["", "absent.png"])
def test_images_without_a_mask_are_counted_and_named(tmp_path: Path, cells: str) -> None:
    rows = load_data(plan_of(tmp_path)).rows
    assert check_masks(plan_of(tmp_path), rows) == []
    file = tmp_path / "list.csv"
    file.write_text(file.read_text().replace("b_mask.png", cells))
    for look in (check_masks, fingerprint):
        with pytest.raises(SkinfwError, match="1 of 2 images have no mask") as caught:
            look(plan_of(tmp_path), rows)
        assert "without are b.png" in caught.value.why
    assert check_masks(plan_of(tmp_path, "all"), rows) == []


def test_changed_masks_are_other_data_where_a_part_is_kept(tmp_path: Path) -> None:
    rows = load_data(plan_of(tmp_path)).rows
    plans = {keep: plan_of(tmp_path, keep) for keep in ("all", "lesion")}
    before = {keep: (fingerprint(own, rows), data_record(own, rows)) for keep, own in plans.items()}
    (tmp_path / "a_mask.png").write_bytes((tmp_path / "a_mask.png").read_bytes() + b"\0")
    after = {keep: (fingerprint(own, rows), data_record(own, rows)) for keep, own in plans.items()}
    assert before["all"] == after["all"] and before["all"][0] != before["lesion"][0]
    assert before["lesion"][0] != after["lesion"][0]
    files = [own["lesion"][1]["files"].items() for own in (before, after)]
    assert {Path(name).name for name, _ in files[0] ^ files[1]} == {"a_mask.png"}


def test_masks_without_files_count_by_their_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = {"image": {"keep": "skin"}, "dataset": {"use": "synthetic", "images": 64, "size": 64}}
    plan = load_data_plan(tables)
    rows, said = load_data(plan).rows[:3], list[str]()
    known, record = fingerprint(plan, rows, said.append), data_record(plan, rows)
    assert said == ["the masks of 3 images are made once, for they have no files"]
    assert fingerprint(plan, rows) == known
    kind, first = type(plan.dataset), rows["path"].iloc[0]
    make = kind.mask  # type: ignore[attr-defined]
    monkeypatch.setattr(
        kind, "mask", lambda own, path: make(own, path) ^ (path == first), raising=True
    )
    assert fingerprint(plan, rows) != known
    changed = data_record(plan, rows)["files"].items() ^ record["files"].items()
    assert {name for name, _ in changed} == {f"mask of {first}"}
    monkeypatch.setattr(kind, "mask", lambda own, path: None if path == first else make(own, path))
    for look in (check_masks, fingerprint):
        with pytest.raises(SkinfwError, match="1 of 3 images have no mask"):
            look(plan, rows)
