"""Where in an HDF5 file the bytes of each image stand, so that nobody needs HDF5 to read one."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skinfw import SkinfwError, atomic_write
from skinfw.toolkit import cache_folder, import_extra, piece_name

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_CURE = "unpack the image files of the archive into train-image/image, and take the file away"


def hdf5_images(file: Path) -> dict[str, str]:
    """Return for each image of an HDF5 file the name of its bytes, by its id.

    file: with a data set for each image, which holds the bytes of an image file.
    Opening 400,000 of them takes a while, so that what was found is kept in the cache. Raises
    SkinfwError where the bytes do not stand in one piece.
    """
    import numpy as np

    about = file.stat()
    state = f"1 {file} {about.st_size} {about.st_mtime_ns}"
    kept = cache_folder() / "hdf5" / f"{hashlib.sha256(state.encode()).hexdigest()[:32]}.npy"
    try:
        places = np.load(kept, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        places = _find(file)
        try:
            kept.parent.mkdir(parents=True, exist_ok=True)
            with atomic_write(kept) as partial, partial.open("wb") as sink:
                np.save(sink, places)
        except (OSError, SkinfwError):
            pass  # it is found again next time
    rows = zip(places["name"].tolist(), places["start"].tolist(), places["size"].tolist(),
               strict=True)  # fmt: skip
    return {
        name.decode(): piece_name(file, start, size, f"{name.decode()}.jpg")
        for name, start, size in rows
    }


def _find(file: Path) -> npt.NDArray[np.void]:
    """Return name, start and size of each image."""
    import numpy as np

    h5py = import_extra("h5py", "reading HDF5", str(file), "pip install 'skinfw[hdf5]'")
    there = os.fspath(file)
    try:
        with h5py.File(there if "://" not in there else file.open("rb"), "r") as archive:
            found = [(name.encode(), *_place(h5py, archive, name)) for name in archive]
    except (OSError, ValueError, RuntimeError, KeyError) as error:
        why = " ".join(str(error).split())
        raise SkinfwError("the HDF5 file cannot be read", str(file), why, _CURE) from error
    longest = max((len(name) for name, *_ in found), default=1)
    return np.array(found, [("name", f"S{longest}"), ("start", "u8"), ("size", "u8")])


def _place(h5py: Any, archive: Any, name: str) -> tuple[int, int]:
    """Return where the bytes of an image begin, and how many there are."""
    if archive.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise ValueError(f"{name} is a link, which may lead into another file")
    own = h5py.h5o.open(archive.id, name.encode())
    if not isinstance(own, h5py.h5d.DatasetID):
        raise ValueError(f"{name} is no data set")
    kind = own.get_type()
    fixed = isinstance(kind, h5py.h5t.TypeOpaqueID | h5py.h5t.TypeStringID | h5py.h5t.TypeIntegerID)
    whole = isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str()
    start = own.get_offset()
    if not fixed or whole or start is None:
        raise ValueError(f"the bytes of {name} do not stand in one piece")
    return start, own.get_storage_size()
