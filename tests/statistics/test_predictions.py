"""Files of predictions are read whole or refused with their line."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cases import of_a_network

from skinfw import SkinfwError
from skinfw.statistics.intervals import concatenate, select
from skinfw.statistics.predictions import (
    read_predictions,
    run_predictions,
    write_predictions,
)

HEADER = "id,true,predicted,MEL,NV\n"
GOOD = HEADER + "a,MEL,MEL,0.7,0.3\nb,NV,MEL,0.6,0.4\n"
SPLITS = "id,lesion,label,part\na,one,MEL,test\nb,one,NV,test\nc,two,NV,train\n"


def refused(error: pytest.ExceptionInfo[SkinfwError]) -> str:
    text = str(error.value)
    assert error.value.cure and len(text.splitlines()) <= 4
    return text


def test_what_a_run_writes_is_read_as_it_was(tmp_path: Path) -> None:
    predictions = of_a_network(0, 40, classes=5)
    write_predictions(tmp_path / "predictions.csv", predictions)
    rows = [f"{name},L{place // 2},NV,test" for place, name in enumerate(predictions.ids)]
    (tmp_path / "splits.csv").write_text("\n".join(["id,lesion,label,part", *rows]) + "\n")
    again = run_predictions(tmp_path)
    assert list(again.ids) == list(predictions.ids) and again.classes == predictions.classes
    assert again.lesions[:4] == ("L0", "L0", "L1", "L1")
    assert (again.true == predictions.true).all()
    assert (again.probabilities == predictions.probabilities).all()


def test_paths_of_images_stay_with_them(tmp_path: Path) -> None:
    plain = of_a_network(0, 4, classes=2)
    paths = ["=a/1.jpg", "b, c/2.jpg", "3.jpg", "d/4.jpg"]
    known = replace(plain, paths=paths)
    write_predictions(tmp_path / "p.csv", known)
    again = read_predictions(tmp_path / "p.csv")
    assert list(again.paths) == paths and again.classes == plain.classes
    assert select(again, np.array([2, 0])).paths == ("3.jpg", "=a/1.jpg")
    assert list(concatenate([again, again]).paths) == paths * 2
    assert concatenate([again, plain]).paths == () == select(plain, np.array([1])).paths


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("0.6,0.4", "nan,0.4"), ':3\n  it must be a number in [0, 1]'),
        (GOOD.replace("0.6,0.4", "1.4,-0.4"), 'the probability of MEL is "1.4"'),
        (GOOD.replace("0.6,0.4", "0.6,0.6"), "sum to 1.2, not to one"),
        (GOOD.replace("b,NV", "a,NV"), 'the image "a" is there twice'),
        (GOOD.replace("b,NV", "z,NV"), 'the image "z" is unknown'),
        (GOOD.replace("b,NV", "c,NV"), 'the image "c" is unknown'),
        (GOOD.replace("b,NV", "b,DF"), 'the true class "DF" has no column'),
        (GOOD.replace("id,true", "image,true"), ":1\n  it is image,true"),
        (GOOD.replace("MEL,NV\n", "MEL,MEL\n"), "the header has MEL twice"),
        (GOOD + "d,NV,0.5\n", ":4"),
        (HEADER, "there are no predictions"),
        ("", "the file is empty"),
    ],
)  # fmt: skip
def test_bad_predictions_are_refused_with_their_line(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "splits.csv").write_text(SPLITS)
    (tmp_path / "predictions.csv").write_text(text)
    with pytest.raises(SkinfwError) as error:
        run_predictions(tmp_path)
    assert says in refused(error) and "predictions.csv" in refused(error)


def test_absent_and_binary_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SkinfwError, match="does not exist") as error:
        run_predictions(tmp_path)
    assert "splits.csv" in refused(error)
    (tmp_path / "p.csv").write_bytes(b"id,true\xff\xfe\x00")
    with pytest.raises(SkinfwError, match="no readable CSV"):
        read_predictions(tmp_path / "p.csv")


def test_rounded_probabilities_pass(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("id,true,A,B,C\nx,A,0.333,0.333,0.333\n")
    predictions = read_predictions(tmp_path / "p.csv")
    assert predictions.lesions == ("x",) and predictions.probabilities.shape == (1, 3)
