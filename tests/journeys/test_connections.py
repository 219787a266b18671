"""What a client may do to a connection before it is answered (security-tests T22), byte by byte."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path

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


@pytest.mark.parametrize("method", [b"FOO", b"get", b"PROPFIND", b"TRACE", b"POST", b"X-" + b"A" * 300])
def test_a_method_that_is_not_allowed_is_answered_405_known_to_anyone_or_not(served: Mogr, method: bytes) -> None:
    get = b"GET /notes.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = exchange(served.port, method + b" /cat.jpg HTTP/1.1\r\nHost: a\r\n\r\n" + get)
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert status_of(head) == 405
    assert b"\r\nallow: GET, HEAD" in head
    assert b"<Code>MethodNotAllowed</Code>" in rest
    assert status_of(rest[rest.index(b"HTTP/1.1 ") :]) == 200, "the connection goes on"


@pytest.mark.parametrize("target", [b"a:443", b"/cat.jpg"])
def test_a_tunnel_is_not_allowed_and_nothing_after_it_is_read(served: Mogr, target: bytes) -> None:
    get = b"GET /notes.txt HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = exchange(served.port, b"CONNECT " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n", get)
    assert status_of(answer) == 405
    assert b"allow: GET, HEAD" in answer
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 44", b"Transfer-Encoding: chunked"])
@pytest.mark.parametrize("pause_s", [0, 0.2])
def test_a_body_after_an_upgrade_that_is_not_made_is_never_read_as_a_request(
    served: Mogr, framing: bytes, pause_s: float
):
    """The parser takes what follows for the other protocol's; a proxy before us takes it for a body."""
    head = b"GET /notes.txt HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n" + framing + b"\r\n\r\n"
    smuggled = b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nX: 12345\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(head + (b"" if pause_s else smuggled))
        time.sleep(pause_s)
        answer = b""
        with contextlib.suppress(OSError):
            connection.sendall(smuggled if pause_s else b"")
            while chunk := connection.recv(65536):
                answer += chunk
    assert status_of(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer


def test_a_client_that_would_rather_speak_http2_keeps_its_connection(served: Mogr) -> None:
    upgrade = b"HEAD /notes.txt HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    answer = exchange(served.port, upgrade + b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert [status_of(b"HTTP/1.1 " + part) for part in answer.split(b"HTTP/1.1 ")[1:]] == [200, 200]


def test_a_connection_that_asked_for_another_protocol_is_no_tunnel_to_us(served: Mogr) -> None:
    upgrade = b"GET /notes.txt HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    answer = exchange(served.port, upgrade, b"GET /cat.jpg HTTP/1.1\r\nHost: a\r\n\r\n")
    assert status_of(answer) == 200
    assert answer.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in answer


@pytest.mark.parametrize("cut", [0, 6, 7, 15])
def test_a_target_may_hold_utf8_as_it_is_typed(served: Mogr, cut: int) -> None:
    target = "/写真%20ä.jpg?imageInfo&style=é".encode()
    request = b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = exchange(served.port, *filter(None, (request[:cut], request[cut:])))
    assert status_of(answer) == 200
    assert b'"width":"64"' in answer.replace(b" ", b"")


@pytest.mark.parametrize(
    "target",
    [b"/\xe4.jpg", b"/\xc0\xaf", b"/\xed\xa0\x80", b"/\xc3\xa4 b", b"/\xc3\xa4\x00", b"\xc3\xa4", b"/\xc3\xa4\x7f"],
)
def test_a_target_that_is_not_utf8_or_no_target_is_refused(served: Mogr, target: bytes) -> None:
    answer = exchange(served.port, b"GET " + target + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert status_of(answer) == 400


def test_utf8_behind_other_requests_on_one_connection(served: Mogr) -> None:
    body = "GET /ä HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    head = b"HEAD /notes.txt HTTP/1.1\r\nHost: a\r\n"
    asks = [
        head + b"\r\n",
        head + b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        head + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
        "HEAD /写真%20ä.jpg HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode(),
    ]
    answers = exchange(served.port, b"".join(asks)).split(b"HTTP/1.1 ")[1:]
    assert [status_of(b"HTTP/1.1 " + answer) for answer in answers] == [200] * 4
    assert [b"Content-Type: image/jpeg" in answer for answer in answers] == [False, False, False, True]


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


def test_a_client_that_does_not_read_is_disconnected(start) -> None:
    """Its file is closed, however large what it was sent and whatever the kernel holds of it."""
    large = b"0123456789abcdef" * 2**21  # 32 MiB: more than sockets hold
    server = start({"server": {"slow_client_s": 1, "slow_client_bytes_per_s": 1000}}, {"large.bin": large})
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n")
        web = server.web_pids()[0]
        wait_until(lambda: "large.bin" in open_files(web))
        wait_until(lambda: "large.bin" not in open_files(web))
        with pytest.raises(ConnectionResetError):
            while connection.recv(1 << 20):
                pass


def open_files(pid: int) -> str:
    links = []
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            links.append(str(entry.readlink()))
    return " ".join(links)


def wait_until(holds: Callable[[], bool]) -> None:
    until_s = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < until_s
        time.sleep(0.02)
