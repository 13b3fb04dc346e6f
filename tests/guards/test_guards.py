"""Whoever answers wrongly is told so by name, and what belongs to others stays as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score

from skinfw import SkinfwError
from skinfw.data.table import load_data
from skinfw.guards.answers import describe
from skinfw.recipe.plan import load_plan
from skinfw.workflows.trial import try_plan

HEAD = """
from dataclasses import KW_ONLY, dataclass

import numpy as np
import skinfw
import torch
from torch import nn
from torch.nn.functional import cross_entropy
"""


def sampler(body: str) -> str:
    return f"""
@dataclass(frozen=True, kw_only=True)
class Mine:
    def draw(self, labels, context):
        {body}
"""


def metric(body: str) -> str:
    return f"""
@dataclass(frozen=True, kw_only=True)
class Mine:
    def __call__(self, predictions):
        {body}
"""


def loss(body: str, arguments: str = "logits, targets, weight") -> str:
    return f"""
@dataclass(frozen=True)
class Mine:
    classes: tuple[str, ...]
    def __call__(self, {arguments}):
        {body}
"""


def method(signature: str, body: str) -> str:
    return f"""
@dataclass(frozen=True, kw_only=True)
class Mine:
    def {signature}:
        {body}
"""


def network(body: str) -> str:
    return f"""
def Mine(classes) -> nn.Module:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, {body}
    model.cam_layer = "0"
    return model
"""


ALL = "range(len(labels))"
ZOO = [
    ("sampler", sampler("return [0, 1]"), "returned a list of 2"),
    ("sampler", sampler("return None"), "returned None"),
    ("sampler", sampler("return skinfw.Draw([[0, 1]])"), "gave indices as a list of 1"),
    ("sampler", sampler("return skinfw.Draw([0.0, 1.0])"), "gave indices of float64"),
    ("sampler", sampler("return skinfw.Draw(labels == 0)"), "np.flatnonzero"),
    ("sampler", sampler("return skinfw.Draw([])"), "drew no images"),
    ("sampler", sampler("return skinfw.Draw([0, 10**6])"), "1 wrong indices, such as 1000000"),
    ("sampler", sampler("return skinfw.Draw([-1, 0])"), "such as -1"),
    ("sampler", sampler("return skinfw.Draw([0, 1], copies=[0, 1])"), "copies are bool [M]"),
    ("sampler", sampler("return skinfw.Draw([0, 1], copies=[True])"), "1 copies for 2 indices"),
    ("sampler", sampler("return skinfw.Draw([0, 1], partners=[0])"), "1 partners for 2 indices"),
    ("sampler", sampler(f"labels.sort(); return skinfw.Draw({ALL})"), "read-only"),
    ("sampler", sampler(f"labels[:] = 0; return skinfw.Draw({ALL})"), "read-only"),
    ("split", method("assign(self, table, rng)", "return None"), "returned None"),
    ("split", method("assign(self, table, rng)", "return ['train']"), "returned 1 parts for"),
    ("split", method("assign(self, table, rng)", "return ['dev'] * len(table)"), "the part dev"),
    ("metric", metric("return None"), "returned None"),
    ("metric", metric("return 0.5"), "returned a float"),
    ("metric", metric("return np.ones(3)"), "returned an array of float64 [3]"),
    ("metric", metric("return {'mine': [1, 2]}"), 'gave "mine" as a list of 2'),
    ("metric", metric("return {1: 0.5}"), "named a number by an int"),
    ("metric", metric("return {'accuracy': 1.0}"), 'gave the number "accuracy", which metric'),
    ("metric", metric("return {'val_loss': 0.0}"), "which the history of a run has"),
    ("metric", metric("predictions.true[:] = 0; return {}"), "read-only"),
    ("metric", metric("predictions.probabilities[:, 0] = 1; return {}"), "read-only"),
    ("metric", metric("predictions.true.setflags(write=True); return {}"), "WRITEABLE"),
    ("metric", metric("return {'': 0.5}"), "named a number ''"),
    ("metric", metric("return {'mine\\n': 0.5}"), "words that can be printed"),
    ("metric", metric("torch.set_default_dtype(torch.float64); return {'mine': 0.5}"),
     "left torch's default dtype"),
    ("metric", metric("return {'mine': 0.5}")
     + "    def resample(self, predictions, weights):\n        return {'mine': weights}\n",
     'resamples "mine" to [1, '),
    ("metric", metric("predictions.lesions.sort(); return {}"), "no attribute 'sort'"),
    ("metric", metric("return {'mine': 0.5}")
     + "    def resample(self, predictions, weights):\n        return {'mine': weights[:, 0]}\n",
     'resamples "mine" to'),
    ("metric", metric("return {'mine': 0.5}")
     + "    def composition(self, predictions):\n        return {'mine': 0.5}\n",
     'composes "mine" of float'),
    ("metric", metric("return {'mine': 0.5}") + """
    def composition(self, predictions):
        from skinfw.metrics import Rate
        everything = np.ones(len(predictions.ids), bool)
        return {'mine': Rate(everything, everything)}
""", 'composes "mine" to 1, where it measures 0.5'),
    ("loss", loss("return cross_entropy(logits, targets, reduction='none')"), "tensor of float32"),
    ("loss", loss("return 0.5"), "returned a float"),
    ("loss", loss("return None"), "returned None"),
    ("loss", loss("return cross_entropy(logits, targets).detach()"), "without gradient"),
    ("loss", loss("targets.zero_(); return cross_entropy(logits, targets)"), "into the targets"),
    ("loss", loss("weight.mul_(2); return cross_entropy(logits, targets)"), "the class weights"),
    ("loss", loss("return cross_entropy(logits, targets) * torch.nan"), "of finite logits"),
    ("loss", """
class Odd(torch.autograd.Function):
    @staticmethod
    def forward(context, value):
        return value.clone()

    @staticmethod
    def backward(context, gradient):
        raise RuntimeError("odd")
""" + loss("return Odd.apply(cross_entropy(logits, targets))"), "RuntimeError: odd"),
    ("loss", loss("return cross_entropy(logits, targets)", "logits, targets"), "cannot be called"),
    ("weighting", method("weights(self, counts, epoch, epochs)", "return None"), "returned None"),
    ("weighting", method("weights(self, counts, epoch, epochs)", "return [1.0]"), "1 weights for"),
    ("weighting", method("weights(self, counts, epoch, epochs)", "return [-1.0] * len(counts)"),
     "the weight -1.0"),
    ("weighting", method("weights(self, counts, epoch, epochs)", "return [np.nan] * len(counts)"),
     "the weight nan"),
    ("augment", method("roll(self, dice)", "return None"), "returned None"),
    ("augment", method("roll(self, dice)", "return [lambda image: image]"), "among the steps"),
    ("augment", method("roll(self, dice)",
                       "return [skinfw.PixelFunction(lambda image: image / 255)]"), "uint8"),
    ("augment", method("roll(self, dice)",
                       "return [skinfw.PixelFunction(lambda image: image.copy().sort())]"), "None"),
    ("augment", method("roll(self, dice)",
                       "return [skinfw.PixelFunction(lambda image: image.sort())]"), "read-only"),
    ("augment", method("roll(self, dice)", "dice.peer()[:] = 0; return []"), "read-only"),
    ("augment", method("roll(self, dice)", "return [skinfw.Warp(np.eye(2), (32, 32))]"),
     "a Warp with the matrix"),
    ("augment", method("roll(self, dice)", "return [skinfw.Warp(np.eye(3), (32.5, 32))]"),
     "a Warp of the size"),
    ("augment", method("roll(self, dice)",
                       "return [skinfw.LookupTable(np.zeros((256, 3)))]"), "a LookupTable of"),
    ("augment", method("roll(self, dice)", "return [skinfw.ColourMatrix(np.eye(3) * np.nan, "
                       "np.zeros(3), np.zeros((3, 3)))]"), "a ColourMatrix with the matrix"),
    ("view", method("plan(self, size)", "return []"), "planned no view"),
    ("view", method("plan(self, size)", "return None"), "returned None"),
    ("prepare", method("prepare(self, image)", "return image / 255"), "an array of float64"),
    ("prepare", method("prepare(self, image)", "image[:] = 0; return image"), "read-only"),
    ("mix", method("mix(self, images, rng)", "return images"), "returned a tensor of float32"),
    ("mix", method("mix(self, images, rng)", "return images[:1], torch.arange(8), 0.5"), "keep"),
    ("mix", method("mix(self, images, rng)", "return images, [0], 0.5"), "the order as a list"),
    ("mix", method("mix(self, images, rng)", "return images, torch.arange(len(images)), 2.0"),
     "the share 2.0"),
    ("backbone", "\ndef Mine(classes) -> nn.Module:\n    return None\n", "returned None"),
    ("backbone", network("len(classes)))").replace(
        "nn.Sequential(", "Odd(").replace("def Mine", """class Odd(nn.Sequential):
    def forward(self, images):
        if self.training:
            raise RuntimeError("odd")
        return super().forward(images)


def Mine"""), "RuntimeError: odd"),
    ("backbone", network("2))"), "returns a tensor of float32 [1, 2] for 1 images"),
    ("backbone", network("len(classes)), nn.Threshold(1e9, float('nan')))"), "not finite"),
    ("modify", method("modify(self, model)", "model.eval()"), "returned None"),
    ("optimizer", "\ndef Mine(model):\n    return list(model.parameters())\n", "a list of"),
    ("optimizer", "\ndef Mine(model):\n    return torch.optim.SGD(nn.Linear(2, 2).parameters(), "
     "lr=0.1)\n", "none of the network's"),
    ("optimizer", "\ndef Mine(model):\n    return torch.optim.SGD(list(model.parameters())[:1], "
     "lr=0.1)\n", "leaves out"),
    ("optimizer", "\ndef Mine(model):\n    model[0].weight.data.mul_(10)\n"
     "    return torch.optim.SGD(model.parameters(), lr=0.1)\n", "left weights of the network"),
    ("optimizer", "\nclass Odd(torch.optim.SGD):\n    def step(self, closure=None):\n"
     "        raise RuntimeError('odd')\n\ndef Mine(model):\n"
     "    return Odd(model.parameters(), lr=0.1)\n", "RuntimeError: odd"),
    ("schedule", "\ndef Mine(optimizer):\n    other = torch.optim.SGD(nn.Linear(2, 2).parameters())"
     "\n    return torch.optim.lr_scheduler.ConstantLR(other)\n", "another optimizer"),
    ("schedule", "\ndef Mine(optimizer):\n    return lambda step: 1.0\n", "without last_epoch"),
    ("explainer", method("__call__(self, model, images, classes)", "return images.numpy()"),
     "an array of float32"),
    ("explainer", method("__call__(self, model, images, classes)", "return images"), "[0, 1]"),
    ("explainer", method("__call__(self, model, images, classes)", "return images[:, 0] * 1e9"),
     "returned maps from"),
    ("explainer", method("__call__(self, model, images, classes)",
                         "model[0].register_forward_hook(print); return images[:, 0] * 0"),
     "left hooks of the network changed"),
    ("explainer", method("__call__(self, model, images, classes)",
                         "model[0].weight.data.zero_(); nn.init.zeros_(model[0].weight); "
                         "return images[:, 0] * 0"), "left weights of the network changed"),
    ("explainer", method("__call__(self, model, images, classes)",
                         "model.train(); return images[:, 0] * 0"), "left the training mode"),
    ("report", method("write(self, result, folder)", "result.predictions['test'].true[:] = 0"),
     "read-only"),
    ("report", method("write(self, result, folder)", "(folder / 'metrics.json').write_text('')"),
     "wrote metrics.json"),
    ("report", method("analyse(self, result)", "return ['all is well']")
     + "    def write(self, result, folder):\n        pass\n", "returned a str"),
]  # fmt: skip
MANY = ("metric", "augment", "prepare", "modify", "explainer", "report", "track")


@pytest.fixture
def sets_of(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, ...]]:
    """What a recipe sets to use a component in a file beside it."""
    monkeypatch.chdir(tiny.parent)

    def write(kind: str, code: str) -> tuple[str, ...]:
        (tiny.parent / "mine.py").write_text(HEAD + code)
        use = 'use = "./mine.py:Mine"'
        value = f"{{ {use} }}"
        if kind == "metric":
            value = f'[{{ use = "classification" }}, {value}]'
        elif kind in MANY:
            value = f"[{value}]"
        if kind == "view":
            value = "{ use = './mine.py:Mine' }"
        weighted = ("weighting.use=inverse-frequency",) if "weight.mul_" in code else ()
        return (f"{kind}={value}", "train.epochs=1", *weighted)

    return write


@pytest.fixture
def run_with(train: Callable[..., Any], sets_of: Callable[..., Any]) -> Callable[..., Any]:
    """Train with a component in a file beside the recipe."""
    return lambda kind, code, *sets: train(*sets_of(kind, code), *sets)


@pytest.mark.parametrize(("kind", "code", "says"), ZOO)
def test_a_wrong_component_is_refused_by_name_when_it_is_tried(
    sets_of: Callable[..., Any], tiny: Path, kind: str, code: str, says: str
) -> None:
    with pytest.raises(SkinfwError) as error:
        try_plan(load_plan(tiny, sets_of(kind, code)))
    text = str(error.value)
    assert says in text
    assert f'{kind} "Mine" (plugin ./mine.py' in text, "it names who it was"
    assert "mine.py:" in text, "and the line in their file"
    assert "the error is in your file" in text
    assert len(text.splitlines()) <= 4 and "defect of skinfw" not in text


def test_what_a_report_writes_into_tells_the_next_one_no_lie(
    run_with: Callable[..., Any],
) -> None:
    code = method(
        "write(self, result, folder)",
        "result.metrics['test']['accuracy'] = 1.0; result.rows['test']['label'] = 'NV'; "
        "result.record['recipe']['seed'] = 99; result.history[0]['lr'] = 7.0",
    )
    code += """
class Next:
    def write(self, result, folder):
        numbers = result.metrics["test"]["accuracy"], result.history[0]["lr"]
        labels = sorted(set(result.rows["test"]["label"]))
        told = (*numbers, result.record["recipe"]["seed"], labels)
        (folder / "told.txt").write_text(repr(told))
"""
    result, folder = run_with(
        "report", code, 'report=[{use="./mine.py:Mine"},{use="./mine.py:Next"}]'
    )
    accuracy, lr, seed, labels = eval((folder.path / "told.txt").read_text())
    own = result.predictions["test"]
    assert accuracy == pytest.approx(accuracy_score(own.true, own.predicted))
    assert seed != 99 and lr != 7.0 and len(labels) > 1


def test_a_loss_that_is_right_trains_as_it_does_unguarded(run_with: Callable[..., Any]) -> None:
    code = loss("return cross_entropy(logits, targets, weight)")
    mine, _ = run_with("loss", code)
    shipped, _ = run_with("loss", code, 'loss={use="cross-entropy"}')
    assert mine.history[0]["train_loss"] == shipped.history[0]["train_loss"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (None, "None"),
        (0.5, "a float"),
        ([1, 2], "a list of 2"),
        (np.zeros((2, 3), np.float32), "an array of float32 [2, 3]"),
        (torch.zeros(4, dtype=torch.int64), "a tensor of int64 [4]"),
        (np.float64(1), "a float64 of float64 []"),
        ("text", "a str"),
    ],
)
def test_values_are_said_in_words(value: object, says: str) -> None:
    assert describe(value) == says


def test_who_writes_past_numpy_changes_nothing_that_others_see(
    run_with: Callable[..., Any],
) -> None:
    code = metric(
        "torch.from_numpy(np.asarray(predictions.probabilities)).clamp_(min=0.2); "
        "return {'mine': 0.5}"
    )
    with pytest.warns(UserWarning, match="not writable"):
        mine, _ = run_with("metric", code)
    plain, _ = run_with("metric", code, 'metric=[{use="classification"}]')
    own, other = mine.predictions["test"], plain.predictions["test"]
    assert np.array_equal(own.probabilities, other.probabilities)
    assert mine.metrics["test"]["accuracy"] == plain.metrics["test"]["accuracy"]


def test_a_split_that_writes_into_the_table_moves_no_label(run_with: Callable[..., Any]) -> None:
    code = method(
        "assign(self, table, rng)",
        "values = table['id'].array; values[:] = values[::-1].copy(); "
        "return LesionStratified(val=0.25, test=0.25).assign(table, rng)",
    )
    mine, _ = run_with("split", "from skinfw_splits.lesions import LesionStratified\n" + code)
    truth = load_data(load_plan(Path("tiny.toml"))).rows.set_index("id")["label"]
    own = mine.rows["test"].set_index("id")["label"]
    assert own.equals(truth[own.index])


def test_classes_have_an_order(tiny: Path) -> None:
    (tiny.parent / "data.py").write_text(
        "class Mine:\n    classes = {'A', 'B'}\n    def table(self): ...\n"
    )
    with pytest.raises(SkinfwError, match="has classes in a set of 2"):
        load_plan(tiny, (f"dataset={{use='{tiny.parent}/data.py:Mine'}}",))


def test_what_modules_tell_of_progress_cannot_be_the_headline(
    run_with: Callable[..., Any],
) -> None:
    code = network("len(classes)), Told())")
    code = code.replace(
        "def Mine",
        """class Told(nn.Identity):
    def set_progress(self, done):
        return {"balanced_accuracy": 1.0}


def Mine""",
    )
    with pytest.raises(SkinfwError, match='tells its progress as "balanced_accuracy"'):
        run_with("backbone", code)


def test_a_hook_that_is_a_generator_is_refused(run_with: Callable[..., Any]) -> None:
    code = """
class Mine:
    @skinfw.hookimpl
    def epoch_end(self, record):
        yield
"""
    with pytest.raises(SkinfwError, match="has a yield in epoch_end"):
        run_with("track", code)
