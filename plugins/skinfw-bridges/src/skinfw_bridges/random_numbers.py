"""Random numbers of torch from a generator of one's own, whatever other threads draw.

torch has one generator for the whole process. Seeding it for an image would disturb the network
that trains meanwhile, and other threads that prepare images.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

# What older versions of torch draw without asking for a generator, and how it draws in place.
_LIKE = {"rand_like": "uniform_", "randn_like": "normal_"}


class OwnGenerator(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Let every random operation of this thread draw from one generator.

    Other threads, and torch's own generator, notice nothing. The numbers are those that torch's own
    generator would give after the same seed.
    """

    def __init__(self, seed: int) -> None:
        """Seed the generator."""
        super().__init__()  # type: ignore[no-untyped-call]
        self._generator = torch.Generator().manual_seed(seed)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Carry an operation out, with the generator where it draws."""
        kwargs = kwargs or {}
        if torch.Tag.nondeterministic_seeded not in func.tags:
            return func(*args, **kwargs)
        if drawing := _with_generator(func):
            return drawing(*args, **{**kwargs, "generator": self._generator})
        name = func.overloadpacket.__name__
        if name not in _LIKE:
            raise NotImplementedError(f"torch.{name} draws from no generator but torch's own")
        empty = torch.empty_like(*args, **kwargs)
        return getattr(empty, _LIKE[name])(generator=self._generator)


def _with_generator(func: Any) -> Any:
    """Return the form of an operation that takes a generator; None where there is none."""
    if _takes_generator(func):
        return func
    packet, name = func.overloadpacket, func._overloadname
    wanted = "generator" if name == "default" else f"{name}_generator"
    return getattr(packet, wanted) if wanted in packet.overloads() else None


def _takes_generator(func: Any) -> bool:
    return any(argument.name == "generator" for argument in func._schema.arguments)
