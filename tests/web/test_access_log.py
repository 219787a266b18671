"""Lines that machines read, from clients that lie."""

from __future__ import annotations

import io
import json

from fakes import ManualClock

from proxy.errors import OriginUnavailable
from proxy.web.access_log import AccessLog
from proxy.web.request import EdgeRequest


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


def test_a_log_that_nobody_reads_holds_up_nothing() -> None:
    class Broken(io.StringIO):
        def write(self, _: str) -> int:
            raise BrokenPipeError

    log = AccessLog(ManualClock(), requests=True, stream=Broken())
    for _ in range(100):
        log.request(request(), "id", 200, 7, 0.25, "")
    log.close()
