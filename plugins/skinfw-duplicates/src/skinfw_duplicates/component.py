"""The finder of copies as a component of recipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skinfw import Duplicates
    from skinfw.toolkit import ImageSettings


@dataclass(frozen=True)
class NearDuplicates:
    """Find equal files, equal pixels, and copies that are resized, compressed, cropped or turned.

    Each file is looked at once in its life; what was seen is kept in fingerprints.sqlite in the
    cache. How candidates are chosen and checked is in ADR 16.
    """

    image: ImageSettings

    def find(self, paths: Sequence[str], folder: Path, say: Callable[[str], None]) -> Duplicates:
        """Return what the files tell, and the pairs that hold one photograph.

        paths: of image files; absent and damaged ones are in no pair.
        folder: where what was seen is kept; where that is impossible, nothing is.
        say: told what it costs and how far it is.
        """
        from skinfw.toolkit import Limits
        from skinfw_duplicates.duplicates import find_copies

        return find_copies(paths, folder, say, Limits.of(self.image))
