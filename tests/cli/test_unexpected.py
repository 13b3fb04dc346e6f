"""What no guard caught names the innermost file that is not ours, if there is one."""

from pathlib import Path
from typing import Any

from skinfw.cli.unexpected import unexpected
from skinfw.registry.names import nearest
from skinfw_losses.cross_entropy import CrossEntropy


def raised(function: Any) -> str:
    try:
        function()
    except Exception as error:
        return str(unexpected(error))
    raise AssertionError("it raises")


def test_a_users_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import json\n\ndef odd():\n    json.loads('{')\n")
    space: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    text = raised(space["odd"])
    assert "raised in mine.py:4" in text and str(file) in text, "and not Python's json"
    assert "defect of skinfw" not in text


def test_a_plugin_is_named() -> None:
    text = raised(lambda: CrossEntropy(("a", "b"))(None, None, None))
    assert "plugin losses" in text and "report it to skinfw" in text


def test_what_is_ours_alone_is_our_defect() -> None:
    try:
        nearest(None, ["a"])  # type: ignore[arg-type]
    except TypeError as error:
        ours = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)
        assert "this is a defect of skinfw itself" in str(unexpected(ours))
    else:
        raise AssertionError("it raises")


def test_lack_of_memory_is_nobodys_defect() -> None:
    def lacks() -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 TB")

    text = raised(lacks)
    assert "not enough memory" in text and "batch_size" in text and "defect" not in text
