"""Purges written down: none is lost, and the file does not grow for ever."""

from __future__ import annotations

from pathlib import Path

from proxy.caches import purge_file
from proxy.core.purges import Purge


def purge(number: int) -> Purge:
    return Purge(id=f"{number}", kind="source", at_s=float(number), bucket="b", value=f"\udcff{number}")


def test_what_was_written_is_read_and_a_torn_line_costs_itself(tmp_path: Path) -> None:
    directory = tmp_path / "not" / "yet"
    assert purge_file.read(directory) == []
    for number in (1, 2):
        purge_file.append(directory, purge(number).to_json())
    with (directory / purge_file.NAME).open("a") as file:
        file.write('{"id": "3", "ki\n[]\n')
    purge_file.append(directory, purge(4).to_json())
    assert purge_file.read(directory) == [purge(1), purge(2), purge(4)]


def test_what_a_replica_purged_is_noted_once(tmp_path: Path) -> None:
    purge_file.append(tmp_path, purge(1).to_json())
    assert [purge_file.note(tmp_path, purge(number)) for number in (1, 2, 2, 3)] == [False, True, False, True]
    assert purge_file.read(tmp_path) == [purge(1), purge(2), purge(3)]


def test_what_matters_no_more_is_left_out_in_time(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(purge_file, "_SPARE_LINES", 3)
    for _ in range(10):
        purge_file.append(tmp_path, purge(1).to_json())
    assert len((tmp_path / purge_file.NAME).read_text().splitlines()) <= 4
    assert purge_file.read(tmp_path)[0] == purge(1)
