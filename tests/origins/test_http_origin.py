"""An HTTP origin read over real sockets, with every fault it can have (security tests T4, T6, T16, T26)."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import Sequence

import httpcore
import httpx
import pytest
from fakes import ManualClock, TallyMeter
from servers.origin import (
    FaultyOrigin,
    big_header,
    chunked,
    closed_port,
    drip,
    endless,
    gzip_bomb,
    head_of,
    informational_flood,
    raw,
    redirect,
    sequence,
    stall,
    status,
    unaccepting_port,
    wrong_length,
)

from proxy.errors import (
    InternalError,
    InvalidRange,
    MogrError,
    NoSuchKey,
    OriginForbidden,
    OriginRefused,
    OriginTimeout,
    OriginUnavailable,
)
from proxy.origins.http import HttpOrigin
from proxy.origins.stream import counterpart
from proxy.ports import Unchanged
from proxy.settings import Origins


async def read(origin: HttpOrigin, key: str, **asked) -> bytes:
    stream = await origin.open(key, **asked)
    assert not isinstance(stream, Unchanged)
    async with stream:
        return b"".join([chunk async for chunk in stream])


FAULTS = {
    "404": (status(404), NoSuchKey, "missing"),
    "410": (status(410, b"gone"), NoSuchKey, "missing"),
    "401": (status(401), OriginRefused, "refused"),
    "403": (status(403, b"x" * 100_000), OriginRefused, "refused"),
    "429": (status(429), OriginUnavailable, "failed"),
    "500": (status(500), OriginUnavailable, "failed"),
    "503": (status(503), OriginUnavailable, "failed"),
    "204": (raw(b"HTTP/1.1 204 X\r\n\r\n"), OriginUnavailable, "failed"),
    "206 unasked": (status(206, b"ab", Content_Range="bytes 0-1/9"), OriginUnavailable, "failed"),
    "304 unasked": (raw(b"HTTP/1.1 304 X\r\n\r\n"), OriginUnavailable, "failed"),
    "416 unasked": (status(416), OriginUnavailable, "failed"),
    "300": (status(300), OriginUnavailable, "failed"),
    "redirect to nowhere": (status(302), OriginUnavailable, "failed"),
    "endless 404": (endless(status_code=404), NoSuchKey, "missing"),
    "404 cut off": (raw(head_of(404, {"Content-Length": 50}) + b"x"), NoSuchKey, "missing"),
    "closes at once": (raw(b""), OriginUnavailable, "failed"),
    "garbage": (raw(b"\0\1\2garbage\r\n\r\n"), OriginUnavailable, "failed"),
    "half a header": (raw(b"HTTP/1.1 200 OK\r\nContent-"), OriginUnavailable, "failed"),
    "a header of 1 MB": (big_header(), OriginUnavailable, "failed"),
    "two lengths": (
        raw(b"HTTP/1.1 200 X\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
        OriginUnavailable,
        "failed",
    ),
    "short body": (wrong_length(b"abc", 100), OriginUnavailable, "failed"),
    "empty short body": (wrong_length(b"", 100), OriginUnavailable, "failed"),
    "chunks cut off": (chunked(b"abc", finished=False), OriginUnavailable, "failed"),
    "bad chunk": (raw(head_of(200, {"Transfer-Encoding": "chunked"}) + b"zz\r\n"), OriginUnavailable, "failed"),
    "never answers": (stall(), OriginTimeout, "timeout"),
    "drips its body": (drip(b"x" * 100, pause_s=0.1), OriginTimeout, "timeout"),
    "drips its header": (drip(b"x", pause_s=0.1, head_too=True), OriginTimeout, "timeout"),
    "100 for ever": (informational_flood(), OriginUnavailable, "failed"),
    "redirects to a file": (redirect("file:///etc/passwd"), OriginForbidden, "refused"),
    "redirects to metadata": (redirect("http://169.254.169.254/latest/"), OriginForbidden, "refused"),
    "redirects to nothing": (redirect("http://0.0.0.0/"), OriginForbidden, "refused"),
    "redirects with a password": (redirect("http://u:p@127.0.0.1/"), OriginForbidden, "refused"),
    "redirects with a backslash": (redirect("\\\\127.0.0.1\\x"), OriginForbidden, "refused"),
    "redirects to an unknown host": (redirect("http://nowhere.invalid/"), OriginForbidden, "refused"),
    "redirects to itself": (redirect("/p/key"), OriginForbidden, "refused"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_every_fault_is_an_error_of_ours(server, connect, meter, fault):
    behaviour, error, outcome = FAULTS[fault]
    server.answer("/p/key", behaviour)
    with pytest.raises(MogrError) as caught:
        await read(connect(hasty=error is OriginTimeout), "key")
    assert type(caught.value) is error
    assert meter.fetches == [outcome]


async def test_what_may_not_be_called_is_one_sentence_without_detail(server, connect):
    told = set()
    for fault, (behaviour, error, _) in FAULTS.items():
        if error is OriginForbidden:
            server.answer("/p/key", behaviour)
            with pytest.raises(OriginForbidden) as caught:
                await read(connect(), "key")
            told.add((caught.value.status, caught.value.code, caught.value.public, fault and None))
    with pytest.raises(OriginForbidden) as caught:
        await read(connect(allow_private=False), "key")
    told.add((caught.value.status, caught.value.code, caught.value.public, None))
    assert len(told) == 1


async def test_an_origin_that_is_down_is_unavailable(connect, meter):
    with pytest.raises(OriginUnavailable):
        await connect(f"http://127.0.0.1:{closed_port()}/").open("key")
    assert meter.fetches == ["failed"]


async def test_an_origin_whose_name_is_unknown_is_unavailable(connect):
    with pytest.raises(OriginUnavailable):
        await connect("http://nowhere.invalid/").open("key")


async def test_an_origin_that_does_not_accept_is_too_slow(connect):
    with unaccepting_port() as port, pytest.raises(OriginTimeout):
        await connect(f"http://127.0.0.1:{port}/", hasty=True).open("key")


async def test_an_origin_that_is_no_https_server_is_unavailable(connect):
    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as plain:
        with pytest.raises(OriginUnavailable):
            await connect(f"https://127.0.0.1:{plain.sockets[0].getsockname()[1]}/").open("key")


@pytest.fixture
async def secure(require_server, tmp_path):
    """An HTTPS server called localhost: its port, and a context that trusts it."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [require_server("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head_of(200, {"Content-Length": 6}) + b"secret")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as running:
        yield running.sockets[0].getsockname()[1], ssl.create_default_context(cafile=str(certificate))


async def test_certificates_are_checked_against_the_name_though_a_number_is_dialled(connect, secure, monkeypatch):
    port, trusting = secure
    with pytest.raises(OriginUnavailable):
        await connect(f"https://localhost:{port}/").open("key")
    monkeypatch.setattr("proxy.origins.transport.tls_context", lambda: trusting)
    assert await read(connect(f"https://localhost:{port}/"), "key") == b"secret"
    with pytest.raises(OriginUnavailable):
        await connect(f"https://127.0.0.1:{port}/").open("key")


async def test_a_slow_body_may_take_as_long_as_it_needs(server, connect):
    """More than ``total_timeout_s`` passes, most of it spent by us; the rest is fast enough."""
    server.put("/p/key", bytes(3_000_000))
    stream = await connect(settings=Origins(read_timeout_s=0.5, total_timeout_s=0.2)).open("key")
    received_bytes = 0
    async with stream:
        async for chunk in stream:
            received_bytes += len(chunk)
            if received_bytes < 300_000:
                await asyncio.sleep(0.1)
    assert received_bytes == 3_000_000


async def test_an_endless_body_is_passed_on_until_the_reader_stops(server, connect, meter):
    server.answer("/p/key", endless())
    stream = await connect().open("key")
    assert stream.size_bytes is None
    received_bytes = 0
    async for chunk in stream:
        received_bytes += len(chunk)
        if received_bytes > 1_000_000:
            break
    await stream.aclose()
    assert meter.fetches == ["ok"]


async def test_what_is_packed_is_passed_on_packed(server, connect):
    server.answer("/p/key", gzip_bomb(16 * 1024 * 1024))
    stream = await connect().open("key")
    async with stream:
        body = b"".join([chunk async for chunk in stream])
    assert body[:2] == b"\x1f\x8b"
    assert len(body) < 100_000
    assert stream.info.headers["content-encoding"] == "gzip"
    assert server.requests[0].headers["accept-encoding"] == "identity"


async def test_chunked_bodies_have_no_length_and_keep_the_connection(server, connect):
    server.answer("/p/key", chunked(b"abc", b"def"))
    origin = connect()
    stream = await origin.open("key")
    assert stream.size_bytes is None
    await stream.aclose()
    for _ in range(3):
        assert await read(origin, "key") == b"abcdef"
    assert server.connections == 2  # the one that was given up, and one


EVIL = head_of(200, {"Content-Length": 4, "Content-Type": "text/html"}) + b"evil"


@pytest.mark.parametrize(
    "behaviour",
    [
        wrong_length(b"expected" + EVIL, 8, keep=True),
        wrong_length(b"expected" + b"surplus", 8, keep=True),
        wrong_length(b"expected" + b"HTTP/1.1 200 OK\r\nX-A: ", 8, keep=True),
        raw(head_of(200, {"Transfer-Encoding": "chunked"}) + b"8\r\nexpected\r\n0\r\n\r\n" + EVIL, keep=True),
        raw(
            head_of(200, {"Transfer-Encoding": "chunked"}) + b"8\r\nexpected\r\n0\r\n\r\n" + EVIL + b"\r\n\r\n",
            keep=True,
        ),
        raw(head_of(200, {"Transfer-Encoding": "chunked"}) + b"8\r\nexpected\r\n0\r\n\r\nX-A: ", keep=True),
    ],
)
async def test_bytes_beyond_an_answer_are_not_taken_for_the_next_one(server, connect, behaviour):
    server.answer("/p/key", behaviour)
    server.put("/p/other", b"other body")
    origin = connect()
    assert await read(origin, "key") == b"expected"
    for _ in range(2):
        stream = await origin.open("other")
        assert stream.info.media_type == "image/jpeg"
        assert b"".join([chunk async for chunk in stream]) == b"other body"


async def test_bytes_beyond_an_answer_without_a_body_are_not_either(server, connect):
    server.answer("/p/key", raw(head_of(304, {}) + EVIL, keep=True))
    server.answer("/p/head", raw(head_of(200, {"Content-Length": 5}) + EVIL, keep=True))
    server.put("/p/other", b"other body")
    origin = connect()
    info, _ = await origin.head("other")
    assert isinstance(await origin.open("key", since=info.validators), Unchanged)
    assert await read(origin, "other") == b"other body"
    assert (await origin.head("head"))[1] == 5
    assert await read(origin, "other") == b"other body"


async def test_connections_are_kept_whatever_was_answered(server, connect):
    server.put("/p/key", b"body")
    server.answer("/p/moved", redirect("key"))
    origin = connect()
    info, _ = await origin.head("key")
    await read(origin, "key")
    await read(origin, "moved")
    await read(origin, "key", byte_range=(0, 1))
    await origin.open("key", since=info.validators)
    with pytest.raises(NoSuchKey):
        await origin.open("missing")
    assert server.connections == 1


async def test_a_connection_that_was_closed_meanwhile_is_made_again(server, connect):
    server.answer("/p/key", sequence(raw(b""), status(200, b"body")))
    assert await read(connect(), "key") == b"body"
    assert server.count("/p/key") == 2


@pytest.mark.parametrize("fault", ["closes at once", "half a header", "garbage", "never answers", "500", "short body"])
async def test_a_request_is_repeated_once_at_most_and_only_if_nothing_was_answered(server, connect, fault):
    server.answer("/p/key", FAULTS[fault][0])
    with pytest.raises(MogrError):
        await read(connect(hasty=FAULTS[fault][1] is OriginTimeout), "key")
    assert server.count("/p/key") == (2 if fault == "closes at once" else 1)


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_redirects_are_followed(server, connect, code):
    server.put("/elsewhere/b", b"body")
    server.answer("/p/a", redirect("/elsewhere/b", code))
    assert await read(connect(), "a") == b"body"


async def test_redirects_are_followed_so_far_and_no_further(server, connect):
    server.put("/p/0", b"body")
    for number in range(1, 5):
        server.answer(f"/p/{number}", redirect(f"{number - 1}"))
    origin = connect()
    assert await read(origin, "3") == b"body"
    with pytest.raises(OriginForbidden):
        await origin.open("4")
    with pytest.raises(OriginForbidden):
        await connect(settings=Origins(max_redirects=0)).open("1")


async def test_a_refresh_field_is_no_redirect(server, connect):
    server.answer("/p/a", status(200, b"body", Refresh="0; url=http://169.254.169.254/"))
    assert await read(connect(), "a") == b"body"


async def test_origin_headers_stay_with_their_origin(server, connect):
    with FaultyOrigin() as other:
        other.put("/b", b"body")
        server.put("/p/c", b"home")
        server.answer("/p/away", redirect(other.url("/b")))
        server.answer("/p/home", redirect(server.url("/p/c")))
        origin = connect(headers={"X-Secret": "s", "Authorization": "Bearer t"})
        assert await read(origin, "away") == b"body"
        assert await read(origin, "home") == b"home"
        assert all(request.headers["x-secret"] == "s" for request in server.requests)
        assert {"x-secret", "authorization"}.isdisjoint(other.requests[0].headers)


@pytest.mark.parametrize("headers", [{"a b": "x"}, {"": "x"}, {"a": "x\r\ny: z"}, {"a": ""}, {"é": "x"}, {"a": "中"}])
def test_origin_headers_that_are_none_are_refused(headers):
    with pytest.raises(ValueError, match="origin_headers"):
        HttpOrigin(
            "http://a/",
            settings=Origins(),
            headers=headers,
            allow_private=True,
            meter=TallyMeter(),
            clock=ManualClock(),
        )


@pytest.mark.parametrize("url", ["ftp://a/", "http://u:p@a/", "http://a\\b/", "a"])
def test_base_urls_that_are_not_plain_are_refused(url):
    with pytest.raises(OriginForbidden):
        HttpOrigin(url, settings=Origins(), headers={}, allow_private=True, meter=TallyMeter(), clock=ManualClock())


@pytest.mark.parametrize(
    "key",
    ["..", ".", "../secret", "a/../../secret", "a/./b", "a/..", "..\\secret", "a\\..\\b", "a\0b", "a\nb", "", "\ud800"],
)
async def test_keys_that_could_leave_the_prefix_do_not_exist(server, connect, key):
    with pytest.raises(NoSuchKey):
        await connect().open(key)
    assert server.requests == []


@pytest.mark.parametrize(
    ("key", "target"),
    [
        ("a/b.jpg", "/p/a/b.jpg"),
        ("/a", "/p//a"),
        ("a//b/", "/p/a//b/"),
        ("%2e%2e/secret", "/p/%252e%252e/secret"),
        ("a?b=c#d", "/p/a%3Fb%3Dc%23d"),
        ("http://evil/x", "/p/http%3A//evil/x"),
        ("@evil", "/p/%40evil"),
        ("..;/x", "/p/..%3B/x"),
        ("é 中", "/p/%C3%A9%20%E4%B8%AD"),
        ("a\\b", "/p/a%5Cb"),
    ],
)
async def test_keys_are_sent_escaped_below_the_prefix(server, connect, key, target):
    server.put(target, b"body")
    assert await read(connect(), key) == b"body"
    assert [request.target for request in server.requests] == [target]


async def test_only_fields_meant_for_the_end_are_kept(server, connect):
    fields = {
        "Cache-Control": "max-age=60", "Expires": "soon", "Age": "5", "Vary": "Accept", "Content-Language": "de",
        "Content-Disposition": "inline", "X-Cos-Meta-Author": "m\xe9", "Set-Cookie": "a=b", "X-Powered-By": "x",
        "Date": "Tue, 14 Nov 2023 22:13:21 GMT", "Strict-Transport-Security": "x", "Keep-Alive": "timeout=5",
    }  # fmt: skip
    server.put("/p/a", b"body", headers=fields)
    stream = await connect().open("a")
    await stream.aclose()
    kept = {name for name in fields if name.startswith(("Ca", "E", "A", "V", "Co", "X-Cos", "D"))}
    assert dict(stream.info.headers) == {
        **{name.lower(): fields[name] for name in kept},
        "cache-control": "max-age=60, private",  # what comes with a cookie was made for one client (T11)
        "etag": stream.info.validators.etag,
        "last-modified": "Tue, 14 Nov 2023 22:13:20 GMT",
    }
    assert stream.info.metadata == {"author": "m\xe9"}
    assert stream.info.validators.last_modified_s == 1_700_000_000


async def test_an_answer_without_a_date_is_given_ours(server, connect):
    server.answer("/p/a", status(200))
    info, _ = await connect().head("a")
    assert info.headers["date"] == "Fri, 15 Jan 2027 08:00:00 GMT"


@pytest.mark.parametrize("etag", ["bare", '"unfinished', '"a" "b"', 'w/"x"', '"a", "b"', '"' + "x" * 2000 + '"'])
async def test_an_entity_tag_that_is_none_is_no_validator(server, connect, etag):
    server.put("/p/a", b"body", etag=etag)
    info, _ = await connect().head("a")
    assert info.validators.etag is None
    assert info.validators.identity == "t1700000000-4"


async def test_an_origin_that_knows_no_head_is_asked_by_get(server, connect):
    server.answer("/p/a", sequence(status(405), status(200, b"body")))
    _, size_bytes = await connect().head("a")
    assert size_bytes == 4
    assert [request.method for request in server.requests] == ["HEAD", "GET"]


async def test_an_origin_that_ignores_ranges_sends_everything(server, connect):
    server.answer("/p/a", status(200, b"everything"))
    stream = await connect().open("a", byte_range=(2, 3))
    async with stream:
        assert stream.range is None
        assert b"".join([chunk async for chunk in stream]) == b"everything"


@pytest.mark.parametrize(
    ("asked", "behaviour"),
    [
        ((2, 3), status(206, b"ab", Content_Range="bytes 0-1/10")),
        ((2, 3), status(206, b"ab", Content_Range="bytes 2-4/10")),
        ((2, 3), status(206, b"abc", Content_Range="bytes 2-3/10")),
        ((2, 3), status(206, b"a", Content_Range="bytes 2-3/10")),
        ((2, 3), status(206, b"ab")),
        ((2, 3), status(206, b"ab", Content_Range="bytes 3-2/10")),
        ((2, 3), status(206, b"ab", Content_Range="bytes 2-3/3")),
        ((2, 3), status(206, b"ab", Content_Type="multipart/byteranges; boundary=x")),
        ((2, 3), chunked(b"a", code=206, Content_Range="bytes 2-3/10")),
        ((2, 3), chunked(b"abcd", code=206, Content_Range="bytes 2-3/10")),
        ((-2, None), status(206, b"ab", Content_Range="bytes 2-3/10")),
        ((-2, None), status(206, b"ab", Content_Range="bytes 8-9/*")),
    ],
)
async def test_a_part_that_is_not_the_one_asked_for_is_no_answer(server, connect, asked, behaviour):
    server.answer("/p/a", behaviour)
    with pytest.raises(OriginUnavailable):
        await read(connect(), "a", byte_range=asked)


async def test_an_unsatisfied_range_may_come_without_the_length(server, connect):
    server.answer("/p/a", status(416))
    with pytest.raises(InvalidRange) as caught:
        await connect().open("a", byte_range=(9, 10))
    assert caught.value.size_bytes == 0


async def test_cookies_and_the_environment_play_no_part(server, connect, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port()}")
    server.put("/p/a", b"body", headers={"Set-Cookie": "session=1; Path=/"})
    origin = connect()
    for _ in range(2):
        assert await read(origin, "a") == b"body"
    assert all("cookie" not in request.headers for request in server.requests)


async def test_a_name_that_moves_to_a_private_address_is_not_followed_there(server, connect):
    answers = [["8.8.8.8"], ["127.0.0.1"]]

    async def resolve(host: str, port: int) -> Sequence[str]:
        return answers.pop()

    with pytest.raises(OriginForbidden):
        await connect("http://rebinding.example/", allow_private=False, resolve=resolve).open("a")
    assert server.requests == []


def _exceptions(module) -> list[type[Exception]]:
    found = {value for value in vars(module).values() if isinstance(value, type) and issubclass(value, Exception)}
    return sorted(found, key=lambda kind: kind.__name__)


@pytest.mark.parametrize(
    "kind", _exceptions(httpx) + _exceptions(httpcore), ids=lambda kind: f"{kind.__module__}.{kind.__name__}"
)
def test_every_exception_of_the_client_library_has_a_counterpart(kind):
    ours = counterpart(kind)
    assert ours is not None
    assert issubclass(ours, MogrError)
    mistakes = (httpx.StreamError, httpx.CookieConflict)
    assert (ours is InternalError) == issubclass(kind, mistakes)
    if "Timeout" in kind.__name__:
        assert ours is OriginTimeout


@pytest.mark.parametrize(
    ("kind", "ours"),
    [(TimeoutError, OriginTimeout), (ConnectionResetError, OriginUnavailable), (ssl.SSLError, OriginUnavailable)],
)
def test_errors_of_the_system_have_one_too(kind, ours):
    assert counterpart(kind) is ours


@pytest.mark.parametrize("kind", [KeyError, asyncio.CancelledError, OriginUnavailable])
def test_other_errors_are_left_alone(kind):
    assert counterpart(kind) is None
