"""What a client may do to a connection before it is answered (security-tests T22), byte by byte."""

from __future__ import annotations

import socket
import time

import pytest
from pictures import jpeg
from servers.mogr import Mogr


def exchange(port: int, *parts: bytes, wait_s: float = 10) -> bytes:
    """Everything the server says until it closes; sending stops when it does."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as connection:
        try:
            for part in parts:
                connection.sendall(part)
        except OSError:
            pass
        answer = b""
        try:
            while chunk := connection.recv(65536):
                answer += chunk
        except OSError:
            pass
        return answer


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        (b"GET /cat.jpg HTTP/1.0\r\n\r\n", 200),
        (b"GET http://a/cat.jpg HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n", 200),
        (b"GET /cat.jpg HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
        (b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (b"GET /cat.jpg HTTP/1.1\r\nHost: a b/c\r\n\r\n", 400),
        (b"GET ftp://a/cat.jpg HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET cat.jpg HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\n" + b"X-A: 1\r\n" * 200 + b"\r\n", 431),
        (b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nX: " + b"a" * 150_000 + b"\r\n\r\n", 431),
        (b"GET /" + b"a" * 150_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    ],
)
def test_heads_that_are_read_and_heads_that_are_not(served: Mogr, head: bytes, status: int) -> None:
    answer = exchange(served.port, head)
    assert status_of(answer) == status, answer[:300]
    if status != 200:
        assert b"<Code>" in answer
        assert b"connection: close" in answer


def test_an_absolute_target_decides_the_bucket_and_its_host_field_does_not(start) -> None:
    server = start(
        {"buckets": {"test-1250000000": {"default": False, "hosts": ["a.example"]}}}, {"cat.jpg": jpeg(64, 64)}
    )
    head = b"GET http://%s/cat.jpg HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
    assert status_of(exchange(server.port, head % (b"a.example", b"b.example"))) == 200
    assert status_of(exchange(server.port, head % (b"b.example", b"a.example"))) == 404


@pytest.mark.parametrize("port", ["port", "admin_port"])
def test_a_head_without_end_is_cut_off(served: Mogr, port: str) -> None:
    line = b"X-A: " + b"a" * 1000 + b"\r\n"
    answer = exchange(getattr(served, port), b"GET / HTTP/1.1\r\nHost: a\r\n", *[line * 10] * 1000)
    assert not answer or status_of(answer) == 431


def test_idle_connections_do_not_make_the_admin_listener_unwell(served: Mogr) -> None:
    idle = [socket.create_connection(("127.0.0.1", served.admin_port)) for _ in range(150)]
    try:
        answer = exchange(served.admin_port, b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert status_of(answer) == 200
    finally:
        for connection in idle:
            connection.close()


def test_a_head_that_never_ends_is_given_up(served: Mogr) -> None:
    began_s = time.monotonic()
    answer = exchange(served.port, b"GET /cat.jpg HTTP/1.1\r\nHost:", wait_s=30)
    assert status_of(answer) == 408
    assert time.monotonic() - began_s < 25


@pytest.mark.parametrize("trailer", [b"a: " + b"b" * 1000 + b"\r\n", b"a" * 1000])
def test_a_trailer_without_end_is_cut_off(served: Mogr, trailer: bytes) -> None:
    head = b"POST /cat.jpg HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    first = head if trailer.endswith(b"\r\n") else head + b"x: "
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(first)
        with pytest.raises(OSError):
            for _ in range(20_000):
                connection.sendall(trailer * 10)


def test_nothing_is_answered_or_done_after_a_refusal(served: Mogr) -> None:
    answer = exchange(served.port, b"GET /cat.jpg HTTP/1.1\r\n\r\nGET /cat.jpg HTTP/1.1\r\nHost: a\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert status_of(answer) == 400


def test_a_refusal_is_never_written_into_an_answer_that_is_under_way(start) -> None:
    large = b"0123456789abcdef" * 2**20  # 16 MiB: more than sockets hold
    server = start(files={"large.bin": large})
    ask = b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(ask)
        answer = b""
        try:
            while chunk := connection.recv(1 << 20):
                answer += chunk
        except OSError:
            pass
    head, _, body = answer.partition(b"\r\n\r\n")
    assert not head or head.startswith(b"HTTP/1.1 200")
    assert large.startswith(body), "what there is of the body is the object's own"
