"""Where a second answer comes from, and what outlives what."""

from __future__ import annotations

import shutil
import threading
import time

import pytest
from pictures import jpeg
from servers.mogr import Mogr
from servers.origin import FaultyOrigin

URL = "/cat.jpg?imageMogr2/thumbnail/320x/format/webp"


def status(server: Mogr, target: str = URL, **headers: str) -> str:
    answer = server.get(target, **headers)
    assert answer.status_code == 200, answer.text
    return answer.headers["cache-status"]


def wait_until(condition, within_s: float = 10) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it never came true"
        time.sleep(0.02)


def files_in(directory) -> int:
    return sum(1 for path in directory.rglob("*") if path.is_file() and path.stat().st_size)


def test_the_second_answer_comes_from_memory_and_is_the_same(start) -> None:
    server = start(files={"cat.jpg": jpeg()})
    first, second = server.get(URL), server.get(URL)
    assert first.headers["cache-status"].startswith("mogr; fwd=miss")
    assert second.headers["cache-status"] == "mogr; hit; detail=memory"
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert "age" in second.headers
    assert server.metric('mogr_cache_hits_total{tier="memory"}') == 1


def test_a_restart_answers_from_disk_without_work(start) -> None:
    server = start(files={"cat.jpg": jpeg()})
    first = server.get(URL)
    wait_until(lambda: files_in(server.directory / "cache") >= 2)
    assert server.stop() == 0
    server.start()
    again = server.get(URL)
    assert again.headers["cache-status"] == "mogr; hit; detail=disk"
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert server.metric("mogr_renders_total") == 0
    assert status(server) == "mogr; hit; detail=memory"


def test_a_killed_server_leaves_a_disk_tier_that_still_answers(start) -> None:
    server = start(files={"cat.jpg": jpeg()})
    server.get(URL)
    wait_until(lambda: files_in(server.directory / "cache") >= 2)
    server.kill()
    server.start()
    assert status(server) == "mogr; hit; detail=disk"


def test_an_emptied_cache_is_filled_again_from_the_bucket(start) -> None:
    settings = {"buckets": {"test-1250000000": {"persist": "read-through"}}}
    server = start(settings, {"cat.jpg": jpeg()})
    first = server.get(URL)
    wait_until(lambda: server.metric('mogr_persist_writes_total{ok="true"}') >= 2)
    server.stop()
    shutil.rmtree(server.directory / "cache")
    server.start()
    again = server.get(URL)
    assert again.headers["cache-status"] == "mogr; hit; detail=bucket"
    assert (again.content, again.headers["etag"]) == (first.content, first.headers["etag"])
    assert server.metric("mogr_renders_total") == 0


def test_what_is_persisted_has_no_url_and_never_replaces_an_original(start) -> None:
    settings = {"buckets": {"test-1250000000": {"persist": "read-through"}}}
    original = jpeg()
    server = start(settings, {"cat.jpg": original})
    server.get(URL)
    photos = server.directory / "photos"
    wait_until(lambda: files_in(photos / ".mogr") >= 2)
    assert (photos / "cat.jpg").read_bytes() == original
    for path in (p for p in (photos / ".mogr").rglob("*") if p.is_file()):
        key = path.relative_to(photos).as_posix()
        spellings = (
            key,
            key.replace(".mogr", "%2emogr"),
            f"x/../{key}",
            f"./{key}",
            f"/{key}",
            key.replace("/", "%2F"),
        )
        for spelling in spellings:
            assert server.get("/" + spelling).status_code == 404, spelling


def test_a_changed_source_makes_a_new_rendition(start) -> None:
    settings = {"buckets": {"test-1250000000": {"persist": "read-through", "ttl_s": 0}}}
    server = start(settings, {"cat.jpg": jpeg(seed=1)})
    first = server.get(URL)
    wait_until(lambda: server.metric('mogr_persist_writes_total{ok="true"}') >= 2)
    server.put("cat.jpg", jpeg(seed=2))
    second = server.get(URL)
    assert second.headers["cache-status"].startswith("mogr; fwd=miss")
    assert second.content != first.content
    assert second.headers["etag"] != first.headers["etag"]


def test_two_offers_that_end_in_the_same_format_share_one_encode(start) -> None:
    server = start(files={"cat.jpg": jpeg()})
    auto = "/cat.jpg?imageMogr2/thumbnail/200x/format/auto"
    tags = {
        server.get(auto, Accept=accept).headers["etag"]
        for accept in ("image/avif,*/*", "image/webp,image/avif", "image/avif;q=0.3,image/png", "image/avif")
    }
    assert len(tags) == 1
    assert server.metric("mogr_renders_total") == 1


def test_many_clients_at_once_cost_one_fetch_and_one_encode(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/cat.jpg", jpeg(1600, 1200), headers={"Cache-Control": "max-age=60"})
        server = start({"buckets": {"test-1250000000": {"store": origin.url("/"), "allow_private": True}}})
        answers: list[str] = []
        threads = [threading.Thread(target=lambda: answers.append(server.get(URL).headers["etag"])) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(answers) == 20
        assert len(set(answers)) == 1
        assert server.metric("mogr_renders_total") == 1
        assert origin.count("/cat.jpg") == 1


def test_six_widths_of_a_cold_original_cost_one_fetch_also_over_a_restart(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/cat.jpg", jpeg(), headers={"Cache-Control": "max-age=60"})
        server = start({"buckets": {"test-1250000000": {"store": origin.url("/"), "allow_private": True}}})
        for width in (100, 200, 300):
            assert server.get(f"/cat.jpg?imageMogr2/thumbnail/{width}x").status_code == 200
        wait_until(lambda: files_in(server.directory / "cache") >= 5)
        server.stop()
        server.start()
        for width in (400, 500, 600):
            assert server.get(f"/cat.jpg?imageMogr2/thumbnail/{width}x").status_code == 200
        assert origin.count("/cat.jpg") == 1


def test_a_stale_source_is_confirmed_with_its_validators_not_fetched_again(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/cat.jpg", jpeg(), headers={"Cache-Control": "max-age=0"})
        server = start({"buckets": {"test-1250000000": {"store": origin.url("/"), "allow_private": True}}})
        first = server.get(URL)
        second = server.get(URL)
        assert second.headers["cache-status"] == "mogr; fwd=stale; fwd-status=304; detail=memory"
        assert first.content == second.content
        assert server.metric('mogr_origin_fetches_total{outcome="unchanged"}') == 1
        assert server.metric("mogr_renders_total") == 1


@pytest.mark.parametrize("field", [("Cache-Control", "private, max-age=60"), ("Set-Cookie", "session=1")], ids=str)
def test_private_answers_of_an_origin_are_not_stored_anywhere(start, field: tuple[str, str]) -> None:
    with FaultyOrigin() as origin:
        origin.put("/cat.jpg", jpeg(), headers=dict([field]))
        server = start({"buckets": {"test-1250000000": {"store": origin.url("/"), "allow_private": True}}})
        for _ in range(2):
            answer = server.get(URL)
            assert answer.status_code == 200
            assert "fwd=miss" in answer.headers["cache-status"]
            assert "no-store" in answer.headers["cache-control"]
        assert origin.count("/cat.jpg") == 2
        assert not (server.directory / "cache").exists() or files_in(server.directory / "cache") == 0
