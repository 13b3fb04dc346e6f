"""The Markdown table, and the place in a document where it goes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def markdown(record: dict[str, Any]) -> str:
    """Return the table of a record, with the machine above it and what was skipped below."""
    machine = record["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    lines = [
        f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB, "
        f"{machine['system']}, Python {machine['python']}; load before {machine['load_before']}; "
        f"commit {machine['commit'] or 'unknown'}; {record['date']}.",
        f"{versions}.",
        f"{record['rounds']} rounds; {record['images']}.",
        "",
        "| | work | ours | beside | theirs | ratio | target | met |",
        "|---|---|---|---|---|---|---|---|",
    ]
    if record["smoke"]:
        lines.insert(0, "**A smoke test: these figures mean nothing.**\n")
    for name, outcome in record["comparisons"].items():
        lines += [_line(name, row) for row in outcome.get("rows", ())]
    without = {
        name: reason
        for name, outcome in record["comparisons"].items()
        for key in ("skipped", "failed")
        if (reason := outcome.get(key))
    }
    if without:
        lines += ["", *(f"- {name}: {reason}" for name, reason in without.items())]
    return "\n".join(lines) + "\n"


def write_between(file: Path, text: str) -> None:
    """Put a text between the markers of a document."""
    before, begin, rest = file.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file} lacks the lines {BEGIN} and {END}")
    file.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}", encoding="utf-8")


def _line(name: str, row: dict[str, Any]) -> str:
    target = ""
    if row["at_least"] is not None:
        target = f"≥ {row['at_least']:g}"
    if row["at_most"] is not None:
        target = f"≤ {row['at_most']:g}"
    met = {True: "yes", False: "**no**", None: ""}[row["met"]]
    ours, theirs = (_number(row[key], row["unit"]) for key in ("our_median", "their_median"))
    return (
        f"| {name} | {row['work']} | {ours} | {row['peer']} | {theirs} "
        f"| {row['ratio']:.2f} | {target} | {met} |"
    )


def _number(value: float, unit: str) -> str:
    if unit == "s" and value < 1:
        return f"{value * 1000:.3g} ms"
    return f"{value:,.0f} {unit}".strip() if value >= 1000 else f"{value:.3g} {unit}".strip()
