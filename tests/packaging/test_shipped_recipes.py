"""An installed skinfw brings its recipes, and reads no file of the checkout."""

from pathlib import Path

import numpy as np
import pytest
from environments import Environment, build
from PIL import Image
from support import ROOT


@pytest.mark.slow
def test_an_installed_skinfw_finds_its_recipes(environment: Environment, tmp_path: Path) -> None:
    environment.pip("install", "--no-deps", "--no-index", str(build(ROOT, tmp_path / "wheel")))
    said = environment.run("-m", "skinfw", "check", "isic2019_densenet_asis", cwd=tmp_path)
    assert f'root = "{tmp_path}/data/ISIC_2019"' in said
    unknown = environment.run("-m", "skinfw", "check", "none", check=False, cwd=tmp_path)
    for recipe in (ROOT / "recipes").glob("*.toml"):
        assert recipe.stem in unknown


@pytest.mark.slow
def test_an_installed_skinfw_runs_a_recipe_by_its_name(
    environment: Environment, tmp_path: Path
) -> None:
    environment.pip("install", "--no-deps", "--no-index", str(build(ROOT, tmp_path / "wheel")))
    write_isic2019(tmp_path / "data/ISIC_2019")
    sets = (
        "backbone.use=timm/test_resnet", "backbone.pretrained=false", "image.size=64",
        "sampler.use=shuffle", "train.epochs=1", "train.batch_size=8", "train.limit_batches=1",
        "train.limit_eval_batches=1", "evaluate.replicates=0", 'report=[{use="page"}]',
    )  # fmt: skip
    words = [word for text in sets for word in ("--set", text)]
    said = environment.run("-m", "skinfw", "run", "isic2019_densenet", *words, cwd=tmp_path)
    (folder,) = (tmp_path / "runs").iterdir()
    assert folder.name.startswith("isic2019_densenet-") and "best epoch 1" in said
    assert (folder / "report.html").is_file()


def write_isic2019(root: Path) -> None:
    """Write 96 small images of the eight classes, in the official layout."""
    images = root / "ISIC_2019_Training_Input"
    images.mkdir(parents=True)
    classes = "MEL,NV,BCC,AK,BKL,DF,VASC,SCC,UNK"
    truth = [f"image,{classes}"]
    about = ["image,age_approx,anatom_site_general,lesion_id,sex"]
    rng = np.random.default_rng(0)
    for number in range(96):
        name = f"ISIC_{number:07}"
        truth.append(",".join([name, *(str(float(place == number % 8)) for place in range(9))]))
        about.append(f"{name},40,anterior torso,HAM_{number:07},female")
        pixels = rng.integers(0, 255, (64, 64, 3), np.uint8)
        Image.fromarray(pixels).save(images / f"{name}.jpg")
    (root / "ISIC_2019_Training_GroundTruth.csv").write_text("\n".join(truth) + "\n")
    (root / "ISIC_2019_Training_Metadata.csv").write_text("\n".join(about) + "\n")
