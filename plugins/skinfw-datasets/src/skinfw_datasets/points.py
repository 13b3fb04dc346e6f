"""The seven-point checklist; imported by what must stay light."""

from __future__ import annotations

POINTS: dict[str, tuple[str, int]] = {
    "pigment_network": ("atypical", 2),
    "blue_whitish_veil": ("present", 2),
    "vascular_structures": ("irregular", 2),
    "pigmentation": ("irregular", 1),
    "streaks": ("irregular", 1),
    "dots_and_globules": ("irregular", 1),
    "regression_structures": ("present", 1),
}
"""Which value of a criterion counts, and how many points (Argenziano et al. 1998)."""
