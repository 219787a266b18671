"""Replicas that Redis tells whose turn it is, and what becomes of their visitors when it does not."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from pictures import jpeg
from servers.mogr import Mogr
from servers.redis import RedisServer

SMALL = "/cat.jpg?imageMogr2/thumbnail/32x"
BEARER = {"authorization": "Bearer s3cret"}
PATIENT = {"timeout_ms": 10_000}
"""For what Redis is to say however busy the machine is."""


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with RedisServer(password="pa:ss/word@") as server:
        yield server


def wait_until(condition, within_s: float = 30) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it never came true"
        time.sleep(0.02)


def sharing(tmp_path: Path, redis: RedisServer, **more: Any) -> dict[str, Any]:
    """Settings of replicas of one bucket."""
    shared = tmp_path / "shared"
    shared.mkdir(exist_ok=True)
    for name in ("cat", "dog", "cow"):
        (shared / f"{name}.jpg").write_bytes(jpeg(1200, 900))
    return {
        "admin": {"token": "s3cret"},
        "cache": {"purge_poll_s": 0},
        "buckets": {"test-1250000000": {"store": f"file:{shared}", "persist": "read-through"}},
        "redis": {"url": redis.url, **more},
    }


def all_of(servers: list[Mogr], name: str) -> float:
    return sum(server.metric(name) for server in servers)


def asked(servers: list[Mogr], target: str, times: int) -> list[httpx.Response]:
    with ThreadPoolExecutor(times * len(servers)) as pool:
        return list(pool.map(lambda n: servers[n % len(servers)].get(target), range(times * len(servers))))


def held(redis: RedisServer) -> list[str]:
    with redis.client() as client:
        return [key for key in client.keys("mogr:lease:*") if (client.get(key) or "").startswith("held:")]


def purge(server: Mogr, **wanted: object) -> dict[str, Any]:
    answer = httpx.post(f"{server.admin_url}/purge", json=wanted, headers=BEARER, timeout=60)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_one_replica_makes_a_picture_for_all(start, tmp_path: Path, redis: RedisServer) -> None:
    settings = sharing(tmp_path, redis, **PATIENT)
    servers = [start({**settings, "server": {"workers": 2}}) for _ in range(2)]
    answers = asked(servers, SMALL, 15)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.headers["etag"] for answer in answers}) == 1
    assert all_of(servers, "mogr_renders_total") == 1
    assert all_of(servers, 'mogr_leases_total{outcome="made"}') == 1
    assert all_of(servers, 'mogr_leases_total{outcome="late"}') == 0
    assert all_of(servers, 'mogr_leases_total{outcome="unknown"}') == 0
    wait_until(lambda: not held(redis))


def test_the_others_serve_when_the_maker_is_killed(start, tmp_path: Path, redis: RedisServer) -> None:
    settings = sharing(tmp_path, redis, **PATIENT)
    maker, other = start(settings), start(settings)
    assert maker.get("/cat.jpg?imageInfo").status_code == 200  # it knows the picture; what is next needs its codec
    stop(maker.codec_pids())
    with ThreadPoolExecutor(21) as pool:
        lost = pool.submit(maker.get, SMALL)
        wait_until(lambda: held(redis))
        answers = [pool.submit(other.get, SMALL) for _ in range(20)]
        wait_until(lambda: redis.seen("eval") >= 3)  # the maker's question, and several of one who waits
        assert other.metric("mogr_renders_total") == 0
        for pid in (*maker.web_pids(), *maker.codec_pids()):
            os.kill(pid, signal.SIGKILL)
        maker.kill()
        assert {answer.result().status_code for answer in answers} == {200}
        with pytest.raises(httpx.TransportError):
            lost.result()
    assert other.metric("mogr_renders_total") == 1
    assert other.metric('mogr_leases_total{outcome="made"}') == 1


@pytest.mark.parametrize("how", ["killed", "silent", "never there"])
def test_nobody_notices_that_redis_is_gone(start, tmp_path: Path, how: str, redis: RedisServer) -> None:
    """Everything is served, and it is asked once, not once a request: the rest of the hour it is left alone."""
    settings = sharing(tmp_path, redis, retry_s=3600)
    if how == "never there":
        redis.kill()
    server = start(settings)
    if how != "never there":
        assert server.get(SMALL).status_code == 200
        assert server.metric('mogr_redis_total{operation="take",outcome="ok"}') == 1
        wait_until(lambda: server.metric('mogr_redis_total{operation="release",outcome="ok"}') == 1)
        redis.kill() if how == "killed" else redis.signal(signal.SIGSTOP)
    try:
        targets = [
            f"/{name}.jpg?imageMogr2/thumbnail/{side}x" for name in ("cat", "dog", "cow") for side in range(40, 50)
        ]
        with ThreadPoolExecutor(8) as pool:
            first = server.get(targets[0])
            answers = [first, *pool.map(server.get, targets[1:])]
        assert {answer.status_code for answer in answers} == {200}
        assert server.metric("mogr_renders_total") == len(targets) + (how != "never there")
        failed = sum(
            server.metric(f'mogr_redis_total{{operation="{name}",outcome="failed"}}')
            for name in ("take", "renew", "release")
        )
        assert failed <= 1
        assert server.metric('mogr_redis_total{operation="take",outcome="skipped"}') >= len(targets) - 1
        assert server.metric('mogr_leases_total{outcome="unknown"}') == len(targets)
        assert "pa:ss" not in server.log.read_text()
        assert server.log.read_text().count("Redis does not answer") == 1
    finally:
        redis.signal(signal.SIGCONT) if how == "silent" else None


def test_redis_that_goes_while_others_wait_for_their_turn(start, tmp_path: Path, redis: RedisServer) -> None:
    settings = sharing(tmp_path, redis, **PATIENT)
    maker, other = start(settings), start(settings)
    assert maker.get("/cat.jpg?imageInfo").status_code == 200
    stop(maker.codec_pids())
    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(maker.get, SMALL)
        wait_until(lambda: held(redis))
        two = pool.submit(other.get, SMALL)
        wait_until(lambda: redis.seen("eval") >= 3)
        redis.kill()
        assert two.result().status_code == 200, "without its turn"
        resume(maker.codec_pids())
        assert one.result().status_code == 200
    assert other.metric('mogr_leases_total{outcome="unknown"}') == 1


def test_it_is_asked_again_when_it_is_back(start, tmp_path: Path, redis: RedisServer) -> None:
    server = start(sharing(tmp_path, redis, retry_s=0.2, timeout_ms=1000))
    redis.kill()
    assert server.get(SMALL).status_code == 200
    redis.start()
    made = server.metric('mogr_leases_total{outcome="made"}')
    sides = iter(range(40, 4000))

    def agreed() -> bool:
        assert server.get(f"/cat.jpg?imageMogr2/thumbnail/{next(sides)}x").status_code == 200
        return server.metric('mogr_leases_total{outcome="made"}') > made

    wait_until(agreed)


@pytest.mark.parametrize("shares", [True, False], ids=["one bucket", "nothing"])
def test_purges_reach_replicas_that_do_not_look_for_them(
    start, tmp_path: Path, redis: RedisServer, shares: bool
) -> None:
    settings = sharing(tmp_path, redis, **PATIENT)
    if not shares:
        settings["buckets"]["test-1250000000"]["persist"] = "off"
    one, other = (start({**settings, "server": {"workers": 2}}) for _ in range(2))
    before = other.get(SMALL).headers["etag"]
    assert one.get(SMALL).headers["etag"] == before
    (tmp_path / "shared" / "cat.jpg").write_bytes(jpeg(1200, 900, orientation=6))
    assert purge(one, source="cat.jpg")["copies"]["memory"] >= 1
    wait_until(lambda: {other.get(SMALL).headers["etag"] for _ in range(8)}.isdisjoint({before}))


def test_who_was_away_learns_what_was_purged(start, tmp_path: Path, redis: RedisServer) -> None:
    settings = sharing(tmp_path, redis, **PATIENT)
    settings["buckets"]["test-1250000000"]["persist"] = "off"
    one, other = start(settings), start(settings)
    before = other.get(SMALL).headers["etag"]
    other.wait_for_disk(1)
    assert other.stop() == 0
    (tmp_path / "shared" / "cat.jpg").write_bytes(jpeg(1200, 900, orientation=6))
    purge(one, source="cat.jpg")
    other.start()
    assert other.get(SMALL).headers["etag"] != before


def test_a_purge_that_nobody_else_can_learn_of_is_an_error(start, tmp_path: Path, redis: RedisServer) -> None:
    settings = sharing(tmp_path, redis)
    settings["buckets"]["test-1250000000"]["persist"] = "off"
    server = start(settings)
    redis.kill()
    answer = httpx.post(f"{server.admin_url}/purge", json={"source": "cat.jpg"}, headers=BEARER, timeout=60)
    assert (answer.status_code, "Redis" in answer.json()["error"]) == (500, True)


def stop(pids: list[int]) -> None:
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)


def resume(pids: list[int]) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
