"""run.json from a stranger: read where it may be one, else refused with file and key."""

import json
from pathlib import Path
from typing import Any

import pytest

from skinfw import RecipeError
from skinfw.recipe.run_record import VERSION, read_run

GOOD: dict[str, Any] = {
    "recipe": {"seed": 0, "backbone": {"use": "x"}, "metric": [{"use": "y"}], "train": {}},
    "status": "done", "classes": ["MEL", "NV"], "class_counts": {"MEL": 3, "NV": 4},
    "calibration": {"temperature": 1.5, "limits": {"MEL": 0.9, "NV": None}, "sets": "aps",
                    "coverage": 0.9, "unknown": None},
    "timings": {"train": 1}, "of_a_plugin": {"anything": [1]},
}  # fmt: skip


def _read(folder: Path, **changes: Any) -> dict[str, Any]:
    (folder / "run.json").write_text(json.dumps({**GOOD, **changes}))
    return read_run(folder)


def test_a_record_without_a_version_is_of_the_first_and_others_keys_stay(tmp_path: Path) -> None:
    record = _read(tmp_path)
    assert VERSION == 1 and "schema_version" not in record
    assert record["of_a_plugin"] == {"anything": [1]}
    assert record["marks"] == [] and record["results"] == {}  # an old record may lack them


def test_a_later_version_is_not_guessed_at(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="made by skinfw of a later version"):
        _read(tmp_path, schema_version=VERSION + 1)


@pytest.mark.parametrize(
    ("key", "value", "named"),
    [
        ("recipe", [], "recipe"),
        ("recipe", {"backbone": "x"}, "recipe"),
        ("recipe", {"backbone": [{"use": "x"}]}, "recipe"),
        ("recipe", {"metric": {"use": "x"}}, "recipe"),
        ("recipe", {"train": 5}, "recipe"),
        ("recipe", {"seed": -1}, "recipe"),
        ("classes", ["MEL"], "classes"),
        ("classes", ["MEL", "MEL"], "classes"),
        ("classes", ["MEL", 5], "classes.1"),
        ("class_counts", {"MEL": -1}, "class_counts.MEL"),
        ("calibration", {"temperature": 0}, "calibration.temperature"),
        ("calibration", {"limits": {"MEL": 1.0}}, "calibration.limits"),
        ("calibration", {"sets": "none"}, "calibration.sets"),
        ("marks", "a mark", "marks"),
        ("timings", {"train": "long"}, "timings.train"),
        ("components", [{"kind": "view"}], "components.0.use"),
        ("hardware", {"precision": "fp8"}, "hardware.precision"),
        ("modalities", {"numbers": {"age": [1]}}, "modalities.numbers.age"),
        ("schema_version", "1", "schema_version"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, key: str, value: Any, named: str) -> None:
    with pytest.raises(RecipeError) as error:
        _read(tmp_path, **{key: value})
    assert f'the key "{named}"' in error.value.what
    assert error.value.where.endswith("run.json") and error.value.cure
