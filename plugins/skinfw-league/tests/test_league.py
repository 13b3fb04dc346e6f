"""A league from its protocol to its tables, its rows, and several leagues as one."""

import csv
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support import ROOT, Run

from skinfw import Predictions, SkinfwError, write_csv
from skinfw.toolkit import (
    HeldLockError,
    build_components,
    load_plan,
    lock_folder,
    seed_numbers,
    write_predictions,
)
from skinfw_league.folder import League, create_league, read_rows, write_row
from skinfw_league.identity import refuse_twins, shared_record, trial_key
from skinfw_league.merging import merge_leagues
from skinfw_league.protocol import check_protocol, read_protocol
from skinfw_league.ranking import rank
from skinfw_league.statistics import holm
from skinfw_league.summary import recorded_tools, summarize
from skinfw_league.trials import Trial, carry_out, list_trials, refuse_new_meanings

CLASSES = ("MEL", "NV", "BCC")
SHARED = {
    "number": "balanced_accuracy",
    "seeds": 2,
    "recipe": {"evaluate": {"replicates": 200}, "metric": [{"use": "classification"}]},
}
SKILL = {"good": 0.8, "same": 0.8, "bad": 0.0}
Make = Callable[..., League]


def answers(skill: float, seed: int) -> Predictions:
    """Return answers of 90 lesions, the better the higher the skill."""
    true = np.arange(90) % 3
    noise = np.random.default_rng(seed).random((90, 3))
    raw = noise + skill * np.eye(3)[true]
    ids = [f"image-{place:02}" for place in range(90)]
    return Predictions(ids, ids, true, raw / raw.sum(1, keepdims=True), CLASSES)


def write_run(folder: Path, own: Predictions) -> None:
    """Write what a run leaves of its test part."""
    folder.mkdir(parents=True, exist_ok=True)
    write_predictions(folder / "predictions.csv", own)
    labels = [CLASSES[true] for true in own.true.tolist()]
    rows = zip(own.ids, own.lesions, labels, strict=True)
    write_csv(folder / "splits.csv", ["id", "lesion", "label", "part"],
              ([*row, "test"] for row in rows))  # fmt: skip


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a league of some backbones without training; they differ in their skill."""

    def league(
        name: str,
        backbones: list[str],
        data: str = "a" * 64,
        shared: Any = SHARED,
        dataset: str = "moles",
        **tables: Any,
    ) -> League:
        own = create_league(tmp_path / name, name, shared, ())
        for backbone in backbones:
            for seed in (1, 2):
                run = tmp_path / "run"
                write_run(run, answers(SKILL[backbone], hash_of(backbone, seed)))
                names = {"dataset": dataset, "backbone": backbone, "loss": "ce", "sampler": "all"}
                settings = {kind: {"use": used} for kind, used in names.items()} | tables
                record = {
                    "shared": own.digest, "names": names, "tables": settings, "seed": seed,
                    "data_fingerprint": data, "split_hash": "b" * 64, "marks": [],
                }  # fmt: skip
                cost = {
                    "timings": {"train": 60.0}, "parameters": 10, "joules": None,
                    "hardware": "cpu", "versions": {},
                }  # fmt: skip
                key = trial_key(own.digest, dataset, settings, seed)
                write_row(own.row_path(key), record, cost, run)
        return own

    return league


def hash_of(backbone: str, seed: int) -> int:
    return 10 * ["good", "same", "bad"].index(backbone) + seed


def tables(league: League) -> dict[str, bytes]:
    summarize(league, recorded_tools(league, False), lambda _: None)
    return {name: (league.path / name).read_bytes()
            for name in ("league.csv", "pairs.csv", "levels.csv")}  # fmt: skip


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(content.decode().splitlines()))


def test_recipes_are_ranked_over_lesions_and_seeds(make: Make) -> None:
    league = make("one", ["bad", "good", "same"])
    content = tables(league)
    first, second, last = rows_of(content["league.csv"])
    assert last["backbone"] == "bad"
    assert (first["differs"], second["differs"], last["differs"]) == (
        "not shown",
        "not shown",
        "shown",
    )
    pairs = [row for row in rows_of(content["pairs.csv"]) if row["of"] == "recipes"]
    corrected = holm([float(row["p"]) for row in pairs])
    assert [float(row["p_holm"]) for row in pairs] == pytest.approx(corrected, rel=1e-2)
    (metric,) = recorded_tools(league, False).metrics(CLASSES)
    ((_, measure),) = build_components([metric], CLASSES)
    trainings = [answers(0.0, hash_of("bad", seed)) for seed in (1, 2)]
    known = seed_numbers(measure, trainings, 200)["balanced_accuracy"]
    said = [float(last[name]) for name in ("balanced_accuracy", "low", "high", "deviation")]
    assert said == pytest.approx([known.mean, *known.interval, known.deviation], abs=1e-6)
    assert [float(last[f"seed_{seed}"]) for seed in (1, 2)] == pytest.approx(known.values, abs=1e-6)


def test_merged_leagues_are_those_of_one_that_did_all(make: Make, tmp_path: Path) -> None:
    whole = tables(make("whole", ["good", "same", "bad"]))
    parts = [make("ours", ["good", "bad"]).path, make("theirs", ["same", "bad"]).path]
    said: list[str] = []
    both = merge_leagues(parts, tmp_path / "both", said.append)
    other = merge_leagues(parts[::-1], tmp_path / "other", lambda _: None)
    assert tables(both) == tables(other) == whole
    assert said == ["6 trials of 2 leagues, 2 of them in several"]


def test_merging_takes_one_of_two_answers_whatever_the_order(make: Make, tmp_path: Path) -> None:
    ours, theirs = make("ours", ["good"]), make("theirs", ["good"])
    row = read_rows(theirs)[0]
    run, kept = tmp_path / "changed", row.record
    write_run(run, answers(0.79, 99))
    record = {key: own for key, own in kept.items() if key not in ("answers", "lesions")}
    write_row(row.path, record, row.cost(), run)
    said: list[str] = []
    one = merge_leagues([ours.path, theirs.path], tmp_path / "one", said.append)
    other = merge_leagues([theirs.path, ours.path], tmp_path / "other", lambda _: None)
    assert tables(one) == tables(other)
    assert "1 of these were answered otherwise" in said[1]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"shared": {**SHARED, "seeds": 3}}, "another protocol"),
        ({"data": "c" * 64}, 'the data set "moles" is not the same'),
        ({"sampler": {"use": "power"}}, 'the sampler "all" means two things'),
    ],
)
def test_leagues_of_other_protocols_or_data_are_refused(
    make: Make, tmp_path: Path, changed: dict[str, Any], what: str
) -> None:
    paths = [make("ours", ["good"]).path, make("theirs", ["bad"], **changed).path]
    with pytest.raises(SkinfwError, match=what):
        merge_leagues(paths, tmp_path / "both", lambda _: None)
    assert not (tmp_path / "both").exists()


def test_the_error_names_the_keys_that_differ(make: Make, tmp_path: Path) -> None:
    recipe = {**SHARED["recipe"], "evaluate": {"replicates": 100}}  # type: ignore[dict-item]
    paths = [make("ours", ["good"]).path,
             make("theirs", ["bad"], shared={**SHARED, "recipe": recipe}).path]  # fmt: skip
    with pytest.raises(SkinfwError) as caught:
        merge_leagues(paths, tmp_path / "both", lambda _: None)
    assert caught.value.why == "they differ in recipe.evaluate.replicates (200 and 100)"


def test_damaged_rows_are_refused(make: Make, tmp_path: Path) -> None:
    league = make("one", ["good"])
    row = read_rows(league)[0]
    file = row.path / "predictions.csv"
    file.write_text(file.read_text().replace("0.1", "0.2"))
    with pytest.raises(SkinfwError, match=r"predictions\.csv of a row has changed"):
        merge_leagues([league.path, make("two", ["bad"]).path], tmp_path / "both", lambda _: None)
    record = json.loads((row.path / "row.json").read_text())
    (row.path / "row.json").write_text(json.dumps({**record, "seed": 2}))
    with pytest.raises(SkinfwError, match="not what its name says"):
        read_rows(league)


def test_a_recipe_whose_seeds_are_not_all_done_is_left_out(make: Make) -> None:
    league = make("one", ["good", "bad"])
    row = next(row for row in read_rows(league) if row.names[1] == "bad")
    (row.path / "row.json").unlink()
    tools = recorded_tools(league, False)
    ranking = rank(league, read_rows(league), lambda own: build_components(tools.metrics(own), own))
    assert [one.names[1] for one in ranking.sets[0].entries] == ["good"]
    assert "not all of their seeds are done: 1 of 2" in ranking.notes[0]


def test_recipes_are_ranked_over_three_data_sets(make: Make) -> None:
    for place, dataset in enumerate(("moles", "spots", "freckles")):
        league = make("one", ["good", "bad"], data=str(place) * 64, dataset=dataset)
    tools = recorded_tools(league, False)
    rows = read_rows(league)
    ranking = rank(league, rows, lambda own: build_components(tools.metrics(own), own))
    assert ranking.over_sets is not None
    assert dict(zip(ranking.recipes, ranking.over_sets.ranks.tolist(), strict=True)) == {
        "good · ce · all": 1, "bad · ce · all": 2,
    }  # fmt: skip
    tables(league)
    assert len(rows_of((league.path / "league.csv").read_bytes())) == 6


def test_one_data_set_under_two_names_is_refused(make: Make, tmp_path: Path) -> None:
    paths = [make("ours", ["good"]).path, make("theirs", ["bad"], dataset="nevi").path]
    with pytest.raises(SkinfwError, match="a data set has two names"):
        merge_leagues(paths, tmp_path / "both", lambda _: None)


PROTOCOL = """
[league]
recipe = "tiny.toml"
seeds = 1

[loss.plain]
use = "cross-entropy"

[loss.focal]
use = "focal"
"""


def test_all_problems_of_a_protocol_come_at_once(tiny: Path, skinfw: Run) -> None:
    protocol = tiny.with_name("protocol.toml")
    protocol.write_text(
        '[league]\nrecipe = "tiny.toml"\nseeds = 0\nnumbr = "auc"\n\n[los.plain]\nuse = "x"\n'
        '\n[sampler]\nuse = "shuffle"\n'
    )
    with pytest.raises(SkinfwError) as caught:
        read_protocol(protocol)
    said = ["league.numbr", 'did you mean "loss"', "each sampler of a protocol has a name"]
    for text in (*said, *(f"protocol.toml:{line}" for line in (3, 4, 6, 9))):
        assert text in str(caught.value)
    protocol.write_text(PROTOCOL + 'gama = 1\n\n[sampler.half]\nuse = "half"\n')
    ended = skinfw("league", str(protocol))
    assert ended.returncode == 2
    assert "protocol.toml:11" in ended.stderr
    assert 'did you mean "gamma"' in ended.stderr
    assert "protocol.toml:14" in ended.stderr
    assert "give the file to skinfw league" in skinfw("run", str(protocol)).stderr
    assert not tiny.with_name("leagues").exists()


def test_two_names_of_one_recipe_are_refused(tiny: Path, skinfw: Run) -> None:
    protocol = tiny.with_name("protocol.toml")
    protocol.write_text(PROTOCOL + '\n[loss.again]\nuse = "focal"\n')
    ended = skinfw("league", str(protocol))
    assert ended.returncode == 2
    assert 'loss "focal" and "again" are the same' in ended.stderr
    assert "protocol.toml:12" in ended.stderr
    assert not tiny.with_name("leagues").exists()


def test_data_sets_that_differ_in_their_folder_alone_are_two(tiny: Path) -> None:
    sets = []
    for place, name in enumerate(("here", "there")):
        for label in ("MEL", "NV"):
            (tiny.parent / name / label).mkdir(parents=True)
            for number in range(6):
                image = Image.new("RGB", (32, 32), (40 * place, 20 * number, 90))
                image.save(tiny.parent / name / label / f"{number}.png")
        sets.append(f'\n[dataset.{name}]\nuse = "folder"\nroot = "{name}"\n')
    protocol = tiny.with_name("protocol.toml")
    protocol.write_text(PROTOCOL + "".join(sets))
    own = read_protocol(protocol)
    plans = check_protocol(own)
    refuse_twins(plans)
    plan = next(iter(plans.values()))
    league = create_league(tiny.parent / "league", "l", shared_record(own, plan), ())
    assert len({trial.key for trial in list_trials(own, league, plans)}) == 4


def test_a_number_is_one_of_every_data_set(tiny: Path) -> None:
    protocol = tiny.with_name("protocol.toml")
    sets = ('\n[dataset.all]\nuse = "synthetic"\n\n[dataset.few]\nuse = "folder"\nroot = "."\n'
            'names = ["A", "B"]\n')  # fmt: skip
    protocol.write_text(PROTOCOL.replace("seeds = 1", 'seeds = 1\nnumber = "recall/MEL"') + sets)
    with pytest.raises(SkinfwError, match="recall/MEL"):
        check_protocol(read_protocol(protocol))


def test_a_trial_that_cannot_begin_costs_the_others_nothing(
    tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = tiny.with_name("protocol.toml")
    protocol.write_text(PROTOCOL)
    own = read_protocol(protocol)
    plans = check_protocol(own)
    shared = shared_record(own, next(iter(plans.values())))
    league = create_league(tiny.parent / "league", "l", shared, ())
    listed = list_trials(own, league, plans)
    broken = league.path / "runs" / listed[0].key / "run.json"
    broken.parent.mkdir(parents=True)
    broken.write_text("{")
    monkeypatch.setattr("skinfw_league.trials.execute_run", lambda *_, **__: object())
    monkeypatch.setattr("skinfw_league.trials._finish", lambda league, trial, joules: (trial, ""))
    ((failed, why),) = carry_out(own, league, listed, None, lambda _: None)
    assert failed == listed[0] and "run.json" in why


def test_a_name_keeps_its_meaning_before_anything_is_trained(tiny: Path) -> None:
    protocol = tiny.with_name("protocol.toml")

    def listed(text: str) -> tuple[League, list[Trial]]:
        protocol.write_text(text)
        own = read_protocol(protocol)
        plans = check_protocol(own)
        shared = shared_record(own, next(iter(plans.values())))
        league = create_league(tiny.parent / "league", "l", shared, ())
        return league, list_trials(own, league, plans)

    league, trials = listed(PROTOCOL)
    for trial in trials:
        write_run(tiny.parent / "run", answers(0.5, 1))
        names = {own.kind: own.name for own in trial.cell}
        record = {"shared": league.digest, "names": names, "tables": trial.tables, "seed": 1,
                  "data_fingerprint": "a" * 64, "split_hash": "b" * 64, "marks": []}  # fmt: skip
        write_row(league.row_path(trial.key), record, {}, tiny.parent / "run")
    refuse_new_meanings(league, trials)
    with pytest.raises(SkinfwError, match=r'"focal" meant something else') as raised:
        refuse_new_meanings(*listed(PROTOCOL + "gamma = 1.0\n"))
    assert raised.value.where.endswith("protocol.toml:9")
    assert "loss.gamma (2.0 and 1.0)" in raised.value.why


def test_who_has_no_number_comes_last(make: Make) -> None:
    league = make("one", ["bad", "good", "same"], shared={**SHARED, "number": "precision/BCC"})
    tools = recorded_tools(league, False)
    rows = []
    for row in read_rows(league):
        own = row.predictions()
        if row.names[1] == "bad":  # which calls nothing BCC
            own = replace(own, probabilities=own.probabilities * [1, 1, 0])
        rows.append(
            SimpleNamespace(names=row.names, record=row.record, predictions=partial(replace, own))
        )
    ranking = rank(league, rows, lambda own: build_components(tools.metrics(own), own))
    assert [one.names[1] for one in ranking.sets[0].entries][-1] == "bad"


def test_a_metric_of_a_file_is_the_same_file_when_merged(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = """
class Luck:
    def __call__(self, predictions):
        return {"luck": float((predictions.probabilities.argmax(1) == predictions.true).mean())}
"""
    (tmp_path / "luck.py").write_text(source)
    digest = hashlib.sha256(source.encode()).hexdigest()
    shared = {
        **SHARED,
        "number": "luck",
        "recipe": {
            "evaluate": {"replicates": 50},
            "metric": [{"use": "luck.py:Luck", "source_sha256": digest}],
        },
    }
    paths = [make(name, [name], shared=shared).path for name in ("good", "bad")]
    merged = merge_leagues(paths, tmp_path / "both", lambda _: None)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SkinfwError, match="not trusted"):
        summarize(merged, recorded_tools(merged, False), lambda _: None)
    ranking = summarize(merged, recorded_tools(merged, True), lambda _: None)
    assert ranking and [one.names[1] for one in ranking.sets[0].entries] == ["good", "bad"]
    (tmp_path / "luck.py").write_text(source.replace("==", "!="))
    with pytest.raises(SkinfwError, match=r"luck\.py is not that of the league"):
        summarize(merged, recorded_tools(merged, True), lambda _: None)


def test_merging_waits_for_nobody_who_is_at_work(make: Make, tmp_path: Path) -> None:
    ours, theirs = make("ours", ["good"]), make("theirs", ["bad"])
    with lock_folder(ours.path), pytest.raises(HeldLockError):
        merge_leagues([ours.path, theirs.path], ours.path, lambda _: None)
    assert len(read_rows(ours)) == 2


@pytest.mark.slow
def test_the_example_passes_its_check() -> None:
    plans = check_protocol(read_protocol(ROOT / "examples" / "league" / "thirty.toml"))
    assert len(plans) == 30


def test_a_number_that_no_metric_gives_is_refused_before_training(tiny: Path) -> None:
    protocol = tiny.with_name("protocol.toml")
    protocol.write_text(PROTOCOL.replace("seeds = 1", 'number = "balanced_acuracy"'))
    with pytest.raises(SkinfwError, match='did you mean "balanced_accuracy"') as caught:
        check_protocol(read_protocol(protocol))
    assert caught.value.where.endswith("protocol.toml:4")


def test_what_is_done_is_not_done_again(tiny: Path, skinfw: Run) -> None:
    """One training of each, and a page; a row that is gone comes back from its run."""
    text = tiny.read_text().replace('use = "history"', 'use = "page"')
    tiny.write_text(text.replace("epochs = 2", "epochs = 1"))
    protocol = tiny.with_name("protocol.toml")
    protocol.write_text(PROTOCOL)
    ended = skinfw("league", str(protocol), "--out", "league")
    assert ended.returncode == 0, ended.stderr
    league = tiny.with_name("league")
    before = {file.name: file.read_bytes() for file in league.glob("*.csv")}
    page = (league / "league.html").read_text()
    assert "Energy is absent" in page or "Watt hours are" in page
    rows = sorted((league / "rows").iterdir())
    assert len(rows) == 2
    runs = {file: file.stat().st_mtime_ns for file in league.glob("runs/*/run.json")}
    (rows[0] / "row.json").unlink()
    ended = skinfw("league", str(protocol), "--out", "league")
    assert ended.returncode == 0, ended.stderr
    assert "2 trials, 1 of them done" in ended.stdout
    assert {file.name: file.read_bytes() for file in league.glob("*.csv")} == before
    assert {file: file.stat().st_mtime_ns for file in runs} == runs


@pytest.mark.slow
def test_a_second_league_has_the_same_bytes(tiny: Path, skinfw: Run) -> None:
    """Features of a frozen network are kept by the first, and by a launcher all is the same."""
    tiny.write_text(tiny.read_text().partition("[[augment]]")[0]
                    + '[[report]]\nuse = "history"\n')  # fmt: skip
    tiny.write_text(tiny.read_text().replace("epochs = 2", 'epochs = 2\nfreeze = ["trunk"]'))
    protocol = tiny.with_name("protocol.toml")
    protocol.write_text(PROTOCOL.replace("seeds = 1", "seeds = 2"))
    for out, more in (("one", ()), ("two", ()), ("three", ("--launcher", "local"))):
        ended = skinfw("league", str(protocol), "--out", out, *more)
        assert ended.returncode == 0, ended.stderr
    names = ["league.csv", "pairs.csv", "levels.csv", "league.json"]
    one, *others = ([(tiny.parent / out / name).read_bytes() for name in names]
                    for out in ("one", "two", "three"))  # fmt: skip
    assert all(other == one for other in others)


def test_a_trial_is_named_alike_wherever_its_files_are(tiny: Path, tmp_path: Path) -> None:
    """The key holds the bytes of a Python file and no folder."""
    from skinfw_league.identity import axis_tables

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in ("tiny.py", "tiny.toml"):
        (elsewhere / file).write_bytes((tmp_path / file).read_bytes())
    here, there = (axis_tables(load_plan(folder / "tiny.toml")) for folder in (tmp_path, elsewhere))
    assert here == there
    assert here["backbone"]["use"] == "tiny.py:tiny"
