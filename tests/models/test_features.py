"""What reports learn of the last layer of a trained network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from skinfw.models.features import into_last_layer

KEEP = '''
import numpy as np


class Keep:
    """Keep the features of all parts."""

    def write(self, result, folder):
        for part in ("train", "val", "test"):
            own = result.features(part)
            some = result.features(part, [3, 0])
            images = result.images(part, [3, 0])
            seen = {}

            def change(viewed):
                seen[viewed.place] = viewed.pixels
                return viewed.pixels[None]

            if part != "train":
                result.predict_changed(part, [3, 0], change)
                assert (images == np.stack([seen[3], seen[0]])).all()
            np.savez(folder / part, true=own.true, values=own.values, logits=own.logits,
                     some=some.values, some_true=some.true)
'''


def test_a_report_gets_what_flows_into_the_last_layer_and_out(
    train: Callable[..., Any], tiny: Path
) -> None:
    (tiny.parent / "keep.py").write_text(KEEP)
    tiny.write_text(tiny.read_text() + '\n[[report]]\nuse = "./keep.py:Keep"\n')
    result, folder = train("backbone.dropout=0.5")
    assert result.features is None and result.images is None, (
        "the network is at hand for reports alone"
    )
    weights = load_file(folder.path / "best.safetensors")
    names = [name for name in weights if name.endswith(("6.weight", "6.bias"))]
    layer = {name.rpartition(".")[2]: weights[name].double().numpy() for name in names}
    for part in ("train", "val", "test"):
        outcome = np.load(folder.path / f"{part}.npz")
        given = outcome["values"] @ layer["weight"].T + layer["bias"]
        assert outcome["logits"] == pytest.approx(given, abs=1e-4)
        assert outcome["some"] == pytest.approx(outcome["values"][[3, 0]], abs=1e-5)
        assert (outcome["some_true"] == outcome["true"][[3, 0]]).all()
        if part != "train":
            said = result.predictions[part]
            powers = np.exp(outcome["logits"])
            assert (outcome["true"] == said.true).all()
            assert powers / powers.sum(1, keepdims=True) == pytest.approx(
                said.probabilities, abs=1e-5
            )


def test_nothing_is_caught_after_the_look() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1))
    with pytest.raises(ZeroDivisionError), into_last_layer(model) as caught:
        model(torch.ones(4, 3))
        assert [tuple(tensor.shape) for tensor in caught] == [(4, 2)]
        _ = 1 / 0
    model(torch.ones(4, 3))
    assert len(caught) == 1
