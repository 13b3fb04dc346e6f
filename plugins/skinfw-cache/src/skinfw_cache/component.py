"""The cache of decoded images and features as a component of recipes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from annotated_types import Gt

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from skinfw.toolkit import Decoding
    from skinfw_cache.mapped_images import MappedImages


@dataclass(frozen=True, kw_only=True)
class Shards:
    """Keep decoded images in memory-mapped files, shared by runs and processes.

    They lie in ~/.cache/skinfw/images, or below the folder that SKINFW_CACHE names; features of
    frozen networks lie beside them.

    gigabytes: how many images may take; the least recently used go first.
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

    def features(
        self,
        key: str,
        compute: Callable[[], npt.NDArray[np.floating[Any]]],
        say: Callable[[str], None],
    ) -> npt.NDArray[np.floating[Any]]:
        """Return what is kept under a key, or compute it and keep it.

        key: the name of the file, which tells the network and its images.
        compute: returns float32 [N, V, D].
        say: told why it cannot be kept.
        """
        from skinfw.toolkit import cache_folder, file_name
        from skinfw_cache.features import keep_features

        return keep_features(cache_folder() / "features" / f"{file_name(key)}.npy", compute, say)
