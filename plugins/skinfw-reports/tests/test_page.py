"""report.html: it holds everything, loads nothing, and believes no text that it is given."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import skinfw_reports as reports
from skinfw import (
    Estimate,
    Explanations,
    Findings,
    FindingsTable,
    FittedCalibration,
    Interval,
    Predictions,
    Result,
    add_unknown_class,
    select,
)
from skinfw.interfaces.values import no_interval
from skinfw_reports.cells import all_numbers, per_class
from skinfw_reports.gallery import choose
from skinfw_reports.page import TITLES, Page

CLASSES = ("MEL", "NV", "DF")
EVIL = "<script>alert(1)</script>"
NUMBERS = {"balanced_accuracy": 0.5, "accuracy": 0.6, "sensitivity/MEL": 0.25}


class Reader(HTMLParser):
    """Collect elements, and whether they are closed in order."""

    void = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes nothing"

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


def result(folder: Path, names: list[str] | None = None, right: bool = False) -> Result:
    """A run of thirty images, of which the first ones are called wrongly; no image shows DF."""
    rng = np.random.default_rng(0)
    true = np.arange(30) % 2
    called = true if right else np.where(np.arange(30) < 8, 1 - true, true)
    chances = 0.2 + 0.6 * np.eye(3)[called] - 0.2 * np.eye(3)[2]
    chances[:, :2] += rng.uniform(0, 0.01, (30, 2))
    chances /= chances.sum(1, keepdims=True)
    ids = names or [f"i{n}" for n in range(30)]
    test = Predictions(ids, [f"l{n // 2}" for n in range(30)], true, chances, CLASSES)
    some = Predictions(ids[:4], test.lesions[:4], true[:4], chances[:4], CLASSES)
    images = rng.integers(0, 256, (4, 16, 16, 3), np.uint8)
    maps = rng.random((4, 16, 16), np.float32)
    history = [
        {"epoch": n, "train_loss": 1 / n, "val_loss": 1.1 / n, "balanced_accuracy": n / 10}
        for n in (1, 2)
    ]
    table = pd.DataFrame({"id": ids, "lesion": test.lesions, "label": "MEL", "part": "test"})
    table.to_csv(folder / "splits.csv", index=False)
    record = {
        "command": f"skinfw run {EVIL}", "recipe": {"split": {"use": "rows"}, "name": EVIL},
        "notes": ["2 images are absent"], "hardware": {"device": "cpu", "precision": "fp32"},
        "leakage": {"check": "images", "components": 12, "links": {"lesion": 9, "near": 2},
                    "straddling": 3, "dropped": {"train": 5, "val": 1, "test": 0}},
        "xray": [{"class": "MEL", "images": 5, "lesions": 4, "drawn": 9, "most_repeated": 2,
                  "share_of_loss": [0.1, 0.4]}],
    }  # fmt: skip
    return Result(
        folder, "my run", CLASSES, history, 2, "balanced_accuracy", {"test": test},
        {"test": NUMBERS}, [Explanations("grad-cam", "predicted", some, images, maps)], {},
        ["3 lesions have images in more than one part"], record=record,
    )  # fmt: skip


def page(made: Result, **keys: Any) -> tuple[str, Reader]:
    Page(**keys).write(made, made.folder)
    text = (made.folder / "report.html").read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert not reader.open, "every element is closed"
    return text, reader


def test_every_section_is_there_and_reachable(tmp_path: Path) -> None:
    _, outcome = page(result(tmp_path))
    ids = [attributes["id"] for _, attributes in outcome.seen if "id" in attributes]
    assert len(ids) == len(set(ids)), "an id names one thing"
    links = {attributes["href"] for attributes in outcome.all("a")}
    sections = {f"#{key}" for key in TITLES if key != "decision"}
    assert sections < links <= {f"#{own}" for own in ids}, "every link leads somewhere"
    assert {"#number-balanced_accuracy", "#number-sensitivity"} <= links - sections


def test_what_has_no_interval_says_so_and_the_others_name_their_method(tmp_path: Path) -> None:
    own = {
        "balanced_accuracy": Interval(0.3, 0.7, "mover"),
        "accuracy": no_interval("no draw of the lesions changes it"),
        "sensitivity/MEL": no_interval("no draw of the lesions changes it"),
    }
    text, _ = page(replace(result(tmp_path), intervals={"test": own}))
    assert "0.300 to 0.700</td><td>mover</td>" in text
    assert "mover: the intervals of its parts put together" in text
    assert "0.250 (no interval)" in text
    assert "No interval, no draw of the lesions changes it: accuracy, sensitivity/MEL." in text


def test_numbers_of_every_metric_stand_on_the_page(tmp_path: Path) -> None:
    plugins = {"kappa": 0.111, "criteria_accuracy": 0.222, "torchmetrics_recall/NV": 0.333,
               "malignant_x/0.10": 0.444, "isic_ap/MEL": 0.555}  # fmt: skip
    made = result(tmp_path)
    bounds = {"torchmetrics_recall/NV": Interval(0.3, 0.4, "bootstrap")}
    numbers = {"test": {**NUMBERS, **plugins}}
    text, _ = page(replace(made, metrics=numbers, intervals={"test": bounds}))
    for value in plugins.values():
        assert text.count(f">{value:.3f}<") + text.count(f">{value:.3f} (") == 1, value
    assert "0.333 (0.300 to 0.400)" in text


def test_tables_name_the_images_that_they_are_of(tmp_path: Path) -> None:
    made = result(tmp_path)
    for about, said in (
        ({}, "test part"),
        ({"dataset": "x", "part": "val", "notes": []}, "validation part"),
        ({"dataset": "x", "part": "all", "notes": []}, "evaluated images"),
    ):
        own = replace(made, evaluation=about)
        assert all_numbers(own)[0]["caption"] == f"All numbers of the {said}"
        assert f"against the rest on the {said}" in per_class(own)["table"]["caption"]


def test_the_page_of_an_evaluation_names_its_run(tmp_path: Path) -> None:
    made = result(tmp_path)
    about = {"dataset": "x", "part": "test", "notes": []}
    record = {**made.record, "name": "quickstart"}
    text, _ = page(replace(made, name="test", record=record, evaluation=about))
    assert "<h1>quickstart on test</h1>" in text


def test_one_table_tells_the_images_of_each_class_before_and_after_the_sampler(
    tmp_path: Path,
) -> None:
    made = result(tmp_path)
    entries = [
        {"class": name, "images": images, "lesions": 4, "drawn": drawn, "most_repeated": 2,
         "share_of_loss": [0.5]}
        for name, images, drawn in (("MEL", 3165, 3500), ("NV", 9012, 3500))
    ]  # fmt: skip
    text, _ = page(replace(made, record={**made.record, "xray": entries}))
    (table,) = re.findall(r"<table>.*?images before.*?</table>", text.split("by part</caption>")[1],
                          re.DOTALL)  # fmt: skip
    rows = re.findall(r">(MEL|NV|all)</th>(.*?)</tr>", table)
    cells = {name: re.findall("<td>([^<]*)</td>", row) for name, row in rows}
    assert [cells["MEL"][place] for place in (0, 2)] == ["3,165", "3,500"]
    assert [cells["NV"][place] for place in (0, 2)] == ["9,012", "3,500"]
    assert [cells["all"][place] for place in (0, 2)] == ["12,177", "7,000"]


def test_the_page_names_the_versions_of_cuda(tmp_path: Path) -> None:
    made = result(tmp_path)
    machine = {"cuda": "13.0", "cudnn": "91300", "processor": "x"}
    text, _ = page(replace(made, record={**made.record, "machine": machine}))
    assert "CUDA</th><td>13.0, cuDNN 91300</td>" in text


def test_it_loads_nothing(tmp_path: Path) -> None:
    text, outcome = page(result(tmp_path))
    policy = next(own for own in outcome.all("meta") if "http-equiv" in own)
    assert "default-src 'none'" in str(policy["content"])
    for tag, attributes in outcome.seen:
        for name in ("src", "href"):
            value = attributes.get(name) or ""
            assert value == "" or value.startswith(("data:", "#")), (tag, value)
    assert "@import" not in text and not re.search(r"url\((?!#)", text)


def test_who_cannot_see_is_told_what_pictures_show(tmp_path: Path) -> None:
    _, outcome = page(result(tmp_path))
    pictures = outcome.all("img")
    assert len(pictures) == 8 and all(picture["alt"] for picture in pictures)
    assert len(outcome.all("script")) == 1, "the page's own"
    figures = outcome.all("figure")
    assert len(figures) == 4 and all(figure["aria-label"] for figure in figures)
    assert outcome.all("html")[0]["lang"] == "en"


def test_texts_of_tables_cannot_become_code(tmp_path: Path) -> None:
    names = [f"{EVIL}{n}" for n in range(30)]
    text, outcome = page(result(tmp_path, names))
    assert EVIL not in text and "&lt;script&gt;" in text
    assert len(outcome.all("script")) == 1, "the page's own"


def test_marks_and_what_was_not_measured_stand_on_the_page(tmp_path: Path) -> None:
    text, _ = page(result(tmp_path))
    assert "Before you believe these numbers" in text
    assert text.count("3 lesions have images in more than one part") >= 2
    assert "into 12 components (9 by lesion, 2 by near)" in text
    assert "6 images were left out" in text and "3 components are on two sides" in text
    assert "Without an image and therefore not measured: DF." in text
    assert "2 images are absent" in text and "10% to 40%" in text


def shown_images(outcome: Reader) -> list[dict[str, str | None]]:
    return [own for own in outcome.all("li") if "data-percent" in own]


def with_images(made: Result) -> Result:
    """Let reports read images once more, as the reports of a run may."""

    def images(part: str, places: Any) -> np.ndarray:
        return np.zeros((len(places), 16, 16, 3), np.uint8)

    return replace(made, images=images)


def test_without_the_network_the_gallery_has_the_explained_images_the_surest_first(
    tmp_path: Path,
) -> None:
    made = result(tmp_path)
    text, _ = page(made)
    shown = re.findall(r'alt="Image (i\d+), which', text)
    some = made.explanations[0].predictions
    order = np.argsort(-some.probabilities.max(1))
    assert shown == [some.ids[place] for place in order]
    assert "8 of 30 images are classified wrongly" in text
    assert "Probabilities are as the network gives them, without temperature" in text
    assert "not a medical device" in text.partition("</header>")[0]


@pytest.mark.parametrize("name", ["page", "seeds", "comparison", "validation"])
def test_every_page_says_that_it_is_no_medical_device(name: str) -> None:
    template = Path(reports.__file__).with_name(f"{name}.html.jinja").read_text()
    assert "not a medical device" in template.partition("<footer>")[2]


def test_every_image_of_the_gallery_says_what_filters_ask_for(tmp_path: Path) -> None:
    made = with_images(result(tmp_path))
    limit = float(np.sort(1 - made.predictions["test"].probabilities.max(1))[-6:-4].mean())
    found = Findings("out", "Out", calibration=FittedCalibration(unknown=limit))
    _, outcome = page(replace(made, findings=[found]))
    cards = shown_images(outcome)
    test = made.predictions["test"]
    order = np.argsort(-test.probabilities.max(1), kind="stable")
    assert len(cards) == 30
    for card, place in zip(cards, order, strict=True):
        assert card["data-true"] == CLASSES[test.true[place]]
        assert card["data-predicted"] == CLASSES[test.predicted[place]]
        right = test.true[place] == test.predicted[place]
        assert card["data-right"] == ("yes" if right else "no")
        assert float(str(card["data-percent"])) == pytest.approx(
            100 * test.probabilities[place].max(), abs=0.006
        )
    assert [card["data-unknown"] for card in cards] == ["no"] * 25 + ["yes"] * 5
    asked = {own["data-by"] for own in outcome.all("select") if "data-by" in own}
    assert asked == {"true", "predicted", "right", "unknown"}


def test_images_of_none_of_the_classes_stand_in_the_gallery_as_unk(tmp_path: Path) -> None:
    made = with_images(result(tmp_path))
    test = made.predictions["test"]
    strange = add_unknown_class(select(test, np.arange(4)))
    strange = replace(strange, ids=["s0", "s1", "s2", "s3"], true=np.full(4, 3))
    parts = {"test": test, "out_of_distribution": strange}
    _, outcome = page(replace(made, predictions=parts))
    assert [own["data-true"] for own in shown_images(outcome)].count("UNK") == 4


def test_the_gallery_is_bounded_and_holds_the_surest_mistakes_and_a_spread() -> None:
    rng = np.random.default_rng(1)
    count = 2000
    chances = rng.dirichlet(np.ones(3), count)
    true = np.where(np.arange(count) < 5, 2, rng.integers(0, 2, count))  # five images of DF
    names = [f"i{n}" for n in range(count)]
    many = Predictions(names, names, true, chances, CLASSES)
    explained = [7, 11, 13]
    chosen = choose(many, 60, 12, explained)
    sure = chances.max(1)
    assert len(chosen) == len(set(chosen)) == 60
    assert (np.diff(sure[chosen]) <= 0).all()
    wrong = np.flatnonzero(many.predicted != many.true)
    worst = wrong[np.argsort(-sure[wrong])][:12]
    assert set(worst) | set(explained) | set(range(5)) <= set(chosen)
    for label in (0, 1):
        own = np.flatnonzero(true == label)
        shown = [place for place in chosen if true[place] == label]
        ends = {int(own[sure[own].argmax()]), int(own[sure[own].argmin()])}
        assert ends <= set(shown)
        middle = np.median(sure[own])
        assert sum(sure[place] < middle for place in shown) >= 8, "it is a spread"
    assert choose(many, 0, 12, explained) == []
    few = select(many, np.arange(3))
    assert sorted(choose(few, 60, 12, [])) == [0, 1, 2]


def test_a_run_without_mistakes_says_so(tmp_path: Path) -> None:
    text, _ = page(result(tmp_path, right=True))
    assert "makes no mistake on the test part" in text


def test_what_other_reports_found_is_shown(tmp_path: Path) -> None:
    estimate = Estimate(0.5123, 0.4, 0.6)
    errors = FindingsTable("temperature 1.234", ("", "before", "after"),
                           [("Brier score", estimate, "not measured")])  # fmt: skip
    rows = [("sex: female", Estimate(0.61234, 0.5, 0.7, "few")), (EVIL, 3.0)]
    small = FindingsTable("By group", ("group", "accuracy"), rows)
    findings = [
        Findings("calibration", "Calibration", ["Fitted on validation."], [errors]),
        Findings("acme-moles", "Moles of Acme", [EVIL], [small]),
    ]
    text, found_page = page(replace(result(tmp_path), findings=findings))
    for words in (
        "temperature 1.234", "0.512 (0.400 to 0.600)", "not measured", "Fitted on validation.",
        "Moles of Acme", "sex: female", "0.612 (0.500 to 0.700, few)",
    ):  # fmt: skip
        assert words in text, words
    assert {"href": "#acme-moles"} in found_page.all("a")
    assert EVIL not in text


def test_the_decision_curve_is_drawn_where_net_benefit_is_measured(tmp_path: Path) -> None:
    made = result(tmp_path)
    assert "Decision curve" not in page(made)[0]
    benefit = {"net_benefit/0.10": 0.2, "net_benefit/0.50": -0.1,
               "net_benefit_of_all/0.10": 0.1, "net_benefit_of_all/0.50": -0.6}  # fmt: skip
    ends = {name: (value - 0.05, value + 0.05) for name, value in benefit.items()}
    made = replace(made, metrics={"test": {**NUMBERS, **benefit}},
                   intervals={"test": {**made.intervals.get("test", {}), **ends}})  # fmt: skip
    text, outcome = page(made)
    assert "Decision curve" in text
    said = [str(figure["aria-label"]) for figure in outcome.all("figure")]
    assert any("better than acting on every lesion and on none at 10%" in one for one in said)


def test_without_the_report_on_calibration_the_page_says_what_it_would_add(tmp_path: Path) -> None:
    assert "The report &#34;calibration&#34; adds temperature scaling" in page(result(tmp_path))[0]


def test_the_matrix_can_be_read_at_every_share(tmp_path: Path) -> None:
    def luminance(colour: list[int]) -> float:
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4
                  for c in (value / 255 for value in colour)]  # fmt: skip
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    from skinfw_reports.cells import confusion

    for hits in range(101):
        called = np.eye(2)[[0] * hits + [1] * (100 - hits)]
        made = Predictions(["x"] * 100, ["x"] * 100, np.zeros(100, int), called, ("A", "B"))
        cell = confusion(made)["rows"][0]["cells"][0]
        ground = [int(value) for value in re.findall(r"\d+", cell["background"])]
        ink = [255] * 3 if cell["ink"] == "#fff" else [0x1B] * 3
        light, dark = sorted([luminance(ground), luminance(ink)], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, hits


def test_the_number_that_chose_the_epoch_comes_first_and_no_number_is_absent(
    tmp_path: Path,
) -> None:
    made = result(tmp_path)
    numbers = {**NUMBERS, "g_mean": 0.4321}
    made = replace(made, select="g_mean", metrics={"test": numbers})
    text, _ = page(made)
    first = text.index("g mean")
    assert "0.432" in text[first : first + 60] and first < text.index("balanced accuracy")
    table = text[text.index('id="numbers"') :]
    for name in numbers:
        assert "/" in name or name.replace("_", " ") in table
