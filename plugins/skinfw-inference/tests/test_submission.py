"""Submissions are read as the challenges would, or refused with their line."""

from pathlib import Path

import numpy as np
import pytest

from skinfw import SkinfwError
from skinfw_inference.submission import read_submission


def refused(error: pytest.ExceptionInfo[SkinfwError]) -> str:
    text = str(error.value)
    assert error.value.cure and len(text.splitlines()) <= 4
    return text


SUBMISSION = "image,NV,MEL\ny.jpg,0.9,0.8\nx,0.1,0.2\n"


def test_a_submission_is_read_in_the_order_asked_for(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(SUBMISSION)
    result = read_submission(tmp_path / "s.csv", ("MEL", "NV"), ["x", "y"])
    assert result == pytest.approx(np.array([[0.2, 0.1], [0.8, 0.9]]))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SUBMISSION.replace("x,0.1", "y,0.1"), 'the image "y" is there twice'),
        (SUBMISSION.replace("x,0.1", "z,0.1"), 'the image "z" is none of the 2 asked for'),
        (SUBMISSION.replace("x,0.1,0.2\n", ""), "1 of 2 images are absent\n"),
        (SUBMISSION.replace("0.1", "7"), 'the probability of NV is "7"'),
        (SUBMISSION.replace("NV", "DF"), "the header lacks NV"),
        ("image,NV,MEL,DF\nx,0,0,0\n", "no class: DF"),
    ],
)
def test_a_submission_that_the_challenge_would_refuse_is_refused(
    tmp_path: Path, text: str, says: str
) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(SkinfwError) as error:
        read_submission(tmp_path / "s.csv", ("MEL", "NV"), ["x", "y"])
    assert says in refused(error)
