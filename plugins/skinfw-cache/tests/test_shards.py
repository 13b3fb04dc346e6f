import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from skinfw.data.decoding import WHOLE, Decoding, read_image
from skinfw_cache.features import keep_features
from skinfw_cache.shards import ImageCache, open_cache

GIGABYTE = 10**9
HALVED = Decoding(15)


def write_images(folder: Path, count: int = 12, size: tuple[int, int] = (40, 30)) -> list[str]:
    rng = np.random.default_rng(1)
    folder.mkdir(exist_ok=True)
    paths = []
    for number in range(count):
        pixels = rng.integers(0, 255, (size[1], size[0], 3), np.uint8)
        path = folder / f"{number}.{'jpg' if number % 2 else 'png'}"
        Image.fromarray(pixels).save(path)
        paths.append(str(path))
    return paths


def silent(done: int, total: int) -> None:
    """Hear of progress and say nothing."""


@pytest.fixture
def paths(tmp_path: Path) -> list[str]:
    return write_images(tmp_path / "images")


@pytest.fixture
def cache(tmp_path: Path) -> ImageCache:
    return ImageCache(tmp_path / "cache", GIGABYTE, 2)


def test_what_is_held_is_what_decoding_gives(cache: ImageCache, paths: list[str]) -> None:
    assert len(cache.open(paths, WHOLE)) == 0
    assert cache.build(paths, WHOLE, silent) is None
    held = cache.open(paths, WHOLE)
    assert len(held) == len(paths)
    for path in paths:
        result = held.get(path)
        assert result is not None and (result == read_image(path)).all()


def test_reduced_images_are_kept_apart(cache: ImageCache, paths: list[str]) -> None:
    cache.build(paths, WHOLE, silent)
    assert len(cache.open(paths, HALVED)) == 0  # 30 is twice 15: these are halved
    cache.build(paths, HALVED, silent)
    for path in paths:
        small, whole = cache.open(paths, HALVED).get(path), cache.open(paths, WHOLE).get(path)
        assert small is not None and whole is not None
        assert small.shape == (15, 20, 3) and whole.shape == (30, 40, 3)
        assert (small == read_image(path, 15)).all()


def test_prepared_images_are_kept_apart(cache: ImageCache, paths: list[str]) -> None:
    mirrored = Decoding(prepare=lambda image: image[:, ::-1], name="mirrored")
    cache.build(paths, WHOLE, silent)
    assert len(cache.open(paths, mirrored)) == 0
    cache.build(paths, mirrored, silent)
    for path in paths:
        plain, other = cache.open(paths, WHOLE).get(path), cache.open(paths, mirrored).get(path)
        assert plain is not None and other is not None
        assert (other == plain[:, ::-1]).all() and (other == mirrored.read(path)).all()


def test_a_second_build_decodes_nothing(cache: ImageCache, paths: list[str]) -> None:
    cache.build(paths, WHOLE, silent)
    before = [shard.bytes for shard in cache.shards()]
    told: list[int] = []
    cache.build(paths, WHOLE, lambda done, total: told.append(done))
    assert not told and [shard.bytes for shard in cache.shards()] == before


def test_a_changed_file_is_decoded_anew(cache: ImageCache, paths: list[str]) -> None:
    cache.build(paths, WHOLE, silent)
    Image.new("RGB", (40, 30), (9, 8, 7)).save(paths[0])
    assert cache.open(paths, WHOLE).get(paths[0]) is None
    cache.build(paths, WHOLE, silent)
    result = cache.open(paths, WHOLE).get(paths[0])
    assert result is not None and (result == (9, 8, 7)).all()


def test_a_copy_under_another_name_takes_no_room(cache: ImageCache, paths: list[str]) -> None:
    cache.build(paths, WHOLE, silent)
    before = sum(shard.bytes for shard in cache.shards())
    copy = str(Path(paths[0]).with_name("copy.png"))
    shutil.copy(paths[0], copy)
    cache.build([*paths, copy], WHOLE, silent)
    assert len(cache.open([copy], WHOLE)) == 1
    assert sum(shard.bytes for shard in cache.shards()) == before


def test_a_damaged_image_is_left_out_and_costs_no_other(
    cache: ImageCache, paths: list[str]
) -> None:
    Path(paths[3]).write_bytes(b"no image")
    assert cache.build([*paths, "absent.jpg"], WHOLE, silent) is None
    held = cache.open(paths, WHOLE)
    assert len(held) == len(paths) - 1 and held.get(paths[3]) is None


def test_the_cost_is_stated_before(cache: ImageCache, paths: list[str]) -> None:
    cost = cache.cost(paths, WHOLE)
    assert cost.images == len(paths)
    assert cost.bytes == len(paths) * 40 * 30 * 3
    assert cost.seconds > 0
    cache.build(paths, WHOLE, silent)
    assert cache.cost(paths, WHOLE).images == 0


def test_a_full_cache_drops_what_was_used_least_recently(tmp_path: Path, paths: list[str]) -> None:
    room = len(paths) * 40 * 30 * 3
    cache = ImageCache(tmp_path / "cache", room, 2)
    cache.build(paths, WHOLE, silent)
    others = write_images(tmp_path / "others", size=(30, 40))
    assert cache.build(others, WHOLE, silent) is None
    assert len(cache.open(others, WHOLE)) == len(others)
    assert len(cache.open(paths, WHOLE)) == 0
    assert sum(shard.bytes for shard in cache.shards()) <= room


def test_images_beyond_the_limit_are_decoded_each_time(tmp_path: Path, paths: list[str]) -> None:
    said: list[str] = []
    result = open_cache(tmp_path / "cache", 5 * 40 * 30 * 3, paths, WHOLE, said.append)
    assert result is not None and len(result) == 5
    assert "12 images are decoded once" in said[0]
    assert "the cache is full" in said[1] and "cache.gigabytes" in said[1]


def test_a_cache_that_cannot_be_used_costs_no_run(tmp_path: Path, paths: list[str]) -> None:
    (tmp_path / "file").write_text("")
    said: list[str] = []
    assert open_cache(tmp_path / "file" / "cache", GIGABYTE, paths, WHOLE, said.append) is None
    assert "images are decoded each time" in said[0]


def test_pruned_shards_do_not_disturb_who_has_them_open(
    cache: ImageCache, paths: list[str]
) -> None:
    cache.build(paths, WHOLE, silent)
    held = cache.open(paths, WHOLE)
    assert cache.prune(0) == len(paths) * 40 * 30 * 3
    assert len(cache.open(paths, WHOLE)) == 0
    result = held.get(paths[0])
    assert result is not None and (result == read_image(paths[0])).all()


def test_a_lost_or_shortened_shard_is_as_if_it_were_not_there(
    cache: ImageCache, paths: list[str]
) -> None:
    cache.build(paths, WHOLE, silent)
    (shard,) = (cache.folder / shard.name for shard in cache.shards())
    with shard.open("r+b") as file:
        file.truncate(2 * 40 * 30 * 3)
    assert len(cache.open(paths, WHOLE)) == 2
    shard.unlink()
    assert len(cache.open(paths, WHOLE)) == 0


@pytest.mark.parametrize("left", [0, 2 * 40 * 30 * 3, None])
def test_a_lost_or_shortened_shard_is_decoded_anew(
    cache: ImageCache, paths: list[str], left: int | None
) -> None:
    cache.build(paths, WHOLE, silent)
    (shard,) = (cache.folder / shard.name for shard in cache.shards())
    if left is None:
        shard.unlink()
    else:
        with shard.open("r+b") as file:
            file.truncate(left)
    again = ImageCache(cache.folder, cache.limit, 1)
    again.build(paths, WHOLE, silent)
    held = again.open(paths, WHOLE)
    for path in paths:
        result = held.get(path)
        assert result is not None and (result == read_image(path)).all()
    assert [shard.bytes for shard in again.shards()] == [len(paths) * 40 * 30 * 3]


BUILD = """
    import sys
    from pathlib import Path
    from skinfw_cache import writer
    from skinfw_cache.shards import ImageCache
    from skinfw.data.decoding import WHOLE

    writer._COMMIT_BYTES = 20_000
    cache = ImageCache(Path(sys.argv[1]), 10**9, 2)
    paths = sorted(map(str, Path(sys.argv[2]).iterdir()))
    cache.build(paths, WHOLE, lambda *_: print(flush=True))
"""


@pytest.fixture
def builders(tmp_path: Path) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """Two processes that fill one cache with the same images."""
    write_images(tmp_path / "images", 150)
    ImageCache(tmp_path / "cache", GIGABYTE, 2)
    command = [
        sys.executable,
        "-c",
        textwrap.dedent(BUILD),
        tmp_path / "cache",
        tmp_path / "images",
    ]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def test_two_processes_and_a_kill_leave_a_whole_cache(
    tmp_path: Path, builders: list["subprocess.Popen[bytes]"]
) -> None:
    victim, other = builders
    assert victim.stdout
    for _ in range(40):
        victim.stdout.readline()
    os.kill(victim.pid, signal.SIGKILL)
    other.communicate(timeout=120)
    assert other.returncode == 0
    cache = ImageCache(tmp_path / "cache", GIGABYTE, 2)
    paths = sorted(map(str, (tmp_path / "images").iterdir()))
    held = cache.open(paths, WHOLE)
    assert len(held) == 150
    for path in paths:
        result = held.get(path)
        assert result is not None and (result == read_image(path)).all()


def test_flipped_pixels_are_decoded_again_and_told_once(
    tmp_path: Path, cache: ImageCache, paths: list[str]
) -> None:
    cache.build(paths, WHOLE, silent)
    (shard,) = (cache.folder / shard.name for shard in cache.shards())
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    content[40 * 30 * 3 + 7] ^= 128
    shard.write_bytes(content)
    said: list[str] = []
    held = open_cache(cache.folder, GIGABYTE, paths, WHOLE, said.append)
    assert held is not None and said == []
    results = {path: held.get(path) for path in paths}
    assert sum(result is None for result in results.values()) == 2
    for path, result in results.items():
        assert result is None or (result == read_image(path)).all()
    assert len(said) == 1 and "damaged bytes" in said[0]
    again = open_cache(cache.folder, GIGABYTE, paths, WHOLE, silent_line)
    assert again is not None and len(again) == len(paths)
    for path in paths:
        whole = again.get(path)
        assert whole is not None and (whole == read_image(path)).all()


@pytest.mark.parametrize("start", [0, 200])
def test_a_damaged_index_begins_anew(cache: ImageCache, paths: list[str], start: int) -> None:
    cache.build(paths, WHOLE, silent)
    index = cache.folder / "index.sqlite"
    content = bytearray(index.read_bytes())
    content[start : start + 3000] = bytes(3000)
    index.write_bytes(content)
    again = open_cache(cache.folder, GIGABYTE, paths, WHOLE, silent_line)
    assert again is not None and len(again) == len(paths)
    for path in paths:
        whole = again.get(path)
        assert whole is not None and (whole == read_image(path)).all()


def test_a_cache_of_an_older_layout_is_built_again(tmp_path: Path, paths: list[str]) -> None:
    folder = tmp_path / "cache"
    folder.mkdir()
    old = folder / "0123.rgb"
    old.write_bytes(bytes(40 * 30 * 3))
    with closing(sqlite3.connect(folder / "index.sqlite")) as index, index:
        index.execute("CREATE TABLE files (path TEXT PRIMARY KEY, bytes INTEGER)")
        index.execute("CREATE TABLE images (digest TEXT PRIMARY KEY, shard TEXT, start INTEGER)")
        index.execute("CREATE TABLE shards (name TEXT PRIMARY KEY, used REAL)")
        index.execute("INSERT INTO shards VALUES ('0123.rgb', 1.0)")
    said: list[str] = []
    held = open_cache(folder, GIGABYTE, paths, WHOLE, said.append)
    assert held is not None and len(held) == len(paths) and not old.exists()
    assert len(said) == 1 and "decoded once" in said[0]


def test_features_whose_bytes_have_changed_are_computed_again(tmp_path: Path) -> None:
    file = tmp_path / "features" / "key.npy"
    features = np.arange(600, dtype=np.float32).reshape(10, 6, 10)
    computed: list[int] = []

    def compute() -> np.ndarray:
        computed.append(1)
        return features

    for _ in range(2):
        assert (keep_features(file, compute, silent_line) == features).all()
    assert len(computed) == 1
    assert (np.load(file) == features).all()  # it is still a file for everybody
    for place in (300, -1):
        content = bytearray(file.read_bytes())
        content[place] ^= 4
        file.write_bytes(content)
        assert (keep_features(file, compute, silent_line) == features).all()
    np.save(file, features + 1)  # as older versions did, without a checksum
    assert (keep_features(file, compute, silent_line) == features).all()
    assert len(computed) == 4


def silent_line(line: str) -> None:
    """Hear a line and say nothing."""
