"""The messages in errors.md are those that come.

Only the one about a split that leaks needs images that are not here; of that one, the words are.
"""

from pathlib import Path

from documents import DOCS, blocks
from support import Run

SLIPS, LEAK, ANSWER, LISTS = (block.text for block in blocks(DOCS / "errors.md"))
RECIPE = """seed = 1

[dataset]
use = "synthetic"
images = 640

[backbone]
use = "lite/efficientnet-lite0"

[image]
size = 128

[train]
epochs = 4
batch_size = 32

# the sampler has a slip
[sampler]
use = "kmeans-hybird"
"""
METRICS = """[dataset]
use = "synthetic"

[[metric]]
use = "agreement"
add = true

[[metric]]
use = "probability"
"""
SAMPLER = '''import numpy as np
from skinfw import Draw


class Everything:
    """Show all."""

    def draw(self, labels, context):
        return Draw(np.arange(len(labels) + 1))
'''


def test_all_problems_of_a_recipe_come_at_once(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(RECIPE)
    done = skinfw("check", "my.toml", "--set", "loss.label_smoothing=1.5")
    assert done.stderr == SLIPS


def test_a_wrong_answer_is_told(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SAMPLER)
    use = "sampler.use=./mine.py:Everything"
    done = skinfw("check", "--try", "quickstart", "--set", use)
    assert done.stderr == ANSWER


def test_a_page_that_a_message_names_is_at_hand(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SAMPLER.replace("draw", "sample"))
    done = skinfw("check", "--try", "quickstart", "--set", "sampler.use=./mine.py:Everything")
    place = done.stderr.splitlines()[-1].split(" tells what it takes")[0].strip()
    assert Path(place).samefile(DOCS / "kinds.md")


def test_a_list_that_is_half_added_is_told(skinfw: Run, tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(METRICS)
    assert skinfw("check", "my.toml").stderr == LISTS


def test_the_example_of_a_leak_has_the_words_of_the_code() -> None:
    source = Path(__file__).parents[2] / "skinfw" / "data" / "leakage"
    code = "".join(file.read_text() for file in source.glob("*.py"))
    for words in ("the split leaks: ", "have images in more than one part", "more pairs"):
        assert words in LEAK and words in code
