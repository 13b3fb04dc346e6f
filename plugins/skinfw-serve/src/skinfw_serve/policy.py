"""From whom a server takes images, and how many."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Say what a server takes.

    token: what every request must bring; empty where none is asked for.
    hosts: names by which it may be called, so that no page of the internet can pretend to be it by
        its name; empty takes any, which only a token makes safe.
    image_bytes: of one image.
    batch_bytes, batch_images: of one batch.
    held_bytes: of all uploads that are in memory at once.
    requests: with images, that are answered at once; further ones are told to come again.
    rate: images a minute of one client.
    body_seconds: in which the bytes of a request must have arrived.
    head_seconds: in which its head must have arrived.
    """

    token: str = ""
    hosts: tuple[str, ...] = ()
    image_bytes: int = 20_000_000
    batch_bytes: int = 100_000_000
    batch_images: int = 100
    held_bytes: int = 300_000_000
    requests: int = 32
    rate: int = 3_000
    body_seconds: float = 30.0
    head_seconds: float = 10.0
