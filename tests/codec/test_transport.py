"""Bytes and descriptors on their way between processes."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from proxy.codec import transport
from proxy.codec.transport import Malformed

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with left, right:
        yield left, right


def test_a_sheet_holds_what_was_given_and_what_was_made_behind_it() -> None:
    fd = transport.make_sheet(b"picture" * 1000)
    transport.write_sheet(fd, 7000, b"made")
    assert transport.read_sheet(fd, 0, 7000) == b"picture" * 1000
    assert transport.read_sheet(fd, 7000, 4) == b"made"
    assert transport.read_sheet(fd, 0, 0) == b""
    os.close(fd)


def test_a_sheet_shorter_than_said_is_refused_before_memory_is_taken_for_it() -> None:
    fd = transport.make_sheet(b"picture")
    with pytest.raises(Malformed):
        transport.read_sheet(fd, 7, 1 << 50)
    os.close(fd)


def test_descriptors_travel_and_none_is_inherited(pair: Pair) -> None:
    left, right = pair
    fd = transport.make_sheet(b"x")
    transport.send(left, b"hello", [fd, fd])
    data, fds = transport.receive(right, 10, 2)
    assert data == b"hello"
    assert [os.get_inheritable(each) for each in fds] == [False, False]
    transport.close_all([fd, *fds])
    with pytest.raises(BlockingIOError):
        transport.receive(right, 10, 2)


def test_a_message_longer_than_expected_is_refused_and_its_descriptors_closed(pair: Pair) -> None:
    left, right = pair
    before = set(os.listdir("/proc/self/fd"))
    fd = transport.make_sheet(b"x")
    transport.send(left, b"hello", [fd])
    os.close(fd)
    with pytest.raises(Malformed):
        transport.receive(right, 4, 2)
    assert set(os.listdir("/proc/self/fd")) == before


def test_descriptors_that_nobody_expects_are_not_taken(pair: Pair) -> None:
    left, right = pair
    fd = transport.make_sheet(b"x")
    transport.send(left, b"hello", [fd])
    os.close(fd)
    before = set(os.listdir("/proc/self/fd"))
    assert transport.receive(right, 10, 0) == (b"hello", [])
    assert set(os.listdir("/proc/self/fd")) == before


def test_the_end_is_an_empty_message(pair: Pair) -> None:
    left, right = pair
    left.close()
    assert transport.receive(right, 10, 2) == (b"", [])
