"""JSON from anywhere: read where it is plain, else refused with the reason and the key."""

from pathlib import Path
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from skinfw import SkinfwError
from skinfw.files.json_files import JsonError, parse_json, read_json, read_record


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1, "a": 2}', "'a' is there twice"),
        ('{"a": NaN}', "NaN is no number"),
        ('{"a": -Infinity}', "-Infinity is no number"),
        ('{"a": 1e999}', "1e999 is no number"),
        ('{"a": ' + "9" * 5_000 + "}", "is too long"),
        ("[" * 51 + "]" * 51, "nested more than 50 times"),
        ("[" * 100_000 + "]" * 100_000, "nested more than 50 times"),
        (r'["\ud800"]', "holds what is no letter"),
        (r'{"a\u0000b": 1}', "holds what is no letter"),
        ("{", "it is no JSON"),
        ("", "it is no JSON"),
    ],
)
def test_what_no_reader_should_meet_is_refused(text: str, why: str) -> None:
    with pytest.raises(JsonError, match=why):
        parse_json(text)


def test_plain_json_is_read_as_it_is() -> None:
    text = '{"a": [1, -2.5, null, "N\\u00e4vus \\ud83d\\ude00"], "9": {"": 9223372036854775807}}'
    assert parse_json(text) == {
        "a": [1, -2.5, None, "Nävus 😀"],
        "9": {"": 9223372036854775807},
    }


def test_a_file_is_bounded_and_in_utf8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "x.json"
    file.write_bytes('{"a": 1}'.encode("utf-16"))
    with pytest.raises(JsonError, match="not in UTF-8"):
        read_json(file)
    file.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(file) == [1]
    monkeypatch.setattr("skinfw.files.json_files.LARGEST", 2)
    with pytest.raises(JsonError, match="more than"):
        read_json(file)
    with pytest.raises(JsonError, match="no file"):
        read_json(tmp_path)


class _Schema(BaseModel):
    model_config = {"strict": True}
    name: str
    count: Annotated[int, Field(ge=0)] = 0


@pytest.mark.parametrize(
    ("text", "what", "why"),
    [
        ('{"count": 1}', 'x.json lacks the key "name"', ""),
        ('{"name": 5}', 'the key "name" of x.json is wrong', "valid string; it is 5"),
        ('{"name": "a", "count": -1}', 'the key "count" of x.json is wrong', "it is -1"),
        ('{"name": "a", "count": true}', 'the key "count" of x.json is wrong', "it is True"),
        ("[]", "x.json is wrong", "it is []"),
    ],
)
def test_an_error_names_file_and_key(tmp_path: Path, text: str, what: str, why: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(SkinfwError) as error:
        read_record(_Schema, tmp_path / "x.json", "mend it")
    assert error.value.what == what and why in error.value.why
    assert error.value.where.endswith("x.json") and error.value.cure == "mend it"
