"""A model that is one HTML file, opened from disk in a browser as a user would."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms
from support import TINY

from skinfw import SkinfwError
from skinfw.recipe.plan import load_plan
from skinfw.toolkit import Case, TorchPredictor, load_trained_model, predict_images
from skinfw.workflows.run import execute_run
from skinfw.workflows.run_folder import RunFolder

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium"),
    pytest.mark.skipif(not find_spec("playwright"), reason="needs Playwright"),
    pytest.mark.skipif(not find_spec("onnx"), reason="needs the extra onnx"),
]
BACKBONE = """
from torch import nn


def net(classes) -> nn.Module:
    model = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(16, len(classes)),
    )
    model.cam_layer = "1"
    return model
"""
TOLERANCE = 1e-3
MANY = 40


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small network, and give it what reports would have fitted."""
    place = tmp_path_factory.mktemp("runs")
    (place / "nets.py").write_text(BACKBONE)
    (place / "tiny.toml").write_text(TINY)
    sets = (f"backbone.use={place / 'nets.py'}:net", "explainer=[]", "train.limit_batches=2",
            "view.use=dihedral")  # fmt: skip
    plan = load_plan(place / "tiny.toml", sets)
    folder = RunFolder.create(place, plan)
    execute_run(plan, folder, lambda _: None)
    record = json.loads((folder.path / "run.json").read_text())
    limits = dict.fromkeys(record["classes"], 0.85)
    record["calibration"] = {"temperature": 0.5, "limits": limits, "unknown": 0.8}
    (folder.path / "run.json").write_text(json.dumps(record))
    return folder.path


@pytest.fixture(scope="module")
def page_file(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from skinfw_inference.one_file.export import export_page

    file = tmp_path_factory.mktemp("page") / "model.html"
    try:
        export_page(load_trained_model(run), file, "fp32", None, lambda _: None)
    except SkinfwError as error:
        if "onnxruntime-web is not here" in error.what:
            pytest.skip(f"needs npm: {error.why}")
        raise
    return file


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Draw images as people have them: of many sizes, turned, grey, transparent, with a profile."""
    folder, rng = tmp_path_factory.mktemp("images"), np.random.default_rng(0)
    files = []

    def keep(name: str, image: Image.Image, **options: Any) -> None:
        files.append(folder / name)
        image.save(files[-1], **options)

    for turn in range(MANY):
        size = tuple(int(own) for own in rng.integers(40, 90, 2))
        coarse = Image.fromarray(rng.integers(0, 256, (6, 6, 3), np.uint8))
        picture = coarse.resize(size, Image.Resampling.BICUBIC)
        keep(f"{turn}.{'png' if turn % 2 else 'jpg'}", picture)
    exif = Image.Exif()
    exif[0x0112] = 6
    keep("turned.jpg", picture, exif=exif)
    keep("grey.png", picture.convert("L"))
    keep("palette.png", picture.convert("P"))
    keep("large.png", picture.resize((317, 211)))
    keep("transparent.png", Image.merge("RGBA", (*picture.split(), picture.split()[0])))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = profile.replace(b"rXYZ", b"____", 1).replace(b"gXYZ", b"rXYZ", 1)
    keep("profile.png", picture, icc_profile=swapped.replace(b"____", b"gXYZ", 1))
    return files


@contextmanager
def opened(page_file: Path, **context: Any) -> Iterator[tuple[Any, list[str]]]:
    """Open the page; gives it and all that the console said and the page asked for."""
    from playwright.sync_api import sync_playwright

    said: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        page = browser.new_context(**context).new_page()
        page.set_default_timeout(120_000)
        own = page_file.as_uri()
        page.on("console", lambda one: said.append(one.text))
        page.on("pageerror", lambda one: said.append(str(one)))
        page.on(
            "request",
            lambda one: (
                said.append(one.url)
                if one.url != own and not one.url.startswith(("blob:", "data:"))
                else None
            ),
        )
        page.goto(own)
        page.wait_for_selector("#files:enabled", state="attached")
        yield page, said
        browser.close()


def test_the_page_gives_the_numbers_of_predict_and_asks_nobody(
    run: Path, page_file: Path, images: list[Path], tmp_path: Path
) -> None:
    predictor = TorchPredictor(load_trained_model(run))
    model = predictor.trained_model
    raw = np.array(list(predict_images([Case(str(own)) for own in images], predictor, 8)))
    expected = model.calibration.scale(raw)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno image")
    with opened(page_file) as (page, said):
        page.set_input_files("#files", [*map(str, images), str(broken)])
        page.wait_for_selector(f'#status.failure:has-text("{len(images)} images answered")')
        assert "broken.png: this browser cannot decode it" in page.inner_text("#status")
        with page.expect_download() as download:
            page.click("#save")
        download.value.save_as(tmp_path / "table.csv")
    assert said == []
    with (tmp_path / "table.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == [own.stem for own in images]
    found = np.array([[float(row[name]) for name in model.classes] for row in rows])
    far = np.abs(found - expected).max(1)
    assert dict(zip([own.name for own in images], far, strict=True)) == pytest.approx(
        {own.name: 0 for own in images}, abs=TOLERANCE
    )
    assert np.ptp(expected, axis=0).max() > 10 * TOLERANCE  # the images are not all alike
    unknown = [str(bool(own)).lower() for own in model.calibration.may_be_unknown(raw)]
    assert [row["may_be_unknown"] for row in rows] == unknown


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_used_by_keyboard_on_a_narrow_screen(
    scheme: str, page_file: Path, images: list[Path]
) -> None:
    narrow = {"width": 390, "height": 844}
    with opened(page_file, viewport=narrow, color_scheme=scheme) as (page, said):
        page.keyboard.press("Tab")
        assert page.evaluate("() => document.activeElement.id") == "files"
        page.set_input_files("#files", [str(own) for own in images[:2]])
        page.wait_for_selector('#status:has-text("2 images answered")')
        seen = []
        for _ in range(8):
            page.keyboard.press("Tab")
            seen.append(page.evaluate("() => document.activeElement.type || 'summary'"))
        assert seen[:5] == ["button", "button", "select-one", "range", "button"]
        page.keyboard.press("Shift+Tab")
        page.locator("input[type=range]").first.focus()
        page.keyboard.press("Home")
        assert page.evaluate("() => document.querySelector('.map').style.opacity") == "0"
        wide = page.evaluate("() => document.documentElement.scrollWidth")
        assert wide <= 390
        paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(22, 22, 22)")
        page.locator(".remove").first.press("Enter")
        assert page.locator("#answers > li").count() == 1
    assert said == []


def test_images_are_pasted_and_dropped(page_file: Path, images: list[Path]) -> None:
    hand_over = """async ([name, kind, bytes]) => {
      const file = new File([new Uint8Array(bytes)], name, {type: "image/png"});
      const transfer = new DataTransfer();
      transfer.items.add(file);
      const event = kind === "paste"
        ? new ClipboardEvent("paste", {clipboardData: transfer})
        : new DragEvent("drop", {dataTransfer: transfer, bubbles: true});
      document.dispatchEvent(event);
    }"""
    content = list(images[1].read_bytes())
    with opened(page_file) as (page, said):
        for count, kind in enumerate(("paste", "drop"), 1):
            page.evaluate(hand_over, [f"{kind}.png", kind, content])
            page.wait_for_selector(f"#answers > li:nth-child({count})")
        names = page.locator("#answers h3").all_inner_texts()
        assert {"paste.png", "drop.png"} == {*names}
    assert said == []
