"""Behind a CDN: two replicas, five kinds of CDN, and the browsers behind those (spec of the origin contract, §1 and §3)."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from pictures import animated, jpeg, opened, png
from servers.cdn import Answer, Cdn, HonoursVary, KeysByHeader, Normalises, SplitsRanges
from servers.mogr import Mogr
from servers.origin import FaultyOrigin

BROWSERS = {
    "Chrome": "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
    "Chrome, address bar": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8",
    "Chrome 84": "image/webp,image/apng,image/*,*/*;q=0.8",
    "Edge 18": "image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    "Firefox 128": "image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5",
    "Firefox 92": "image/avif,image/webp,*/*",
    "Firefox 65": "image/webp,*/*",
    "Firefox 47": "image/png,image/*;q=0.8,*/*;q=0.5",
    "Firefox 3": "image/png,image/*;q=0.8,*/*;q=0.5",
    "Safari 17": "image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,image/svg+xml,"
    "image/*;q=0.8,*/*;q=0.5",
    "Safari 14": "image/webp,image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",
    "Safari 13": "image/png,image/svg+xml,image/*;q=0.8,video/*;q=0.8,*/*;q=0.5",
    "Internet Explorer 11": "image/png, image/svg+xml, image/*;q=0.8, */*;q=0.5",
    "Internet Explorer 8": "image/gif, image/jpeg, image/pjpeg, application/x-ms-application, */*",
    "Opera 12": "text/html, application/xml;q=0.9, application/xhtml+xml, image/png, image/webp, image/jpeg, image/gif, "
    "image/x-xbitmap, */*;q=0.1",
    "curl": "*/*",
    "a library": "image/*",
    "Pinterest": "image/webp,image/*;q=0.8",
    "somebody who refuses": "image/avif;q=0,image/webp,*/*",
    "nothing": None,
}
FORMATS = {"image/avif": "avif", "image/webp": "webp", "image/jpeg": "jpeg", "image/png": "png", "image/gif": "gif"}
NEGOTIATED = [
    "/cat.jpg?imageMogr2/thumbnail/160x/format/auto",
    "/logo.png?imageMogr2/thumbnail/60x/format/auto",
    "/wave.gif?imageMogr2/format/auto",
    "/cat.jpg?imageMogr2/thumbnail/120x/format/webp",
]


def shows(accept: str | None, answer: Answer) -> bool:
    """Whether a browser that sends *accept* can show the answer: what every one could, or what this one names."""
    if answer.media_type in ("image/jpeg", "image/png", "image/gif"):
        return True
    members = [member.split(";") for member in (accept or "").split(",")]
    return any(name.strip() == answer.media_type and "q=0" not in rest for name, *rest in members)


@pytest.fixture
def replicas(start, tmp_path: Path) -> tuple[Mogr, Mogr]:
    """Two servers of one bucket; nothing is shared but the originals."""
    shared = tmp_path / "shared"
    shared.mkdir()
    for name, body in (("cat.jpg", jpeg()), ("logo.png", png(alpha=True)), ("wave.gif", animated())):
        (shared / name).write_bytes(body)
    buckets = {
        "test-1250000000": {"store": f"file:{shared}", "first_answer_ms": 0},
        "exact-1250000000": {"store": f"file:{shared}", "hosts": ["exact.example.com"], "negotiate": "exact"},
    }
    return start({"buckets": buckets}), start({"buckets": buckets})


@pytest.mark.parametrize("kind", [HonoursVary, Normalises, KeysByHeader, SplitsRanges])
def test_no_browser_is_sent_what_it_cannot_show(replicas: tuple[Mogr, Mogr], kind: type[Cdn]) -> None:
    cdn = kind(replicas)
    for target, (browser, accept) in itertools.product(NEGOTIATED[:3], BROWSERS.items()):
        answer = cdn.get(target, accept)
        assert (answer.status, shows(accept, answer)) == (200, True), (target, browser, answer.media_type)
        assert opened(answer.body).format.lower().replace("mpo", "jpeg") == FORMATS[answer.media_type], (
            target,
            browser,
        )
        assert answer.headers["vary"] == "Accept"
    kinds = {answer.headers["etag"]: answer.media_type for answer in cdn.fetched}
    assert len(set(kinds)) <= 3 * 3, "a handful of variants, whatever is sent"
    if kind in (Normalises, KeysByHeader):
        assert len(cdn.fetched) <= 3 * 5, "a CDN that sorts its clients asks once for each kind of them"
    for first, second in itertools.combinations(cdn.fetched, 2):
        if first.headers["etag"] == second.headers["etag"]:
            assert first.media_type == second.media_type
            assert first.body == second.body


def test_a_cdn_that_ignores_vary_is_safe_where_the_url_alone_decides(replicas: tuple[Mogr, Mogr]) -> None:
    class Exactly(Cdn):
        def ask(self, target: str, accept: str | None, **headers: str) -> Answer:
            return super().ask(target, accept, Host="exact.example.com", **headers)

    for order in (BROWSERS, dict(reversed(BROWSERS.items()))):
        cdn = Exactly(replicas)
        for format_, accept in itertools.product(("avif", "webp", "jpg", "png"), order.values()):
            answer = cdn.get(f"/cat.jpg?imageMogr2/thumbnail/60x/format/{format_}", accept)
            assert answer.media_type == f"image/{format_.replace('jpg', 'jpeg')}"
            assert "vary" not in answer.headers
        assert len(cdn.fetched) == 4


def test_replicas_agree_on_everything_a_cache_compares(replicas: tuple[Mogr, Mogr]) -> None:
    """Tencent's nodes drop a copy whose length or modification time differs; ranges are put together by ETag."""
    seen: dict[str, tuple[str, str]] = {}
    for target, accept in itertools.product(NEGOTIATED, ("image/avif,*/*", "image/webp,*/*", "*/*")):
        one, other = (replica.get(target, Accept=accept) for replica in replicas)
        for name in ("etag", "last-modified", "content-length", "content-type", "vary", "cache-control"):
            assert one.headers[name] == other.headers[name], (target, accept, name)
        assert one.content == other.content
        assert not one.headers["etag"].startswith("W/")
        representation = (target, one.headers["content-type"])
        assert seen.setdefault(one.headers["etag"], representation) == representation
        (source,) = (replicas[0].get(target.partition("?")[0]),)
        assert one.headers["last-modified"] == source.headers["last-modified"]
        again = replicas[1].get(target, Accept=accept, If_None_Match=one.headers["etag"])
        assert (again.status_code, again.content, again.headers["vary"]) == (304, b"", "Accept")


def test_an_etag_of_another_type_is_not_confirmed(replicas: tuple[Mogr, Mogr]) -> None:
    etags = {
        replicas[0].get(NEGOTIATED[0], Accept=f"image/{name},*/*").headers["etag"]: name for name in ("avif", "webp")
    }
    assert len(etags) == 2
    for etag, name in etags.items():
        other = "webp" if name == "avif" else "avif"
        answer = replicas[1].get(NEGOTIATED[0], Accept=f"image/{other},*/*", If_None_Match=etag)
        assert (answer.status_code, answer.headers["content-type"]) == (200, f"image/{other}")


def test_errors_say_how_long_they_hold(start) -> None:
    """A CDN gives an error that says nothing minutes of its own."""
    with FaultyOrigin() as origin:
        origin.put("/cat.jpg", jpeg())
        origin.put("/notes.txt", b"no picture")
        bucket = {"store": origin.url("/"), "allow_private": True}
        nowhere = {"store": "http://127.0.0.1:9/", "allow_private": True, "hosts": ["down.example.com"]}
        shut = {"store": "memory:", "hosts": ["shut.example.com"], "public": "private"}
        buckets = {"test-1250000000": bucket, "down-1250000000": nowhere, "shut-1250000000": shut}
        server = start({"buckets": buckets})
        small = "?imageMogr2/thumbnail/32x/format/auto"
        cases: list[tuple[str, dict[str, Any], int, str]] = [
            (f"/none.jpg{small}", {}, 404, "public, max-age=10"),
            (f"/notes.txt{small}", {}, 400, "public, max-age=10"),
            ("/cat.jpg?imageMogr2/thumbnail/axb", {}, 400, "public, max-age=10"),
            (f"/cat.jpg{small}", {"If_Match": '"other"'}, 412, "no-store"),
            (f"/cat.jpg{small}", {"Range": "bytes=9999999-"}, 416, "no-store"),
            (f"/cat.jpg{small}", {"Host": "down.example.com"}, 502, "public, max-age=0"),
            (f"/cat.jpg{small}", {"Host": "shut.example.com"}, 403, "no-store"),
        ]
        for target, headers, status, lifetime in cases:
            answer = server.get(target, **headers)
            assert (answer.status_code, answer.headers.get("cache-control")) == (status, lifetime), target
            assert "set-cookie" not in answer.headers


def test_a_bucket_gives_lifetimes_to_what_has_none(start, tmp_path: Path) -> None:
    both = {"cache_control": "max-age=60", "cdn_cache_control": "max-age=86400, stale-if-error=604800"}
    with FaultyOrigin() as origin:
        origin.put("/own.jpg", jpeg(), headers={"Cache-Control": "max-age=7"})
        origin.put("/cdn.jpg", jpeg(), headers={"Cache-Control": "max-age=7", "CDN-Cache-Control": "max-age=70"})
        origin.put("/none.jpg", jpeg())
        bucket = {"store": origin.url("/"), "allow_private": True, **both}
        server = start({"buckets": {"test-1250000000": bucket}})
        told = {
            "/own.jpg": ("max-age=7", None),
            "/cdn.jpg": ("max-age=7", "max-age=70"),
            "/none.jpg": ("max-age=60", "max-age=86400, stale-if-error=604800"),
        }
        for path, (everybody, cdns) in told.items():
            for target in (path, f"{path}?imageMogr2/thumbnail/32x", f"{path}?imageMogr2/thumbnail/32x"):
                answer = server.get(target)
                browsers = "public, max-age=7" if (path, "?" in target) == ("/own.jpg", True) else everybody
                assert answer.headers["cache-control"] == browsers, target
                assert answer.headers.get("cdn-cache-control") == cdns, target


@pytest.mark.parametrize(
    ("cache_control", "told"),
    [("", "max-age=77"), ("immutable", "max-age=77, immutable"), ("max-age=7", "max-age=7"), ("no-store", "no-store")],
)
def test_browsers_keep_to_the_bucket_s_lifetime_where_only_cdns_are_told_another(start, cache_control, told) -> None:
    bucket = {"ttl_s": 77, "cache_control": cache_control, "cdn_cache_control": "max-age=600"}
    server = start({"buckets": {"test-1250000000": bucket}}, {"cat.jpg": jpeg()})
    for target in ("/cat.jpg", "/cat.jpg?imageMogr2/thumbnail/32x"):
        headers = server.get(target).headers
        assert (headers["cache-control"], headers["cdn-cache-control"]) == (told, "max-age=600")


def test_changed_lifetimes_hold_for_what_did_not_change(start) -> None:
    server = start({"buckets": {"test-1250000000": {"cache_control": "max-age=0"}}}, {"cat.jpg": jpeg()})
    target = "/cat.jpg?imageMogr2/thumbnail/32x"
    assert server.get(target).headers["cache-control"] == "public, max-age=0"
    server.change({"buckets": {"test-1250000000": {"cache_control": "max-age=77, immutable"}}})
    server.reload()
    assert server.get(target).headers["cache-control"] == "public, max-age=77, immutable"
