"""sweep.html: the best setting, what it is worth, and all others beside it."""

from pathlib import Path

from skinfw import SweepAxis, SweepSetting, SweepSummary
from skinfw_reports.page import Page


def setting(trial: int, rate: float, use: int, accuracy: float, brier: float) -> SweepSetting:
    """Return a setting that is done."""
    return SweepSetting(
        (trial,),
        {"optimizer.lr": rate, "loss.use": use},
        {"optimizer.lr": f"{rate:.4g}", "loss.use": ("focal", "<b>own</b>")[use]},
        "done",
        3,
        {"accuracy": accuracy, "brier": brier},
        {"accuracy": (accuracy - 0.1, accuracy + 0.1)},
        on_front=trial in (0, 1),
    )


def summary() -> SweepSummary:
    pruned = SweepSetting((3,), {"optimizer.lr": 1.0, "loss.use": 0},
                          {"optimizer.lr": "1", "loss.use": "focal"}, "pruned", 1)  # fmt: skip
    failed = SweepSetting((4,), {"optimizer.lr": 9.0, "loss.use": 0},
                          {"optimizer.lr": "9", "loss.use": "focal"}, "failed", 0,
                          error="the training loss is nan")  # fmt: skip
    return SweepSummary(
        "mine",
        "random search",
        ("accuracy", "brier"),
        frozenset({"brier"}),
        (SweepAxis("optimizer.lr", log=True), SweepAxis("loss.use", ("focal", "<b>own</b>"))),
        [setting(0, 0.01, 0, 0.7, 0.3), setting(1, 0.001, 1, 0.8, 0.4),
         setting(2, 0.1, 0, 0.6, 0.5), pruned, failed],
        1,
        {"accuracy": {"optimizer.lr": 0.6, "loss.use": 0.1}, "brier": {}},
        {"accuracy": 0.75},
        {"accuracy": (0.65, 0.85)},
        ["a note"],
    )  # fmt: skip


def test_the_page_tells_the_best_and_all_others(tmp_path: Path) -> None:
    Page().sweep(summary(), tmp_path)
    text = (tmp_path / "sweep.html").read_text()
    assert "Trial 1" in text and "0.700 to 0.900" in text
    assert "which chose nothing: accuracy 0.750 (0.650 to 0.850)" in text
    body = text.partition("<tbody>")[2].partition("</tbody>")[0]
    rows = [row.split("</th>")[0].rpartition(">")[2] for row in body.split("<tr>")[1:]]
    assert rows == ["1", "0", "2", "3", "4"]  # the best first, then those without a number
    assert "4: the training loss is nan" in text and "a note" in text
    assert text.count("<figure") == 3  # axes, one front, importance of one objective
    assert "On the front: trials 0, 1." in text
    assert "<b>own" not in text and "&lt;b&gt;own" in text
