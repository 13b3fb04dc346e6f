"""What reports learn from images whose pixels they changed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

REPORT = '''
import numpy as np


class Look:
    """Show the network images as they are, and what was seen of them."""

    def write(self, result, folder):
        seen = {}

        def change(viewed):
            seen[viewed.place] = viewed
            black = viewed.pixels.copy()
            black[...] = 0
            return np.stack([viewed.pixels, black])

        count = len(result.predictions["test"].ids)
        places = list(range(count))[::-1]
        for views in ("first", "all"):
            np.save(folder / views, result.predict_changed("test", places, change, views=views))
        np.save(folder / "lesions", np.stack([seen[place].lesion for place in range(count)]))
        np.save(folder / "pixels", np.stack([seen[place].pixels for place in range(count)]))
'''


@pytest.fixture
def looked(train: Callable[..., Any], tiny: Path) -> tuple[Any, Any]:
    """A run whose report changed images, of four views whose answers are averaged."""
    (tiny.parent / "look.py").write_text(REPORT)
    tiny.write_text(tiny.read_text() + '\n[[report]]\nuse = "./look.py:Look"\n')
    return train("train.epochs=1", 'view.use="dihedral"')


def test_unchanged_pixels_give_the_predictions_and_changed_ones_others(
    looked: tuple[Any, Any],
) -> None:
    result, folder = looked
    said = result.predictions["test"].probabilities[::-1]
    first, every = (np.load(folder.path / f"{views}.npy") for views in ("first", "all"))
    assert first.shape == every.shape == (len(said), 2, said.shape[1])
    assert every[:, 0] == pytest.approx(said, abs=1e-6)
    assert np.abs(first[:, 0] - said).max() > 1e-6, "a first view is not their mean"
    assert np.ptp(every[:, 1], axis=0) == pytest.approx(0, abs=1e-6), "black is black"
    assert np.abs(every[:, 1] - every[:, 0]).max() > 1e-3
    assert result.predict_changed is None, "the network is at hand for reports alone"


def test_the_mask_is_seen_as_the_pixels_are(looked: tuple[Any, Any]) -> None:
    """Lesions are darker than skin, which holds only where mask and pixels lie on each other."""
    _, folder = looked
    pixels, lesions = (np.load(folder.path / f"{name}.npy") for name in ("pixels", "lesions"))
    assert lesions.shape == pixels.shape[:3] and lesions.dtype == bool
    darker = [
        image[mask].mean() < image[~mask].mean()
        for image, mask in zip(pixels, lesions, strict=True)
    ]
    turned = [image[mask[::-1, ::-1]].mean() for image, mask in zip(pixels, lesions, strict=True)]
    straight = [image[mask].mean() for image, mask in zip(pixels, lesions, strict=True)]
    assert np.mean(darker) > 0.9
    assert np.mean(straight) < np.mean(turned)
