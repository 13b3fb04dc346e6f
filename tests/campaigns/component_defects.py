"""Sources of components with one defect each: of every kind, at every stage."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "guards"))

from test_guards import ZOO

HEAD = """
import os
import random
import signal
import shutil
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import skinfw
import torch
from skinfw_splits.lesions import LesionStratified
from torch import nn
from torch.nn.functional import cross_entropy
"""
_FIRST = len(HEAD.splitlines()) + 1


def _class(signature: str, answer: str) -> str:
    return f"""
CALLS = []
@top@

@dataclass(frozen=True, kw_only=True)
class Mine:
    def __post_init__(self):
        @build@
    def {signature}:
        CALLS.append(1)
        @call@
        return {answer}
"""


RIGHT = {
    "dataset": """
CALLS = []
@top@

@dataclass(frozen=True, kw_only=True)
class Mine:
    classes = ("A", "B", "C")
    def __post_init__(self):
        @build@
    def table(self):
        CALLS.append(1)
        @call@
        names = [f"{i}" for i in range(48)]
        return skinfw.DataTable(pd.DataFrame({"id": names, "path": names, "lesion": names,
                                "label": [self.classes[i % 3] for i in range(48)]}))
    def image(self, path):
        @image@
        dice = np.random.Generator(np.random.SFC64(int(path)))
        return dice.integers(0, 255, (40, 44, 3), np.uint8)
""",
    "split": _class("assign(self, table, rng)",
                    "LesionStratified(val=0.25, test=0.25).assign(table, rng)"),
    "sampler": _class("draw(self, labels, context)",
                      "skinfw.Draw(context.rng.permutation(len(labels)))"),
    "prepare": _class("prepare(self, image)", "255 - image"),
    "augment": _class("roll(self, dice)", "[skinfw.Warp(np.eye(3), (32, 32)), "
                      "skinfw.PixelFunction(lambda image: 255 - image)]"),
    "mix": _class("mix(self, images, rng)",
                  "images, torch.from_numpy(rng.permutation(len(images))), 0.5"),
    "view": _class("plan(self, size)", "[[skinfw.Warp(np.eye(3), (32, 32))]]"),
    "backbone": """
CALLS = []
@top@

class Net(nn.Sequential):
    def forward(self, images):
        CALLS.append(1)
        @call@
        return super().forward(images)

def Mine(classes):
    @build@
    model = Net(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                nn.Dropout(0.2), nn.Linear(8, len(classes)))
    model.cam_layer = "0"
    return model
""",
    "modify": _class("modify(self, model)", "model"),
    "loss": """
CALLS = []
@top@

@dataclass(frozen=True)
class Mine:
    classes: tuple[str, ...]
    def __post_init__(self):
        @build@
    def __call__(self, logits, targets, weight):
        CALLS.append(1)
        @call@
        return cross_entropy(logits, targets, weight)
""",
    "weighting": _class("weights(self, counts, epoch, epochs)",
                        "[1.0 / max(1, n) for n in counts]"),
    "optimizer": """
CALLS = []
@top@

class Optimizer(torch.optim.SGD):
    def step(self, closure=None):
        CALLS.append(1)
        @call@
        return super().step(closure)

def Mine(model):
    @build@
    return Optimizer(model.parameters(), lr=0.1)
""",
    "schedule": """
CALLS = []
@top@

class Schedule(torch.optim.lr_scheduler.ConstantLR):
    def step(self, *values):
        CALLS.append(1)
        @call@
        return super().step(*values)

def Mine(optimizer):
    @build@
    return Schedule(optimizer)
""",
    "metric": _class("__call__(self, predictions)", "{'mine': 0.5}"),
    "explainer": _class("__call__(self, model, images, classes)", "images[:, 0] * 0"),
    "report": _class("write(self, result, folder)", "(folder / 'mine.txt').write_text('done')"),
    "track": """
CALLS = []
@top@

@dataclass(frozen=True, kw_only=True)
class Mine:
    def __post_init__(self):
        @build@
    @skinfw.hookimpl
    def epoch_end(self, record):
        CALLS.append(1)
        @call@
""",
}  # fmt: skip
WHERE = ("top", "build", "call", "image")


def source(kind: str, **bodies: str) -> str:
    """Return the source of a component that is right but for what is put in.

    bodies: statements by place: `top`, `build`, `call`, and `image` of a data set.
    """
    lines = []
    for line in RIGHT[kind].splitlines():
        place = line.strip().strip("@")
        if line.strip() == f"@{place}@" and place in WHERE:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + own for own in bodies.get(place, "pass").splitlines()]
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Defect:
    """Hold a component with one defect.

    kind, name: what it is, and what is wrong with it.
    text: its source below the imports.
    sets: what the recipe needs besides.
    harmless: whether it may be accepted, for it is put right and changes no number.
    """

    kind: str
    name: str
    text: str
    sets: tuple[str, ...] = ()
    harmless: bool = False

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"

    def code(self) -> str:
        """Return the whole file."""
        return HEAD + self.text

    def lines(self) -> tuple[int, int]:
        """Return the first and the last line of the component in its file."""
        return _FIRST, len(self.code().splitlines())


RAISES = {
    "ValueError": "raise ValueError('odd')",
    "KeyError": "{}['odd']",
    "SystemExit": "sys.exit('odd')",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "an exception of its own": "raise type('Odd', (BaseException,), {})('odd')",
    "a SkinfwError": "raise skinfw.SkinfwError('odd', 'somewhere', 'because', 'do something')",
    "StopIteration": "next(iter([]))",
    "an error whose text fails":
        "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()",
    "a file that is not there": "open('there is no such file')",
    "no permission": "raise PermissionError(13, 'Permission denied', '/root/x')",
    "a thousand lines": "raise RuntimeError('odd\\n' * 1000)",
    "endless recursion": "def f(): return f()\nf()",
    "an assertion": "assert not CALLS and False",
}  # fmt: skip
SHARED = {
    "the working folder": "os.chdir('/')",
    "the working folder, by a relative path": "os.chdir('outside')",
    "the environment": "os.environ['HOME'] = '/nowhere'",
    "the environment, of CUDA": "os.environ['CUBLAS_WORKSPACE_CONFIG'] = ':4096:8'",
    "the default dtype": "torch.set_default_dtype(torch.float64)",
    "gradients": "torch.set_grad_enabled(False)",
    "deterministic algorithms": "torch.use_deterministic_algorithms(True)",
    "torch's threads": "torch.set_num_threads(torch.get_num_threads() + 1)",
    "matmul precision": "torch.set_float32_matmul_precision('medium')",
    "cudnn": "torch.backends.cudnn.deterministic = not torch.backends.cudnn.deterministic",
    "numpy's errors": "np.seterr(all='raise')",
}
DICE = {
    "random": "random.random()",
    "a seed of random": "random.seed(0)",
    "numpy's dice": "np.random.rand()",
    "a seed of numpy": "np.random.seed(1)",
    "a seed of torch": "torch.manual_seed(0)",
}
MANNERS = {
    "warnings": "warnings.simplefilter('error')",
    "stdout": "sys.stdout = open(os.devnull, 'w')",
    "stdout closed for others": "sys.stdout = None",
    "sys.path": "sys.path[:0] = ['/nowhere']",
    "signals": "signal.signal(signal.SIGINT, signal.SIG_IGN)",
    "the locale": "import locale; locale.setlocale(locale.LC_ALL, 'C')",
    "a daemon": "threading.Thread(target=time.sleep, args=(0.01,), daemon=True).start()",
}
WRITES = {
    "a new file": "open('outside/new.txt', 'w')",
    "an old file": "Path('outside/kept.txt').write_text('')",
    "a longer file": "open('outside/kept.txt', 'a').write('more')",
    "an absent file": "os.remove('outside/kept.txt')",
    "another name": "os.rename('outside/kept.txt', 'outside/new.txt')",
    "a folder": "os.mkdir('outside/new')",
    "an absent folder": "shutil.rmtree('outside')",
    "a link": "os.symlink('kept.txt', 'outside/new.txt')",
    "a copy": "shutil.copy('outside/kept.txt', 'outside/new.txt')",
    "a low-level file": "os.open('outside/new.txt', os.O_CREAT | os.O_WRONLY)",
    "the recipe": "Path('r.toml').write_text('')",
    "the weights": "next(Path('runs').glob('*/best.safetensors')).write_bytes(b'')",
    "run.json": "next(Path('runs').glob('*/run.json')).write_text('{}')",
    "a signal": "os.kill(os.getpid(), signal.SIGTERM)",
}
LATER = "if len(CALLS) > {}:\n    {}"


def _defects() -> Iterator[Defect]:
    yield from _raising()
    yield from _sharing()
    yield from _writing()
    yield from _answers()
    yield from _looking()
    yield from _late()
    yield from _networks()
    yield from _not_finite()


def _raising() -> Iterator[Defect]:
    """What raises: every kind at every stage, one error after the other."""
    errors = list(RAISES.items())
    turn = 0
    for kind in RIGHT:
        for place in ("top", "build", "call", "call"):
            name, body = errors[turn % len(errors)]
            turn += 1
            if "\n" in body and place == "top":
                continue
            yield Defect(kind, f"raises {name} in {place}", source(kind, **{place: body}))
    yield Defect("dataset", "raises for an image", source("dataset", image="raise ValueError"))
    yield Defect("dataset", "has a syntax error", "\nclass Mine:\n    def table(self:\n")


def _sharing() -> Iterator[Defect]:
    """What all components share: each by some kinds, in turn."""
    kinds = [kind for kind in RIGHT if kind not in ("prepare", "augment", "view")]
    turn = 0
    for name, body in SHARED.items():
        for place in ("call", "call", "build", "top"):
            kind = kinds[turn % len(kinds)]
            turn += 1
            if place == "top" and "environment" in name:
                continue
            yield Defect(kind, f"changes {name} in {place}", source(kind, **{place: body}))
    for name, body in DICE.items():
        for kind in ("sampler", "split", "mix", "metric", "augment", "prepare"):
            if "torch" in name and kind in ("augment", "prepare"):
                continue
            yield Defect(kind, f"throws {name}", source(kind, call=body))
    for name, body in MANNERS.items():
        for kind in ("sampler", "metric", "report"):
            yield Defect(kind, f"changes {name}", source(kind, call=body), harmless=True)
    body = "threading.Thread(target=time.sleep, args=(1,), name='Mine').start()"
    for kind in ("split", "sampler", "report"):
        yield Defect(kind, "leaves a thread", source(kind, call=body))


def _writing() -> Iterator[Defect]:
    """What writes elsewhere."""
    kinds = ("metric", "report", "track", "sampler", "loss", "explainer", "augment", "weighting")
    for turn, (name, body) in enumerate(WRITES.items()):
        for kind in (kinds[turn % len(kinds)], kinds[(turn + 3) % len(kinds)]):
            if "weights" in name and kind not in ("report", "explainer"):
                kind = "report"
            yield Defect(kind, f"writes {name}", source(kind, call=body))


def _answers() -> Iterator[Defect]:
    """The wrong answers that the tests of the guards try, every second one."""
    for kind, text, says in ZOO[::2]:
        if "register" in text or "weight.mul_" in text:
            continue
        yield Defect(kind, says, text)


def _looking() -> Iterator[Defect]:
    """What is done to the network by those who may look."""
    bodies = {
        "a forward hook": "model[0].register_forward_hook(lambda *_: None)",
        "a pre-hook": "model[0].register_forward_pre_hook(lambda *_: None)",
        "a backward hook": "model[0].register_full_backward_hook(lambda *_: None)",
        "training mode": "model.train(not model.training)",
        "gradients": "model[0].weight.requires_grad_(False)",
        "weights": "nn.init.zeros_(model[0].weight)",
        "weights past versions": "model[0].weight.data.zero_()",
        "buffers": "model[1].running_mean.zero_()",
        "a module": "model[2] = nn.Identity()",
        "forward": "model[0].forward = lambda images: images",
        "cam_layer": "model.cam_layer = '0'",
    }
    model = "model = result.features.__self__.model\n"
    for name, body in bodies.items():
        yield Defect("explainer", f"changes {name}", source("explainer", call=body))
        yield Defect("report", f"changes {name}", source("report", call=model + body))
    find = (
        "import gc\nfor model in [own for own in gc.get_objects()"
        " if type(own) is nn.Sequential and len(own) == 7]:\n    "
    )
    for kind in ("metric", "track"):
        for name in ("a forward hook", "training mode", "weights"):
            yield Defect(kind, f"changes {name}", source(kind, call=find + bodies[name]))


def _late() -> Iterator[Defect]:
    """What is wrong later than at the first call."""
    second = {
        "sampler": "return skinfw.Draw([0])",
        "weighting": "return [float('nan')] * len(counts)",
        "metric": "return {'other': 0.5}",
        "track": "record['lr'] = 0",
        "schedule": "self.optimizer.param_groups[0]['lr'] = float('nan'); return",
        "backbone": "return super().forward(images)[:, :1]",
        "loss": "return cross_entropy(logits, targets, reduction='none')",
        "optimizer": "raise ArithmeticError('odd')",
        "mix": "return images[:1], torch.arange(8), 0.5",
        "augment": "return [lambda image: image]",
        "prepare": "return image[0]",
        "view": "return []",
    }
    for kind, body in second.items():
        calls = 2 if kind == "metric" else 1  # of which the first is a trial
        yield Defect(kind, "wrong later on", source(kind, call=LATER.format(calls, body)))
        yield Defect(kind, "fails later on", source(kind, call=LATER.format(1, "1 / 0")))
    yield Defect("sampler", "draws one image", source("sampler", call="return skinfw.Draw([0])"))
    nan = source("metric", call="return {'mine': float('nan')}")
    yield Defect("metric", "is never a number", nan, ("train.select=mine",))
    body = "own = KEPT.setdefault(image.shape, np.empty_like(image))\nown[:] = 255 - image"
    text = source("prepare", top="KEPT = {}", call=f"{body}\nreturn own")
    yield Defect("prepare", "returns the same buffer each time", text, harmless=True)


def _networks() -> Iterator[Defect]:
    """Changes that break a network that was in order, and networks that do not evaluate."""
    changes = {
        "answers two classes": "model[-1] = nn.Linear(8, 2)\nreturn model",
        "adds a layer that does not fit": "model.append(nn.Linear(99, 3))\nreturn model",
        "gives NaN": "model.append(nn.Threshold(1e9, float('nan')))\nreturn model",
        "has dice in evaluation": "class Odd(nn.Module):\n    def forward(self, own):\n"
            "        return nn.functional.dropout(own, 0.5)\nmodel.append(Odd())\nreturn model",
        "stays in training": "class Odd(nn.Identity):\n    def train(self, mode=True):\n"
            "        return super().train(True)\nmodel.append(Odd())\nreturn model",
        "fails in training": "class Odd(nn.Identity):\n    def forward(self, own):\n"
            "        assert not self.training\n        return own\nmodel.append(Odd())\n"
            "return model",
        "fails in evaluation, later": "class Odd(nn.Identity):\n    def forward(self, own):\n"
            "        CALLS.append(1)\n        assert self.training or len(CALLS) < 4\n"
            "        return own\nmodel.append(Odd())\nreturn model",
    }  # fmt: skip
    for name, body in changes.items():
        yield Defect("modify", name, source("modify", call=body))
    body = "model.cam_layer = 'gone'\nreturn model"
    sets = ('explainer=[{use="grad-cam",images=2}]',)
    yield Defect("modify", "loses the layer for maps", source("modify", call=body), sets)
    backbone = source("backbone")
    yield Defect(
        "backbone",
        "stays in training",
        backbone.replace(
            "def Mine",
            "def _train(self, mode=True):\n    return nn.Sequential.train(self, True)\n\n"
            "Net.train = _train\n\ndef Mine",
        ),
    )
    yield Defect(
        "backbone",
        "has dice in evaluation",
        source("backbone", call="return nn.functional.dropout(super().forward(images))"),
    )


def _not_finite() -> Iterator[Defect]:
    """What makes NaN first."""
    bodies = {
        "mix": "return images * float('nan'), torch.arange(len(images)), 0.5",
        "loss": "return cross_entropy(logits, targets, weight) * float('nan')",
        "backbone": "if self.training: return super().forward(images) * float('nan')",
        "optimizer": "for own in self.param_groups[0]['params']: own.data.mul_(float('nan'))",
    }
    for kind, body in bodies.items():
        yield Defect(kind, "makes NaN", source(kind, call=body))
        yield Defect(kind, "makes NaN later", source(kind, call=LATER.format(3, body)))
    odd = """class Odd(torch.autograd.Function):
    @staticmethod
    def forward(context, value):
        return value.clone()
    @staticmethod
    def backward(context, gradient):
        return gradient * float('nan')
"""
    call = "return Odd.apply(cross_entropy(logits, targets, weight))"
    yield Defect("loss", "has NaN for a gradient", source("loss", top=odd, call=call))
    call = "if self.training: return Odd.apply(super().forward(images))"
    yield Defect("backbone", "has NaN for a gradient", source("backbone", top=odd, call=call))


DEFECTS = tuple(_defects())
