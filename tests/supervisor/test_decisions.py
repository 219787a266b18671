"""What a reload keeps, how many codec processes there are, and when the disk tier is swept."""

from __future__ import annotations

import threading

import pytest

from proxy.settings import Codec, DiskCache, Settings
from proxy.supervisor import assembly
from proxy.supervisor.fleet import Slots
from proxy.supervisor.reload import reloadable, same_pool
from proxy.supervisor.sockets import StartError
from proxy.supervisor.sweeper import DiskSweeper
from proxy.supervisor.worker import ending


@pytest.mark.parametrize(
    ("change", "held"),
    [
        ({}, ()),
        ({"server": {"host": "::1", "port": 1}}, ("server.host", "server.port")),
        ({"admin": {"host": "::1", "port": 1, "token": "t"}}, ("admin.host", "admin.port", "admin.token")),
        ({"server": {"workers": 3, "shutdown_s": 1}, "limits": {"profile": "ci-2026"}}, ()),
    ],
)
def test_sockets_and_the_token_hold_for_life_and_the_rest_is_new(change, held):
    old, new = Settings(), Settings.model_validate(change)
    kept, names = reloadable(old, new)
    assert names == held
    assert kept.admin == old.admin
    assert (kept.server.host, kept.server.port) == (old.server.host, old.server.port)
    assert (kept.server.workers, kept.server.shutdown_s) == (new.server.workers, new.server.shutdown_s)
    assert kept.limits == new.limits


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({}, True),
        ({"queue_s": 1}, True),
        ({"workers": 3}, False),
        ({"deadline_s": 1}, False),
        ({"memory_bytes": 300_000_000}, False),
        ({"jobs_per_process": 1}, False),
    ],
)
def test_codec_processes_are_replaced_only_for_what_they_are_made_of(change, same):
    assert same_pool(Codec(), Codec(**change)) is same


@pytest.mark.parametrize(
    ("cpu_max", "cores"),
    [
        ("max 100000\n", 8),
        ("200000 100000\n", 2),
        ("150000 100000\n", 2),
        ("10000 100000\n", 1),
        ("9900000 100000\n", 8),
        ("nonsense", 8),
        ("", 8),
        (None, 8),
    ],
)
def test_a_container_with_a_quota_has_only_so_many_cores(monkeypatch, tmp_path, cpu_max, cores):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)))
    if cpu_max is not None:
        (tmp_path / "cpu.max").write_text(cpu_max)
    assert assembly.cores(tmp_path / "cpu.max") == cores


def test_nought_codec_workers_is_one_per_core():
    assert assembly.places(Codec(workers=0)) == assembly.cores()
    assert assembly.places(Codec(workers=7)) == 7


def test_a_slot_has_one_holder_at_a_time():
    slots = Slots(2)
    assert [slots.take(), slots.take()] == [0, 1]
    assert slots.free == 0
    with pytest.raises(StartError):
        slots.take()
    slots.release(0)
    assert slots.take() == 0


@pytest.mark.parametrize(
    ("code", "text"), [(0, "exit status 0"), (7, "exit status 7"), (-9, "signal SIGKILL"), (-60, "signal 60")]
)
def test_an_end_is_told_in_words(code, text):
    assert ending(code) == text


def test_the_disk_tier_is_swept_at_the_start_and_again_when_too_much_was_written(tmp_path, monkeypatch):
    swept, enough = [], threading.Event()

    class Watched:
        """An evictor that is due once anything was noted, and at first."""

        def __init__(self, path, max_bytes, clock, *, presence) -> None:
            self._path, self._noted_bytes, self._first = path, 0, True

        def note_written(self, size_bytes) -> None:
            self._noted_bytes += size_bytes

        def due(self) -> bool:
            return self._first or self._noted_bytes > 0

        def sweep(self):
            from proxy.caches.evict import SweepResult

            self._first, self._noted_bytes = False, 0
            swept.append(self._path.name)
            if len(swept) == 4:
                enough.set()
            return SweepResult(kept_bytes=10)

    monkeypatch.setattr("proxy.supervisor.sweeper.Evictor", Watched)
    written = [100]
    sweeper = DiskSweeper(DiskCache(path=tmp_path), lambda: written[0], every_s=0.01)
    written[0] = 150
    assert enough.wait(10)
    sweeper.stop()
    assert swept[:4] == ["renditions", "originals"] * 2
    assert sweeper.held_bytes == 20
