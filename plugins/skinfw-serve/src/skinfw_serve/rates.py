"""How many images a client may send: a bucket for each, which fills again with time."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from skinfw_serve.problems import ProblemError

_CLIENTS = 10_000
"""Buckets that are remembered; of more clients the oldest begin anew."""


class Rates:
    """Hold a bucket for each client (a token bucket)."""

    def __init__(
        self, per_minute: int, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Begin with full buckets.

        per_minute: images.
        burst: images that may come at once.
        clock: seconds.
        """
        self._per_second, self._burst, self._clock = per_minute / 60, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, client: str, images: int) -> None:
        """Take images out of a client's bucket.

        Raises ProblemError where it does not hold so many.
        """
        now = self._clock()
        held, since = self._buckets.pop(client, (float(self._burst), now))
        held = min(self._burst, held + (now - since) * self._per_second)
        enough = held >= images
        self._buckets[client] = (held - images if enough else held, now)
        if len(self._buckets) > _CLIENTS:
            self._buckets.popitem(last=False)
        if not enough:
            raise ProblemError(
                429,
                "too many images in too short a time",
                f"one client may send {self._per_second * 60:g} a minute",
                "wait as long as Retry-After says",
                retry_after=math.ceil((images - held) / self._per_second),
            )
