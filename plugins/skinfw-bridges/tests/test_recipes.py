"""Recipes that name other libraries: checked, run, and told what is wrong with them."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from skinfw.cli import main
from skinfw.data.loader import Chain, Loader, Source, TrainImages, batches
from skinfw.errors import RecipeError
from skinfw.interfaces.values import Draw
from skinfw.recipe.parameters import parameters
from skinfw.recipe.plan import load_plan
from skinfw.toolkit import choose_hardware

BRIDGES = {
    "torchvision": '[[augment]]\nuse = "torchvision/RandomRotation"\ndegrees = 30\n',
    "albumentations": '[[augment]]\nuse = "albumentations/GaussNoise"\nstd_range = [0.1, 0.2]\n',
    "loss": '[loss]\nuse = "timm/LabelSmoothingCrossEntropy"\nsmoothing = 0.05\n',
    "metric": '[[metric]]\nuse = "torchmetrics/CohenKappa"\nweights = "quadratic"\n',
    "sampler": '[sampler]\nuse = "imblearn/EditedNearestNeighbours"\nkind_sel = "mode"\n',
    "timm": '[optimizer]\nuse = "timm/lion"\nlr = 1e-4\n',
    "torch": '[optimizer]\nuse = "torch/NAdam"\nbetas = [0.9, 0.99]\n',
}


def with_bridges(tiny: Path, *names: str, extra: str = "") -> Path:
    tiny.write_text(tiny.read_text() + "\n" + "\n".join(BRIDGES[name] for name in names) + extra)
    return tiny


@pytest.mark.parametrize("name", BRIDGES)
def test_a_recipe_of_each_bridge_passes_and_is_kept_whole(tiny: Path, name: str) -> None:
    plan = load_plan(with_bridges(tiny, name))
    (component,) = [one for one in plan.components if one.entry.plugin.name == "bridges"]
    table = component.table()
    assert set(parameters(component.implementation).model.model_fields) < set(table)
    assert "null" not in json.dumps(table)


@pytest.mark.slow
def test_a_run_with_all_bridges_at_once(
    train: Callable[..., Any], tiny: Path, tmp_path: Path
) -> None:
    metric = '[[metric]]\nuse = "classification"\n'
    names = [name for name in BRIDGES if name != "torch"]
    with_bridges(tiny, *names, extra=metric)
    result, folder = train("engine.workers=2")
    assert "torchmetrics_cohen_kappa" in result.metrics["test"]
    again, _ = train("engine.workers=0")
    for one, other in zip(result.history, again.history, strict=True):
        assert one["train_loss"] == other["train_loss"]
    used = {entry["use"] for entry in folder.record["components"]}
    assert {"timm/lion", "imblearn/EditedNearestNeighbours"} <= used


def images(tiny: Path, workers: int, epoch: int) -> bytes:
    """The pixels of an epoch of augmented images."""
    plan = load_plan(tiny)
    size = plan.image.size
    ops = [(c, c.make(size=size)) for c in plan.components.augment]
    drawn = [str(number) for number in range(24)]
    source = Source(drawn, drawn, lambda path: np.full((40, 48, 3), 5 * int(path), np.uint8))
    own = TrainImages(source, np.zeros(24, np.int64), lambda _: Chain(ops, size), None, 0)
    hardware = replace(choose_hardware(plan.engine), workers=workers)
    keys = [share.keys for share in batches(Draw(np.arange(24)), epoch, 6, 0, 1)]
    return b"".join(batch.images.numpy().tobytes() for batch in Loader(own, hardware).load(keys))


@pytest.mark.parametrize("name", ["torchvision", "albumentations"])
def test_epochs_differ_and_the_number_of_workers_changes_nothing(tiny: Path, name: str) -> None:
    with_bridges(tiny, name)
    first = images(tiny, 0, 1)
    assert images(tiny, 0, 2) != first
    for workers in (1, 2, 3, 4):
        assert images(tiny, workers, 1) == first


@pytest.mark.parametrize(
    ("table", "said", "line"),
    [
        ('[[augment]]\nuse = "torchvision/RandomRotatio"\n', 'did you mean "RandomRotation"?', 2),
        ('[[augment]]\nuse = "torchvision/RandomRotation"\n', "degrees must be given", 1),
        ('[loss]\nuse = "timm/BinaryCrossEntropy"\nsmoothin = 0.1\n', "is not a known key", 3),
        ('[optimizer]\nuse = "timm/lion"\nbetas = [0.9]\n', "must be a list [a number,", 3),
        ('[[metric]]\nuse = "torchmetrics/F1Score"\naverage = "mean"\n', 'must be "micro" or', 3),
        (
            '[sampler]\nuse = "imblearn/NearMiss"\nsampling_strategy = { NW = 3 }\n',
            'did you mean "NV"?',
            3,
        ),
        (
            '[[augment]]\nuse = "torchvision/ColorJitter"\nhue = 0.9\n',
            "torchvision refuses what ColorJitter is given",
            2,
        ),
    ],
)  # fmt: skip
def test_mistakes_are_told_at_their_line(tiny: Path, table: str, said: str, line: int) -> None:
    before = len(tiny.read_text().splitlines())
    tiny.write_text(tiny.read_text() + table)
    with pytest.raises(RecipeError) as raised:
        load_plan(tiny)
    error = raised.value
    assert said in f"{error.what} {error.why} {error.cure}"
    assert f"{tiny.name}:{before + line}" in error.where


@pytest.mark.parametrize(
    ("name", "package"),
    [("albumentations", "albumentations"), ("metric", "torchmetrics"), ("sampler", "imblearn")],
)
def test_an_absent_extra_is_four_lines_with_the_cure(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, name: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RecipeError) as raised:
        load_plan(with_bridges(tiny, name))
    what, where, why, cure = str(raised.value).splitlines()
    assert "cannot be used" in what and "tiny.toml:" in where and package in why
    assert cure.strip() == f"pip install 'skinfw[{package}]'"


def show(*words: str) -> str:
    done = CliRunner().invoke(main, ["show", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_a_variant_is_shown_with_its_own_parameters_and_a_family_with_its_variants() -> None:
    shown = show("augment", "torchvision/RandomRotation")
    assert "degrees" in shown and "Range of degrees to select from." in shown
    family = show("optimizer", "torch")
    assert "torch/AdamW" in family and "lr" not in family, "no two have the same parameters"


def test_listing_plugins_imports_no_library() -> None:
    code = (
        "import sys; from skinfw.registry.discovery import discover; discover();"
        "print(sorted({'torch', 'albumentations', 'torchmetrics', 'imblearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
