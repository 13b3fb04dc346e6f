"""Planes of images on the page: drawn without a script, which then lets readers ask for images."""

from __future__ import annotations

from typing import Any

from skinfw import FindingsScatter
from skinfw_reports.thumbnails import jpeg_address

WIDTH, HEIGHT, MARGIN = 480, 360, 12
SHAPES = 9
COLOURS = 8
"""Of Okabe and Ito (2008), which differ for who sees no red or no green; page.css has them."""


def scatter_content(scatter: FindingsScatter, name: str) -> dict[str, Any]:
    """Return a plane as the template takes it.

    name: keeps its ids apart from those of others on the page.
    Classes beyond the eighth have the colour of another one in another shape.
    """
    points, counts = scatter.points, dict.fromkeys(scatter.groups, 0)
    for one in points:
        counts[one.group] += 1
    looks = {
        group: {"place": place, "shape": place % SHAPES, "colour": place % COLOURS}
        for place, group in enumerate(scatter.groups)
    }
    left, top = min(one.x for one in points), max(one.y for one in points)
    wide = max(one.x for one in points) - left or 1.0
    high = top - min(one.y for one in points) or 1.0
    scale = min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high)
    aside, below = (WIDTH - scale * wide) / 2, (HEIGHT - scale * high) / 2
    return {
        "name": name,
        "caption": scatter.caption,
        "alt": scatter.alt,
        "mark": scatter.mark,
        "width": WIDTH,
        "height": HEIGHT,
        "groups": [
            {"name": group, "count": f"{counts[group]:,}", **look}
            for group, look in looks.items()
            if counts[group]
        ],
        "points": [
            {
                "x": f"{aside + scale * (one.x - left):.1f}",
                "y": f"{below + scale * (top - one.y):.1f}",
                "marked": one.marked,
                "text": one.text,
                **looks[one.group],
            }
            for one in points
        ],
        "images": [jpeg_address(one.image) for one in points],
    }
