"""Mixed batches: what is in them, and that labels go along."""

import numpy as np
import pytest
import torch

from skinfw_augment.mix import CutMix, Mixup


def images(count: int = 6) -> torch.Tensor:
    """Return images that are filled with their own number."""
    return torch.arange(count, dtype=torch.float32)[:, None, None, None].expand(count, 3, 20, 30)


def test_mixup_blends_in_the_shares_it_tells() -> None:
    for seed in range(20):
        mixed, order, share = Mixup(alpha=1.0).mix(images(), np.random.default_rng(seed))
        expected = share * torch.arange(6) + (1 - share) * order
        assert torch.allclose(mixed[:, 0, 0, 0], expected, atol=1e-5)
        assert sorted(order.tolist()) == list(range(6)) and 0 <= share <= 1


def test_cutmix_tells_the_share_that_is_really_left() -> None:
    shares = []
    for seed in range(200):
        before = images().clone()
        mixed, order, share = CutMix().mix(before, np.random.default_rng(seed))
        own = (mixed == torch.arange(6)[:, None, None, None]).float().mean((1, 2, 3))
        moved = order != torch.arange(6)
        assert own[moved].tolist() == pytest.approx([share] * int(moved.sum()), abs=1e-5)
        assert torch.equal(before, images()), "the batch itself must not change"
        shares.append(share)
    # A half on average, and more where the rectangle reaches beyond the image.
    assert 0.6 < np.mean(shares) < 0.8 and min(shares) < 0.3


def test_shares_follow_the_beta_distribution() -> None:
    shares = [Mixup(alpha=0.2).mix(images(), np.random.default_rng(s))[2] for s in range(800)]
    assert np.var(shares) == pytest.approx(1 / (4 * (2 * 0.2 + 1)), rel=0.1)
