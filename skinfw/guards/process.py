"""What all components share in one process: put back where one leaves it changed, and told."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import re
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

MAY_THROW_DICE = ("backbone", "modify", "report", "track", "explainer", "launcher")
"""Kinds that may throw the dice of everybody: networks do, and the others decide no number."""

EVERY_IMAGE = ("prepare", "augment", "view")
"""Kinds that are called for every image, often in several threads at once."""

EVERY_STEP = ("dataset", "mix", "backbone", "loss", "optimizer", "schedule")
"""Kinds that are called often; what costs more is not watched there."""


class Share(NamedTuple):
    """Name something shared.

    name: for messages.
    module: whose; nothing is asked of a module that nobody imported.
    get, put: read and replace it.
    initial: its value once the module is imported, where that is known.
    """

    name: str
    module: str
    get: Callable[[Any], Any]
    put: Callable[[Any, Any], Any]
    initial: Callable[[Any], Any] | None = None


def _attribute(path: str) -> tuple[Callable[[Any], Any], Callable[[Any, Any], None]]:
    *parents, name = path.split(".")

    def owner(module: Any) -> Any:
        for parent in parents:
            module = getattr(module, parent)
        return module

    return (lambda module: getattr(owner(module), name)), (
        lambda module, value: setattr(owner(module), name, value)
    )


_QUICK = (
    Share("torch's default dtype", "torch", lambda torch: torch.get_default_dtype(),
          lambda torch, value: torch.set_default_dtype(value), lambda torch: torch.float32),
    Share("torch's gradients", "torch", lambda torch: torch.is_grad_enabled(),
          lambda torch, value: torch.set_grad_enabled(value), lambda _: True),
    Share("torch's deterministic algorithms", "torch",
          lambda torch: torch.are_deterministic_algorithms_enabled(),
          lambda torch, value: torch.use_deterministic_algorithms(value), lambda _: False),
    Share("torch's number of threads", "torch", lambda torch: torch.get_num_threads(),
          lambda torch, value: torch.set_num_threads(value)),
    Share("OpenCV's number of threads", "cv2", lambda cv2: cv2.getNumThreads(),
          lambda cv2, value: cv2.setNumThreads(value)),
)  # fmt: skip
"""How everybody computes: whoever changes one of these changes the numbers of others."""

_COMPUTING = (
    Share("torch's matmul precision", "torch",
          lambda torch: torch.get_float32_matmul_precision(),
          lambda torch, value: torch.set_float32_matmul_precision(value),
          lambda _: "highest"),
    Share("cudnn.benchmark", "torch", *_attribute("backends.cudnn.benchmark")),
    Share("cudnn.deterministic", "torch", *_attribute("backends.cudnn.deterministic"),
          lambda _: False),
    Share("numpy's answer to floating-point errors", "numpy", lambda numpy: numpy.geterr(),
          lambda numpy, value: numpy.seterr(**value)),
)  # fmt: skip
"""The rest of it, which costs more to ask; not for every image."""

_FOLDER = (
    Share("the working folder", "os", lambda os: os.getcwd(), lambda os, value: os.chdir(value)),
)
"""What belongs to the whole process and not to a thread; watched in the main thread."""

_DEVICE = (
    Share("torch's default device", "torch", lambda torch: torch.get_default_device(),
          lambda torch, value: torch.set_default_device(value)),
)  # fmt: skip
"""Decides as much, and costs more to ask."""

_MANNERS = (
    Share("warnings", "warnings", lambda warnings: list(warnings.filters),
          lambda warnings, value: _replace_filters(value)),
    Share("sys.path", "sys", lambda sys: list(sys.path), lambda sys, value: _replace(sys, value)),
    Share("sys.stdout", "sys", *_attribute("stdout")),
    Share("sys.stderr", "sys", *_attribute("stderr")),
    Share("the locale", "locale", lambda locale: locale.setlocale(locale.LC_ALL),
          lambda locale, value: locale.setlocale(locale.LC_ALL, value)),
    Share("Ctrl-C", "signal", lambda own: own.getsignal(own.SIGINT),
          lambda own, value: own.signal(own.SIGINT, value)),
    Share("SIGTERM", "signal", lambda own: own.getsignal(own.SIGTERM),
          lambda own, value: own.signal(own.SIGTERM, value)),
)  # fmt: skip
"""What changes no number; it is put back, and nobody is blamed."""

_VARIABLES = re.compile(rb"(SKINFW|CUDA|CUBLAS|OMP|MKL|PYTHON)")
"""Environment variables that decide how others compute; libraries may add some of their own."""

MAY_LOOK = ("sampler", "weighting", "metric", "explainer", "report", "track")
"""Kinds that have nothing to change in the network."""

IMPORT = "import"
"""Stands for a kind while a module is imported, which may do more."""

_PYTHON = "threw the dice of Python's random"
_ABSENT = object()
_network: list[Callable[[], Any]] = []  # remembers the state of the network of the run
_watching_dice = threading.local()


@contextlib.contextmanager
def watch_dice() -> Iterator[None]:
    """Watch the dice of everybody for the kinds of every image, too.

    Only where nobody else works meanwhile, for the dice do not tell which thread throws them.
    """
    _watching_dice.on = True
    try:
        yield
    finally:
        _watching_dice.on = False


@contextlib.contextmanager
def watch_network(remember: Callable[[], Any]) -> Iterator[None]:
    """See that those who may look at the network of a run leave it as it was.

    remember: returns its state, whose `restore` puts it back and says what was changed.
    """
    _network.append(remember)
    try:
        yield
    finally:
        _network.pop()


class Shared:
    """Remember what components share, to compare and restore it after one was called."""

    __slots__ = ("_dice", "_environment", "_modules", "_network", "_threads", "_values")

    def __init__(self, kind: str, builds: bool = False) -> None:
        """Remember it all.

        kind: of the component that is about to be called; `IMPORT` for a module.
        builds: whether it is about to be built, which happens once.
        """
        main = threading.current_thread() is threading.main_thread()
        alone = getattr(_watching_dice, "on", False)
        image = kind in EVERY_IMAGE and not builds
        seldom = main and not image and kind not in (*EVERY_STEP, IMPORT)
        shares: tuple[Share, ...] = _QUICK
        if alone or not image:
            shares += _COMPUTING + (_FOLDER if main else ())
        if seldom:
            shares += _DEVICE + _MANNERS
        self._values = [(share, _read(share)) for share in shares]
        self._environment = dict(_environment()) if main and kind != IMPORT else None
        dice = alone or (main and not image)
        dice = dice and kind not in (*MAY_THROW_DICE, IMPORT)
        self._dice = _dice(seldom or alone or kind == "mix") if dice else None
        self._modules = len(sys.modules)
        self._threads = set(threading.enumerate()) if seldom else None
        self._network = _network[-1]() if main and _network and kind in MAY_LOOK else None

    def restore(self) -> str:
        """Put everything back; return what must not have been changed, "" where nothing was."""
        changed = [share for share, before in self._values if _restore(share, before)]
        names = [share.name for share in changed if share not in _MANNERS]
        if self._environment is not None:
            names += _restore_environment(self._environment)
        told = [f"left {name} changed" for name in names]
        if self._network is not None and (what := self._network.restore()):
            told.append(f"left {what} of the network changed")
        if self._dice is not None:
            # A library that a component imports when it is called may throw dice, as rich does.
            alike = len(sys.modules) == self._modules
            now = _dice(alike and self._dice[_PYTHON] is not None)
            told += [
                what
                for what, was in self._dice.items()
                if was is not None and now[what] not in (None, was)
            ]
        if self._threads is not None:
            told += _left_threads(self._threads)
        return told[0] if told else ""


def _read(share: Share) -> Any:
    module = sys.modules.get(share.module)
    if module is None:
        return _ABSENT
    try:
        return share.get(module)
    except (OSError, AttributeError):  # a working folder that is gone; a module half imported
        return _ABSENT


def _restore(share: Share, before: Any) -> bool:
    """Put one thing back; return whether it was changed."""
    module = sys.modules.get(share.module)
    if before is _ABSENT and module is not None and share.initial:
        before = share.initial(module)
    if before is _ABSENT or module is None or _read(share) == before:
        return False
    with contextlib.suppress(OSError, ValueError, TypeError):
        share.put(module, before)
    return True


def _environment() -> dict[bytes, bytes]:
    """Return the environment as it is, without the copy that decodes it."""
    own: dict[bytes, bytes] = vars(os.environ)["_data"]
    return own


def _restore_environment(before: dict[bytes, bytes]) -> list[str]:
    """Put variables back that were changed or removed, or that decide how others compute."""
    now = _environment()
    if now == before:
        return []
    names = [name for name in before if now.get(name) != before[name]]
    names += [name for name in now if name not in before and _VARIABLES.match(name)]
    for name in names:
        if name in before:
            os.environ[os.fsdecode(name)] = os.fsdecode(before[name])
        else:
            del os.environ[os.fsdecode(name)]
    return [f"the environment variable {os.fsdecode(name)}" for name in names]


def _dice(python: bool) -> dict[str, Any]:
    """Return what tells whether somebody threw the dice of everybody, by what he then did.

    python: whether to ask Python's own, whose state is long.
    """
    torch: Any = sys.modules.get("torch")
    return {
        _PYTHON: random.getstate() if python else None,
        "threw the dice of numpy.random": _numpy_dice() if "numpy" in sys.modules else None,
        "seeded torch's dice": torch.initial_seed() if torch else None,
    }


@cache
def _numpy_state() -> Any:
    """Return numpy's own generator as it lies in memory; reading it whole would take long."""
    import numpy as np

    generator = np.random.mtrand._rand._bit_generator
    return (ctypes.c_uint32 * 625).from_address(generator.ctypes.state_address)


def _numpy_dice() -> tuple[int, int]:
    state = _numpy_state()  # 624 words, and how many of them are used up
    return state[0], state[624]


def _left_threads(before: set[threading.Thread]) -> list[str]:
    """Tell of threads that would keep the process from ending."""
    left = [own for own in threading.enumerate() if own not in before and not own.daemon]
    return [f"left the thread {own.name} running" for own in left if "skinfw" not in own.name]


def _replace_filters(value: list[Any]) -> None:
    warnings.filters[:] = value  # type: ignore[index]
    warnings._filters_mutated()  # type: ignore[attr-defined]


def _replace(sys: Any, value: list[str]) -> None:
    sys.path[:] = value
