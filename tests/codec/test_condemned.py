"""What a web worker holds against a picture, the others of its node hear of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from proxy.codec.board import VERDICTS, Board
from proxy.codec.condemned import Condemned, mark_of
from proxy.errors import CodecDeadline, DecoderCrashed, InvalidImageFormat, NoSuchKey


@pytest.fixture
def board() -> Iterator[Board]:
    made = Board.create()
    yield made
    made.close()


class Time:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_others_hear_what_one_tells_until_it_has_passed(board: Board) -> None:
    now = Time()
    one, other = Condemned(board, 0, now), Condemned(board, 63, now)
    one.tell("a", DecoderCrashed("private"), 10)
    heard = other.heard("a")
    assert isinstance(heard, DecoderCrashed)
    assert heard.condemns
    assert other.heard("b") is None
    now.now_s += 10
    assert other.heard("a") is None


@pytest.mark.parametrize("condemns", [True, False])
def test_a_deadline_says_whether_it_condemns_the_source(condemns: bool, board: Board) -> None:
    error = CodecDeadline("late")
    error.condemns = condemns
    Condemned(board, 1).tell("a", error, 10)
    heard = Condemned(board, 2).heard("a")
    assert isinstance(heard, CodecDeadline)
    assert heard.condemns is condemns


@pytest.mark.parametrize("error", [InvalidImageFormat("x"), NoSuchKey("x")])
def test_what_cost_no_process_is_not_told(error: InvalidImageFormat | NoSuchKey, board: Board) -> None:
    one = Condemned(board, 0)
    one.tell("a", error, 10)
    assert one.heard("a") is None
    assert board.condemned(mark_of("a")) == 0


def test_the_latest_of_each_web_worker_are_kept(board: Board) -> None:
    one, other = Condemned(board, 0), Condemned(board, 1)
    other.tell("others", DecoderCrashed("x"), 10)
    for number in range(VERDICTS + 3):
        one.tell(f"{number}", DecoderCrashed("x"), 10)
    assert [one.heard(f"{number}") is None for number in range(5)] == [True, True, True, False, False]
    assert one.heard("others") is not None


def test_the_longest_of_several_verdicts_counts(board: Board) -> None:
    now = Time()
    for slot, ttl_s in ((0, 5), (1, 10), (2, 1)):
        Condemned(board, slot, now).tell("a", DecoderCrashed("x"), ttl_s)
    now.now_s += 9
    assert Condemned(board, 3, now).heard("a") is not None


def test_nonsense_on_the_board_is_no_verdict(board: Board) -> None:
    one = Condemned(board, 0)
    one.tell("a", DecoderCrashed("x"), 10)
    mark = mark_of("a")
    for said in (0, -1, 255, (1 << 62) | 77):
        board.web(0).condemn(0, mark, said)
        assert one.heard("a") is None
