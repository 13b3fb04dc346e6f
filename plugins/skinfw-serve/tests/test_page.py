"""The page in a real browser: by mouse and by keys, narrow and wide, light and dark.

It needs Chromium, playwright and, for the rules of WCAG, axe-core: `AXE` names its axe.min.js.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from serving import Served, noise, serving, train_served

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright")
pytest.importorskip("fastapi", reason="needs the extra serve")
from skinfw_serve.policy import Policy  # noqa: E402

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or ""
AXE = Path(os.environ.get("AXE", "absent"))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="needs chromium"),
]
needs_axe = pytest.mark.skipif(not AXE.is_file(), reason="needs axe-core: AXE names its axe.min.js")
TOKEN = "a token of the tests"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train_served(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def served(run: Path) -> Iterator[Served]:
    with serving(run, Policy(image_bytes=300_000)) as server:
        yield server


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


class Visit:
    """A page that is open, with all that it has asked for and complained about."""

    def __init__(self, browser: Any, address: str, **look: Any) -> None:
        self.origin = address[: address.index("/", len("http://")) + 1]
        self.context = browser.new_context(**look)
        self.page = self.context.new_page()
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.page.on("console", lambda said: self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def answered(self, count: int) -> Any:
        """Wait for so many answers; return the last."""
        done = self.page.locator("article[aria-busy=false]")
        playwright.expect(done).to_have_count(count, timeout=30_000)
        return done.last

    def end(self) -> None:
        """Close the page; it must have complained about nothing and asked nobody else."""
        self.context.close()
        assert not self.complaints
        own = (self.origin, "data:", "blob:")
        assert [url for url in self.asked if not url.startswith(own)] == []


@pytest.fixture
def visit(browser: Any, served: Served) -> Iterator[Any]:
    open_pages: list[Visit] = []

    def go(path: str = "", port: int = served.port, **look: Any) -> Visit:
        open_pages.append(Visit(browser, f"http://127.0.0.1:{port}/{path}", **look))
        return open_pages[-1]

    yield go
    for page in open_pages:
        page.end()


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    for number in range(3):
        (tmp_path / f"image {number}.png").write_bytes(noise(number, (90, 70)))
    return sorted(map(str, tmp_path.glob("*.png")))


def test_several_images_are_answered_each_in_its_place(
    visit: Any, images: list[str], served: Served
) -> None:
    look = visit()
    look.page.set_input_files("#files", images)
    look.answered(3)
    for number, file in enumerate(images):
        article = look.page.locator("article").nth(number)
        assert article.locator("h2").inner_text() == Path(file).name
        answer = served.predict(Path(file).read_bytes()).json
        assert article.locator(".words").inner_text().endswith(f"({answer['predicted']})")
        highest = max(one["probability"] for one in answer["probabilities"])
        assert article.locator(".chance").inner_text() == f"{100 * highest:.1f} %"
        assert article.locator(".bars tbody tr").count() == len(answer["probabilities"])
        assert article.locator(".similar li img").count() == 6
    assert "image" in look.page.locator("#status").inner_text()


@pytest.mark.parametrize(
    ("always", "held", "text"),
    [
        (["BCC"], ["NV", "BCC"], "Cannot be ruled out: NV. Never ruled out"),
        (["BCC"], ["BCC"], "All classes that can be ruled out are ruled out. Never ruled out"),
        ([], [], "No class fits."),
    ],
)
def test_classes_that_no_set_can_rule_out_are_told_apart(
    visit: Any, always: list[str], held: list[str], text: str
) -> None:
    said = """([always, held]) => {
        Object.assign(main.dataset, { always: JSON.stringify(always), coverage: "" });
        return setText(held);
    }"""
    assert visit().page.evaluate(said, [always, held]).startswith(text)


def test_what_was_not_fitted_is_said_beside_the_answer(visit: Any) -> None:
    said = """() => shown({
        predicted: "NV", words: "nevus", probabilities: [], calibrated: false, notes: [],
        prediction_set: null, may_be_unknown: null, operating_points: [], similar: [],
    }).textContent"""
    text = visit().page.evaluate(said)
    for lack in ("fitted no temperature", "No prediction sets", "unlike all that was trained on"):
        assert lack in text


def test_a_bad_image_says_why_and_keeps_none_of_the_others(
    visit: Any, images: list[str], tmp_path: Path
) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"<html>")
    (tmp_path / "large.jpg").write_bytes(bytes(400_000))
    look = visit()
    look.page.set_input_files(
        "#files", [str(tmp_path / "bad.jpg"), str(tmp_path / "large.jpg"), images[0]]
    )
    look.answered(3)
    articles = look.page.locator("article")
    assert "no image format is recognised" in articles.nth(0).inner_text()
    assert "too large" in articles.nth(1).inner_text()
    assert articles.nth(2).locator(".chance").count() == 1


def test_an_image_is_pasted(visit: Any, images: list[str]) -> None:
    look = visit()
    look.page.locator("html").evaluate(
        """(page, bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "pasted.png", {type: "image/png"}));
            document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data}));
        }""",
        list(Path(images[0]).read_bytes()),
    )
    assert look.answered(1).locator("h2").inner_text() == "pasted.png"


def test_images_are_dropped(visit: Any, images: list[str]) -> None:
    look = visit()
    look.page.locator("#drop").evaluate(
        """(place, files) => {
            const data = new DataTransfer();
            for (const bytes of files)
                data.items.add(new File([new Uint8Array(bytes)], "dropped.png"));
            for (const kind of ["dragover", "drop"])
                place.dispatchEvent(new DragEvent(kind, {dataTransfer: data, bubbles: true}));
        }""",
        [list(Path(file).read_bytes()) for file in images],
    )
    look.answered(3)


def test_the_slider_shows_more_or_less_of_the_map(visit: Any, images: list[str]) -> None:
    look = visit()
    look.page.set_input_files("#files", images[:1])
    article = look.answered(1)
    slider, overlay = article.get_by_label("Evidence over the picture"), article.locator(".overlay")
    for value in ("0", "35", "100"):
        slider.fill(value)
        shown = overlay.evaluate("image => getComputedStyle(image).opacity")
        assert float(shown) == int(value) / 100
        assert article.locator("output").inner_text() == f"{value} %"
    sizes = article.locator(".stack img").evaluate_all(
        "images => images.map(one => [one.naturalWidth, one.getBoundingClientRect().width])"
    )
    assert sizes[0] == sizes[1] and sizes[0][0] == 32


def test_everything_is_reached_by_keys(visit: Any, images: list[str]) -> None:
    look = visit()
    focused = look.page.locator(":focus")
    look.page.keyboard.press("Tab")
    assert focused.inner_text() == "Skip to the content"
    look.page.keyboard.press("Enter")
    look.page.keyboard.press("Tab")
    assert focused.get_attribute("id") == "files"
    with look.page.expect_file_chooser() as chosen:
        look.page.keyboard.press("Space")
    chosen.value.set_files(images[:2])
    look.answered(2)
    look.page.keyboard.press("Tab")
    look.page.keyboard.press("Enter")
    assert look.page.locator("details.limits").get_attribute("open") is not None
    look.page.keyboard.press("Tab")
    assert focused.inner_text() == "Remove"
    look.page.keyboard.press("Tab")
    look.page.keyboard.press("ArrowRight")
    assert look.page.locator("output").first.inner_text() == "65 %"
    look.page.keyboard.press("Shift+Tab")
    look.page.keyboard.press("Enter")
    assert focused.inner_text() == "image 1.png"
    assert look.page.locator("article").count() == 1


LOOKS = [(1280, "light"), (1280, "dark"), (390, "light"), (390, "dark")]


@pytest.fixture(params=LOOKS, ids=lambda look: f"{look[0]}-{look[1]}")
def pages(
    request: pytest.FixtureRequest, visit: Any, images: list[str], tmp_path: Path
) -> tuple[int, str, list[Visit]]:
    """All pages, the first one with an answer and a problem, at a width and in a scheme."""
    width, scheme = request.param
    shape = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
    (tmp_path / "bad.jpg").write_bytes(b"no image")
    look = visit(**shape)
    look.page.set_input_files("#files", [images[0], str(tmp_path / "bad.jpg")])
    look.answered(2)
    for details in look.page.locator("details").all():
        details.evaluate("details => { details.open = true; }")
    return width, scheme, [look, visit("card", **shape)]


def test_pages_fit_the_screen_and_say_what_this_is(pages: tuple[int, str, list[Visit]]) -> None:
    width, scheme, looks = pages
    for look in looks:
        body = look.page.locator("body")
        paper = body.evaluate("page => getComputedStyle(page).backgroundColor")
        assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
        assert look.page.locator("html").evaluate("page => page.scrollWidth") == width
        assert "not a medical device" in look.page.locator("header").inner_text()
    for button in looks[0].page.locator(".remove").all():
        assert button.evaluate("button => button.offsetHeight") < 44, "its word is on one line"


@needs_axe
def test_pages_break_no_rule_of_wcag(pages: tuple[int, str, list[Visit]]) -> None:
    for look in pages[2]:
        _hold_to_wcag(look)


def _hold_to_wcag(look: Visit) -> None:
    """Ask axe-core, which the page's own policy would not let in."""
    session = look.context.new_cdp_session(look.page)
    rules = f"{{runOnly: {{type: 'tag', values: {RULES}}}}}"
    session.send("Runtime.evaluate", {"expression": AXE.read_text(encoding="utf-8")})
    heard = session.send(
        "Runtime.evaluate",
        {
            "expression": f"axe.run(document, {rules}).then(found => found.violations.map("
            "one => one.id + ' ' + one.nodes.map(node => node.html).join(' | ')))",
            "awaitPromise": True,
            "returnByValue": True,
        },
    )
    assert heard["result"]["value"] == []


@needs_axe
def test_the_page_that_asks_for_a_token_breaks_no_rule_either(visit: Any, run: Path) -> None:
    with serving(run, Policy(token=TOKEN), similar=False) as server:
        look = visit(port=server.port)
        look.complaints.clear()
        _hold_to_wcag(look)


def test_the_token_is_asked_once(visit: Any, run: Path, images: list[str]) -> None:
    with serving(run, Policy(token=TOKEN), similar=False) as server:
        look = visit(port=server.port)
        look.complaints.clear()  # the browser tells the 401 of the page that asks
        look.page.get_by_label("The token").fill(TOKEN)
        look.page.keyboard.press("Enter")
        look.page.locator("#drop").wait_for()
        look.page.set_input_files("#files", images[:1])
        look.answered(1)
        look.page.get_by_role("link", name="Model card and limits").click()
        assert "Intended use" in look.page.locator("main").inner_text()
