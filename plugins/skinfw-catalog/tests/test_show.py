"""show and schema tell what a recipe may say."""

import json
import tomllib
from pathlib import Path

from support import PLUGIN, Run, Site

from skinfw.interfaces.kinds import KINDS


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


def test_a_name_is_enough_where_one_kind_has_it(skinfw: Run) -> None:
    for name in ("kmeans-hybrid", "samplers:kmeans-hybrid"):
        assert skinfw("show", name).stdout == skinfw("show", "sampler", name).stdout != ""
    family = skinfw("show", "timm/densenet121")
    assert family.stdout == skinfw("show", "backbone", "timm/densenet121").stdout != ""


def test_a_name_of_several_kinds_says_how_to_ask(skinfw: Run, site: Site) -> None:
    site.install("acme", PLUGIN.replace('"sampler", "every-other"', '"report", "power"'))
    done = skinfw("show", "power")
    assert done.returncode == 2 and '"power" is the name of 2 components' in done.stderr
    assert "skinfw show sampler power or skinfw show report power" in done.stderr
    assert "plugin samplers" in skinfw("show", "sampler", "power").stdout


def test_a_name_that_nothing_has_gets_a_cure(skinfw: Run) -> None:
    slip = skinfw("show", "kmeans-hybird")
    assert slip.returncode == 2 and 'did you mean "kmeans-hybrid"?' in slip.stderr
    kind = skinfw("show", "samplr", "power")
    assert kind.returncode == 2 and 'there is no kind "samplr"' in kind.stderr
    assert 'did you mean "sampler"?' in kind.stderr
    blocked = skinfw("show", "power", SKINFW_BLOCK="samplers")
    assert blocked.returncode == 2 and "plugin samplers 0.1.0 is blocked" in blocked.stderr
    file = skinfw("show", "./mine.py:power")
    assert file.returncode == 2 and "skinfw show KIND ./mine.py:power" in file.stderr


def test_without_a_name_the_kinds_are_listed(skinfw: Run) -> None:
    listed = skinfw("show").stdout.splitlines()
    assert [line.split()[0] for line in listed] == list(KINDS)


def test_schema_is_written(skinfw: Run, tmp_path: Path) -> None:
    assert skinfw("schema", "--out", "s.json").returncode == 0
    assert json.loads((tmp_path / "s.json").read_text())["properties"]["backbone"]
