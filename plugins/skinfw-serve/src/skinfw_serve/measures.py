"""What the server counts of itself, as Prometheus reads it; no request, image or name is in it."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

PATHS = ("/", "/predict", "/batch", "/model", "/health", "/metrics", "/card", "/session")
_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Measures:
    """Hold the counters of one server."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        """Begin at zero.

        waiting: returns how many images wait for the network.
        """
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "skinfw_requests", "Requests by path and status.", ("path", "status"),
            registry=self.registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "skinfw_request_seconds", "Seconds from the head of a request to its whole answer.",
            ("path",), buckets=_SECONDS, registry=self.registry,
        )  # fmt: skip
        self._images = Counter(
            "skinfw_images", "Images by what came of them: answer or problem.", ("outcome",),
            registry=self.registry,
        )  # fmt: skip
        self.in_flight = Gauge(
            "skinfw_requests_in_flight", "Requests that are being answered.",
            registry=self.registry,
        )  # fmt: skip
        gauge = Gauge(
            "skinfw_images_waiting", "Images that wait for the network.", registry=self.registry
        )
        gauge.set_function(waiting)

    def request(self, path: str, status: int, seconds: float) -> None:
        """Count a request.

        path: as it was asked for; one that does not exist counts as "other".
        """
        known = path if path in PATHS else "other"
        self._requests.labels(known, str(status)).inc()
        self._seconds.labels(known).observe(seconds)

    def image(self, outcome: str) -> None:
        """Count an image.

        outcome: "answer" or "problem".
        """
        self._images.labels(outcome).inc()

    def text(self) -> bytes:
        """Return all numbers as Prometheus reads them."""
        return generate_latest(self.registry)
