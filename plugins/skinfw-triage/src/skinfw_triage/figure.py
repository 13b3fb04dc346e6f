"""The picture of costs: against the share of lesions that the reader sees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

GREY, COLOUR = "#666666", "#1f4e79"
MARKERS = "osD^vP"


def draw(data: Mapping[str, Any], title: str, file: Path) -> None:
    """Draw both prevalences beside each other.

    data: of the report, as triage.json has it.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    figure = Figure((10.4, 5.2), layout="constrained", dpi=130)
    panels = figure.subplots(1, 2)
    for axes, (whose, at) in zip(panels, data["at"].items(), strict=True):
        _costs(axes, at)
        name = {"recipe": "prevalence of the recipe", "validation": "prevalence of validation"}[
            whose
        ]
        axes.set_title(f"{name}, {at['prevalence']:.1%}", fontsize=9.5, loc="left")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=4,
                  fontsize=8, frameon=False)  # fmt: skip
    figure.suptitle("\n".join([title, *data["marks"]]), fontsize=10, x=0.01, ha="left")
    # A title may hold dollars, which begin no formula.
    with atomic_write(file) as partial, rc_context({"text.parse_math": False}):
        for text in figure.findobj(Text):
            text.set_parse_math(False)
        figure.savefig(partial, format="png")


def _costs(axes: Axes, at: Mapping[str, Any]) -> None:
    """Draw the curve with its intervals, and the rules as points."""
    points = [point for point in at["curve"] if point["cost"]["value"] == point["cost"]["value"]]
    share = [point["deferred"]["value"] for point in points]
    cost = [point["cost"] for point in points]
    axes.plot(share, [own["value"] for own in cost], color=COLOUR, linewidth=1.4,
              label="deferred by probability, by share")  # fmt: skip
    low, high = (
        [own["value"] if own[end] != own[end] else own[end] for own in cost]
        for end in ("low", "high")
    )
    axes.fill_between(share, low, high, color=COLOUR, alpha=0.15, linewidth=0,
                      label="95 % interval over lesions")  # fmt: skip
    for (name, rule), marker in zip(at["rules"].items(), MARKERS, strict=True):
        place = rule["deferred"]["value"], rule["cost"]["value"]
        axes.plot(*place, marker, color="white", markeredgecolor=GREY, markeredgewidth=1.3,
                  markersize=7, label=name)  # fmt: skip
    axes.set(xlabel="share of lesions deferred to the reader", ylabel="expected cost per lesion")
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
