"""A submission is taken or refused as isic-challenge-scoring takes or refuses it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from isic_challenge_scoring.classification import ClassificationMetric, ClassificationScore
from isic_challenge_scoring.load_csv import parse_csv, parse_truth_csv, validate_rows
from isic_challenge_scoring.types import ScoreError
from PIL import Image

from skinfw import FittedCalibration, RecipeError, SkinfwError
from skinfw.cli import main
from skinfw_inference.challenges import CHALLENGES, Challenge, challenge_of_classes
from skinfw_inference.submission import check_submission, read_challenge, wanted_images
from skinfw_inference.table import Columns

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the scorer
IDS = tuple(f"ISIC_{number:07}" for number in range(27))
BY_NAME = {one.name: one for one in CHALLENGES}
NETWORKS = {
    "isic2017": ("MEL", "SK", "NV"),
    "isic2018": ("NV", "MEL", "BCC", "AKIEC", "BKL", "DF", "VASC"),
    "isic2019": ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC"),
}


@pytest.fixture(autouse=True)
def _an_older_pandas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give pandas the name that the official scorer calls; pandas 3 has it as DataFrame.map."""
    monkeypatch.setattr(pd.DataFrame, "applymap", pd.DataFrame.map, raising=False)


def truth(folder: Path, challenge: Challenge) -> Path:
    """Write a ground truth in which each column has images."""
    columns, file = list(challenge.columns), folder / "truth.csv"
    rows = np.eye(len(columns) + len(challenge.others))[np.arange(len(IDS)) % 9 % len(columns)]
    table = pd.DataFrame(rows[:, : len(columns)], columns=columns)
    table.insert(0, "image", IDS)
    table.to_csv(file, index=False)
    return file


def submission(folder: Path, challenge: Challenge, limit: float = 0.4) -> Path:
    """Write what `predict` writes for a network of the challenge's classes."""
    classes, file = NETWORKS[challenge.name], folder / "submission.csv"
    columns = Columns(classes, FittedCalibration(unknown=limit), challenge)
    chances = np.random.default_rng(0).dirichlet(np.ones(len(classes)), len(IDS))
    rows = [columns.row(name, own) for name, own in zip(IDS, chances, strict=True)]
    file.write_text("\n".join([",".join(columns.header), *map(",".join, rows), ""]))
    return file


def official(text: str, truth_file: Path) -> str:
    """Return why the official scorer refuses a file, blank where it takes it."""
    file = truth_file.with_name("official.csv")
    file.write_bytes(text.encode())
    with truth_file.open() as truths, file.open() as predictions:
        expected, _ = parse_truth_csv(truths)
        try:
            validate_rows(expected, parse_csv(predictions, expected.columns))
        except ScoreError as error:
            return str(error)
    return ""


@pytest.mark.parametrize("name", BY_NAME)
def test_what_a_network_says_is_scored_by_the_official_program(tmp_path: Path, name: str) -> None:
    challenge = BY_NAME[name]
    file, truths = submission(tmp_path, challenge), truth(tmp_path, challenge)
    metric = ClassificationMetric("auc" if name == "isic2017" else "balanced_accuracy")
    score = ClassificationScore.from_file(truths, file, metric)
    assert list(score.per_category.index) == list(challenge.columns)
    assert 0 < score.overall < 1
    assert check_submission(file, challenge, wanted_images(truths)) == len(IDS)
    assert read_challenge(file, None) == challenge


ROW = "ISIC_0000003,0.1,0.2,0.1,0.1,0.1,0.1,0.1,0.1,0.1"
GOOD = {
    "as it is": lambda text: text,
    "a suffix": lambda text: text.replace("ISIC_0000003,", "ISIC_0000003.JPG,"),
    "Windows": lambda text: text.replace("\n", "\r\n"),
    "a mark": lambda text: "\ufeff" + text,
    "quotes": lambda text: text.replace("ISIC_0000003", '"ISIC_0000003"').replace("UNK", '"UNK"'),
    "no last end": lambda text: text.rstrip("\n"),
    "blank lines": lambda text: text + "\n\n",
    "ends": lambda text: text.replace(ROW, ROW.replace("0.2", "1").replace("0.1", "0", 1)),
    "an exponent": lambda text: text.replace(ROW, ROW.replace("0.2", "2e-1")),
    "no sum of one": lambda text: text.replace(ROW, ROW.replace("0.1", "1.0")),
    "rows in another order": lambda text: reordered(text, lambda cells: cells),
    "columns in another order": lambda text: reordered(text, lambda cells: cells[::-1]),
}
BAD = {
    "a column less": (lambda text: drop(text, "UNK"), 1, "the header lacks UNK"),
    "no image": (lambda text: text.replace("image,", "id,"), 1, "the header lacks image"),
    "a column more": (lambda text: text.replace("\n", ",1.0\n").replace("UNK,1.0", "UNK,X"), 1,
                      "isic2019 has no column X"),
    "a column twice": (lambda text: text.replace("\n", ",1.0\n").replace("UNK,1.0", "UNK,NV"), 1,
                       "the header has NV twice"),
    "a nameless column": (lambda text: text.replace("\n", ",\n"), 1, "a cell without a column"),
    "numbers of rows": (lambda text: numbered(text), 1, "a cell without a column"),
    "a row less": (lambda text: text.replace(ROW + "\n", ""), 1, "1 of 27 images are absent"),
    "a row more": (lambda text: text + ROW.replace("0003", "9999"), 29, "is none of the 27"),
    "a row twice": (lambda text: text + ROW, 29, 'the image "ISIC_0000003" is there twice'),
    "twice by suffix": (lambda text: text + ROW.replace("03,", "03.jpg,"), 29, "is there twice"),
    "a blank value": (lambda text: text.replace(ROW, ROW.replace("0.2", "")), 5, "of NV"),
    "nan": (lambda text: text.replace(ROW, ROW.replace("0.2", "nan")), 5, 'NV is "nan"'),
    "infinite": (lambda text: text.replace(ROW, ROW.replace("0.2", "inf")), 5, 'NV is "inf"'),
    "above one": (lambda text: text.replace(ROW, ROW.replace("0.2", "1.2")), 5, 'NV is "1.2"'),
    "below zero": (lambda text: text.replace(ROW, ROW.replace("0.2", "-0.2")), 5, 'NV is "-0.2"'),
    "a word": (lambda text: text.replace(ROW, ROW.replace("0.2", "yes")), 5, 'NV is "yes"'),
    "a comma in a number": (lambda text: text.replace(ROW, ROW.replace("0.2", '"0,2"')), 5, "0,2"),
    "whole numbers": (lambda text: rewrite(text, "UNK", "0"), 2, "all values of UNK are whole"),
    "a blank in a name": (lambda text: text.replace(ROW, f" {ROW}"), 5, "a blank in the line"),
    "a blank in the header": (lambda text: text.replace("UNK", " UNK"), 1, "a blank in the line"),
    "an empty row": (lambda text: text + ",,,,,,,,,\n", 29, "a cell without a column"),
    "semicolons": (lambda text: text.replace(",", ";"), 1, "the header lacks image"),
    "no rows": (lambda text: text.split("\n")[0] + "\n\n", 1, "a header and no row"),
    "other classes": (lambda text: text.replace("AK", "AKIEC"), 1, "the header lacks AK"),
}  # fmt: skip


def reordered(text: str, columns: Callable[[list[str]], list[str]]) -> str:
    head, *rows = (",".join(columns(line.split(","))) for line in text.rstrip("\n").split("\n"))
    return "\n".join([head, *rows[::-1], ""])


def numbered(text: str) -> str:
    """Number the rows as pandas does."""
    head, *rows = text.rstrip("\n").split("\n")
    return "\n".join([f",{head}", *(f"{place},{row}" for place, row in enumerate(rows)), ""])


def drop(text: str, column: str) -> str:
    place = text.split("\n")[0].split(",").index(column)
    return "\n".join(",".join(line.split(",")[:place]) for line in text.split("\n"))


def rewrite(text: str, column: str, value: str) -> str:
    head, *lines = text.rstrip("\n").split("\n")
    place = head.split(",").index(column)
    rows = [[*line.split(",")[:place], value, *line.split(",")[place + 1 :]] for line in lines]
    return "\n".join([head, *map(",".join, rows), ""])


def valid(folder: Path) -> tuple[str, Path]:
    """Return the text of a submission of 2019, with `ROW` in it, and its ground truth."""
    text = submission(folder, BY_NAME["isic2019"]).read_text()
    lines = text.split("\n")
    return text.replace(lines[4], ROW), truth(folder, BY_NAME["isic2019"])


@pytest.mark.parametrize("case", GOOD)
def test_what_the_official_scorer_takes_is_taken(tmp_path: Path, case: str) -> None:
    text, truths = valid(tmp_path)
    text = GOOD[case](text)
    assert official(text, truths) == ""
    (tmp_path / "s.csv").write_bytes(text.encode())
    assert check_submission(tmp_path / "s.csv", BY_NAME["isic2019"], IDS) == len(IDS)


@pytest.mark.parametrize("case", BAD)
def test_what_the_official_scorer_refuses_is_refused_with_its_line(
    tmp_path: Path, case: str
) -> None:
    text, truths = valid(tmp_path)
    change, line, says = BAD[case]
    text = change(text)
    assert official(text, truths), "the official scorer takes it"
    file = tmp_path / "s.csv"
    file.write_text(text)
    words = ["check-submission", str(file), "--images", str(truths), "--challenge", "isic2019"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 1 and says in done.output, done.output
    lines = done.output.splitlines()
    assert 3 <= len(lines) <= 4 and lines[1].strip() == f"{file}:{line}", done.output


def test_a_file_of_one_image_whose_line_does_not_end_is_told(tmp_path: Path) -> None:
    text = "\n".join(valid(tmp_path)[0].split("\n")[:2])
    with (tmp_path / "truth.csv").open() as truths:
        expected, _ = parse_truth_csv(truths)
    (tmp_path / "s.csv").write_text(text)
    with (tmp_path / "s.csv").open() as file, pytest.raises(ScoreError, match="No newlines"):
        parse_csv(file, expected.columns)
    with pytest.raises(SkinfwError, match="the line does not end"):
        check_submission(tmp_path / "s.csv", BY_NAME["isic2019"], IDS[:1])
    (tmp_path / "s.csv").write_text(text + "\n")
    assert check_submission(tmp_path / "s.csv", BY_NAME["isic2019"], IDS[:1]) == 1


def test_the_command_tells_the_challenge_by_the_columns(tmp_path: Path) -> None:
    file = submission(tmp_path, BY_NAME["isic2017"])
    done = CliRunner().invoke(main, ["check-submission", str(file)])
    assert done.exit_code == 0 and "a submission to isic2017: 27 images" in done.output
    assert "nobody looked for them" in done.output
    file.write_text(file.read_text().replace("melanoma", "MEL"))
    done = CliRunner().invoke(main, ["check-submission", str(file)])
    assert done.exit_code == 1 and "are the columns of no challenge" in done.output
    assert f"{file}:1" in done.output and "isic2017 also takes melanoma;" in done.output


def test_the_images_are_those_of_a_table_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "2017.csv").write_text("image_id,melanoma,seborrheic_keratosis\nISIC_1,0,1\n")
    assert wanted_images(tmp_path / "2017.csv") == ["ISIC_1"]
    (tmp_path / "other.csv").write_text("name\nISIC_1\n")
    with pytest.raises(SkinfwError, match="the header lacks image"):
        wanted_images(tmp_path / "other.csv")
    for name in ("ISIC_1.jpg", "ISIC_1_superpixels.png", "ISIC_2_downsampled.jpg"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    assert wanted_images(tmp_path) == ["ISIC_1", "ISIC_2_downsampled"]


@pytest.mark.parametrize("share", [0.02, 0.5, 0.95])
def test_unk_is_called_where_an_image_may_be_unknown(share: float) -> None:
    challenge, classes = BY_NAME["isic2019"], NETWORKS["isic2019"]
    chances = np.random.default_rng(1).dirichlet(np.full(8, 0.5), 200)
    lack = 1 - chances.max(1)
    limit = float(np.quantile(lack, share))
    refused = FittedCalibration(unknown=limit).may_be_unknown(chances)
    rows = np.array([challenge.confidences(own, classes, limit) for own in chances])
    assert (rows[:, :8] == chances).all(), "the classes are what the network says"
    assert ((rows.argmax(1) == 8) == refused).all() and refused.any() and not refused.all()
    assert (np.diff(rows[lack.argsort(), 8]) > 0).all() and rows.min() >= 0 and rows.max() <= 1


def test_unk_is_0_without_a_limit_and_the_network_s_own_where_it_has_one() -> None:
    challenge, classes = BY_NAME["isic2019"], NETWORKS["isic2019"]
    chances = np.random.default_rng(1).dirichlet(np.ones(9))
    plain = challenge.confidences(chances[:8], classes, float("nan"))
    assert plain.tolist() == [*chances[:8], 0]
    assert challenge.confidences(chances, (*classes, "UNK"), 0.5).tolist() == chances.tolist()
    for sure in (0.0, 1.0):
        assert challenge.confidences(np.eye(8)[2], classes, sure)[8] == 0


def test_a_network_of_other_classes_has_no_challenge() -> None:
    assert challenge_of_classes(NETWORKS["isic2018"], "run").name == "isic2018"
    assert challenge_of_classes((*NETWORKS["isic2019"], "UNK"), "run").name == "isic2019"
    with pytest.raises(RecipeError, match="those of no ISIC challenge") as error:
        challenge_of_classes(("MEL", "NV"), "runs/mine")
    assert error.value.where == "runs/mine" and len(str(error.value).splitlines()) == 4


PIECES = (
    *'0123456789.,"\n\r\t E-+_ISCML;\ufeff', "nan", "NA", "inf", "1e0", ".5", "5.", "0x1", "True",
    "ISIC_0000003", ".jpg", "\n\n", ",,,", '""',
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_taken_that_the_official_scorer_refuses(tmp_path: Path, seed: int) -> None:
    text, truths = valid(tmp_path)
    random, taken = np.random.default_rng(seed), 0
    for _ in range(500):
        spoilt = text
        for _ in range(random.integers(1, 4)):
            place, piece = random.integers(len(spoilt)), str(random.choice(PIECES))
            left, added = random.integers(0, 4), piece if random.random() < 0.7 else ""
            spoilt = spoilt[:place] + added + spoilt[place + left :]
        (tmp_path / "s.csv").write_bytes(spoilt.encode())
        try:
            check_submission(tmp_path / "s.csv", BY_NAME["isic2019"], IDS)
        except SkinfwError as error:
            assert error.where.startswith(str(tmp_path / "s.csv")) and error.cure
            continue
        assert official(spoilt, truths) == "", spoilt
        taken += 1
    assert taken > 10, "some changes do no harm"
