"""Numbers as people read and say them."""

from __future__ import annotations

import re

_DECIMAL = re.compile(
    r"[+-]?(?:[0-9]{1,400}(?:\.[0-9]{0,400})?|\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,4})?"
)


def decimal_number(cell: str) -> float | None:
    """Return the number that a cell holds; nothing where it holds none.

    cell: digits from 0 to 9, with a point and an exponent if need be. What Python or pandas would
        read besides is none: "nan", "inf", "1_0", "0x1", "True" and digits of other scripts.
    """
    return float(cell) if _DECIMAL.fullmatch(cell) else None


def number_cell(value: float) -> str:
    """Return a number as a cell of a table, with six digits behind the point; NaN is blank."""
    return "" if value != value else f"{value:.6f}"


def whole_percent(chance: float) -> str:
    """Return a probability in whole per cent; what is neither 0 nor 1 is not said to be.

    chance: in [0, 1].
    """
    text = f"{chance:.0%}"
    if text == "0%" and chance > 0:
        return "<1%"
    return ">99%" if text == "100%" and chance < 1 else text


def amount(count: int) -> str:
    """Return a number of bytes as people say it.

    count: bytes.
    """
    for size, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
