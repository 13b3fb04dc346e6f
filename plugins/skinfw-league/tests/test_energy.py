"""The counters of the processor."""

from pathlib import Path

from skinfw_league.energy import joules_between, read_counters


def write(zone: Path, energy: int) -> None:
    zone.mkdir(exist_ok=True)
    (zone / "energy_uj").write_text(f"{energy}\n")
    (zone / "max_energy_range_uj").write_text("9999999\n")


def test_packages_are_added_and_a_counter_may_begin_anew(tmp_path: Path) -> None:
    write(tmp_path / "intel-rapl:0", 9_000_000)
    write(tmp_path / "intel-rapl:1", 0)
    write(tmp_path / "intel-rapl:0:0", 5)  # the cores of package 0, which it counts itself
    before = read_counters(tmp_path)
    write(tmp_path / "intel-rapl:0", 1_000_000)
    write(tmp_path / "intel-rapl:1", 3_000_000)
    assert joules_between(before, read_counters(tmp_path)) == 2 + 3


def test_a_machine_without_counters_has_no_energy(tmp_path: Path) -> None:
    (tmp_path / "intel-rapl:0").mkdir()  # there, and not to be read
    assert read_counters(tmp_path) == {}
    assert joules_between({}, {}) is None
