"""`skinfw serve` as its clients see it: the numbers, the refusals, and what is never told."""

import html
import io
import json
import logging
import re
import shutil
import socket
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from campaigns.sandbox import watched
from PIL import Image
from serving import Served, form, noise, serving, train_served
from support import Run

import skinfw as api
from skinfw.errors import RecipeError, SkinfwError
from skinfw.inference.trained_model import load_trained_model

pytest.importorskip("fastapi", reason="needs the extra serve")

from skinfw_serve.app import MOST_SIMILAR
from skinfw_serve.gate import HEADERS
from skinfw_serve.loading import load_service
from skinfw_serve.model_threads import _Worker
from skinfw_serve.operating_points import Band, _by_rule, read_operating_points
from skinfw_serve.policy import Policy
from skinfw_serve.problems import ProblemError
from skinfw_serve.rates import Rates
from skinfw_serve.words import class_in_words


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with calibration, limits for the unknown, and a card."""
    return train_served(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def served(run: Path) -> Iterator[Served]:
    with serving(run, Policy(hosts=("127.0.0.1",), image_bytes=200_000, batch_images=5)) as server:
        yield server


@pytest.fixture(scope="module")
def guarded(run: Path) -> Iterator[Served]:
    """A server with a token, that has little patience and answers few images."""
    policy = Policy(token=TOKEN, body_seconds=0.3, head_seconds=0.3, rate=600, batch_images=2)
    with serving(run, policy, similar=False) as server:
        yield server


TOKEN = "a token of the tests"


def test_answers_are_those_of_predict(served: Served, run: Path, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(noise(number, (90, 70)))
    files = sorted(tmp_path.glob("*.png"))
    expected = api.load(run).predict(files, batch_size=1)
    for row, file in enumerate(files):
        answer = served.predict(file.read_bytes()).json
        chances = [one["probability"] for one in answer["probabilities"]]
        assert chances == pytest.approx(expected.probabilities[row], abs=1e-6)
        assert [one["name"] for one in answer["probabilities"]] == list(expected.classes)
        assert answer["predicted"] == expected.predicted[row]
        assert answer["prediction_set"] == list(expected.prediction_sets[row])
        assert answer["may_be_unknown"] == expected.may_be_unknown[row]
        assert answer["calibrated"] and "not a medical device" in answer["notice"]


def test_images_that_come_together_have_the_answers_of_single_ones(served: Served) -> None:
    images = [noise(number) for number in range(12)]
    alone = [served.predict(image).json["probabilities"] for image in images]
    with ThreadPoolExecutor(12) as pool:
        together = [one.json["probabilities"] for one in pool.map(served.predict, images)]
    for one, other in zip(alone, together, strict=True):
        assert [c["probability"] for c in one] == pytest.approx(
            [c["probability"] for c in other], abs=1e-6
        )


def test_a_batch_waits_for_images_that_are_being_prepared(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(run, Policy(), similar=False) as server:
        service, sizes, look = server.service, [], _Worker._look
        monkeypatch.setattr(
            _Worker, "_look", lambda own, cases: (sizes.append(len(cases)), look(own, cases))[1]
        )
        monkeypatch.setattr("skinfw_serve.model_threads.WAIT", 30.0)
        monkeypatch.setattr("skinfw_serve.model_threads._WHOLE", 2)
        prepared, threads = service._prepare(noise()), service.threads
        count = 2 * len(threads._threads)
        with threads.preparing():
            coming = [threads.compute(prepared, None) for _ in range(count)]
        answers = [own.result(20).probabilities for own in coming]
    assert sizes == [2] * (count // 2)  # a fair share for each thread
    np.testing.assert_allclose(answers, [answers[0]] * count, atol=1e-6)


def test_classes_are_told_in_words(served: Served) -> None:
    classes = {one["name"]: one for one in served.ask("GET", "/model").json["classes"]}
    assert classes["MEL"]["words"] == "melanoma"
    assert classes["MEL"]["malignancy"] == "malignant"
    assert class_in_words("BKL").words.endswith("lichen planus-like keratosis or solar lentigo")
    assert class_in_words("Fleck").words == "Fleck"
    assert class_in_words("Fleck").malignancy == "unknown"


def test_a_map_lies_over_what_the_network_sees(served: Served, run: Path) -> None:
    content = noise(5, (90, 70))
    answer = served.predict(content, "?map=true").json
    expected = api.load(run).predict([Image.open(io.BytesIO(content))], maps=True)
    seen, overlay = (decoded(answer["map"][name]) for name in ("picture", "overlay"))
    assert seen.shape == (32, 32, 3) and overlay.shape == (32, 32, 4)
    assert answer["map"]["method"] == "grad-cam"
    assert np.abs(overlay[..., 3] / 255 - expected.maps[0]).max() < 1 / 255
    assert served.predict(content).json["map"] is None


def decoded(text: str) -> np.ndarray:
    import base64

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))))


def test_the_most_similar_training_image_of_a_training_image_is_itself(
    served: Served, run: Path
) -> None:
    parts = pd.read_csv(run / "splits.csv")
    train = parts[parts["part"] == "train"]
    row = train.iloc[3]
    content = io.BytesIO()
    from skinfw_synthetic.dataset import Synthetic

    Image.fromarray(Synthetic(images=80, size=64).image(row["id"])).save(content, "PNG")
    answer = served.predict(content.getvalue(), "?similar=5").json
    first = answer["similar"][0]
    assert first["id"] == row["id"] and first["label"] == row["label"]
    assert first["similarity"] == pytest.approx(1, abs=1e-4)
    assert "perhaps a copy of it" in answer["notes"][0]
    cosines = [one["similarity"] for one in answer["similar"]]
    assert cosines == sorted(cosines, reverse=True)
    lesions = train.set_index("id")["lesion"][[one["id"] for one in answer["similar"]]]
    assert lesions.is_unique
    assert decoded(first["thumbnail"]).shape == (84, 112, 3)  # the licence permits it


def test_images_are_shown_only_where_the_data_set_says_that_they_may_be(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from skinfw_synthetic.dataset import Synthetic

    monkeypatch.delattr(Synthetic, "display_licence")
    with serving(run, Policy()) as server:
        similar = server.predict(noise(), "?similar=2").json["similar"]
        about = server.ask("GET", "/model").json["similar"]
    assert [one["thumbnail"] for one in similar] == [None, None] == [one["id"] for one in similar]
    assert "does not say that its licence permits" in about["why"] and about["images"] > 0


def test_without_the_data_of_the_run_there_are_no_similar_cases(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(run, tmp_path / "run")
    table = tmp_path / "run" / "splits.csv"
    table.write_text(table.read_text().replace("SYN_0000001", "SYN_absent"))
    with serving(tmp_path / "run", Policy()) as server:
        about = server.ask("GET", "/model").json["similar"]
        assert server.predict(noise(), "?similar=3").json["similar"] == []
    assert about["images"] == 0 and "1 images of the run are not in its data set" in about["why"]
    assert "similar training cases are not told" in capsys.readouterr().out


def test_the_index_is_computed_once_and_anew_where_it_is_damaged(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKINFW_CACHE", str(tmp_path))
    said = []
    for _ in range(3):
        with serving(run, Policy()) as server:
            said.append("computed once" in capsys.readouterr().out)
            answers = server.predict(noise(1), "?similar=4").json["similar"]
        (file,) = (tmp_path / "similar").glob("*.npy")
        if len(said) == 2:
            content = bytearray(file.read_bytes())
            content[-5] ^= 1
            file.write_bytes(content)
    assert said == [True, False, True]
    assert len(answers) == 4


def test_a_batch_is_answered_line_by_line_and_a_bad_image_stops_no_other(served: Served) -> None:
    body, kind = form(noise(1), b"<svg/>", noise(2))
    heard = served.ask("POST", "/batch?map=true", body, Content_Type=kind)
    assert heard.status == 200 and heard.headers["content-type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in heard.body.splitlines()]
    assert [line["index"] for line in lines] == [0, 1, 2]
    assert lines[1]["answer"] is None and lines[1]["problem"]["status"] == 422
    single = served.predict(noise(2)).json["predicted"]
    assert lines[2]["answer"]["predicted"] == single and lines[2]["answer"]["map"]


FORM = form(noise())
REFUSED = {
    "no image": (422, b"<html></html>", "application/octet-stream"),
    "cut off": (422, noise()[:-40], "image/png"),
    "an SVG": (422, b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
    "empty": (422, b"", "image/png"),
    "too large": (413, bytes(250_000), "image/png"),
    "far too large": (413, bytes(2_000_000), "image/png"),
    "another type": (415, noise(), "text/html"),
    "no type": (415, noise(), ""),
    "JSON": (415, b"{}", "application/json"),
    "two images": (400, form(noise(), noise())[0], FORM[1]),
    "a form without images": (400, form()[0], FORM[1]),
    "a form of another field": (400, form(noise(), name="file")[0], FORM[1]),
    "a form without end": (400, FORM[0][:-20], FORM[1]),
    "a form without boundary": (400, FORM[0], "multipart/form-data"),
    "a form that is none": (400, noise(), FORM[1]),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_image_is_a_problem_of_the_sender(served: Served, case: str) -> None:
    status, body, kind = REFUSED[case]
    heard = served.ask("POST", "/predict", body, **({"Content_Type": kind} if kind else {}))
    assert heard.status == status
    assert heard.headers["content-type"] == "application/problem+json"
    assert heard.json["status"] == status and heard.json["what"]
    assert heard.json["cure"]


def test_a_packed_request_and_too_many_images_are_refused(served: Served) -> None:
    assert served.predict(noise(), Content_Encoding="gzip").status == 415
    body, kind = form(*[noise()] * 6)
    assert served.ask("POST", "/batch", body, Content_Type=kind).status == 413
    assert served.predict(noise(), f"?similar={MOST_SIMILAR + 1}").status == 422
    assert served.predict(noise(), "?map=perhaps").json["what"] == 'the parameter "map" is wrong'
    assert served.ask("GET", "/predict").status == 405
    assert served.ask("GET", "/elsewhere").json["what"] == "Not Found"


def test_too_many_pixels_are_refused_before_they_are_decoded(served: Served) -> None:
    content = bytearray(noise())
    content[16:24] = struct.pack(">II", 30_000, 30_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    heard = served.predict(bytes(content))
    assert heard.status == 422 and "30,000 x 30,000 pixels" in heard.json["why"]


def test_another_name_or_page_is_refused(served: Served) -> None:
    heard = served.ask("GET", "/model", Host="evil.example:8000")
    assert heard.status == 421 and "127.0.0.1" in heard.json["cure"]
    for name in ("127.0.0.1.evil.example", "[::1].evil.example", "127.0.0.1:evil", "a@127.0.0.1"):
        assert served.ask("GET", "/model", Host=name).status == 421, name
    for name in ("127.0.0.1:8000", "127.0.0.1:", "127.0.0.1"):
        assert served.ask("GET", "/model", Host=name).status == 200, name
    assert served.predict(noise(), Sec_Fetch_Site="cross-site").status == 403
    assert served.predict(noise(), Sec_Fetch_Site="same-origin").status == 200


def test_every_answer_forbids_whatever_the_page_does_not_need(served: Served) -> None:
    for path in ("/", "/card", "/page.js", "/page.css", "/model", "/elsewhere", "/openapi.json"):
        headers = served.ask("GET", path).headers
        assert all(headers[name.lower()] == value for name, value in HEADERS.items()), path
    assert "'unsafe" not in HEADERS["Content-Security-Policy"]


def test_pages_need_nothing_from_elsewhere_and_say_what_this_is(served: Served) -> None:
    for path in ("/", "/card"):
        text = served.ask("GET", path).body.decode()
        assert "not a medical device" in text
        assert "http://" not in text and "https://" not in text
        assert "<style" not in text and "style=" not in text and "onclick" not in text
    card = served.ask("GET", "/card").body.decode()
    assert "Intended use" in card and "synthetic images, not patients" in card
    assert "the licence of their pictures: none is needed" in card


def test_the_page_knows_which_classes_are_in_every_set_whatever_they_are_called() -> None:
    from skinfw_serve.pages import _templates
    from skinfw_serve.schemas import About, Bounds, SimilarCases

    names = ["seborrhoeic keratosis", '"><script>', "a'b"]
    bounds = Bounds(**{**dict.fromkeys(Bounds.model_fields, 1), "formats": []})
    nothing = SimilarCases(images=0, why="", licence="", attribution="")
    about = About(
        name="a", skinfw="1", network="best", classes=[], limits=[], calibrated=True, coverage=0.9,
        always_in_sets=names, tells_unknown=False, explainer="", operating_points=[],
        similar=nothing, bounds=bounds, card="",
    )  # fmt: skip
    page = _templates().get_template("page.html.jinja").render(name="a", notice="", about=about)
    (written,) = re.findall('data-always="([^"]*)"', page)
    assert json.loads(html.unescape(written)) == names and "<script>" not in page


def test_a_card_of_a_stranger_is_text(run: Path, tmp_path: Path) -> None:
    from skinfw_serve.pages import markdown

    text = "# A\n<script>b</script> ![x](https://e.org/x.png) [y](javascript:z)\n\n|a|\n|-|\n"
    shown = str(markdown(text))
    assert "<script" not in shown and "<img" not in shown and "<a" not in shown
    assert "<h2>A</h2>" in shown and '<div class="wide" role="region"' in shown


def test_a_token_is_asked_for_once_by_the_page_and_always_by_the_api(guarded: Served) -> None:
    assert guarded.ask("GET", "/health").status == 401
    assert guarded.ask("GET", "/health").headers["www-authenticate"] == "Bearer"
    assert guarded.ask("GET", "/health", Authorization=f"Bearer {TOKEN}").status == 200
    assert guarded.ask("GET", "/health", Authorization="Bearer wrong").status == 401
    page = guarded.ask("GET", "/")
    assert page.status == 401 and b"<form" in page.body and b"Choose" not in page.body
    kind = {"Content_Type": "application/x-www-form-urlencoded"}
    assert guarded.ask("POST", "/session", b"token=wrong", **kind).status == 401
    entered = guarded.ask("POST", "/session", f"token={TOKEN}".encode(), **kind)
    cookie = entered.headers["set-cookie"]
    assert entered.status == 303 and "HttpOnly" in cookie and "SameSite=strict" in cookie
    assert TOKEN not in cookie
    value = cookie.partition(";")[0]
    assert b"Choose" in guarded.ask("GET", "/", Cookie=value).body
    assert guarded.ask("GET", "/card", Cookie=value).status == 200


@pytest.mark.parametrize("host", ["a/?", "a/#", "a/?b=", "a@b/?"])
def test_no_host_leads_past_the_token(
    guarded: Served, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from starlette.datastructures import URL
    from starlette.requests import HTTPConnection

    def as_it_was_told(self: HTTPConnection) -> URL:  # by Starlette before it checked the header
        return URL(f"http://{self.headers['host']}{self.scope['path']}")

    monkeypatch.setattr(HTTPConnection, "url", property(as_it_was_told))
    assert guarded.ask("GET", "/health", Host=host).status == 401
    assert guarded.predict(noise(), Host=host).status == 401


def test_whoever_guesses_tokens_is_told_to_wait(run: Path) -> None:
    with serving(run, Policy(token=TOKEN), similar=False) as server:
        heard = [server.ask("GET", "/model", Authorization=f"Bearer {n}") for n in range(22)]
    assert [one.status for one in heard[:20]] == [401] * 20
    assert heard[-1].status == 429 and int(heard[-1].headers["retry-after"]) >= 1


def test_a_client_that_sends_too_much_is_told_when_to_come_again() -> None:
    now = [0.0]
    rates = Rates(60, 5, lambda: now[0])
    rates.spend("one", 5)
    with pytest.raises(ProblemError) as refused:
        rates.spend("one", 3)
    assert refused.value.problem.status == 429 and refused.value.headers == {"Retry-After": "3"}
    rates.spend("another", 5)
    now[0] = 3.0
    rates.spend("one", 3)


def test_slow_senders_are_not_waited_for(guarded: Served) -> None:
    said = f"POST /predict HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n"
    with socket.create_connection(("127.0.0.1", guarded.port), 20) as slow:
        slow.sendall(f"{said}Content-Type: image/png\r\nContent-Length: 99\r\n\r\nx".encode())
        assert b"408 Request Timeout" in slow.recv(65_536)
    with socket.create_connection(("127.0.0.1", guarded.port), 20) as slow:
        slow.sendall(b"GET /health HT")
        assert slow.recv(65_536) == b""
    with socket.create_connection(("127.0.0.1", guarded.port), 20) as slow:
        slow.sendall(b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\ntoken=")
        assert b"408 Request Timeout" in slow.recv(65_536)
    assert guarded.ask("GET", "/health", Authorization=f"Bearer {TOKEN}").json["status"] == "ok"


def test_whoever_does_not_take_his_answers_is_not_waited_for(guarded: Served) -> None:
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        slow.settimeout(20)
        slow.connect(("127.0.0.1", guarded.port))
        with pytest.raises(ConnectionError):  # the system holds some megabytes of answers
            slow.sendall(b"GET /page.js HTTP/1.1\r\nHost: x\r\n\r\n" * 200_000)
    assert guarded.ask("GET", "/page.js").status == 200


def test_a_request_in_pieces_is_refused_before_they_are_read(served: Served) -> None:
    head = "POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\n"
    with socket.create_connection(("127.0.0.1", served.port), 20) as pieces:
        pieces.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        with pieces.makefile("rb") as answer:
            heard = answer.read()  # up to the end of the connection
    assert heard.startswith(b"HTTP/1.1 411") and b"with its Content-Length" in heard


def test_a_form_that_is_none_is_no_failure_of_the_server(guarded: Served) -> None:
    for body in (b"a=1&" * 20, b"token=" + b"&" * 4_000):
        assert guarded.ask("POST", "/session", body).status == 400
    assert guarded.ask("POST", "/session", bytes(5_000)).status == 413


def test_a_server_that_is_busy_says_so(run: Path) -> None:
    with serving(run, Policy(requests=0), similar=False) as server:
        heard = server.predict(noise())
        assert heard.status == 503 and heard.headers["retry-after"] == "1"
        assert server.ask("GET", "/health").status == 200


def test_uploads_together_hold_no_more_than_they_may(run: Path) -> None:
    with serving(run, Policy(held_bytes=20_000), similar=False) as server:
        assert server.predict(noise(0, (200, 200))).status == 503
        for number in range(4):  # what was held is given back
            assert server.predict(noise(number)).status == 200


def test_an_error_of_the_network_is_told_and_the_next_image_is_answered(
    run: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with serving(run, Policy(), similar=False) as server, monkeypatch.context() as patch:

        def fail(*_: object) -> None:
            raise ValueError("a secret")

        patch.setattr("skinfw.inference.torch_model.TorchPredictor.probabilities", fail)
        heard = server.predict(noise())
        assert heard.status == 500 and "a secret" not in heard.body.decode()
        body, kind = form(b"no image", noise())
        lines = server.ask("POST", "/batch", body, Content_Type=kind).body.splitlines()
        problems = [json.loads(line)["problem"]["status"] for line in lines]
        assert problems == [422, 500]
        patch.undo()
        assert server.predict(noise()).status == 200


def test_an_error_of_a_map_costs_the_map_alone(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise MemoryError("a secret")

    monkeypatch.setattr("skinfw_serve.model_threads.predicted_class_maps", fail)
    with serving(run, Policy(), similar=False) as server:
        for _ in range(2):
            answer = server.predict(noise(), "?map=true").json
            assert answer["predicted"] and answer["map"] is None
            assert "there is no map: MemoryError" in answer["notes"][0]
        assert server.ask("GET", "/health").json["status"] == "ok"


def test_measures_are_counted_and_name_nothing(served: Served) -> None:
    before = measures(served)
    body, kind = form(noise(), file="Jane Doe.jpg")
    assert served.ask("POST", "/predict", body, Content_Type=kind).status == 200
    assert served.predict(b"x").status == 422
    served.ask("GET", "/Jane")
    after = measures(served)
    ok = 'skinfw_requests_total{path="/predict",status="200"}'
    assert after[ok] == before[ok] + 1
    bad = 'skinfw_images_total{outcome="problem"}'
    assert after[bad] == before.get(bad, 0) + 1
    count = 'skinfw_request_seconds_count{path="/predict"}'
    assert after[count] == before[count] + 2
    assert "Jane" not in served.ask("GET", "/metrics").body.decode()


def measures(served: Served) -> dict[str, float]:
    text = served.ask("GET", "/metrics").body.decode()
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_nothing_of_an_image_is_written_down(
    served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    content = io.BytesIO()
    photograph = Image.new("RGB", (900, 700), "tan")
    exif = photograph.getexif()
    exif[0x010E] = "Jane Doe"
    photograph.save(content, "JPEG", exif=exif)
    body, kind = form(content.getvalue(), b"broken", file="../../Jane Doe.jpg")
    with caplog.at_level(logging.DEBUG), watched(tmp_path) as written:
        heard = served.ask("POST", "/batch?map=true&similar=3", body, Content_Type=kind)
    said = capfd.readouterr()
    assert heard.status == 200 and b"Jane" not in heard.body
    assert "Jane" not in caplog.text + said.out + said.err
    assert not written


def test_the_document_of_the_api_tells_every_operation(served: Served) -> None:
    document = served.ask("GET", "/openapi.json").json
    assert set(document["paths"]) == {"/predict", "/batch", "/model", "/health", "/metrics"}
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["summary"] and operation["responses"]
    for schema in document["components"]["schemas"].values():
        assert all(
            "description" in one or "$ref" in one for one in schema.get("properties", {}).values()
        ), schema["title"]


def test_what_would_be_done_follows_the_thresholds_of_the_run(served: Served, run: Path) -> None:
    answer = served.predict(noise(3)).json
    expected = json.loads((run / "calibration.json").read_text())["thresholds"]["classes"]
    raw = api.load(run).predict([Image.open(io.BytesIO(noise(3)))], calibrate=False)
    chances = dict(zip(raw.classes, raw.probabilities[0], strict=True))
    points = {one["name"]: one for one in answer["operating_points"]}
    for name, own in expected.items():
        assert points[name]["called"] == (chances[name] >= own["threshold"])
        assert points[name]["chance"] == pytest.approx(chances[name], abs=1e-6)
        assert not re.search(r"\d%", points[name]["does"]), "percentages look alike on a page"
    malignant = sum(chances[name] for name in ("MEL", "BCC", "AK", "SCC"))
    assert points["malignant"]["called"] == (malignant >= 0.5)


def test_a_rule_of_triage_says_what_would_be_done_with_the_lesion() -> None:
    band = Band("defer by probability", (0,), 0.2, 0.7)
    said = [band.apply(np.array([chance, 1 - chance])).does for chance in (0.1, 0.2, 0.6, 0.7)]
    assert ["dismissed" in said[0], "reader" in said[1], "reader" in said[2], "biopsy" in said[3]]


def test_a_rule_that_does_the_same_with_every_lesion_is_not_served() -> None:
    ends = {"network alone": (None, None), "defer by probability": (None, 0.7)}
    rules = {name: {"low": low, "high": high} for name, (low, high) in ends.items()}
    triage = {"malignant": ["MEL"], "at": {"recipe": {"rules": rules}}}
    (band,) = _by_rule(triage, ("MEL", "NV"))
    assert band.name == "defer by probability"
    assert "reader" in band.apply(np.array([0.0, 1.0])).does


def test_a_refit_is_served_without_thresholds_of_the_first_network(run: Path) -> None:
    model = load_trained_model(run, trust=True)
    assert len(read_operating_points(model)) > 1
    (point,) = read_operating_points(replace(model, network="refit"))
    assert point.name == "malignant"


def test_thresholds_that_are_damaged_are_told(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run")
    record = json.loads((run / "calibration.json").read_text())
    record["thresholds"]["classes"]["MEL"]["threshold"] = 7
    (tmp_path / "run" / "calibration.json").write_text(json.dumps(record))
    with pytest.raises(SkinfwError, match=r"thresholds\.classes\.MEL\.threshold"):
        read_operating_points(load_trained_model(tmp_path / "run", trust=True))


def test_a_run_without_calibration_is_served_and_says_what_is_not_there(
    run: Path, tmp_path: Path
) -> None:
    shutil.copytree(run, tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["calibration"] = {}
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    for name in ("calibration.json", "README.md"):
        (tmp_path / "run" / name).unlink()
    with serving(tmp_path / "run", Policy(), similar=False) as server:
        about, answer = server.ask("GET", "/model").json, server.predict(noise()).json
        card = server.ask("GET", "/card").body.decode()
    assert not answer["calibrated"] and answer["prediction_set"] is None
    assert answer["may_be_unknown"] is None
    assert [one["name"] for one in answer["operating_points"]] == ["malignant"]
    assert sum("has fitted n" in limit for limit in about["limits"]) == 3
    assert "The run has no model card" in card


def test_the_command_says_in_four_lines_what_keeps_it_from_serving(
    skinfw: Run, run: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = skinfw("serve", str(run), "--trust", "--port", str(port))
    assert done.returncode == 1 and f"error: port {port} is in use" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 4 and f"--port {port + 1}" in done.stderr
    shutil.copytree(run, tmp_path / "newer")
    record = json.loads((run / "run.json").read_text())
    record["versions"]["skinfw"] = "99.0"
    (tmp_path / "newer" / "run.json").write_text(json.dumps(record))
    with pytest.raises(RecipeError, match=r"the run was made by skinfw 99\.0") as error:
        load_service(tmp_path / "newer", (), True, None, False, Policy())
    assert all((error.value.where, error.value.why, error.value.cure))
    done = skinfw("serve", str(run), "--token", "short")
    assert done.returncode == 2 and "at least 16" in done.stderr


def test_without_its_packages_the_command_says_how_to_get_them() -> None:
    code = (
        "import sys, importlib.util as u\n"
        "find = u.find_spec\n"
        "u.find_spec = lambda name, *rest: None if name == 'uvicorn' else find(name, *rest)\n"
        "from skinfw.cli import main; main(['serve', 'absent'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "uvicorn is not installed" in done.stderr
    assert "pip install 'skinfw[serve]'" in done.stderr


@pytest.mark.slow
def test_the_command_serves_until_it_is_stopped(run: Path, tmp_path: Path) -> None:
    import os
    import signal

    words = ["serve", str(run), "--trust", "--port", "0", "--host", "0.0.0.0", "--no-similar"]
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "skinfw", *words], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "SKINFW_CACHE": str(tmp_path)},
    )  # fmt: skip
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    port = int(lines[-1].partition(":8")[0] and lines[-1].rsplit(":", 1)[1].partition("/")[0])
    token = next(line for line in lines if line.startswith("token: ")).split()[1]
    server = Served(port, None)
    assert server.predict(noise()).status == 401
    for _ in range(50):
        if server.predict(noise(), Authorization=f"Bearer {token}").status == 200:
            break
        time.sleep(0.1)
    else:
        pytest.fail("it never answered")
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    process.stdout.close()
