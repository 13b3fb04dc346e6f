"""A recipe is tried on noise: every component once, without data, and nothing is left behind."""

from pathlib import Path

import pytest
from support import TINY, TINY_BACKBONE, Run

NO_DATA = TINY.replace('use = "synthetic"\nimages = 80\nsize = 64', 'use = "isic2019"\nroot = "x"')
FLOAT_LOSS = """
class Mine:
    def __call__(self, logits, targets, class_weight):
        return 0.5
"""
DEAF_REPORT = """
class Mine:
    def write(self, result, folder):
        return result.metrics["test"]["no such number"]
"""


@pytest.fixture(autouse=True)
def backbone(tmp_path: Path) -> None:
    (tmp_path / "tiny.py").write_text(TINY_BACKBONE)


def test_a_recipe_without_its_data_runs_every_stage(skinfw: Run, tmp_path: Path) -> None:
    masked = NO_DATA.replace("isic2019", "isic2018").replace("[image]", '[image]\nkeep = "lesion"')
    (tmp_path / "r.toml").write_text(masked)  # noise has no masks, and needs none
    before = sorted(tmp_path.rglob("*.*"))
    done = skinfw("check", "r.toml", "--try")
    assert done.returncode == 0, done.stderr
    stages = done.stdout.splitlines()[-1]
    assert all(stage in stages for stage in ("train", "evaluate", "explain", "report"))
    assert [path for path in sorted(tmp_path.rglob("*.*")) if "__pycache__" not in path.parts] == [
        path for path in before if "__pycache__" not in path.parts
    ]


@pytest.mark.parametrize(
    ("table", "code", "says"),
    [
        ("[loss]", FLOAT_LOSS, ") returned a float"),
        ("[[report]]", DEAF_REPORT, ") failed: KeyError"),
    ],
)
def test_a_wrong_component_is_told_before_any_data_are_read(
    skinfw: Run, tmp_path: Path, table: str, code: str, says: str
) -> None:
    (tmp_path / "mine.py").write_text(code)
    (tmp_path / "r.toml").write_text(f'{NO_DATA}\n{table}\nuse = "./mine.py:Mine"\n')
    assert skinfw("check", "r.toml").returncode == 0
    done = skinfw("check", "r.toml", "--try")
    assert done.returncode == 1 and says in done.stderr


def test_weights_are_not_fetched_to_try_a_recipe(skinfw: Run, tmp_path: Path) -> None:
    text = NO_DATA.replace("./tiny.py:tiny", "timm/test_resnet.r160_in1k")
    (tmp_path / "r.toml").write_text(text)
    assert skinfw("check", "r.toml", "--try").returncode == 0
