import numpy as np
import pytest

from skinfw.contracts import Draw
from skinfw.engine.data import batches


@pytest.mark.parametrize("world", [1, 2, 4])
@pytest.mark.parametrize("images", [7, 16, 33])
def test_processes_share_the_draw_without_overlap(images: int, world: int) -> None:
    draw = Draw(np.arange(images) * 10)
    shares = [batches(draw, 1, 8, rank, world) for rank in range(world)]
    assert len({len(share) for share in shares}) == 1
    positions = [key[1] for share in shares for batch in share for key in batch]
    assert len(positions) == len(set(positions))
    assert images - len(positions) < 2 * world  # only a ragged rest may be left out
    for same in zip(*shares, strict=True):
        assert len({len(batch) for batch in same}) == 1  # gradients are averaged with equal weight


def test_one_process_sees_the_draw_in_its_order() -> None:
    draw = Draw(np.array([5, 3, 5, 9]), np.array([False, False, True, False]))
    (batch,) = batches(draw, 2, 8, 0, 1)
    assert batch == [(2, 0, 5, False), (2, 1, 3, False), (2, 2, 5, True), (2, 3, 9, False)]
