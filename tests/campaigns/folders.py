"""Run folders from strangers: every file of one mutated, and given to what reads it."""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from click.testing import CliRunner
from safetensors.torch import load_file, save_file
from support import TINY, TINY_BACKBONE

from campaigns.campaign import Campaign, Figures
from campaigns.mutations import bad_bytes, bad_text, mutated
from campaigns.sandbox import canary, watched
from skinfw import SkinfwError

SETS = (
    "dataset.images=64", "dataset.size=64", "split.check=ids", "train.epochs=1", "explainer=[]",
    'metric=[{use="classification"}]', "evaluate.replicates=0", "duplicates.use=near-duplicates",
)  # fmt: skip
DEFECTS = ("defect of skinfw", "Traceback", 'the command "')


@cache
def trained() -> Path:
    """Return a folder with a recipe, its run, an image, an evaluation and a cross-validation."""
    from skinfw.recipe.plan import load_plan
    from skinfw.workflows.run import execute_run
    from skinfw.workflows.run_folder import RunFolder

    place = Path(tempfile.mkdtemp(prefix="campaign-run-")).resolve()
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    for name in ("SKINFW_CONFIG", "SKINFW_CACHE"):
        os.environ.setdefault(name, str(place / name.lower()))
    (place / "tiny.py").write_text(TINY_BACKBONE)
    (place / "tiny.toml").write_text(TINY)
    plan = load_plan(place / "tiny.toml", SETS)
    folder = RunFolder.create(place, plan, "run")
    execute_run(plan, folder, lambda _: None)
    record = json.loads((folder.path / "run.json").read_text())
    limits = dict.fromkeys(record["classes"], 0.9)
    fitted = {"temperature": 1.2, "limits": limits, "sets": "aps", "coverage": 0.9, "unknown": 0.5}
    (folder.path / "run.json").write_text(json.dumps({**record, "calibration": fitted}))
    about = {"recipe": {"seed": 0, "metric": record["recipe"]["metric"]}, "name": "again"}
    about |= {"classes": record["classes"], "marks": ["of a stranger"]}
    (folder.path / "evaluation.json").write_text(json.dumps(about))
    return folder.path


def _copy(folder: Path) -> Path:
    run = folder / "run"
    shutil.copytree(trained(), run, ignore=shutil.ignore_patterns("evaluation.json"))
    return run


def _invoke(*words: object) -> tuple[int, str]:
    """Run a command in this process, through the frame."""
    from skinfw.cli import main

    done = CliRunner().invoke(main, [str(word) for word in words])
    return done.exit_code, done.output


def _predict(run: Path, folder: Path) -> tuple[int, str]:
    return _invoke("predict", run, _image(), "--out", folder / "answers.csv")


@cache
def _image() -> Path:
    from PIL import Image

    file = trained().parent / "image.png"
    Image.new("RGB", (48, 40), (180, 120, 90)).save(file)
    return file


def _record(run: Path, dice: random.Random, folder: Path) -> None:
    """Mutate run.json, by its values or as a text, or make it something else."""
    file = run / "run.json"
    data = json.loads(file.read_text())
    way = dice.randrange(10)
    if way < 6:
        _write(file, mutated(data, dice, dice.choice([1, 1, 2, 5])))
    elif way == 6:
        data["calibration"] = mutated(data["calibration"], dice)
        _write(file, data)
    elif way == 7:
        data["recipe"] = mutated(data["recipe"], dice, 2)
        _write(file, data)
    elif way == 8:
        own = canary(folder)
        kind = dice.choice(["backbone", "view", "dataset", "split", "loss"])
        data["recipe"][kind] = {"use": f"{dice.choice([own, './evil.py'])}:Net"}
        _write(file, data)
    else:
        file.write_bytes(bad_text(data, dice))


def _write(file: Path, data: Any) -> None:
    file.write_text(json.dumps(data))


def _weights(run: Path, dice: random.Random) -> None:
    """Mutate best.safetensors."""
    file = run / "best.safetensors"
    tensors = load_file(file)
    name = dice.choice(list(tensors))
    own = tensors[name]
    if dice.random() < 0.5:
        file.write_bytes(bad_bytes(file.read_bytes(), dice))
        return
    way = dice.randrange(5)
    if way == 0:
        del tensors[name]
    elif way == 1:
        tensors["x" * dice.choice([1, 3_000])] = own.clone()
    else:
        others = [own[None].clone(), own.to(torch.int16), torch.full_like(own, 0).double() / 0]
        tensors[name] = others[way - 2]
    save_file(tensors, file)


class _Canary:
    """What runs a command when a careless reader unpickles it."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("true",)


def _state(run: Path, dice: random.Random) -> None:
    """Mutate last/state.pt."""
    file = run / "last" / "state.pt"
    way = dice.randrange(8)
    if way == 0:
        file.write_bytes(bad_bytes(file.read_bytes(), dice))
    elif way == 1:
        torch.save({"model": _Canary()}, file, _use_new_zipfile_serialization=dice.random() < 0.5)
    elif way == 2:
        _compress(file)
    else:
        state = torch.load(file, weights_only=True)
        _change_state(state, dice)
        torch.save(state, file)


def _compress(file: Path) -> None:
    with zipfile.ZipFile(file) as old:
        members = [(name, old.read(name)) for name in old.namelist()]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name, content in members:
            new.writestr(name, content + bytes(1 << 20))


def _change_state(state: dict[str, Any], dice: random.Random) -> None:
    """Replace something somewhere in a state."""
    tensors = [torch.zeros(3), torch.zeros(1).expand(1 << 40), torch.zeros(2, 2).to_sparse(),
               torch.zeros(4, device="meta")]  # fmt: skip
    holder, key = state, dice.choice(list(state))
    while isinstance(holder[key], dict | list) and holder[key] and dice.random() < 0.8:
        holder = holder[key]
        key = dice.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))
    if dice.random() < 0.2:
        del holder[key]
    else:
        others = [None, -1, 2**70, float("nan"), "x", [], {}, [{}], {"x": 1}, *tensors]
        holder[key] = dice.choice(others)


def _table(run: Path, dice: random.Random) -> None:
    """Mutate one of the tables of a run folder."""
    file = run / dice.choice(["splits.csv", "predictions.csv", "history.csv"])
    content = file.read_bytes()
    if dice.random() < 0.5:
        file.write_bytes(bad_bytes(content, dice))
        return
    lines = [line.split(",") for line in content.decode().splitlines()]
    row = dice.choice(lines)
    values = ["", "nan", "inf", "-1", "x", '"', "\x00", "\u202e", "1e999", "9" * 5_000]
    row[dice.randrange(len(row))] = dice.choice(values)
    if dice.random() < 0.3:
        del dice.choice(lines)[0]
    file.write_text("\n".join(map(",".join, lines)), errors="replace")


@cache
def _trainer() -> Any:
    """Return what trains the run, to be set to mutated states."""
    from skinfw.data.table import split_data
    from skinfw.interfaces.hooks import run_hooks
    from skinfw.recipe.loading import BEST_WEIGHTS
    from skinfw.recipe.plan import load_plan
    from skinfw.runtime.device import choose_hardware
    from skinfw.training.checkpoint import STATES
    from skinfw.training.components import TrainingComponents

    run = trained()
    plan = load_plan(run)
    rows = split_data(plan, lambda _: None).rows
    hardware = choose_hardware(plan.engine)
    parts = TrainingComponents.build(plan, rows, hardware, None, lambda _: None)
    return parts.trainer(run / STATES, run / BEST_WEIGHTS, run_hooks([]))


def _resume(run: Path) -> None:
    """Set a trainer to the state of a run, as run --resume does."""
    from skinfw.training.checkpoint import STATES, load_state

    saved = load_state(run / STATES, _trainer().hardware)
    if saved.state:
        _trainer()._set_up(saved.state)


def _repeat(run: Path, folder: Path) -> None:
    """Begin to repeat a run, as far as its new folder."""
    from skinfw.recipe.plan import load_plan
    from skinfw.workflows.run_folder import RunFolder

    made = RunFolder.create(folder / "runs", load_plan(run)).path
    assert made.resolve().parent == (folder / "runs").resolve(), f"the run went to {made}"


def _read_tables(run: Path) -> None:
    """Read the tables of a run, as evaluate and compare do."""
    from skinfw.statistics.predictions import read_history, run_predictions

    read_history(run)
    run_predictions(run)


def _attack(number: int, dice: random.Random, folder: Path) -> tuple[int, str]:
    """Mutate a file and give it to what reads it; returns the exit code and what was told."""
    kind = number % 10
    run = _copy(folder)
    if kind < 3:
        _record(run, dice, folder)
        return _predict(run, folder)
    if kind == 3:
        _record(run, dice, folder)
        _repeat(run, folder)
    elif kind == 4:
        _weights(run, dice)
        return _predict(run, folder)
    elif kind in (5, 6):
        _state(run, dice)
        _resume(run)
    elif kind == 7:
        _table(run, dice)
        _read_tables(run)
    elif kind == 8:
        data = json.loads((trained() / "evaluation.json").read_text())
        good = dice.random() < 0.7
        text = json.dumps(mutated(data, dice)).encode() if good else bad_text(data, dice)
        (run / "evaluation.json").write_bytes(text)
        return _invoke("compare", run, trained(), "--replicates", 100, "--out", folder / "compared")
    else:
        command = dice.choice(["evaluate", "cross-validate", "resume"])
        return _whole(command, run, dice, folder)
    return 0, ""


def _whole(command: str, run: Path, dice: random.Random, folder: Path) -> tuple[int, str]:
    """Give a mutated folder to one of the commands that do most."""
    if command == "evaluate":
        _record(run, dice, folder)
        return _invoke("evaluate", run, "--out", folder / "evaluated")
    if command == "resume":
        _record(run, dice, folder)
        return _invoke("run", run, "--resume", "--quiet")
    recipe = {"recipe": str(trained().parent / "tiny.toml"), "sets": [*SETS], "count": 2}
    if dice.random() < 0.4:
        recipe["sets"] = [f"backbone.use={canary(folder)}:Net"]
    else:
        recipe = mutated(recipe, dice)
    file, command = dice.choice([("folds.json", "cross-validate"), ("seeds.json", "run")])
    _write(run / file, recipe)
    return _invoke(command, run, "--resume", "--quiet")


def folders_case(number: int, dice: random.Random, folder: Path, figures: Figures) -> None:
    """Try one mutated folder."""
    home = trained().parent
    with watched(folder, Path(os.environ["SKINFW_CACHE"])) as seen:
        try:
            code, text = _attack(number, dice, folder)
        except SkinfwError as error:
            code, text = error.exit_code, str(error)
        except Exception as error:
            code, text = 1, f"Traceback: {type(error).__name__}: {error}"
    seen = [one for one in seen if not one.endswith(str(home / "image.png"))]
    if any(words in text for words in DEFECTS):
        figures.fail(number, text[-400:])
    if seen:
        figures.fail(number, f"did what it must not: {'; '.join(seen[:3])}")
    if set(text) & {"\x1b", "\r", "\u202e"}:
        figures.fail(number, f"steers the terminal: {text[-200:]!r}")
    figures.count("refused" if code else "harmless")


CAMPAIGNS = (Campaign("folders", 2_000, 11, folders_case),)
