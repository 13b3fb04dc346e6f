"""The test part of ISIC 2019 is scored with UNK as the challenge scores it."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from isic_challenge_scoring.load_csv import parse_csv, parse_truth_csv, sort_rows
from isic_challenge_scoring.metrics import balanced_multiclass_accuracy
from PIL import Image

from skinfw.cli import main

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the scorer
CLASSES = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")


def archive(root: Path) -> Path:
    """Write ISIC 2019 as it is downloaded, with weights behind the classes of its test part."""
    rng, sizes = np.random.default_rng(0), {"Training": 2, "Test": 36}
    for part, first in (("Training", 0), ("Test", 34321)):
        folder = root / f"ISIC_2019_{part}_Input"
        folder.mkdir(parents=True)
        ids = [f"ISIC_{first + place:07}" for place in range(sizes[part])]
        for name in ids:
            image = Image.fromarray(rng.integers(0, 256, (24, 32, 3), np.uint8))
            image.save(folder / f"{name}.png")
        table = pd.DataFrame(np.eye(9)[np.arange(len(ids)) % 9], columns=CLASSES)
        table.insert(0, "image", ids)
        if part == "Test":
            table["score_weight"] = (np.arange(len(ids)) % 5 > 0).astype(float)
            table["validation_weight"] = 1 - table["score_weight"]
        table.to_csv(root / f"ISIC_2019_{part}_GroundTruth.csv", index=False)
    about = "image,age_approx,anatom_site_general,lesion_id,sex\n"
    rows = "".join(f"ISIC_{place:07},,,,\n" for place in range(2))
    (root / "ISIC_2019_Training_Metadata.csv").write_text(about + rows)
    return root


def test_nine_classes_are_scored_as_the_official_program_does(
    two_runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pd.DataFrame, "applymap", pd.DataFrame.map, raising=False)
    root = archive(tmp_path / "isic")
    (tmp_path / "test.toml").write_text(
        f'[dataset]\nuse = "isic2019"\nroot = "{root}"\nparts = "official"\n'
        'unknown = "class"\nunscored = "drop"\n[split]\nuse = "official"\n'
    )
    run = shutil.copytree(two_runs / "run1", tmp_path / "run")
    words = ["evaluate", str(run), "--dataset", str(tmp_path / "test.toml"), "--part", "test"]
    done = CliRunner().invoke(main, [*words, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    about = json.loads((tmp_path / "out/out_of_distribution.json").read_text())
    ours = about["out_of_distribution"]["with_unknown"]["balanced_accuracy"]["value"]
    with (root / "ISIC_2019_Test_GroundTruth.csv").open() as truths:
        truth, weights = parse_truth_csv(truths)
    with (tmp_path / "out/nine_classes.csv").open() as predictions:
        said = parse_csv(predictions, truth.columns)
    scored = weights["score_weight"] > 0
    assert {*said.index} == {*truth.index[scored]}, "images of weight 0 are left out"
    truth, weights = truth[scored].copy(), weights["score_weight"][scored]
    sort_rows(said)
    theirs = balanced_multiclass_accuracy(truth, said, weights)
    assert ours == pytest.approx(theirs, abs=1e-12)
    assert about["out_of_distribution"]["images"] == int((truth["UNK"] * weights).sum()) > 0
