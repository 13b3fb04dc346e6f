"""An installed skinfw brings its recipes, and reads no file of the checkout."""

from pathlib import Path

import pytest
from environments import Environment, build
from support import ROOT


@pytest.mark.slow
def test_an_installed_skinfw_finds_its_recipes(environment: Environment, tmp_path: Path) -> None:
    environment.pip("install", "--no-deps", "--no-index", str(build(ROOT, tmp_path / "wheel")))
    said = environment.run("-m", "skinfw", "check", "isic2019_densenet_asis", cwd=tmp_path)
    assert f'root = "{tmp_path}/data/ISIC_2019"' in said
    unknown = environment.run("-m", "skinfw", "check", "none", check=False, cwd=tmp_path)
    for recipe in (ROOT / "recipes").glob("*.toml"):
        assert recipe.stem in unknown
