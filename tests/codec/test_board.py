"""The board: counters that several processes read and each field of which one process writes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from proxy.codec.board import CODEC_SLOTS, WEB_SLOTS, Board, Death, Work


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board.create()
    yield made
    made.close()


def test_waiting_is_what_was_submitted_and_not_yet_taken(board: Board) -> None:
    board.web(0).submit(1_500_000)
    board.web(WEB_SLOTS - 1).submit(500_000)
    assert board.waiting_s() == 2.0
    board.codec(CODEC_SLOTS - 1).take(1_500_000)
    assert board.waiting_s() == 0.5


def test_a_job_taken_before_its_submitter_said_so_is_no_negative_waiting(board: Board) -> None:
    board.codec(0).take(1_000_000)
    assert board.waiting_s() == 0.0
    board.web(0).submit(1_000_000)
    assert board.waiting_s() == 0.0


def test_what_a_killed_process_never_took_is_forgotten_when_the_supervisor_settles(board: Board) -> None:
    board.web(0).submit(3_000_000)
    board.settle(board.flow_us())
    assert board.waiting_s() == 0.0
    board.web(0).submit(1_000_000)
    assert board.waiting_s() == 1.0


def test_other_processes_see_the_same_words(board: Board) -> None:
    board.web(3).wrote(10)
    program = (
        f"from proxy.codec.board import Board; b = Board.attach({board.fd}); b.web(4).wrote(32); print(b.disk_bytes)"
    )
    said = subprocess.run([sys.executable, "-c", program], pass_fds=[board.fd], capture_output=True, check=True)
    assert (int(said.stdout), board.disk_bytes) == (42, 42)


def test_every_column_has_words_of_its_own(board: Board) -> None:
    for slot in range(WEB_SLOTS):
        board.web(slot).submit(1)
        board.web(slot).wrote(1)
    for slot in range(CODEC_SLOTS):
        codec = board.codec(slot)
        codec.take(1)
        codec.begin(2, 3)
        codec.occupy(100 + slot)
        codec.greet(100 + slot, 5)
    assert (board.disk_bytes, board.flow_us()) == (WEB_SLOTS, (WEB_SLOTS, CODEC_SLOTS))
    last = board.codec(CODEC_SLOTS - 1)
    assert (last.pid, last.ready, last.gaps, last.work) == (100 + CODEC_SLOTS - 1, True, 5, Work(1, 2, 3))


def test_a_place_is_ready_only_for_the_process_that_said_so(board: Board) -> None:
    slot = board.codec(0)
    assert not slot.ready
    slot.occupy(11)
    slot.greet(11, 0)
    assert slot.ready
    slot.bury(Death.KILLED)
    assert not slot.ready
    slot.occupy(12)
    assert not slot.ready


def test_numbers_of_a_place_outlive_its_process(board: Board) -> None:
    slot = board.codec(0)
    slot.take(7)
    assert slot.begin(1, 2) == 1
    slot.end()
    slot.begin(1, 2)
    slot.bury(Death.CRASHED)
    assert (slot.begin(1, 2), slot.jobs, board.flow_us()) == (3, 1, (0, 7))


def test_a_death_is_known_for_the_job_it_ended_and_no_other(board: Board) -> None:
    slot = board.codec(0)
    slot.begin(1, 2)
    sequence = slot.begin(1, 2)
    assert slot.death_of(sequence) is None
    assert slot.bury(Death.DEADLINE) == sequence
    assert [slot.death_of(n) for n in (sequence - 1, sequence, sequence + 1)] == [None, Death.DEADLINE, None]
    assert slot.work is None


def test_nobody_can_pull_the_board_away(board: Board) -> None:
    with pytest.raises(PermissionError):
        os.ftruncate(board.fd, 0)


@pytest.mark.parametrize("size_bytes", [0, 100, 1 << 20])
def test_something_else_is_no_board(size_bytes: int) -> None:
    fd = os.memfd_create("other")
    os.ftruncate(fd, size_bytes)
    try:
        with pytest.raises(ValueError, match="not a board"):
            Board.attach(fd)
    finally:
        os.close(fd)


def test_slots_end_somewhere(board: Board) -> None:
    for ask, slot in ((board.web, WEB_SLOTS), (board.web, -1), (board.codec, CODEC_SLOTS), (board.codec, -1)):
        with pytest.raises(ValueError, match="slot"):
            ask(slot)
