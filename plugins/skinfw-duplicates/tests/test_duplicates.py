import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest
from scipy.cluster.hierarchy import DisjointSet

from skinfw_duplicates import fingerprints
from skinfw_duplicates.duplicates import Duplicates, find_copies
from skinfw_duplicates.fingerprints import Fingerprints
from skinfw_synthetic.dataset import Synthetic

Image = np.ndarray
COPIES = {
    "resized": lambda image: cv2.resize(image, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA),
    "squashed": lambda image: cv2.resize(image, (128, 128), interpolation=cv2.INTER_AREA),
    "turned": lambda image: np.rot90(image),
    "turned twice": lambda image: np.rot90(image, 2),
    "mirrored": lambda image: image[:, ::-1],
    "transposed": lambda image: image.transpose(1, 0, 2),
    "cropped": lambda image: image[12:-12, 16:-16],
    "cropped on one side": lambda image: image[:, 16:],
    "all at once": lambda image: np.rot90(
        cv2.resize(image[8:-2, 10:-14], None, fx=1.4, fy=1.4, interpolation=cv2.INTER_CUBIC)
    )[::-1],
}


@pytest.fixture(scope="module")
def images() -> list[Image]:
    """Draw some lesions, each once."""
    data = Synthetic(images=64, size=128)
    table = data.table().rows.drop_duplicates("lesion")
    return [data.image(path) for path in table["path"]]


def save(image: Image, path: Path, quality: int = 95) -> str:
    pixels = np.ascontiguousarray(image[..., ::-1])
    cv2.imwrite(str(path), pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return str(path)


def written(images: list[Image], folder: Path) -> list[str]:
    return [save(image, folder / f"{number}.jpg") for number, image in enumerate(images)]


def find(paths: list[str], folder: Path, said: list[str] | None = None) -> Duplicates:
    return find_copies(paths, folder / "cache", (said if said is not None else []).append)


def test_different_lesions_are_not_copies(images: list[Image], tmp_path: Path) -> None:
    assert not find(written(images, tmp_path), tmp_path).pairs


@pytest.mark.parametrize("kind", COPIES)
def test_a_copy_is_found_whatever_was_done_to_it(
    kind: str, images: list[Image], tmp_path: Path
) -> None:
    paths = written(images[:12], tmp_path)
    copies = [save(COPIES[kind](image), tmp_path / f"copy-{number}.jpg", 85)
              for number, image in enumerate(images[:6])]  # fmt: skip
    result = find(paths + copies, tmp_path)
    assert sorted(result.pairs) == [(n, 12 + n, "near-duplicate") for n in range(6)]


def test_strong_recompression_does_not_hide_a_copy(images: list[Image], tmp_path: Path) -> None:
    paths = [*written(images[:4], tmp_path), save(images[2], tmp_path / "copy.jpg", 35)]
    assert find(paths, tmp_path).pairs == [(2, 4, "near-duplicate")]


def test_equal_files_and_equal_pixels_are_told_apart(images: list[Image], tmp_path: Path) -> None:
    paths = [save(image, tmp_path / f"{n}.png") for n, image in enumerate(images[:3])]
    (tmp_path / "same.png").write_bytes(Path(paths[0]).read_bytes())
    tiff = save(images[1], tmp_path / "same.tiff")
    copies = find([*paths, str(tmp_path / "same.png"), tiff], tmp_path)
    assert copies.pairs == [(0, 3, "bytes"), (1, 4, "pixels")]


def test_thumbnails_alone_do_not_make_pixels_equal(tmp_path: Path) -> None:
    flat = np.full((96, 96, 3), 120, np.uint8)
    coloured = flat.copy()
    coloured[..., 2] += 1  # too little to be seen in grey
    paths = [save(image, tmp_path / f"{n}.png") for n, image in enumerate((flat, coloured))]
    assert not find(paths, tmp_path).pairs


def test_copies_of_copies_are_one_group(images: list[Image], tmp_path: Path) -> None:
    paths = written(images[:3], tmp_path)
    for number in range(12):
        paths.append(save(images[0], tmp_path / f"frame-{number}.jpg", 60 + number))
    copies = find(paths, tmp_path)
    assert len(copies.pairs) == 12
    joined = DisjointSet(range(len(paths)))
    for one, other, _ in copies.pairs:
        joined.merge(one, other)
    assert joined.subsets() == [{0, *range(3, 15)}, {1}, {2}]


def test_damaged_and_absent_files_are_told_and_in_no_pair(
    images: list[Image], tmp_path: Path
) -> None:
    paths = written(images[:2], tmp_path)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes(Path(paths[0]).read_bytes()[:2000])
    empty = tmp_path / "empty.jpg"
    empty.write_bytes(b"")
    copies = find([*paths, str(cut), str(empty), str(tmp_path / "absent.jpg")], tmp_path)
    assert not copies.pairs
    damage = [seen.damage for seen in copies.files]
    assert damage[:2] == ["", ""] and "truncated" in damage[2]
    assert damage[3:] == ["the file is empty", "the file does not exist or cannot be read"]
    assert copies.files[4].digest == "" and copies.files[0].size == (images[0].shape[1], 128)


def test_a_second_time_no_image_is_read_and_nothing_is_searched(
    images: list[Image], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = [*written(images[:4], tmp_path), save(images[0], tmp_path / "copy.jpg", 60)]
    said: list[str] = []
    before = find(paths, tmp_path, said)
    assert said == ["5 images are looked at once, to find copies"]
    monkeypatch.setattr(fingerprints, "_look", None)
    monkeypatch.setattr(Fingerprints, "thumbnails", None)
    assert find(paths, tmp_path, said) == before and len(said) == 1


def test_a_changed_file_is_looked_at_again(images: list[Image], tmp_path: Path) -> None:
    paths = written(images[:3], tmp_path)
    assert not find(paths, tmp_path).pairs
    save(images[0], Path(paths[2]), 70)
    said: list[str] = []
    assert find(paths, tmp_path, said).pairs == [(0, 2, "near-duplicate")]
    assert said == ["1 images are looked at once, to find copies"]


def test_a_kill_loses_nothing_that_was_kept(images: list[Image], tmp_path: Path) -> None:
    paths = [*written(images, tmp_path), save(images[0], tmp_path / "copy.jpg", 60)]
    code = """
        import os, signal, sys
        from pathlib import Path
        from skinfw_duplicates import fingerprints
        fingerprints._BATCH = 10
        def told(done, total):
            if done == 25:
                os.kill(os.getpid(), signal.SIGKILL)
        fingerprints.Fingerprints(Path(sys.argv[1])).look(sys.argv[2:], told)
    """
    cache = tmp_path / "cache"
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(cache), *paths], env=dict(os.environ)
    )
    assert done.returncode == -signal.SIGKILL
    assert len(Fingerprints(cache).unseen(paths)) == len(paths) - 20
    assert find(paths, tmp_path).pairs == [(0, len(images), "near-duplicate")]


def test_two_processes_may_look_at_once(images: list[Image], tmp_path: Path) -> None:
    paths = [*written(images[:20], tmp_path), save(images[0], tmp_path / "copy.jpg", 60)]
    code = """
        import sys
        from pathlib import Path
        from skinfw_duplicates.duplicates import find_copies
        print(find_copies(sys.argv[2:], Path(sys.argv[1]), lambda line: None).pairs)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "cache"), *paths]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [process.communicate()[0] for process in both]
    assert answers == ["[(0, 20, 'near-duplicate')]\n"] * 2


def test_a_memory_that_cannot_be_used_costs_no_run(images: list[Image], tmp_path: Path) -> None:
    paths = [*written(images[:3], tmp_path), save(images[0], tmp_path / "copy.jpg", 60)]
    (tmp_path / "cache").write_text("")
    said: list[str] = []
    assert find(paths, tmp_path, said).pairs == [(0, 3, "near-duplicate")]
    assert said[0].startswith("note: what is seen in images is not remembered")


def test_a_memory_of_rubbish_begins_anew(images: list[Image], tmp_path: Path) -> None:
    paths = [*written(images[:3], tmp_path), save(images[0], tmp_path / "copy.jpg", 60)]
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "fingerprints.sqlite").write_bytes(b"no database at all" * 99)
    for looked in ("4 images are looked at once", ""):
        said: list[str] = []
        assert find(paths, tmp_path, said).pairs == [(0, 3, "near-duplicate")]
        assert "".join(said).startswith(looked) and bool(said) == bool(looked)


@pytest.mark.parametrize("column", ["thumbnail", "damage", "answer", "digest"])
def test_what_has_changed_on_the_disk_is_not_believed(
    column: str, images: list[Image], tmp_path: Path
) -> None:
    paths = [*written(images[:3], tmp_path), save(images[0], tmp_path / "copy.jpg", 60)]
    before = find(paths, tmp_path)
    table = {"answer": "answers", "digest": "files"}.get(column, "looks")
    with closing(sqlite3.connect(tmp_path / "cache" / "fingerprints.sqlite")) as store, store:
        # Of equal length, as flipped bytes are.
        store.execute(
            f"UPDATE {table} SET {column} = "
            f"CASE typeof({column}) WHEN 'blob' THEN zeroblob(length({column})) "
            f"ELSE '[]' || substr({column}, 3) END"
        )
        if column == "thumbnail":
            store.execute("DELETE FROM answers")
    assert find(paths, tmp_path) == before
