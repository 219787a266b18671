"""Forwarding over real sockets: what arrives at an origin, what comes back, and what is never sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from servers.origin import (
    Request,
    chunked,
    closed_port,
    drip,
    head_of,
    raw,
    redirect,
    sequence,
    stall,
    status,
    wrong_length,
)

from proxy.errors import (
    InvalidUri,
    MogrError,
    OriginForbidden,
    OriginTimeout,
    OriginUnavailable,
    RequestTooSlow,
    UnclearBody,
)
from proxy.ports import Forwarded, ForwardRequest


def asked(path: bytes = b"/key", method: str = "GET", *lines: tuple[bytes, bytes], **told) -> ForwardRequest:
    return ForwardRequest(**({"method": method, "raw_path": path, "raw_query": b"", "lines": lines} | told))


async def read(answer: Forwarded) -> bytes:
    try:
        return b"".join([chunk async for chunk in answer])
    finally:
        await answer.aclose()


async def pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def test_the_target_reaches_the_origin_as_it_came(server, connect):
    path, query = b"/a%2fb//c;d=1/%00%ff/~'|\"{}", b"q=%zz&&x=a+b|c?d=/"
    await (await connect().forward(asked(path, raw_query=query))).aclose()
    assert server.requests[0].target == (b"/p" + path + b"?" + query).decode()
    await (await connect().forward(asked(b"/", raw_query="é".encode()))).aclose()
    assert server.requests[1].target == "/p/?%C3%A9"


@pytest.mark.parametrize(
    "path",
    ["/..", "/../x", "/a/../../x", "/a/..", "/.", "/%2e%2e/x", "/.%2E/x", "/a%2f..%2fx", "/..%5cx", "/..\\x", "/%252e%252e/x",
     "/%252e%252e%252fx", "/%25252e%25252e/x", "/..;/x", "/..;a=b/x", "/..%3b/x", "x", "", "*", "http://127.0.0.1/",
     "/" + "a" * 70_000],
)  # fmt: skip
async def test_a_path_that_could_leave_the_prefix_is_refused(server, connect, path):
    with pytest.raises(InvalidUri):
        await connect().forward(asked(path.encode()))
    assert server.requests == []


@pytest.mark.parametrize("path", ["/...", "/.a", "/a..b/c", "/..a/", "/%2e%2ea", "//evil.example/x", "/@evil.example/"])
async def test_a_path_that_only_looks_like_it_is_not(server, connect, path):
    await (await connect().forward(asked(path.encode()))).aclose()
    assert server.requests[0].target == "/p" + path


async def test_the_lines_of_a_request_and_of_its_answer_keep_their_order_and_number(server, connect):
    server.answer(
        "/p/key",
        raw(
            b"HTTP/1.1 207 X\r\nSet-Cookie: a=1\r\nX-A: \xe9\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\nConnection: x-hop\r\n"
            b"X-Hop: 1\r\nKeep-Alive: 5\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nok",
            keep=True,
        ),
    )
    lines = [
        (b"x-b", b"1"),
        (b"cookie", b"c=d"),
        (b"x-b", b"\xe9"),
        (b"user-agent", b"curl"),
        (b"accept-encoding", b"br"),
    ]
    answer = await connect().forward(asked(b"/key", "GET", *lines))
    assert server.requests[0].lines == (
        ("host", f"127.0.0.1:{server.port}"),
        *((name.decode(), value.decode("latin-1")) for name, value in lines),
    )
    assert answer.status == 207
    assert answer.lines == [
        (b"set-cookie", b"a=1"),
        (b"x-a", b"\xe9"),
        (b"set-cookie", b"b=2"),
        (b"date", b"Thu, 01 Jan 1970 00:00:00 GMT"),
    ]
    assert (answer.size_bytes, await read(answer)) == (2, b"ok")


async def test_headers_of_the_configuration_take_the_place_of_the_client_s(server, connect):
    origin = connect(headers={"Authorization": "ours", "X-Key": "1", "Host": "www.example"})
    lines = [
        (b"authorization", b"theirs"),
        (b"x_key", b"2"),
        (b"x-other", b"3"),
        (b"host", b"evil"),
        (b"content-length", b"9"),
    ]
    await (await origin.forward(asked(b"/key", "GET", *lines))).aclose()
    assert server.requests[0].lines == (
        ("host", "www.example"), ("authorization", "ours"), ("x-key", "1"), ("x-other", "3"),
    )  # fmt: skip


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "PROPFIND", "GET", "OPTIONS"])
@pytest.mark.parametrize("body_bytes", [6, None])
async def test_a_body_is_sent_with_the_framing_it_came_with(server, connect, method, body_bytes):
    await (
        await connect().forward(asked(b"/key", method, body=pieces(b"abc", b"", b"def"), body_bytes=body_bytes))
    ).aclose()
    (arrived,) = server.requests
    assert (arrived.method, arrived.body) == (method, b"abcdef")
    assert arrived.headers.get("content-length") == (None if body_bytes is None else "6")
    assert arrived.headers.get("transfer-encoding") == ("chunked" if body_bytes is None else None)


async def test_an_empty_body_keeps_its_length(server, connect):
    await (await connect().forward(asked(b"/key", "POST", body_bytes=0))).aclose()
    assert server.requests[0].headers["content-length"] == "0"


@pytest.mark.parametrize(
    ("behaviour", "code", "size_bytes", "body", "outcome"),
    [
        (status(404, b"none"), 404, 4, b"none", "missing"),
        (status(403, b"no"), 403, 2, b"no", "refused"),
        (status(500, b"oh"), 500, 2, b"oh", "failed"),
        (status(429, b"", Retry_After="7"), 429, 0, b"", "ok"),
        (status(599, b"x"), 599, 1, b"x", "failed"),
        (redirect("http://169.254.169.254/"), 302, 0, b"", "ok"),
        (redirect("ht!tp:\\\\["), 302, 0, b"", "ok"),
        (raw(b'HTTP/1.1 304 X\r\nETag: "a"\r\n\r\n', keep=True), 304, None, b"", "unchanged"),
        (raw(b"HTTP/1.1 204 X\r\n\r\n", keep=True), 204, None, b"", "ok"),
        (raw(b"HTTP/1.1 103 X\r\nLink: a\r\n\r\nHTTP/1.1 200 X\r\nContent-Length: 2\r\n\r\nok", keep=True), 200, 2, b"ok", "ok"),
        (status(206, b"ab", Content_Range="bytes 0-1/9"), 206, 2, b"ab", "ok"),
        (status(416, b"", Content_Range="bytes */9"), 416, 0, b"", "ok"),
        (status(200, b"\x1f\x8bnot unpacked", Content_Encoding="gzip"), 200, 14, b"\x1f\x8bnot unpacked", "ok"),
        (chunked(b"ab", b"cd"), 200, None, b"abcd", "ok"),
        (raw(b"HTTP/1.0 200 X\r\n\r\nuntil the end"), 200, None, b"until the end", "ok"),
    ],
)  # fmt: skip
async def test_every_answer_is_passed_on(server, connect, meter, behaviour, code, size_bytes, body, outcome):
    server.answer("/p/key", behaviour)
    answer = await connect().forward(asked())
    assert (answer.status, answer.size_bytes) == (code, size_bytes)
    assert await read(answer) == body
    assert server.count() == 1
    assert meter.fetches == [outcome]


INTERIM = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 X\r\nLink: a\r\nSet-Cookie: a=1\r\nX-Hop: 1\r\n"
    b"Connection: x-hop, close\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nKeep-Alive: 5\r\nLink: b\r\n\r\n"
)


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
async def test_interim_answers_reach_who_asked_before_the_answer(server, connect, method):
    arrived = asyncio.Event()
    gates = []

    async def answer(_: Request, writer: asyncio.StreamWriter) -> bool:
        gates.append(asyncio.Event())
        writer.write(INTERIM)
        await gates[-1].wait()
        writer.write(head_of(200, {"Content-Length": 2, "X": "final"}) + (b"" if method == "HEAD" else b"ok"))
        return True

    server.answer("/p/key", answer)
    origin = connect()
    for _ in range(2):
        told = []

        def inform(status, lines, told=told):
            told.append((status, lines))
            arrived.set()

        body = {"body": pieces(b"x"), "body_bytes": 1} if method == "POST" else {}
        asking = asyncio.ensure_future(origin.forward(asked(b"/key", method, inform=inform, **body)))
        while len(told) < 2:
            await arrived.wait()
            arrived.clear()
        assert not asking.done()
        server.soon(gates[-1].set)
        answered = await asking
        assert told == [(102, []), (103, [(b"link", b"a"), (b"set-cookie", b"a=1"), (b"link", b"b")])]
        assert (answered.lines, await read(answered)) == ([(b"x", b"final")], b"" if method == "HEAD" else b"ok")
    assert server.connections == 1, "an interim answer leaves its connection as good as it was"


async def test_an_interim_answer_that_nobody_asked_for_is_dropped(server, connect):
    """Also by what is read for a picture, which has nobody to tell; and none is told to the next one that asks."""
    server.answer("/p/key", raw(INTERIM + head_of(200, {"Content-Length": 2}) + b"ok", keep=True))
    told = []
    origin = connect()
    assert await read(await origin.forward(asked(inform=lambda *each: told.append(each)))) == b"ok"
    assert len(told) == 2
    async with await origin.open("key") as stream:
        assert b"".join([chunk async for chunk in stream]) == b"ok"
    assert await read(await origin.forward(asked())) == b"ok"
    assert len(told) == 2
    assert server.connections == 1


async def test_head_has_the_fields_of_get_and_keeps_its_connection(server, connect):
    server.put("/p/key", b"x" * 1000)
    origin = connect()
    for _ in range(3):
        answer = await origin.forward(asked(b"/key", "HEAD"))
        assert (answer.status, answer.size_bytes, await read(answer)) == (200, 1000, b"")
    assert (server.count(), server.connections) == (3, 1)


async def test_connections_are_shared_with_what_is_read_for_pictures(server, connect):
    server.put("/p/key", b"body")
    origin = connect()
    assert await read(await origin.forward(asked())) == b"body"
    assert await read(await origin.forward(asked(b"/key", "POST", body=pieces(b"x" * 100), body_bytes=100))) == b"body"
    async with await origin.open("key") as stream:
        assert b"".join([chunk async for chunk in stream]) == b"body"
    answer = await origin.forward(asked(b"/key", "GET", (b"if-none-match", b"*")))
    assert (answer.status, await read(answer)) == (304, b"")
    assert await read(await origin.forward(asked())) == b"body"
    assert server.connections == 1


@pytest.mark.parametrize(
    ("behaviour", "error", "outcome"),
    [
        (raw(b""), OriginUnavailable, "failed"),
        (raw(b"\0garbage\r\n\r\n"), OriginUnavailable, "failed"),
        (raw(head_of(101, {"Upgrade": "x", "Connection": "upgrade"})), OriginUnavailable, "failed"),
        (raw(head_of(600, {"Content-Length": 0})), OriginUnavailable, "failed"),
        (raw(head_of(200, {"Transfer-Encoding": "gzip"})), OriginUnavailable, "failed"),
        (raw(b"HTTP/1.1 200 X\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"), OriginUnavailable, "failed"),
        (stall(), OriginTimeout, "timeout"),
        (drip(b"x", pause_s=0.1, head_too=True), OriginTimeout, "timeout"),
        (wrong_length(b"abc", 100), OriginUnavailable, "failed"),
        (chunked(b"abc", finished=False), OriginUnavailable, "failed"),
        (drip(b"x" * 100, pause_s=0.1), OriginTimeout, "timeout"),
    ],
)
async def test_every_fault_is_an_error_of_ours_and_is_met_once(server, connect, meter, behaviour, error, outcome):
    server.answer("/p/key", behaviour)
    with pytest.raises(MogrError) as caught:
        await read(await connect(hasty=error is OriginTimeout).forward(asked(method="PROPFIND")))
    assert type(caught.value) is error
    assert server.count() == 1
    assert meter.fetches == [outcome]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_a_closed_connection_was_asked_is_asked_once_more(server, connect, meter, method):
    server.answer("/p/key", sequence(status(200, b"ok"), raw(b""), status(200, b"again"), raw(b""), raw(b"")))
    origin = connect()
    assert await read(await origin.forward(asked())) == b"ok"
    answer = await origin.forward(asked(method=method))
    assert (answer.status, await read(answer)) == (200, b"again" if method == "GET" else b"")
    assert server.count("/p/key") == 3
    with pytest.raises(OriginUnavailable):
        await origin.forward(asked(method=method))
    assert server.count("/p/key") == 5
    assert meter.fetches == ["ok", "ok", "failed"]


@pytest.mark.parametrize(
    ("method", "body"), [("POST", b"x"), ("GET", b"x"), ("PUT", b""), ("DELETE", None), ("POST", None)]
)
async def test_what_may_have_changed_something_is_not_asked_again(server, connect, method, body):
    server.answer("/p/key", sequence(status(200, b"ok"), raw(b""), status(200, b"again")))
    origin = connect()
    assert await read(await origin.forward(asked())) == b"ok"
    told = {} if body is None else {"body": pieces(body), "body_bytes": len(body)}
    with pytest.raises(OriginUnavailable):
        await origin.forward(asked(b"/key", method, **told))
    assert server.count("/p/key") == 2


async def test_an_answer_that_had_begun_is_not_asked_for_again(server, connect):
    server.answer("/p/key", sequence(raw(b"HTTP/1.1 103 X\r\n\r\n"), status(200, b"again")))
    with pytest.raises(OriginUnavailable):
        await connect().forward(asked())
    assert server.count("/p/key") == 1


async def test_addresses_are_guarded_and_the_unreachable_is_unavailable(server, connect):
    with pytest.raises(OriginForbidden):
        await connect(allow_private=False).forward(asked())
    with pytest.raises(OriginUnavailable):
        await connect(f"http://127.0.0.1:{closed_port()}/").forward(asked())
    assert server.connections == 0


async def test_bytes_beyond_an_answer_are_not_the_next_one(server, connect):
    surplus = head_of(200, {"Content-Length": 4}) + b"mine" + head_of(200, {"Content-Length": 4}) + b"evil"
    server.answer("/p/key", raw(surplus, keep=True))
    server.put("/p/other", b"good")
    origin = connect()
    assert await read(await origin.forward(asked())) == b"mine"
    assert await read(await origin.forward(asked(b"/other"))) == b"good"


async def test_a_head_answer_with_a_body_is_not_the_next_answer(server, connect):
    evil = head_of(200, {"Content-Length": 40}) + head_of(200, {"Content-Length": 4}) + b"evil"
    server.answer("/p/key", raw(evil, keep=True))
    server.put("/p/other", b"good")
    origin = connect()
    await (await origin.forward(asked(b"/key", "HEAD"))).aclose()
    assert await read(await origin.forward(asked(b"/other"))) == b"good"


async def test_an_upload_may_take_longer_than_an_answer_as_long_as_it_goes_on(server, connect):
    async def slow() -> AsyncIterator[bytes]:
        for _ in range(15):
            await asyncio.sleep(0.1)
            yield b"x" * 1000

    server.answer("/p/key", status(200, b"ok"))
    assert await read(await connect().forward(asked(b"/key", "PUT", body=slow()))) == b"ok"
    assert len(server.requests[0].body) == 15_000


@pytest.mark.parametrize(("pause_s", "name"), [(5, "stalls"), (0.2, "drips")])
async def test_a_client_that_sends_too_slowly_loses_its_connection_to_the_origin(server, connect, meter, pause_s, name):
    async def slow() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(pause_s)
            yield b"x"

    with pytest.raises(RequestTooSlow):
        await connect(hasty=True).forward(asked(b"/key", "PUT", body=slow()))
    assert meter.fetches == ["ok"]


async def test_an_origin_that_is_slow_to_answer_an_upload_is_timed_from_its_end(server, connect):
    server.answer("/p/key", stall())
    with pytest.raises(OriginTimeout):
        await connect(hasty=True).forward(asked(b"/key", "PUT", body=pieces(b"x"), body_bytes=1))


async def test_an_error_of_the_client_is_passed_on_and_counted_as_none_of_the_origin(server, connect, meter):
    async def broken() -> AsyncIterator[bytes]:
        yield b"x"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await connect().forward(asked(b"/key", "PUT", body=broken(), body_bytes=9))
    assert meter.fetches == ["ok"]
    assert server.requests == []


@pytest.mark.parametrize("chunks", [(b"abc",), (), (b"abc", b"def", b"g"), (b"abcdefg",)])
async def test_a_body_that_is_not_as_long_as_announced_is_no_request(server, connect, meter, chunks):
    with pytest.raises(UnclearBody):
        await connect().forward(asked(b"/key", "PUT", body=pieces(*chunks), body_bytes=6))
    assert server.count() <= 1  # too long: the announced part may have arrived, and is whole
    assert meter.fetches == ["ok"]


async def test_an_origin_that_refuses_early_is_heard(server, connect):
    """413 before the body was read, and then the connection closes under the upload."""

    async def refuse(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(head_of(413, {"Content-Length": 3, "Connection": "close"}) + b"big")
        await writer.drain()

    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"x" * 65_536

    server.deaf.add("/p/key")
    server.answer("/p/key", refuse)
    try:
        answer = await connect().forward(asked(b"/key", "POST", body=endless()))
    except OriginUnavailable:
        return  # the reset may overtake the answer: TCP discards what was not read
    assert (answer.status, await read(answer)) == (413, b"big")


async def test_a_body_is_sent_no_faster_than_it_is_read(server, connect):
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 65_536
            yield bytes(65_536)

    server.deaf.add("/p/key")
    server.answer("/p/key", stall())
    with pytest.raises(OriginTimeout):
        await connect(hasty=True).forward(asked(b"/key", "POST", body=endless()))
    assert taken < 32 * 1024 * 1024  # what the sockets' buffers hold
