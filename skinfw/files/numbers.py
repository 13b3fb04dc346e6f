"""Numbers in the cells of tables, read as people read them."""

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
