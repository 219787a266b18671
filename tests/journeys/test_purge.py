"""Purges: after one, no web worker of any replica sends what was made before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from pictures import jpeg, png
from servers.mogr import Mogr
from servers.origin import FaultyOrigin

SMALL = "?imageMogr2/thumbnail/32x"
TINY = "?imageMogr2/thumbnail/16x"
BEARER = {"authorization": "Bearer s3cret"}
TOKEN: dict[str, Any] = {"admin": {"token": "s3cret"}}
PERSISTED = {"buckets": {"test-1250000000": {"persist": "read-through"}}}


def purge(server: Mogr, **wanted: object) -> dict[str, Any]:
    answer = httpx.post(f"{server.admin_url}/purge", json=wanted, headers=BEARER, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def every_worker(server: Mogr, target: str) -> set[str]:
    """The entity tags that each web worker sends: it alone can take the connection while the others are stopped."""
    tags = set()
    workers = server.web_pids()
    for asked in workers:
        others = [pid for pid in workers if pid != asked]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            answer = server.get(target)
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)
        assert (answer.status_code, bool(answer.content)) == (200, True)
        tags.add(answer.headers["etag"])
    return tags


def wait_until(condition, within_s: float = 30) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it never came true"
        time.sleep(0.02)


def files(directory: Path) -> list[Path]:
    return [path for path in directory.rglob("*") if path.is_file() and len(path.name) == 64]


def two_workers(start, **settings: Any) -> Mogr:
    return start({**TOKEN, "server": {"workers": 2}, **PERSISTED, **settings}, {"cat.jpg": jpeg(), "dogs/a.jpg": png()})


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        ({"url": f"http://any.example.com/cat.jpg{SMALL}"}, [f"/cat.jpg{TINY}"]),
        ({"url": f"/cat.jpg{SMALL}"}, [f"/cat.jpg{TINY}"]),
        ({"source": "cat.jpg"}, []),
        ({"prefix": "ca"}, []),
        ({"prefix": "", "bucket": "test-1250000000"}, []),
        ({"tag": "test-1250000000"}, []),
    ],
    ids=str,
)
def test_no_worker_sends_what_was_made_before(start, wanted: dict[str, str], left: list[str]) -> None:
    """The origin says that nothing changed (same entity tag), and still nothing of before is sent."""
    server = two_workers(start)
    urls = [f"/cat.jpg{SMALL}", f"/cat.jpg{TINY}"]
    for url in urls:
        every_worker(server, url)
    wait_until(lambda: server.metric('mogr_persist_writes_total{ok="true"}') >= 3)
    renders = server.metric("mogr_renders_total")
    copies = purge(server, **wanted)["copies"]
    assert copies["memory"] >= 2
    assert copies["persisted"] >= 1
    assert copies["disk"] >= 1
    gone = [url for url in urls if url not in left]
    for url in gone:
        every_worker(server, url)
    made = server.metric("mogr_renders_total") - renders
    # The second worker makes its own where the first one's is not on disk yet.
    assert len(gone) <= made <= 2 * len(gone)
    for url in left:
        every_worker(server, url)
    assert server.metric("mogr_renders_total") == renders + made


def test_a_changed_source_is_sent_by_nobody_as_it_was(start) -> None:
    server = two_workers(start)
    before = every_worker(server, f"/cat.jpg{SMALL}")
    server.put("cat.jpg", jpeg(orientation=6))
    assert every_worker(server, f"/cat.jpg{SMALL}") == before, "fresh for an hour"
    purge(server, source="cat.jpg")
    after = every_worker(server, f"/cat.jpg{SMALL}")
    assert len(after) == 1
    assert after.isdisjoint(before)


def test_what_is_refreshed_is_sent_until_it_is_made_anew(start) -> None:
    server = two_workers(start)
    target = f"/cat.jpg{SMALL}"
    (before,) = every_worker(server, target)
    server.put("cat.jpg", jpeg(orientation=6))
    assert purge(server, source="cat.jpg", refresh=True)["copies"]["memory"] >= 2
    first = server.get(target)
    assert (first.headers["etag"], first.headers["cache-status"]) == (before, "mogr; hit; detail=refreshing")
    assert first.headers["cache-control"] == "public, max-age=0"
    wait_until(lambda: before not in every_worker(server, target))
    assert server.get(target).headers["cache-control"] == "public, max-age=3600"


def test_a_purge_outlives_a_restart(start) -> None:
    server = start(TOKEN, {"cat.jpg": jpeg()})
    server.get(f"/cat.jpg{SMALL}")
    wait_until(lambda: len(files(server.directory / "cache")) >= 2)
    kept = {path: path.read_bytes() for path in files(server.directory / "cache")}
    purge(server, source="cat.jpg")
    assert files(server.directory / "cache") == []
    assert server.stop() == 0
    for path, body in kept.items():  # as if the disk had been slow to delete, or was restored
        path.write_bytes(body)
    server.start()
    assert server.get(f"/cat.jpg{SMALL}").headers["cache-status"].startswith("mogr; fwd=miss")


def sharing(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """An object in a bucket, and the settings of its replicas."""
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "cat.jpg").write_bytes(jpeg())
    bucket = {"test-1250000000": {"store": f"file:{shared}", "persist": "read-through"}}
    return shared / "cat.jpg", {**TOKEN, "buckets": bucket, "cache": {"purge_poll_s": 0.05}}


def test_another_replica_follows_by_the_bucket(start, tmp_path: Path) -> None:
    cat, settings = sharing(tmp_path)
    one, other = start({**settings, "server": {"workers": 2}}), start({**settings, "server": {"workers": 2}})
    target = f"/cat.jpg{SMALL}"
    before = every_worker(one, target) | every_worker(other, target)
    cat.write_bytes(jpeg(orientation=6))
    purge(one, tag="test-1250000000")
    assert every_worker(one, target).isdisjoint(before)
    wait_until(lambda: every_worker(other, target).isdisjoint(before))
    assert every_worker(other, target).isdisjoint(before)


def test_a_replica_that_was_away_knows_before_its_first_answer(start, tmp_path: Path) -> None:
    cat, settings = sharing(tmp_path)
    one, other = start(settings), start(settings)
    target = f"/cat.jpg{SMALL}"
    before = one.get(target).headers["etag"]
    assert other.get(target).headers["etag"] == before
    wait_until(lambda: len(files(other.directory / "cache")) >= 2)
    assert other.stop() == 0
    cat.write_bytes(jpeg(orientation=6))
    purge(one, source="cat.jpg")
    other.start()
    assert other.get(target).headers["etag"] != before


def test_answers_carry_tags_and_are_purged_by_those_of_the_origin(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/cat.jpg", jpeg(), headers={"Surrogate-Key": "kittens pets", "Cache-Tag": "shop,pets"})
        bucket = {"store": origin.url(), "allow_private": True}
        server = start({**TOKEN, "buckets": {"test-1250000000": bucket}})
        first = server.get(f"/cat.jpg{SMALL}")
        name, own, *theirs = first.headers["surrogate-key"].split(" ")
        assert (name, theirs) == ("test-1250000000", ["kittens", "pets", "shop"])
        assert own.startswith("src-")
        assert first.headers["cache-tag"].split(",") == [name, own, *theirs]
        for tag in ("kittens", "shop", own):
            assert purge(server, tag=tag)["copies"]["memory"] >= 1
            assert server.get(f"/cat.jpg{SMALL}").headers["cache-status"].startswith("mogr; fwd=miss"), tag
        assert purge(server, tag="dogs")["copies"]["memory"] == 0
        assert "hit" in server.get(f"/cat.jpg{SMALL}").headers["cache-status"]


def test_tags_can_be_left_out(start) -> None:
    server = start({"buckets": {"test-1250000000": {"tags": False}}}, {"cat.jpg": jpeg()})
    for target in ("/cat.jpg", f"/cat.jpg{SMALL}"):
        assert not {"surrogate-key", "cache-tag"} & set(server.get(target).headers)


def test_what_passed_through_is_purged_too(start) -> None:
    with FaultyOrigin() as origin:
        for path in ("/a.txt", "/b.txt"):
            origin.put(path, b"one", headers={"Cache-Control": "max-age=600", "Cache-Tag": f"t{path[1]}"})
        bucket = {"store": origin.url(), "allow_private": True, "pass_through": True}
        server = start({**TOKEN, "buckets": {"test-1250000000": bucket}})
        for wanted in ({"url": "/a.txt"}, {"source": "a.txt"}, {"prefix": "a"}, {"tag": "ta"}):
            server.get("/a.txt"), server.get("/b.txt")
            hits = [server.get(path).headers["cache-status"] for path in ("/a.txt", "/b.txt")]
            assert all("hit" in hit for hit in hits)
            assert purge(server, **wanted)["copies"]["memory"] >= 1
            assert "fwd=uri-miss" in server.get("/a.txt").headers["cache-status"], wanted
            assert "hit" in server.get("/b.txt").headers["cache-status"], wanted
        purge(server, source="a.txt", refresh=True)
        assert "detail=refreshing" in server.get("/a.txt").headers["cache-status"]
        wait_until(lambda: "detail=memory" in server.get("/a.txt").headers["cache-status"])


def test_what_is_blocked_is_answered_by_nothing_and_nobody(start) -> None:
    server = start(
        {"buckets": {"test-1250000000": {"styles": {"small": "imageMogr2/thumbnail/32x"}, "persist": "read-through"}}},
        {"cat.jpg": jpeg(), "secret/a.jpg": jpeg(), "logo.png": png()},
    )
    marked = "/cat.jpg?watermark/1/image_key/bG9nby5wbmc"  # logo.png
    asked = ["/logo.png", f"/logo.png{SMALL}", "/logo.png!small", "/secret/a.jpg", "/secret//a.jpg", "/%6cogo.png"]
    assert [server.get(target).status_code for target in (asked[0], asked[1], asked[2], marked)] == [200] * 4
    server.change({"buckets": {"test-1250000000": {"blocked": ["logo.png", "secret/*"]}}})
    server.reload()
    for target in asked:
        answer = server.get(target)
        assert answer.status_code == 451, target
        assert "<Code>UnavailableForLegalReasons</Code>" in answer.text
    assert server.get(marked).status_code == 400
    assert server.get(f"/cat.jpg{SMALL}").status_code == 200


def test_the_command_purges_and_says_what_it_found(start) -> None:
    server = start({**TOKEN, **PERSISTED}, {"cat.jpg": jpeg()})
    server.get(f"/cat.jpg{SMALL}")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "proxy", "purge", "--config", str(server.configuration), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    done = run("--source", "cat.jpg")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("purged: ")
    assert " in memory, " in done.stdout
    assert server.get(f"/cat.jpg{SMALL}").headers["cache-status"].startswith("mogr; fwd=miss")
    assert run("--prefix", "", "--refresh").stdout.startswith("to be made anew: ")
    for arguments, expected in ((("--url", "nonsense"), "url"), (("--tag", "a", "--bucket", "none"), "bucket")):
        failed = run(*arguments)
        assert (failed.returncode, failed.stdout) == (1, "")
        assert expected in failed.stderr
    assert run().returncode == run("--tag", "a", "--url", "/a").returncode == 2
    server.stop()
    assert "no answer" in run("--tag", "a").stderr
