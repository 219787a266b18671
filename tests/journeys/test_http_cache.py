"""The shared HTTP cache of a bucket with ``pass_through``, as clients and an origin see it: real servers, real sockets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from pictures import jpeg
from servers.mogr import Mogr
from servers.origin import FaultyOrigin, Request, chunked, head_of, raw, sequence, status, wrong_length

FRESH = {"Cache_Control": "max-age=600"}


@pytest.fixture(scope="module")
def origin() -> Iterator[FaultyOrigin]:
    with FaultyOrigin() as running:
        yield running


def settings(origin: FaultyOrigin) -> dict[str, object]:
    bucket = {"store": origin.url("/p/"), "allow_private": True, "pass_through": True}
    return {
        "cache": {"max_answer_bytes": 300_000},
        "buckets": {
            "test-1250000000": bucket,
            "other-1250000000": {**bucket, "hosts": ["other.example"]},
            "unsure-1250000000": {**bucket, "hosts": ["unsure.example"], "ttl_s": 0},
        },
    }


@pytest.fixture(scope="module")
def mogr(origin: FaultyOrigin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    with Mogr(tmp_path_factory.mktemp("cached"), settings(origin)) as server:
        yield server


def how(answer: httpx.Response) -> str:
    return answer.headers["cache-status"].removeprefix("mogr; ")


def test_an_answer_is_fetched_once_and_says_so(mogr: Mogr, origin: FaultyOrigin) -> None:
    origin.answer("/p/page", status(200, b"<p>hi", Content_Type="text/html", Set_Cookie="a=1", ETag='"e"', **FRESH))
    first, second = mogr.get("/page"), mogr.get("/page", Cookie="who=me")
    assert (first.text, how(first), "age" in first.headers) == ("<p>hi", "fwd=uri-miss; stored", False)
    assert (second.text, second.headers["content-type"], second.headers["set-cookie"]) == ("<p>hi", "text/html", "a=1")
    assert how(second).startswith("hit; ttl=")
    assert second.headers["age"].isdigit()
    assert second.headers["date"]
    assert origin.count("/p/page") == 1
    part = mogr.get("/page", Range="bytes=1-2")
    assert (part.status_code, part.text, part.headers["content-range"]) == (206, "p>", "bytes 1-2/5")
    assert mogr.get("/page", Range="bytes=9-").status_code == 416
    unchanged = mogr.get("/page", If_None_Match='"e"')
    assert (unchanged.status_code, unchanged.content, unchanged.headers["etag"]) == (304, b"", '"e"')
    head = mogr.get("/page", "HEAD")
    assert (head.headers["content-length"], head.content) == ("5", b"")
    assert origin.count("/p/page") == 1


def test_a_bucket_a_host_and_a_query_have_answers_of_their_own(mogr: Mogr, origin: FaultyOrigin) -> None:
    async def echo(request: Request, writer: object) -> bool:
        body = request.headers["x-forwarded-host"].encode()
        writer.write(head_of(200, {"Content-Length": len(body), "Cache-Control": "max-age=600"}) + body)  # type: ignore[attr-defined]
        return True

    origin.answer("/p/own", echo)
    origin.answer("/p/own?q", echo)
    for host in ("good.example", "evil.example", "good.example", "other.example"):
        assert mogr.get("/own", Host=host).text == host
    assert origin.count("/p/own") == 3
    assert how(mogr.get("/own?q", Host="good.example")) == "fwd=uri-miss; stored"


@pytest.mark.parametrize("name", ["X-Original-URL", "X_Rewrite_URL", "X-HTTP-Method-Override"])
def test_fields_that_name_another_resource_poison_nothing(mogr: Mogr, origin: FaultyOrigin, name: str) -> None:
    origin.answer(f"/p/steered-{name}", status(200, b"x", **FRESH))
    with httpx.Client(trust_env=False) as client:
        answer = client.get(f"{mogr.url}/steered-{name}", headers={name: "/admin"})
    assert how(answer) == "fwd=bypass"
    assert how(mogr.get(f"/steered-{name}")) == "fwd=uri-miss; stored"


def test_answers_survive_a_restart(origin: FaultyOrigin, tmp_path: Path) -> None:
    origin.answer("/p/kept", status(200, b"kept", X_Own="1", **FRESH))
    server = Mogr(tmp_path, settings(origin))
    with server:
        before = origin.count("/p/kept")
        assert server.get("/kept").text == "kept"
        server.wait_for_disk(2)  # a body and the page that names it
    with server:
        answer = server.get("/kept")
        assert (answer.text, answer.headers["x-own"], how(answer).partition("; detail=")[2]) == ("kept", "1", "disk")
        assert how(server.get("/kept")).endswith("detail=memory")
    assert origin.count("/p/kept") == before + 1


def test_two_web_workers_share_the_disk(origin: FaultyOrigin, tmp_path: Path) -> None:
    origin.answer("/p/shared", status(200, b"x", **FRESH))
    with Mogr(tmp_path, {**settings(origin), "server": {"workers": 2}}) as server:
        server.get("/shared")
        server.wait_for_disk(2)  # a body and the page that names it
        assert {how(server.get("/shared")).split(";")[0] for _ in range(20)} == {"hit"}


def test_a_crowd_on_a_cold_url_costs_one_request(mogr: Mogr, origin: FaultyOrigin) -> None:
    arrived, gate = threading.Event(), threading.Event()

    async def slow(_: Request, writer: object) -> bool:
        arrived.set()
        await asyncio.to_thread(gate.wait, 20)
        writer.write(head_of(200, {"Content-Length": 3, "Cache-Control": "max-age=600"}) + b"one")  # type: ignore[attr-defined]
        return True

    origin.answer("/p/crowd", slow)
    with ThreadPoolExecutor(24) as pool:
        waiting = [pool.submit(mogr.get, "/crowd") for _ in range(24)]
        assert arrived.wait(30)
        gate.set()
        answers = [each.result() for each in waiting]
    assert {answer.text for answer in answers} == {"one"}
    assert origin.count("/p/crowd") == 1


@pytest.mark.parametrize(
    ("name", "behaviour"),
    [
        ("cut", wrong_length(b"abc", 10)),
        ("unfinished", chunked(b"abc", finished=False, Cache_Control="max-age=600")),
        ("both", raw(head_of(200, {"Content-Length": 3, "Transfer-Encoding": "chunked", "Cache-Control": "max-age=600"}) + b"3\r\nabc\r\n0\r\n\r\n")),
        ("two-lengths", raw(b"HTTP/1.1 200 X\r\nContent-Length: 3\r\nContent-Length: 4\r\nCache-Control: max-age=600\r\n\r\nabcd")),
        ("header", status(200, b"x", X="y" * 40_000, **FRESH)),
        ("closed", raw(b"HTTP/1.1 200 X\r\nLast-Modified: Thu, 01 Jan 2015 00:00:00 GMT\r\n\r\nabc")),
        ("long", status(200, b"x" * 300_001, **FRESH)),
        ("long-chunked", chunked(b"x" * 150_000, b"x" * 150_001, Cache_Control="max-age=600")),
        ("coded", raw(b"HTTP/1.1 200 X\r\nTransfer-Encoding: gzip\r\nCache-Control: max-age=600\r\n\r\nabc")),
    ],
)  # fmt: skip
def test_what_is_broken_or_too_much_is_never_kept(
    mogr: Mogr, origin: FaultyOrigin, name: str, behaviour: object
) -> None:
    origin.answer(f"/p/{name}", behaviour)  # type: ignore[arg-type]
    for _ in range(2):
        try:
            answer = mogr.get(f"/{name}")
        except httpx.RemoteProtocolError:
            continue
        assert "hit" not in how(answer) if "cache-status" in answer.headers else answer.status_code == 502
        if name.startswith("long"):
            assert len(answer.content) >= 300_000
    assert origin.count(f"/p/{name}") == 2


def test_an_unregistered_transfer_coding_says_nothing(mogr: Mogr, origin: FaultyOrigin) -> None:
    origin.answer(
        "/p/identity", raw(b"HTTP/1.1 200 X\r\nTransfer-Encoding: identity\r\nCache-Control: max-age=600\r\n\r\nabc")
    )
    first, second = mogr.get("/identity"), mogr.get("/identity")
    assert (first.text, second.text, how(second).split(";")[0]) == ("abc", "abc", "hit")


def test_an_unsafe_request_reaches_memory_and_disk(mogr: Mogr, origin: FaultyOrigin) -> None:
    origin.answer("/p/changing", sequence(status(200, b"old", **FRESH), status(204), status(200, b"new", **FRESH)))
    assert mogr.get("/changing").text == "old"
    assert mogr.get("/changing").text == "old"
    assert how(mogr.get("/changing", "PATCH")) == "fwd=method"
    assert [mogr.get("/changing").text for _ in range(2)] == ["new", "new"]


def two_workers(origin: FaultyOrigin, directory: Path, *, disk: bool) -> Mogr:
    told = {**settings(origin), "server": {"workers": 2}}
    return Mogr(directory, told if disk else {**told, "cache": {"disk": None}})


def by_each(server: Mogr, target: str, method: str = "GET") -> list[tuple[str, str]]:
    """What each web worker answers, and by what way."""
    answers = []
    for pid in server.web_pids():
        with server.alone(pid):
            answer = server.get(target, method)
        answers.append((answer.text, how(answer).split(";")[0]))
    return answers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "M-SEARCH"])
@pytest.mark.parametrize("disk", [True, False], ids=["disk", "memory"])
def test_an_unsafe_request_reaches_the_memory_of_every_web_worker(
    origin: FaultyOrigin, tmp_path: Path, method: str, disk: bool
) -> None:
    version = 1

    async def behave(request: Request, writer: asyncio.StreamWriter) -> bool | None:
        nonlocal version
        version += request.method == method
        return await status(200, b"%d" % version, **FRESH)(request, writer)

    origin.answer("/p/versions", behave)
    with two_workers(origin, tmp_path, disk=disk) as server:
        one, other = server.web_pids()
        by_each(server, "/versions")
        for _ in range(3):  # the last of them is answered below the application
            assert by_each(server, "/versions") == [("1", "hit")] * 2
        for expected, writer in (("2", one), ("3", other)):
            with server.alone(writer):
                assert how(server.get("/versions", method)) == "fwd=method"
            assert [text for text, _ in by_each(server, "/versions")] == [expected] * 2
            for _ in range(3):
                assert by_each(server, "/versions") == [(expected, "hit")] * 2


@pytest.mark.parametrize("disk", [True, False], ids=["disk", "memory"])
def test_what_was_asked_before_an_unsafe_request_is_kept_by_no_web_worker(
    origin: FaultyOrigin, tmp_path: Path, disk: bool
) -> None:
    """The request is answered with it, as it was on its way; who comes after is not, nor waits for it."""
    arrived, gate = threading.Event(), threading.Event()

    async def late(request: Request, writer: asyncio.StreamWriter) -> bool | None:
        arrived.set()
        await asyncio.to_thread(gate.wait, 20)
        return await status(200, b"old", **FRESH)(request, writer)

    with two_workers(origin, tmp_path, disk=disk) as server, ThreadPoolExecutor(1) as pool:
        one, other = server.web_pids()
        origin.answer("/p/late", late)
        with server.alone(one):
            waiting = pool.submit(server.get, "/late")
            assert arrived.wait(20)
        origin.answer("/p/late", status(200, b"new", **FRESH))
        with server.alone(other):
            server.get("/late", "POST")
        with server.alone(one):
            assert server.get("/late").text == "new"
            gate.set()
            assert waiting.result().text == "old"
        assert {text for text, _ in by_each(server, "/late")} == {"new"}


def test_a_stale_answer_is_sent_when_the_origin_hangs_up(mogr: Mogr, origin: FaultyOrigin) -> None:
    """No waiting for staleness: an age of the origin's own makes the answer stale from the start."""
    origin.answer("/p/stale", sequence(status(200, b"x", Age="700", ETag='"e"', **FRESH), raw(b"")))
    mogr.get("/stale")
    answer = mogr.get("/stale")
    assert (answer.status_code, answer.text, how(answer)) == (200, "x", "fwd=stale; detail=stale-if-error")


def test_stale_while_revalidate(mogr: Mogr, origin: FaultyOrigin) -> None:
    told = {"Age": "700", "ETag": '"e"', "Cache_Control": "max-age=600, stale-while-revalidate=600"}
    origin.answer("/p/swr", sequence(status(200, b"old", **told), status(200, b"new", **FRESH)))
    assert [mogr.get("/swr").text for _ in range(2)] == ["old", "old"]
    while mogr.get("/swr").text != "new":
        pass
    assert origin.requests[-1].headers["if-none-match"] == '"e"'


def test_nothing_is_guessed_where_the_bucket_says_so(mogr: Mogr, origin: FaultyOrigin) -> None:
    origin.put("/p/guess.jpg", jpeg())
    assert [how(mogr.get("/guess.jpg")).split(";")[0] for _ in range(2)] == ["fwd=uri-miss", "hit"]
    assert [how(mogr.get("/guess.jpg", Host="unsure.example")).split(";")[0] for _ in range(2)] == [
        "fwd=uri-miss", "fwd=stale",
    ]  # fmt: skip


def test_a_miss_that_may_only_be_answered_from_the_cache(mogr: Mogr) -> None:
    answer = mogr.get("/nothing", Cache_Control="only-if-cached")
    assert (answer.status_code, "<Code>" in answer.text) == (504, True)
