"""Decoded images, read straight from mapped shards once their checksums have been compared."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """Hold where a decoded image lies.

    shard: file name.
    start: of its bytes.
    height, width: of the image.
    checksum: CRC-32 of its bytes.
    """

    shard: str
    start: int
    height: int
    width: int
    checksum: int

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return 3 * self.height * self.width


class MappedImages:
    """Give decoded images by path, straight from the mapped files."""

    def __init__(
        self, folder: Path, places: dict[str, Place], damaged: Callable[[Place], None]
    ) -> None:
        """Map the shards; what another process has pruned since is left out.

        damaged: told of each image whose bytes are not what was written.
        """
        self._damaged = damaged
        self._checked: set[str] = set()
        self._maps: dict[str, npt.NDArray[np.uint8]] = {}
        for shard in {place.shard for place in places.values()}:
            try:
                self._maps[shard] = np.memmap(folder / shard, np.uint8, "r")
            except (OSError, ValueError):
                continue
        self._places = {
            path: place
            for path, place in places.items()
            if place.shard in self._maps
            and place.start + place.bytes <= len(self._maps[place.shard])
        }

    def __len__(self) -> int:
        """Return how many images it holds."""
        return len(self._places)

    def get(self, path: str) -> Image | None:
        """Return an image, uint8 [H, W, 3], read-only; None where it is not held."""
        place = self._places.get(path)
        if place is None:
            return None
        content = self._maps[place.shard][place.start : place.start + place.bytes]
        if path not in self._checked:
            if zlib.crc32(content.data) != place.checksum:
                self._places.pop(path, None)
                self._damaged(place)
                return None
            self._checked.add(path)
        return content.reshape(place.height, place.width, 3)
