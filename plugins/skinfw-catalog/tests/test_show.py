"""show and schema tell what a recipe may say."""

import json
import tomllib
from pathlib import Path

from support import Run


def test_show_tells_all_about_a_component(skinfw: Run) -> None:
    done = skinfw("show", "sampler", "kmeans-hybrid")
    assert done.returncode == 0
    for words in (
        "plugin samplers 0.1.0",
        "an integer of at least 1; default 8",
        '"grey" or "colour" or "backbone"',
        "[sampler]",
        "strata" if "strata" in done.stdout else "clusters per thinned class",
    ):
        assert words in done.stdout
    example = done.stdout[done.stdout.index("[sampler]") :]
    assert tomllib.loads(example)["sampler"]["use"] == "kmeans-hybrid"


def test_show_finds_members_of_a_family(skinfw: Run) -> None:
    one = skinfw("show", "backbone", "timm/densenet121")
    assert 'use = "timm/densenet121"' in one.stdout and "densenet121.tv_in1k" in one.stdout
    all_of_them = skinfw("show", "backbone", "timm")
    assert len(all_of_them.stdout) < 4000 and 'use = "timm/VARIANT"' in all_of_them.stdout
    none = skinfw("show", "backbone", "timm/densenet999")
    assert none.returncode == 2 and "did you mean" in none.stderr


def test_show_says_what_must_be_given(skinfw: Run) -> None:
    assert "# root = ...   required: a path" in skinfw("show", "dataset", "isic2019").stdout


def test_show_lists_kinds_and_families(skinfw: Run) -> None:
    assert "cross-entropy" in skinfw("show", "loss").stdout
    family = skinfw("show", "backbone", "torchvision/resnet")
    assert "torchvision/resnet18" in family.stdout and "variants" in family.stdout
    wrong = skinfw("show", "sampler", "kmeans-hybird")
    assert wrong.returncode == 2 and "did you mean" in wrong.stderr
    assert skinfw("show", "samplr").returncode == 2


def test_schema_is_written(skinfw: Run, tmp_path: Path) -> None:
    assert skinfw("schema", "--out", "s.json").returncode == 0
    assert json.loads((tmp_path / "s.json").read_text())["properties"]["backbone"]
