"""`skinfw distil` on a small run, and the loss by which a teacher teaches."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from support import ONE_EPOCH, TINY_BACKBONE

from skinfw.cli import main
from skinfw.data.table import load_data, split_data
from skinfw.data.teacher_table import TeacherTable, write_teacher_table
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.recipe.plan import load_data_plan, load_plan
from skinfw.recipe.run_record import read_run
from skinfw.recipe.settings import REFIT_ON_ALL
from skinfw.training.teacher import Teacher
from skinfw_ensembles.distil import check_leakage
from skinfw_ensembles.division import seen_rank
from skinfw_ensembles.members import Member, read_member
from skinfw_ensembles.unlabelled import unlabelled_images


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of images with a recipe."""
    place = tmp_path_factory.mktemp("distil")
    (place / "tiny.py").write_text(TINY_BACKBONE)
    rng, rows = np.random.default_rng(0), []
    (place / "images").mkdir()
    (place / "more").mkdir()
    for number in range(60):
        pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"images/{number}.png")
        rows.append([f"{number}", f"images/{number}.png", "MEL" if number % 3 else "NV"])
    for number in range(4):
        pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(place / f"more/new{number}.png")
    Image.open(place / "images/5.png").save(place / "more/copy.png")
    (place / "more/broken.png").write_bytes(b"no image")
    pd.DataFrame(rows, columns=["id", "path", "label"]).to_csv(place / "table.csv", index=False)
    dataset = '[dataset]\nuse = "csv"\nfile = "table.csv"\n'
    split = '[split]\nuse = "lesion-stratified"\nval = 0.35\ntest = 0.35\nseed = 1\n'
    (place / "recipe.toml").write_text(dataset + split + ONE_EPOCH)
    return place


@pytest.fixture(scope="module")
def folder(data: Path) -> Path:
    """The same folder with a run of the recipe, the teacher."""
    place = data
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        command("run", "recipe.toml", "--out", "teachers", "-q")
    next((place / "teachers").iterdir()).rename(place / "teacher")
    return place


@pytest.fixture
def there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(folder)
    yield folder


def command(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == code, result.output
    return result.output


def student(words: tuple[str, ...], out: Path) -> tuple[str, Path]:
    said = command("distil", "teacher", "recipe.toml", "--out", str(out), "--trust", *words)
    (run,) = (path for path in out.iterdir() if path.is_dir())
    return said, run


@pytest.mark.slow
def test_a_student_is_a_run_like_any_other_and_its_teacher_answers_once(
    there: Path, tmp_path: Path
) -> None:
    teacher = json.loads((there / "teacher/run.json").read_text())
    refitted = {**teacher, "marks": [*teacher["marks"], REFIT_ON_ALL]}
    (there / "teacher/run.json").write_text(json.dumps(refitted))
    said, run = student(("--set", "seed=2"), tmp_path)
    (there / "teacher/run.json").write_text(json.dumps(teacher))
    assert REFIT_ON_ALL not in read_run(run)["marks"], "the first network is the teacher"
    assert "the teacher answers for 60 images, once" in said
    record = read_run(run)
    assert record["status"] == "done" and record["recipe"]["teacher"]["share"] == 0.5
    table = Path(record["recipe"]["teacher"]["answers"])
    assert len(pd.read_csv(table)) == 60
    said = command("distil", "teacher", "recipe.toml", "--out", str(tmp_path), "--trust", "-q")
    assert "the teacher's answers are there already" in said
    table.write_text(table.read_text().replace("0.", "0.0", 1))
    said = command("run", str(run), "--out", str(tmp_path / "again"), "--trust", code=1)
    assert "the teacher's answers are not those of the recipe" in said


@pytest.mark.slow
def test_images_without_labels_are_trained_on_and_copies_are_not(
    there: Path, tmp_path: Path
) -> None:
    said, run = student(("--unlabelled", "more", "--share", "1"), tmp_path)
    assert "1 images without labels are in the data set, too" in said
    assert "broken.png is left out" in said
    assert "4 images without labels are trained on by the teacher's answers alone" in said
    splits = pd.read_csv(run / "splits.csv", dtype=str).set_index("id")
    assert (splits.loc[[f"new{n}" for n in range(4)], "part"] == "train").all()
    assert "copy" not in splits.index
    assert len(json.loads((run / "recipe.lock").read_text())["data"]["files"]) == 61


@pytest.mark.slow
def test_a_teacher_that_has_learned_the_test_lesions_is_refused(
    there: Path, tmp_path: Path
) -> None:
    words = ("distil", "teacher", "recipe.toml", "--trust", "--out", str(tmp_path / "runs"))
    said = command(*words, "--set", "split.seed=2", code=2)
    assert "the teacher has learned" in said and "test lesions" in said and "split.seed" in said
    assert not (tmp_path / "runs").exists()
    plan = load_plan(there / "recipe.toml", ["split.seed=2", "split.allow_leakage=true"])
    (mark,) = check_leakage(plan, split_data(plan).rows, read_member(there / "teacher", True))
    assert "the teacher has learned" in mark


def test_a_teacher_of_merged_data_is_known_by_the_names_in_its_files(data: Path) -> None:
    table = str(data / "table.csv")
    one = {"use": "csv", "file": table}
    alone, merged = (load_data_plan({"dataset": own}) for own in (one, [{**one, "source": "A"}]))
    for teacher, student in ((alone, merged), (merged, alone)):
        splits = load_data(teacher).rows
        splits = splits.assign(component=splits["lesion"], part=["train", "val", "test"] * 20)
        recorded = {"dataset": teacher.components.dataset.written(), "train": {"validation": "val"}}
        model: Any = SimpleNamespace(tables=recorded, network="best", members=())
        rows = load_data(student).rows
        rows = rows.assign(component=rows["lesion"])
        assert seen_rank(student, rows, [Member(model, {}, splits)]).tolist() == [2, 1, 0] * 20


def test_the_loss_is_that_of_hinton_and_leaves_out_labels_that_are_none(
    data: Path, tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    soft, logits = rng.dirichlet([1, 1], 4), torch.randn(4, 2, generator=torch.manual_seed(0))
    file = tmp_path / "teacher.csv"
    names = ["a", "b", "c", "d"]
    answers = dict(zip(names, soft, strict=True))
    table = TeacherTable(("MEL", "NV"), answers, {"c": "c.png"}, {"c": "L1"})
    write_teacher_table(file, table)
    teacher = {"answers": str(file), "share": 0.3, "temperature": 3.0}
    plan = load_plan(data / "recipe.toml", teacher=teacher)
    rows = pd.DataFrame({"id": names, "unlabelled": [False, False, True, False]})
    targets = torch.tensor([0, 1, 0, 1])

    def labels(logits: torch.Tensor, targets: torch.Tensor, weight: Any) -> torch.Tensor:
        return torch.nn.functional.cross_entropy(logits, targets, weight)

    taught = Teacher(plan, rows, ViewAveraging(), torch.device("cpu"))
    order = torch.tensor([3, 0, 2, 1])
    loss = taught.loss_of(labels, order)(logits, targets, None)
    warm = soft ** (1 / 3)
    warm /= warm.sum(1, keepdims=True)
    student = (logits.double() / 3).log_softmax(1).numpy()
    shown = warm[order.numpy()]
    apart = 9 * (shown * (np.log(shown) - student)).sum(1)
    own = torch.nn.functional.cross_entropy(logits.double(), targets, reduction="none").numpy()
    share = np.array([0.3, 0.3, 1.0, 0.3])  # the third image of the batch has no label
    assert float(loss) == pytest.approx((share * apart + (1 - share) * own).mean(), rel=1e-5)


def test_other_photographs_of_the_lesions_of_a_data_set_are_left_out(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    for number in range(6):
        pixels = rng.integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
    for name, photographs in (("own", (0, 1)), ("more", (2, 3, 4))):
        rows = [[f"{name}{n}", f"{n}.png", f"L{n % 3}", ("MEL", "NV")[n % 2]] for n in photographs]
        table = pd.DataFrame(rows, columns=["id", "path", "lesion", "label"])
        table.to_csv(tmp_path / f"{name}.csv", index=False)
        recipe = f'[dataset]\nuse = "csv"\nfile = "{name}.csv"\n'
        (tmp_path / f"{name}.toml").write_text(recipe)
    backbone = '[backbone]\nuse = "torchvision/resnet18"\npretrained = false\n'
    (tmp_path / "student.toml").write_text((tmp_path / "own.toml").read_text() + backbone)
    plan, said = load_plan(tmp_path / "student.toml"), []
    rows = load_data(plan).rows
    found = unlabelled_images(plan, rows, [tmp_path / "more.toml"], said.append)
    # Two of the three show the lesions L0 and L1; L2 is known to whoever reads it the same way.
    assert found[["id", "lesion"]].values.tolist() == [["more2", "csv:L2"]]
    assert "2 images of" in said[0] and "show lesions of the data set" in said[0]
    (tmp_path / "folder").mkdir()
    Image.open(tmp_path / "4.png").save(tmp_path / "folder/L1.png")
    found = unlabelled_images(plan, rows, [tmp_path / "folder"], said.append)
    assert found[["id", "lesion"]].values.tolist() == [["L1", ":L1"]], "no lesion of the data set"


def test_a_run_made_of_others_has_chosen_by_what_it_calls_validation(data: Path) -> None:
    plan = load_data_plan({"dataset": {"use": "csv", "file": str(data / "table.csv")}})
    rows = load_data(plan).rows
    splits = rows.assign(component=rows["lesion"], part=["train", "val", "test"] * 20)
    rows = rows.assign(component=rows["lesion"])
    tables = {"dataset": plan.components.dataset.written(), "train": {"validation": "test"}}
    model: Any = SimpleNamespace(tables=tables, network="best", members=())
    for record, rank in (({}, [2, 0, 1]), ({"members": [{"name": "one"}]}, [2, 1, 0])):
        assert seen_rank(plan, rows, [Member(model, record, splits)]).tolist() == rank * 20
