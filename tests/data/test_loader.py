import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from skinfw.data.loader import Batch, Loader, batches
from skinfw.errors import SkinfwError
from skinfw.interfaces.values import Draw
from skinfw.recipe.settings import EngineSettings
from skinfw.runtime.device import Hardware, choose_hardware


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("images", [7, 16, 33])
def test_processes_share_the_draw_without_overlap(images: int, world: int) -> None:
    draw = Draw(np.arange(images) * 10)
    shares = [batches(draw, 1, 8, rank, world) for rank in range(world)]
    assert len({len(own) for own in shares}) == 1
    positions = [key[1] for own in shares for share in own for key in share.keys]
    assert len(positions) == len(set(positions))
    assert images - len(positions) < 2 * world  # only a ragged rest may be left out
    for same in zip(*shares, strict=True):
        assert min(len(share.keys) for share in same) >= 2  # batch normalisation needs two
        # The mean over processes of weighted means is the mean over all images.
        values = [np.mean([key[1] for key in share.keys]) * share.weight for share in same]
        whole = [key[1] for share in same for key in share.keys]
        assert np.mean(values) == pytest.approx(np.mean(whole))
        assert {share.images for share in same} == {len(whole)}


def test_one_process_sees_the_draw_in_its_order() -> None:
    draw = Draw(np.array([5, 3, 5, 9]), np.array([False, False, True, False]))
    (share,) = batches(draw, 2, 8, 0, 1)
    assert share.weight == 1 and share.images == 4
    assert share.keys == [(2, 0, 5, False), (2, 1, 3, False), (2, 2, 5, True), (2, 3, 9, False)]


def test_partners_follow_in_the_batch_of_their_images_on_every_process() -> None:
    draw = Draw(np.array([5, 3, 7, 9]), partners=np.array([1, 2, 0, 4]))
    assert draw.shown.tolist() == [5, 3, 7, 9, 1, 2, 0, 4]
    (whole,) = batches(draw, 1, 4, 0, 1)
    assert [key[2] for key in whole.keys] == [5, 3, 7, 9, 1, 2, 0, 4]
    assert len({key[1] for key in whole.keys}) == 8, "every image rolls dice of its own"
    (second,) = batches(draw, 1, 4, 1, 2)
    assert [key[2] for key in second.keys] == [3, 9, 2, 4]
    assert second.images == whole.images == 8


class Slow:
    """Images that take their time, the first ones the longest."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def batch(self, keys: Any, pin: bool = False) -> Any:
        if keys[0] == 99:
            raise SkinfwError("image 99 is damaged")
        self.asked.append(keys[0])
        time.sleep(max(0.0, 0.02 - keys[0] * 0.002))
        return Batch(torch.tensor(keys), torch.tensor(keys), torch.tensor(keys))


def hardware(workers: int) -> Hardware:
    return replace(choose_hardware(EngineSettings(device="cpu")), workers=workers)


@pytest.mark.parametrize("workers", [0, 1, 2, 4])
def test_batches_come_in_order_whoever_loads_them(workers: int) -> None:
    keys = [[number] for number in range(20)]
    result = Loader(Slow(), hardware(workers)).load(keys)
    assert [int(batch.images[0]) for batch in result] == list(range(20))


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_in_loading_is_raised_where_the_batch_is_due(workers: int) -> None:
    result = Loader(Slow(), hardware(workers)).load([[1], [99], [2]])
    assert int(next(result).images[0]) == 1
    with pytest.raises(SkinfwError, match="damaged"):
        next(result)


def test_workers_stay_a_few_batches_ahead_and_stop_when_nobody_asks() -> None:
    images = Slow()
    batches = Loader(images, hardware(2)).load([[number] for number in range(50)])
    next(batches)
    batches.close()
    assert len(images.asked) <= 6
    assert not [t for t in threading.enumerate() if t.name.startswith("skinfw")]
