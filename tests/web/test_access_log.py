"""Lines that machines read, from clients that lie."""

from __future__ import annotations

import io
import ipaddress
import json

import pytest
from fakes import ManualClock

from proxy.errors import OriginUnavailable
from proxy.web.access_log import AccessLog
from proxy.web.request import EdgeRequest

NETWORKS = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("2001:db8::/32"))


def request(peer: str = "192.0.2.1", **headers: str) -> EdgeRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return EdgeRequest(method="GET", host="h", raw_path=b"/a\n", raw_query=b"q", headers=named, peer=peer)


def lines_of(use, **options) -> list[dict[str, object]]:
    stream = io.StringIO()
    log = AccessLog(ManualClock(5.0), stream=stream, **options)
    use(log)
    log.close()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_request_is_one_line_of_json() -> None:
    (line,) = lines_of(lambda log: log.request(request(), "id", 200, 7, 0.25, "mogr; hit"), requests=True)
    assert line["time_s"] == 5.0
    assert (line["status"], line["bytes"], line["path"], line["client"]) == (200, 7, "/a\n", "192.0.2.1")


def test_requests_are_not_written_unless_asked_but_errors_are() -> None:
    def use(log: AccessLog) -> None:
        log.request(request(), "id", 200, 7, 0.25, "")
        log.error(request(), "id", OriginUnavailable("connection refused"))

    (line,) = lines_of(use, requests=False)
    assert (line["error"], line["detail"]) == ("OriginUnavailable", "connection refused")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", "198.51.100.7", "192.0.2.1"),  # not from a proxy of ours: a claim
        ("10.0.0.1", "198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),  # what the client wrote itself stands left
        ("10.0.0.1", "198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "junk", "junk"),
        ("2001:db8::1", "198.51.100.7", "198.51.100.7"),
    ],
)
def test_forwarded_addresses_are_believed_as_far_as_proxies_are_trusted(peer: str, forwarded: str, client: str) -> None:
    log = AccessLog(ManualClock(), requests=True, trusted_proxies=NETWORKS, stream=io.StringIO())
    assert log.client(request(peer, x_forwarded_for=forwarded)) == client
    log.close()


def test_a_log_that_nobody_reads_holds_up_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    log = AccessLog(ManualClock(), requests=True, stream=Broken())
    for _ in range(100):
        log.request(request(), "id", 200, 7, 0.25, "")
    log.close()
