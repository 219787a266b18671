"""Epochs that several processes see."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from proxy.caches.shared_epochs import SharedEpochs, memory

KEY = "00ff" + "0" * 60


@pytest.fixture
def epochs() -> Iterator[SharedEpochs]:
    made = SharedEpochs(memory())
    yield made
    made.close()


def test_a_number_never_comes_back(epochs: SharedEpochs) -> None:
    seen = {epochs.of(KEY)}
    for _ in range(1000):
        epochs.bump(KEY)
        seen.add(epochs.of(KEY))
    assert len(seen) == 1001


def test_only_keys_of_the_same_beginning_share_one(epochs: SharedEpochs) -> None:
    others = {f"{n:04x}": epochs.of(f"{n:04x}") for n in range(0x10000) if n != 0xFF}
    epochs.bump(KEY)
    assert {key: epochs.of(key) for key in others} == others
    assert epochs.of("00ff" + "1" * 60) == epochs.of(KEY) != others["0000"]


def test_other_processes_see_the_same_numbers() -> None:
    fd = memory()
    epochs = SharedEpochs(os.dup(fd))
    epochs.bump(KEY)
    before = epochs.of(KEY)
    program = (
        "from proxy.caches.shared_epochs import SharedEpochs\n"
        f"e = SharedEpochs({fd}); print(e.of('{KEY}')); e.bump('{KEY}'); print(e.of('{KEY}'))"
    )
    said = subprocess.run([sys.executable, "-c", program], pass_fds=[fd], capture_output=True, check=True)
    os.close(fd)
    read, written = map(int, said.stdout.split())
    assert (read, written) == (before, epochs.of(KEY))
    assert written != before
    epochs.close()


def test_bumps_of_two_processes_at_once_are_both_seen() -> None:
    """Neither writes what the other wrote, whichever comes last."""
    fd = memory()
    one, other = SharedEpochs(os.dup(fd)), SharedEpochs(fd)
    written = []
    for each in (one, other):
        each.bump(KEY)
        written.append(each.of(KEY))
    assert written[0] != written[1]
    assert one.of(KEY) == other.of(KEY) == written[1]
    one.close()
    other.close()


def test_memory_cannot_be_pulled_away_and_only_ours_is_taken() -> None:
    fd = memory()
    with pytest.raises(PermissionError):
        os.ftruncate(fd, 0)
    os.close(fd)
    small = os.memfd_create("small")
    with pytest.raises(ValueError, match="size"):
        SharedEpochs(small)
    os.close(small)
