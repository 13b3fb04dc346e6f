"""The program of a model in one HTML file, run by node: the numbers that skinfw has."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from skinfw import FittedCalibration
from skinfw.data.decoding import Decoding
from skinfw.evaluation.view_averaging import ViewAveraging
from skinfw.interfaces.kinds import KINDS
from skinfw.recipe.component import plan_component
from skinfw.recipe.places import Origin
from skinfw.registry.catalog import Catalog
from skinfw.toolkit import image_ids, make_view, overlay, render_views
from skinfw_inference.one_file import page

SOURCES = Path(page.__file__).parent
ORIGIN = Origin("a test", Path.cwd())
pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="needs node")
CALIBRATION = {
    "temperature": 1.7,
    "limits": {"MEL": 0.9, "NV": 0.7, "BCC": None},
    "sets": "aps",
    "coverage": 0.9,
    "unknown": 0.4,
}


def node(program: str, job: Any, tmp_path: Path) -> Any:
    """Run the page's own functions under node; the program makes `answer` of `job`."""
    scripts = "\n".join((SOURCES / name).read_text() for name in (*page.SCRIPTS[:3], "maps.js"))
    (tmp_path / "job.json").write_text(json.dumps(job))
    read = 'const job = JSON.parse(require("fs").readFileSync("job.json"));'
    text = f"{scripts}\n{read}\n{program}\nprocess.stdout.write(JSON.stringify(answer));"
    (tmp_path / "program.cjs").write_text(text)
    done = subprocess.run(
        ["node", "program.cjs"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("view", "size", "shape", "short"),
    [
        ({"use": "center", "resize": 256 / 224}, 64, (150, 200), 96),
        ({"use": "dihedral", "resize": 1.0, "count": 8}, 96, (97, 61), 144),
        ({"use": "multi-crop", "resize": 2.0, "grid": 3}, 32, (300, 200), 48),
        (
            {"use": "multi-scale", "resize": 2.0, "scales": [0.9, 1.4], "count": 2},
            32,
            (90, 120),
            48,
        ),
    ],
)
def test_the_page_sees_the_very_pixels_that_skinfw_sees(
    view: dict[str, Any], size: int, shape: tuple[int, int], short: int, tmp_path: Path
) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    image = cv2.GaussianBlur(noise, (5, 5), 1.2)
    component, wrong = plan_component(KINDS["view"], ("view",), view, ORIGIN, "", Catalog(), None)
    assert component and not wrong
    pixels = Decoding(short).read_pixels(image)
    expected = render_views(pixels, make_view(component, size).plan(pixels.shape[:2]))
    job = {
        "view": view, "size": size, "short": short, "height": shape[0], "width": shape[1],
        "data": image.ravel().tolist(),
    }  # fmt: skip
    program = (
        "const image = {...job, data: Uint8Array.from(job.data)};"
        "const answer = renderViews(image, job).map((own) => [...own.data]);"
    )
    seen = np.array(node(program, job, tmp_path), np.uint8).reshape(expected.shape)
    # Where a processor cannot multiply and add in one step, OpenCV rounds otherwise, rarely.
    far = np.abs(seen.astype(int) - expected)
    assert far.max() <= 1 and (far > 0).mean() < 1e-3


@pytest.mark.parametrize("sets", ["lac", "aps"])
@pytest.mark.parametrize("combine", ["average", "vote"])
def test_the_page_answers_as_skinfw_does(sets: str, combine: str, tmp_path: Path) -> None:
    classes, rng = ("MEL", "NV", "BCC"), np.random.default_rng(2)
    views = rng.dirichlet([0.7] * 3, (40, 4))
    record = {**CALIBRATION, "sets": sets}
    fitted = FittedCalibration.from_record(record)
    raw = ViewAveraging(combine=combine).average(views)
    about = {"classes": classes, "combine": combine, "calibration": record}
    program = "const answer = job.views.map((own) => makeAnswer(own, job.about));"
    said = node(program, {"views": views.tolist(), "about": about}, tmp_path)
    np.testing.assert_allclose(
        [own["probabilities"] for own in said], fitted.scale(raw), atol=1e-12
    )
    assert [own["predicted"] for own in said] == raw.argmax(1).tolist()
    assert [tuple(own["predictionSet"]) for own in said] == fitted.prediction_sets(raw, classes)
    unknown = fitted.may_be_unknown(raw)
    assert unknown is not None and {*unknown.tolist()} == {True, False}
    assert [own["mayBeUnknown"] for own in said] == unknown.tolist()


def test_a_class_may_be_called_as_something_that_javascript_has(tmp_path: Path) -> None:
    text = (SOURCES / "page.js").read_text()
    start = text.index("function inWords")
    function = text[start : text.index("\n}\n", start) + 3]
    program = f"const about = job;\n{function}\nconst answer = job.names.map(inWords);"
    job = {"names": ["MEL", "constructor", "toString"], "words": {"MEL": "melanoma"}}
    assert node(program, job, tmp_path) == ["melanoma (MEL)", "constructor", "toString"]


@pytest.mark.parametrize(
    ("limit", "held", "text"),
    [
        (None, ["NV", "BCC"], "Cannot be ruled out: nevus. Never ruled out, for lack of validation "
         "lesions: BCC."),
        (None, ["BCC"], "All classes that can be ruled out are ruled out. Never ruled out, for "
         "lack of validation lesions: BCC."),
        (0.5, [], "No class fits."),
        (0.5, ["MEL", "NV"], "Cannot be ruled out: MEL; nevus."),
    ],
)  # fmt: skip
def test_classes_that_no_set_can_rule_out_are_told_apart(
    limit: float | None, held: list[str], text: str, tmp_path: Path
) -> None:
    calibration = {**CALIBRATION, "limits": {"MEL": 0.9, "NV": 0.7, "BCC": limit}}
    about = {"classes": ["MEL", "NV", "BCC"], "calibration": calibration}
    program = """const words = (name) => name === "NV" ? "nevus" : name;
        const answer = setText(job.held, job.about, words);"""
    assert node(program, {"held": held, "about": about}, tmp_path) == text


@pytest.mark.parametrize("names", [["a.b.png", "c.jpg", ".d", "e"], ["a.png", "a.jpg", "b.png"]])
def test_images_have_the_ids_of_predict(names: list[str], tmp_path: Path) -> None:
    paths = [str(tmp_path / "photographs" / name) for name in names]
    assert node("const answer = imageIds(job);", names, tmp_path) == image_ids(paths)


def test_maps_have_the_colours_of_skinfw_s_overlays(tmp_path: Path) -> None:
    shares = np.linspace(0, 1, 33)
    said = np.array(node("const answer = job.map(mapColour);", shares.tolist(), tmp_path))
    image = np.full((1, 33, 3), 200, np.uint8)
    alpha = 0.6 * said[:, 3:] / 255
    shown = (1 - alpha) * image[0] + alpha * said[:, :3]
    np.testing.assert_allclose(shown / 255, overlay(image, shares[None])[0], atol=0.03)
