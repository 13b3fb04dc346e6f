"""Spans of time as people say them."""


def duration(seconds: float) -> str:
    """Return a span of time as `45 s`, `12 min` or `1 h 3 min`.

    seconds: at least 0.
    """
    if seconds < 119.5:
        return f"{seconds:.0f} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"
