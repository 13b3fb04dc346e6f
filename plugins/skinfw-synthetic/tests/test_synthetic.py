"""What a user of the synthetic data set relies on."""

import pickle
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skinfw_synthetic.dataset import Synthetic
from skinfw_synthetic.export import write
from skinfw_synthetic.world import ISIC_2019, counts


def test_the_same_seed_gives_the_same_pixels_in_any_order() -> None:
    data = Synthetic(images=64, size=96, seed=3)
    paths = list(data.table().rows["path"][:6])
    forward = {path: data.image(path) for path in paths}
    again = pickle.loads(pickle.dumps(data))
    for path in reversed(paths):
        np.testing.assert_array_equal(again.image(path), forward[path])
    other = Synthetic(images=64, size=96, seed=4)
    assert not np.array_equal(other.image(paths[0]), forward[paths[0]])


def test_another_process_draws_the_same_pixels_with_any_number_of_threads() -> None:
    code = (
        "import sys, zlib, cv2; from skinfw_synthetic.dataset import Synthetic;"
        "cv2.setNumThreads(int(sys.argv[1]));"
        "d = Synthetic(images=70, size=64, seed=9);"
        "pixels = b''.join(d.image(path).tobytes() for path in d.table().rows['path']);"
        "print(zlib.crc32(pixels + d.table().rows.to_csv().encode()))"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code, threads], capture_output=True, text=True, check=True
        ).stdout
        for threads in ("1", "2")
    }
    assert len(runs) == 1
    assert runs.pop().strip().isdecimal()


def test_the_signature_is_read_without_numerical_libraries() -> None:
    code = (
        "import sys, typing; from skinfw_synthetic.dataset import Synthetic;"
        "typing.get_type_hints(Synthetic, include_extras=True); Synthetic();"
        "print({'numpy', 'cv2', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_images_have_the_promised_form() -> None:
    data = Synthetic(images=64, size=90)
    image, mask = data.image("SYN_0000063"), data.mask("SYN_0000063")
    assert image.shape == (90, 120, 3)
    assert image.dtype == np.uint8
    assert mask.shape == (90, 120)
    assert mask.dtype == np.bool_


def test_classes_keep_the_proportions_of_isic_2019() -> None:
    assert counts(25331) == ISIC_2019
    assert list(counts(1000)) == list(Synthetic.classes)
    for images in (64, 65, 333, 1000, 5000):
        shares = counts(images)
        assert sum(shares.values()) == images
        assert min(shares.values()) >= 4
        assert sorted(shares, key=lambda name: (shares[name], ISIC_2019[name])) == sorted(
            ISIC_2019, key=lambda name: ISIC_2019[name]
        )
    large = counts(5000)
    assert all(abs(large[name] - 5000 * size / 25331) < 1 for name, size in ISIC_2019.items())


@pytest.mark.parametrize("seed", [0, 1])
def test_the_table_is_complete_and_counts_depend_on_images_alone(seed: int) -> None:
    table = Synthetic(images=400, seed=seed).table().rows
    assert list(table.columns) == [
        "id", "path", "label", "lesion", "age_approx", "sex", "anatom_site_general",
    ]  # fmt: skip
    assert table["id"].is_unique
    assert (table["id"] == table["path"]).all()
    assert table["label"].value_counts().to_dict() == counts(400)
    per_lesion = table.groupby("lesion").size()
    assert per_lesion.between(1, 4).all()
    assert 1.4 < per_lesion.mean() < 1.8
    assert (table.groupby("lesion")["label"].nunique() == 1).all()
    assert (table.groupby("label")["lesion"].nunique() >= 4).all()
    assert table["age_approx"].dropna().between(0, 85).all()
    assert set(table["sex"].dropna()) == {"male", "female"}
    blank = table["anatom_site_general"].isna().mean()
    assert 0 < blank < 0.3


def test_images_of_one_lesion_look_alike_but_are_not_copies() -> None:
    data = Synthetic(images=120, size=64, seed=2)
    table = data.table().rows
    colour = np.array([data.image(path)[data.mask(path)].mean(axis=0) for path in table["path"]])
    lesion = table["lesion"].to_numpy()
    first, second = np.triu_indices(len(table), 1)
    gap = np.linalg.norm(colour[first] - colour[second], axis=1)
    same = lesion[first] == lesion[second]
    assert same.sum() > 20
    assert np.median(gap[same]) < 0.5 * np.median(gap[~same])
    assert gap[same].min() > 0


def test_the_mask_is_where_the_lesion_is_painted() -> None:
    data = Synthetic(images=64, size=96, seed=1)
    clear = 0
    for path in data.table().rows["path"]:
        image, mask = data.image(path).astype(float), data.mask(path)
        assert 0.01 < mask.mean() < 0.95
        kernel = np.ones((7, 7), np.uint8)
        around = cv2.dilate(mask.astype(np.uint8), kernel, iterations=3) > 0
        ring = around & ~cv2.dilate(mask.astype(np.uint8), kernel).astype(bool)
        difference = image[mask].mean(axis=0) - image[ring].mean(axis=0)
        clear += float(np.linalg.norm(difference)) > 12
    assert clear >= 0.85 * 64


def test_an_unknown_path_is_refused_with_a_cure() -> None:
    from skinfw import SkinfwError

    for path in ("SYN_0000064", "SYN_64", "ISIC_0000000", ""):
        with pytest.raises(SkinfwError, match="no synthetic image"):
            Synthetic(images=64).image(path)


def test_the_files_are_in_the_official_layout(tmp_path: Path) -> None:
    data = Synthetic(images=64, size=64)
    names = list(write(data, tmp_path / "made"))
    table = data.table().rows
    assert names == list(table["id"])
    truth = pd.read_csv(tmp_path / "made/ISIC_2019_Training_GroundTruth.csv")
    assert list(truth.columns) == ["image", *data.classes, "UNK"]
    assert (truth[list(data.classes)].idxmax(axis=1) == table["label"]).all()
    assert (truth.drop(columns="image").sum(axis=1) == 1.0).all()
    metadata = pd.read_csv(tmp_path / "made/ISIC_2019_Training_Metadata.csv")
    assert list(metadata.columns) == [
        "image", "age_approx", "anatom_site_general", "lesion_id", "sex",
    ]  # fmt: skip
    assert (metadata["lesion_id"] == table["lesion"]).all()
    name = names[10]
    photo = cv2.imread(str(tmp_path / f"made/ISIC_2019_Training_Input/{name}.jpg"))
    assert np.abs(photo[..., ::-1].astype(float) - data.image(name)).mean() < 4
    drawn = cv2.imread(
        str(tmp_path / f"made/ISIC_2019_Training_Masks/{name}_segmentation.png"),
        cv2.IMREAD_UNCHANGED,
    )
    np.testing.assert_array_equal(drawn, data.mask(name) * np.uint8(255))


def test_the_command_writes_a_data_set(tmp_path: Path) -> None:
    from skinfw_synthetic.__main__ import main

    done = CliRunner().invoke(main, [str(tmp_path), "--images", "64", "--size", "64"])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "ISIC_2019_Training_Input").glob("SYN_*.jpg"))) == 64


def test_the_classes_can_be_learnt_but_not_from_colour_alone() -> None:
    data = Synthetic(images=700, size=64, seed=0)
    table = data.table().rows
    features = np.array([_features(data.image(path)) for path in table["path"]])
    label = table["label"].to_numpy()
    held_out = table["lesion"].str[-1].isin(["0", "1", "2"]).to_numpy()
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=0.1, class_weight="balanced", max_iter=500),
    )
    model.fit(features[~held_out], label[~held_out])
    guess = model.predict(features[held_out])
    truth = label[held_out]
    recall = np.mean([(guess[truth == name] == name).mean() for name in np.unique(truth)])
    assert 0.3 < recall < 0.97  # chance is 0.125


def _features(image: np.ndarray) -> np.ndarray:
    lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.float32)
    height, width = lab.shape[:2]
    skin = np.median(lab[:6].reshape(-1, 3), axis=0)
    middle = lab[height // 5 : -height // 5, width // 5 : -width // 5].reshape(-1, 3) - skin
    fine = cv2.Laplacian(lab[..., 0], cv2.CV_32F)[height // 5 : -height // 5]
    spread = np.quantile(middle, [0.02, 0.25, 0.5, 0.75, 0.98], axis=0).ravel()
    core = lab[height * 2 // 5 : -height * 2 // 5, width * 2 // 5 : -width * 2 // 5]
    return np.concatenate(
        [spread, core.reshape(-1, 3).mean(axis=0) - skin, [np.abs(fine).mean(), fine.std()]]
    )
