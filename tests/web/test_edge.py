"""The edge as a whole, with fakes behind it: what only goes wrong rarely."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable

import httpx
import pytest
from edges import URL, Worker

from proxy.core.access.rules import Access
from proxy.errors import CodecDeadline, DecoderCrashed, MogrError, OriginUnavailable, Overloaded
from proxy.web import edge


async def test_a_rendition_and_its_hit():
    worker = Worker()
    first, second = await worker.get(URL), await worker.get(URL)
    assert first.content == second.content
    assert first.headers["cache-status"] == "mogr; fwd=miss; stored"
    assert second.headers["cache-status"] == "mogr; hit; detail=memory"
    assert second.headers["age"] == "0"
    worker.clock.advance(100)
    third = await worker.get(URL)
    assert (third.headers["age"], third.headers["cache-control"]) == ("100", "public, max-age=3600")
    assert worker.meter.requests == [("rendition", 200)] * 3


async def test_a_bug_of_ours_says_nothing_of_itself_to_the_client_and_everything_to_the_log():
    worker = Worker()
    worker.codec.error = ZeroDivisionError("secret")  # type: ignore[assignment]
    answer = await worker.get(URL)
    assert answer.status_code == 500
    assert "<Code>InternalError</Code>" in answer.text
    assert "secret" not in answer.text
    errors = [line for line in await worker.logged() if line["event"] == "error"]
    assert "secret" in str(errors)


@pytest.mark.parametrize(
    ("target", "status", "rules"),
    [
        ("/none.jpg?imageMogr2/thumbnail/8x", 404, {}),
        ("/none.jpg", 404, {}),
        ("/t.txt?imageMogr2/thumbnail/8x", 400, {}),
        ("/a.jpg?imageMogr2/thumbnail/-8x", 400, {}),
        (URL, 403, {"access": Access(private=True)}),
    ],
)
async def test_an_error_leaves_nothing_to_the_garbage_collector(target, status, rules, monkeypatch):
    told: list[weakref.ref[MogrError]] = []

    def known_error(error: Exception, know: Callable[[Exception], MogrError] = edge.known_error) -> MogrError:
        known = know(error)
        told.append(weakref.ref(known))
        return known

    monkeypatch.setattr(edge, "known_error", known_error)
    worker = Worker(**rules)
    gc.disable()
    try:
        assert (await worker.get(target)).status_code == status
        await asyncio.sleep(0)
        assert [each() for each in told] == [None]
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("error", "status", "lifetime"),
    [
        (CodecDeadline(), 504, "public, max-age=0"),
        (DecoderCrashed(), 400, "public, max-age=10"),
        (Overloaded(retry_after_s=3), 503, "no-store"),
    ],
)
async def test_failures_of_the_codec_have_statuses_lifetimes_and_vary(error, status: int, lifetime: str):
    worker = Worker()
    worker.codec.error = error
    answer = await worker.get(URL)
    assert (answer.status_code, answer.headers["cache-control"]) == (status, lifetime)
    assert answer.headers["vary"] == "Accept"
    assert answer.headers.get("retry-after") == ("3" if status == 503 else None)


@pytest.mark.parametrize("condemns", [True, False])
async def test_an_original_in_place_of_a_slow_rendition_lives_only_as_long_as_the_verdict(condemns: bool):
    worker = Worker()
    worker.codec.error = CodecDeadline()
    worker.codec.error.condemns = condemns
    answer = await worker.get(URL + "/ignore-error/1")
    assert (answer.status_code, answer.content) == (200, b"PIC one")
    assert answer.headers["cache-control"] == "public, max-age=10"
    assert answer.headers["vary"] == "Accept"


async def test_overload_is_not_ignored_by_ignore_error():
    worker = Worker()
    worker.codec.error = Overloaded()
    assert (await worker.get(URL + "/ignore-error/1")).status_code == 503


async def test_a_client_that_leaves_cancels_what_only_it_wanted():
    worker = Worker()
    worker.codec.gate = asyncio.Event()
    events: asyncio.Queue[dict[str, object]] = asyncio.Queue()
    events.put_nowait({"type": "http.request", "body": b"", "more_body": False})
    sent: list[dict[str, object]] = []

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/a.jpg", "raw_path": b"/a.jpg", "headers": [(b"host", b"h")],
        "query_string": b"imageMogr2/thumbnail/100x", "client": None,
    }  # fmt: skip
    serving = asyncio.create_task(worker.edge(scope, events.get, send))
    for _ in range(10):
        await asyncio.sleep(0)
    assert not serving.done()
    events.put_nowait({"type": "http.disconnect"})
    await serving
    assert sent == []
    assert worker.codec.jobs == []
    assert worker.meter.requests == [("other", 499)]


async def test_a_request_cut_off_by_the_end_of_a_shutdown_is_told_so():
    """The server cancels what is left when its grace is over; other errors would call it a bug of ours."""
    worker = Worker()
    worker.codec.gate = asyncio.Event()
    asking = asyncio.create_task(worker.get(URL))
    for _ in range(10):
        await asyncio.sleep(0)
    asking.cancel()
    answer = await asking
    assert answer.status_code == 503
    assert b"<Code>ServiceUnavailable</Code>" in answer.content
    assert (answer.headers["connection"], answer.headers["retry-after"]) == ("close", "1")
    assert (answer.headers["vary"], answer.headers["cache-control"]) == ("Accept", "no-store")
    assert worker.meter.requests == [("other", 503)]


@pytest.mark.parametrize("target", ["/t.txt", URL])
@pytest.mark.parametrize(
    ("authorization", "length"), [("q-sign-algorithm=sha1&q-ak=id", "0"), ("AWS4-HMAC-SHA256 x", None), ("", None)]
)
async def test_not_modified_has_a_length_for_cos_sdks_which_fail_without_one(target: str, authorization: str, length):
    """COS sends one; everybody else is told nothing, because 0 is not the length that RFC 9110 section 8.6 means."""
    answer = await Worker().get(target, If_None_Match="*", Authorization=authorization)
    assert (answer.status_code, answer.headers.get("content-length")) == (304, length)


async def test_an_origin_that_fails_midway_breaks_the_connection_instead_of_lying():
    worker = Worker()

    class Breaking:
        info = worker.origin.info("a.jpg")
        size_bytes, range, closed = 7, None, False

        async def __aiter__(self):
            yield b"PIC"
            raise OriginUnavailable("reset")

        async def aclose(self) -> None:
            self.closed = True

    stream = Breaking()

    async def open_(*_: object, **__: object) -> Breaking:
        return stream

    worker.origin.open = open_  # type: ignore[method-assign]
    with pytest.raises(OriginUnavailable):
        async with httpx.AsyncClient(transport=httpx.ASGITransport(worker.edge), base_url="http://h") as client:
            await client.get("/a.jpg")
    assert stream.closed
    assert [line["error"] for line in await worker.logged() if line["event"] == "error"] == ["OriginUnavailable"]


async def test_an_origin_that_ignores_ranges_is_sliced():
    worker = Worker()
    worker.origin.objects["a.jpg"] = bytes(range(100))
    answer = await worker.get("/a.jpg", Range="bytes=37-41")
    assert (answer.status_code, answer.content) == (206, bytes(range(37, 42)))
    assert answer.headers["content-range"] == "bytes 37-41/100"
    assert (await worker.get("/a.jpg", Range="bytes=-0")).status_code == 416


async def test_the_origin_s_own_lifetime_is_passed_on_for_objects_and_derived_for_renditions():
    worker = Worker()
    worker.origin.headers = {"cache-control": "max-age=5, s-maxage=50, stale-while-revalidate=9", "x-cos-meta-a": "b"}
    plain, made = await worker.get("/a.jpg"), await worker.get(URL)
    assert plain.headers["cache-control"] == worker.origin.headers["cache-control"]
    assert made.headers["cache-control"] == "public, max-age=5, s-maxage=50, stale-while-revalidate=9"
    assert made.headers["x-cos-meta-a"] == plain.headers["x-cos-meta-a"] == "b"


async def test_what_an_object_says_of_itself_cannot_split_the_answer():
    worker = Worker()
    worker.origin.headers = {"content-disposition": "attachment\r\nSet-Cookie: a=b"}
    answer = await worker.get("/a.jpg")
    assert "set-cookie" not in answer.headers
    assert answer.headers["content-disposition"] == "attachmentSet-Cookie: a=b"


async def test_unkeyed_fields_change_nothing():
    """security-tests T10: whatever else a client sends, one URL is one answer."""
    worker = Worker()
    plain = await worker.get("/a.jpg?imageMogr2/thumbnail/100x")
    odd = await worker.get(
        "/a.jpg?imageMogr2/thumbnail/100x", Cookie="a=b", Origin="http://evil", X_Forwarded_Host="evil", DPR="3",
        Accept="image/avif", Accept_Encoding="br", Authorization="x",
    )  # fmt: skip
    assert plain.content == odd.content
    assert odd.headers["cache-status"] == "mogr; hit; detail=memory"
