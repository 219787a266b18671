"""A picture that takes long, and a client that takes others: quick first, what it asked for soon after."""

from __future__ import annotations

import time

from pictures import jpeg, opened

CHROME = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
TARGET = "/cat.jpg?imageMogr2/thumbnail/1600x/format/avif"


def settings(first_answer_ms: float) -> dict[str, object]:
    return {"buckets": {"test-1250000000": {"first_answer_ms": first_answer_ms, "ttl_s": 600}}}


def test_a_quick_picture_comes_first_and_the_asked_one_soon(start) -> None:
    server = start(settings(1), {"cat.jpg": jpeg(1640, 1230)})
    first = server.get(TARGET, Accept=CHROME)
    assert (first.status_code, first.headers["content-type"]) == (200, "image/jpeg")
    assert opened(first.content).size == (1600, 1200)
    assert "detail=interim" in first.headers["cache-status"]
    assert first.headers["cache-control"] == "public, max-age=2"
    assert first.headers["vary"] == "Accept"
    assert "age" not in first.headers
    until_s = time.monotonic() + 30
    while (last := server.get(TARGET, Accept=CHROME)).headers["content-type"] != "image/avif":
        assert time.monotonic() < until_s
        assert "detail=interim" in last.headers["cache-status"]
    assert last.headers["cache-status"] == "mogr; hit; detail=memory"
    assert last.headers["cache-control"].startswith("public, max-age=600")
    assert last.headers["etag"] != first.headers["etag"]
    refreshed = server.get(TARGET, Accept=CHROME, **{"If-None-Match": first.headers["etag"]})
    assert (refreshed.status_code, refreshed.headers["content-type"]) == (200, "image/avif")


def test_who_names_nothing_waits_for_what_it_asked(start) -> None:
    server = start(settings(1), {"cat.jpg": jpeg(800, 600)})
    assert server.get(TARGET, Accept="*/*").headers["content-type"] == "image/avif"


def test_a_bucket_may_let_every_client_wait(start) -> None:
    server = start(settings(0), {"cat.jpg": jpeg(800, 600)})
    answer = server.get(TARGET, Accept=CHROME)
    assert (answer.headers["content-type"], answer.headers["cache-status"]) == ("image/avif", "mogr; fwd=miss; stored")
