"""The cache of decoded images as a component of recipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from annotated_types import Gt

if TYPE_CHECKING:
    from skinfw.toolkit import Decoding
    from skinfw_cache.shards import MappedImages


@dataclass(frozen=True, kw_only=True)
class Shards:
    """Keep decoded images in memory-mapped files, shared by runs and processes.

    They lie in ~/.cache/skinfw/images, or below the folder that SKINFW_CACHE names.

    gigabytes: how many it may keep; the least recently used go first.
    """

    gigabytes: Annotated[float, Gt(0)] = 20.0

    def open(
        self, paths: Sequence[str], decoding: Decoding, build: bool, say: Callable[[str], None]
    ) -> MappedImages | None:
        """Return what is held of some images; None where the cache cannot be used.

        paths: of image files.
        decoding: how they become arrays.
        build: whether to decode what is absent.
        say: told what it costs.
        """
        from skinfw.toolkit import cache_folder
        from skinfw_cache.shards import open_cache

        limit = int(self.gigabytes * 1e9)
        return open_cache(cache_folder() / "images", limit, paths, decoding, say, build)
