"""Commands on data ask for a data set alone: in a file, as a shipped recipe or as a run folder."""

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from skinfw.cli import main


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with twenty images and a file that holds the table [dataset] and nothing else."""
    monkeypatch.chdir(tmp_path)
    rows = ["id,path,label"]
    for number in range(20):
        pixels = np.random.default_rng(number).integers(0, 256, (24, 30, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{number}.png")
        rows.append(f"i{number},{number}.png,{'NV' if number % 2 else 'MEL'}")
    (tmp_path / "own.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "data.toml").write_text('[dataset]\nuse = "csv"\nfile = "own.csv"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("preview", "data.toml", "--set", "image.size=32"), "preview.png: "),
        (("data", "convert", "data.toml"), "train.json: "),
        (("data", "cache", "build", "data.toml"), "20 of 20 images are in the cache"),
        (("data", "audit", "data.toml"), "csv: 20 images"),
        (("data", "audit", "quickstart"), "synthetic: 640 images"),
    ],
)
def test_the_table_of_the_data_set_is_enough(
    there: Path, words: tuple[str, ...], said: str
) -> None:
    result = CliRunner().invoke(main, list(words))
    assert result.exit_code == 0 and said in result.output, result.output
