"""Hits of a real server with two web workers: counted, logged, purged, blocked, and nobody's to hold up."""

from __future__ import annotations

import http.client
import json
import random
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pictures import encoded, jpeg
from PIL import Image
from servers.mogr import Mogr

SMALL = "/cat.jpg?imageMogr2/thumbnail/32x/format/webp"
ACCEPT = {"accept": "image/avif,image/webp,*/*;q=0.8"}


def noise(width_px: int, height_px: int) -> bytes:
    """A picture that no format makes small."""
    return encoded(
        Image.frombytes("RGB", (width_px, height_px), random.Random(0).randbytes(width_px * height_px * 3)), "PNG"
    )


OPENED: list[http.client.HTTPConnection] = []


@pytest.fixture(autouse=True)
def close_what_was_opened() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


class Connection:
    """One that is kept alive: all its requests meet one web worker."""

    def __init__(self, server: Mogr) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        OPENED.append(self._connection)

    def get(self, target: str = SMALL, method: str = "GET", **fields: str) -> tuple[int, dict[str, str], bytes]:
        named = {name.replace("_", "-"): value for name, value in {**ACCEPT, **fields}.items()}
        self._connection.request(method, target, headers=named)
        answer = self._connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()


def warmed(server: Mogr, number: int = 12) -> list[Connection]:
    """Connections, to both web workers as good as certainly, to which ``SMALL`` is ready."""
    connections = [Connection(server) for _ in range(number)]
    for _ in range(3):
        for each in connections:
            assert each.get()[0] == 200
    return connections


def test_every_answer_is_counted_once(start: Callable[..., Mogr]) -> None:
    server = start({"server": {"workers": 2}}, {"cat.jpg": jpeg()})
    connections = warmed(server)
    ok, unchanged = (
        'mogr_requests_total{kind="rendition",status="200"}',
        'mogr_requests_total{kind="rendition",status="304"}',
    )
    hits, sent = 'mogr_cache_hits_total{tier="memory"}', "mogr_response_bytes_total"
    before = {name: server.metric(name) for name in (ok, unchanged, hits, sent, "mogr_request_seconds_count")}
    size_bytes = 0
    for each in connections:
        _, fields, body = each.get()
        size_bytes += len(body)
        assert each.get(if_none_match=fields["etag"])[0] == 304
        assert each.get(method="HEAD")[1]["content-length"] == str(len(body))
    counted = {name: server.metric(name) - was for name, was in before.items()}
    number = len(connections)
    assert counted == {
        ok: 2 * number, unchanged: number, hits: 3 * number, sent: size_bytes, "mogr_request_seconds_count": 3 * number,
    }  # fmt: skip


def test_every_answer_is_logged_once(start: Callable[..., Mogr]) -> None:
    server = start({"server": {"workers": 2, "access_log": "json"}}, {"cat.jpg": jpeg()})
    connections = warmed(server)
    ids = [each.get(user_agent=f"agent {n}")[1]["x-cos-request-id"] for n, each in enumerate(connections)]
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith('{"time_s"')]
    found = {line["id"]: line for line in lines if line["event"] == "request"}
    for n, id_ in enumerate(ids):
        assert found[id_]["user_agent"] == f"agent {n}"
        assert (found[id_]["status"], found[id_]["cache"]) == (200, "mogr; hit; detail=memory")


def test_a_purge_ends_what_was_ready_in_every_web_worker(start: Callable[..., Mogr]) -> None:
    server = start({"server": {"workers": 2}, "admin": {"token": "s3cret"}}, {"cat.jpg": jpeg()})
    connections = warmed(server)
    before = {each.get()[1]["etag"] for each in connections}
    server.put("cat.jpg", noise(64, 48))
    assert {each.get()[1]["etag"] for each in connections} == before, "it is fresh"
    answer = httpx.post(
        f"{server.admin_url}/purge", json={"source": "cat.jpg"}, headers={"authorization": "Bearer s3cret"}, timeout=60
    )
    assert answer.status_code == 200
    after = {each.get()[1]["etag"] for each in connections}
    assert len(after) == 1
    assert after != before


def test_what_one_web_worker_made_is_there_for_the_other_without_a_disk(start: Callable[..., Mogr]) -> None:
    server = start({"server": {"workers": 2}, "cache": {"disk": None}}, {"cat.jpg": noise(400, 300)})
    connections = [Connection(server) for _ in range(16)]
    said = [connections[0].get()[1]["cache-status"] for _ in range(2)]
    said += [each.get()[1]["cache-status"] for each in connections]
    assert "fwd=miss" in said[0]
    assert [each for each in said[1:] if "hit" not in each] == [], "one of them would have made it again"


def test_what_a_reload_blocks_is_answered_by_no_connection_that_was_open(start: Callable[..., Mogr]) -> None:
    server = start({"server": {"workers": 2}}, {"cat.jpg": jpeg()})
    connections = warmed(server, 4)
    server.change({"buckets": {"test-1250000000": {"blocked": ["cat.jpg"]}}})
    server.reload()
    for each in connections:
        try:
            status = each.get()[0]
        except (http.client.HTTPException, OSError):  # closed by the worker that is gone
            status = Connection(server).get()[0]
        assert status == 451


@pytest.mark.parametrize("requests", [1, 200])
def test_who_does_not_read_his_hits_is_cut_off_and_costs_no_memory(start: Callable[..., Mogr], requests: int) -> None:
    """One after the other or all at once: what he is owed waits in the kernel, and not more than an answer in the server."""
    server = start(
        {"server": {"workers": 1, "slow_client_s": 1, "slow_client_bytes_per_s": 1_000_000}},
        {"cat.jpg": noise(1600, 1600)},
    )
    big = "/cat.jpg?imageMogr2/format/png"
    connection = Connection(server)
    sizes = [len(connection.get(big)[2]) for _ in range(3)]
    assert sizes[0] > 4_000_000
    before = resident_bytes(server)
    ask = f"GET {big} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: {ACCEPT['accept']}\r\n\r\n".encode()
    slow = []
    for _ in range(8):
        one = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        slow.append(one)
        one.sendall(ask * requests)
    assert connection.get(big)[0] == 200, "others are answered"
    assert resident_bytes(server) - before < sizes[0] * 3
    for one in slow:
        assert is_cut_off(one)
        one.close()


def test_a_large_part_is_whole_although_its_reader_takes_it_in_small_pieces(start: Callable[..., Mogr]) -> None:
    server = start({"server": {"workers": 1}}, {"cat.jpg": noise(1200, 1200)})
    big = "/cat.jpg?imageMogr2/format/png"
    connection = Connection(server)
    whole = [connection.get(big)[2] for _ in range(3)][-1]
    assert len(whole) > 2_000_000
    ask = f"GET {big} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: {ACCEPT['accept']}\r\nRange: bytes=1000-\r\n\r\n"
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # most of it waits in the server
        slow.settimeout(30)
        slow.connect(("127.0.0.1", server.port))
        for _ in range(2):  # and the connection goes on
            slow.sendall(ask.encode())
            answer = http.client.HTTPResponse(slow)
            answer.begin()
            assert (answer.status, answer.read()) == (206, whole[1000:])


def is_cut_off(connection: socket.socket) -> bool:
    """Whether the server gives up within half a minute; looked at without reading."""
    until_s = time.monotonic() + 30
    while time.monotonic() < until_s:
        if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            return True
        time.sleep(0.05)
    return False


def resident_bytes(server: Mogr) -> int:
    (pid,) = server.web_pids()
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


def test_the_kernels_table_of_open_files_need_not_grow_while_requests_wait(served: Mogr) -> None:
    for pid in served.web_pids():
        with open(f"/proc/{pid}/status") as status, open(f"/proc/{pid}/limits") as limits:
            size = next(int(line.split()[1]) for line in status if line.startswith("FDSize"))
            limit = next(int(line.split()[3]) for line in limits if line.startswith("Max open files"))
        assert size >= min(limit, 16_384)


def test_many_idle_connections_and_slow_heads_hold_up_nobody(served: Mogr) -> None:
    target = "/cat.jpg?imageMogr2/thumbnail/30x/format/webp"
    connection = Connection(served)
    for _ in range(3):
        connection.get(target)
    idle = [socket.create_connection(("127.0.0.1", served.port), timeout=30) for _ in range(200)]
    head = f"GET {target} HTTP/1.1\r\nHost: a\r\nAccept: ".encode()
    try:
        for n, each in enumerate(idle):
            each.sendall(head[: n % len(head)])
        for _ in range(20):
            assert connection.get(target)[0] == 200
        for each in idle[len(head) - 1 :: len(head)]:
            each.sendall(b"*/*\r\nConnection: close\r\n\r\n")
            answer: Any = b""
            while chunk := each.recv(65536):
                answer += chunk
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    finally:
        for each in idle:
            each.close()
