"""The picture of what an augmentation does."""

from pathlib import Path

import numpy as np
from PIL import Image

AUGMENT = """
[[augment]]
use = "flip"
horizontal = 1.0

[[augment]]
use = "randaugment-op"
op = "solarize"
"""


def test_the_sheet_has_a_row_per_op_and_the_chain(skinfw, tiny: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "shown.toml"
    recipe.write_text(f'extends = "{tiny}"\n{AUGMENT}')
    out = tmp_path / "sheet.png"
    done = skinfw("preview", str(recipe), "--out", str(out), "--images", "3")
    assert done.returncode == 0, done.stderr
    sheet = np.asarray(Image.open(out))
    side, gap, head = 32, 6, 22
    assert sheet.shape == (4 * (side + gap + head) + gap, 3 * (side + gap) + gap, 3)

    def tile(row: int, column: int) -> np.ndarray:
        top, left = gap + head + row * (side + gap + head), gap + column * (side + gap)
        return sheet[top : top + side, left : left + side]

    for column in range(3):
        assert (tile(1, column) == tile(0, column)[:, ::-1]).all()
    again = tmp_path / "again.png"
    skinfw("preview", str(recipe), "--out", str(again), "--images", "3")
    assert again.read_bytes() == out.read_bytes()


def test_a_picture_that_cannot_be_written_is_told(skinfw, tiny: Path, tmp_path: Path) -> None:
    done = skinfw("preview", str(tiny), "--out", str(tmp_path / "gone" / "sheet.png"))
    assert done.returncode == 1 and "cannot be written" in done.stderr
    done = skinfw("preview", str(tiny), "--out", str(tmp_path / "sheet.nonsense"))
    assert done.returncode == 1 and "unknown file extension" in done.stderr
