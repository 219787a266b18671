"""Processes that die, overrun or are told to stop: what it costs whom."""

from __future__ import annotations

import os
import signal
import threading
import time

import httpx
import pytest
from pictures import encoded, jpeg
from PIL import Image
from servers.mogr import Mogr
from servers.origin import FaultyOrigin

URL = "/cat.jpg?imageMogr2/thumbnail/320x/format/webp"


def noise(width_px: int, height_px: int) -> bytes:
    return encoded(
        Image.frombytes("RGB", (width_px, height_px), os.urandom(3 * width_px * height_px)), "JPEG", quality=95
    )


def wait_until(condition, within_s: float = 30) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it never came true"
        time.sleep(0.02)


def test_a_picture_past_its_deadline_costs_its_codec_process_and_nothing_else(start) -> None:
    server: Mogr = start({"codec": {"deadline_s": 1.0}}, {"slow.jpg": noise(3500, 2300), "cat.jpg": jpeg()})
    (before,) = server.codec_pids()
    began_s = time.monotonic()
    late = server.get("/slow.jpg?imageMogr2/format/avif")
    took_s = time.monotonic() - began_s
    assert (late.status_code, late.headers["x-errno"]) == (504, "-901")
    assert "ServiceUnavailable" in late.text
    assert took_s < 20
    assert server.get(URL).status_code == 200
    wait_until(lambda: server.codec_pids() and server.codec_pids() != [before])
    # the verdict is remembered: the same request is refused without a codec place
    renders = server.metric("mogr_codec_restarts_total")
    again = server.get("/slow.jpg?imageMogr2/format/avif")
    assert again.status_code == 504
    assert server.metric("mogr_codec_restarts_total") == renders
    # and it is a verdict on what was asked: the picture itself is as good as any
    assert server.get("/slow.jpg?imageMogr2/thumbnail/90x").status_code == 200


def test_what_cannot_be_done_in_time_is_refused_before_it_takes_a_place(start) -> None:
    server: Mogr = start({"codec": {"deadline_s": 1.0}}, {"cat.jpg": jpeg()})
    answer = server.get("/cat.jpg?imageMogr2/thumbnail/9999x9999!/format/avif/quality/100!")
    assert (answer.status_code, answer.headers["x-errno"]) == (504, "-901")
    assert server.metric("mogr_codec_restarts_total") == 0
    assert server.get(URL).status_code == 200


def test_a_codec_process_killed_from_outside_is_replaced_and_the_job_done_again(start) -> None:
    server: Mogr = start(files={"slow.jpg": noise(3000, 2000), "cat.jpg": jpeg()})
    server.get("/slow.jpg?imageMogr2/thumbnail/10x")  # known and fetched: what follows is the encoding alone
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(server.get("/slow.jpg?imageMogr2/format/webp").status_code))
    (victim,) = server.codec_pids()
    asking.start()
    time.sleep(0.3)
    os.kill(victim, signal.SIGKILL)
    asking.join()
    assert answers == [200]
    assert victim not in server.codec_pids()


def test_a_web_worker_that_dies_is_replaced(start) -> None:
    server: Mogr = start(files={"cat.jpg": jpeg()})
    assert server.get(URL).status_code == 200
    wait_until(lambda: server.metric("mogr_requests_total") >= 1)
    (victim,) = server.web_pids()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: server.web_pids() and victim not in server.web_pids())
    assert server.get(URL).status_code == 200, "the listening socket outlived the worker"
    assert server.metric("mogr_requests_total") >= 2, "counters never go backwards"


SPY = """
import atexit, gc, os, sys
if "proxy.worker" in sys.orig_argv:
    def tell():
        with open(os.environ["SPIED"], "w") as file:
            print(gc.get_freeze_count(), len(gc.get_objects()), gc.get_threshold()[2], file=file)
    atexit.register(tell)
"""


def test_the_collector_of_a_web_worker_does_not_look_through_what_was_there_from_the_start(tmp_path) -> None:
    """A full collection stops every hit: of all that a worker imports alone it took 20 ms."""
    (tmp_path / "spy").mkdir()
    (tmp_path / "spy" / "sitecustomize.py").write_text(SPY)
    told = tmp_path / "told"
    with Mogr(tmp_path, PYTHONPATH=str(tmp_path / "spy"), SPIED=str(told)) as server:
        server.put("cat.jpg", jpeg())
        assert server.get(URL).status_code == 200
        assert server.stop() == 0
    frozen, looked_at, rarely = map(int, told.read_text().split())
    assert frozen > 5 * looked_at
    assert rarely >= 100


def test_sigterm_drains_what_is_under_way_and_exits_cleanly(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/slow.jpg", noise(2000, 1500))
        bucket = {"store": origin.url("/"), "allow_private": True}
        server: Mogr = start({"server": {"shutdown_s": 50}, "buckets": {"test-1250000000": bucket}})
        answers: list[int] = []
        asking = threading.Thread(
            target=lambda: answers.append(server.get("/slow.jpg?imageMogr2/format/webp").status_code)
        )
        asking.start()
        wait_until(lambda: origin.count("/slow.jpg") == 1)
        began_s = time.monotonic()
        children = server.children()
        assert server.stop() == 0
        assert time.monotonic() - began_s < 40
        asking.join()
    assert answers == [200]
    assert not [pid for pid in children if os.path.exists(f"/proc/{pid}")]


def test_what_the_end_of_a_shutdown_cuts_off_is_answered_503(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/slow.jpg", noise(6000, 4000))
        bucket = {"store": origin.url("/"), "allow_private": True}
        server: Mogr = start({"server": {"shutdown_s": 3}, "buckets": {"test-1250000000": bucket}})
        answers: list[httpx.Response] = []
        asking = threading.Thread(target=lambda: answers.append(server.get("/slow.jpg?imageMogr2/format/avif")))
        asking.start()
        wait_until(lambda: origin.count("/slow.jpg") == 1)
        assert server.stop() == 0
        asking.join()
    assert (answers[0].status_code, answers[0].headers["content-type"]) == (503, "application/xml")
    assert b"<Code>ServiceUnavailable</Code>" in answers[0].content


def test_a_second_sigterm_ends_at_once(start) -> None:
    with FaultyOrigin() as origin:
        origin.put("/slow.jpg", noise(6000, 4000))
        bucket = {"store": origin.url("/"), "allow_private": True}
        server: Mogr = start({"server": {"shutdown_s": 60}, "buckets": {"test-1250000000": bucket}})
        asking = threading.Thread(
            target=lambda: pytest.raises(httpx.TransportError, server.get, "/slow.jpg?imageMogr2/format/avif")
        )
        asking.start()
        wait_until(lambda: origin.count("/slow.jpg") == 1)
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: httpx.get(server.admin_url + "/readyz", trust_env=False).status_code == 503)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(timeout=30) != 0
        asking.join()


def test_sighup_reloads_a_valid_configuration_and_keeps_the_old_one_otherwise(start) -> None:
    server: Mogr = start(files={"cat.jpg": jpeg()})
    assert server.process is not None
    assert server.get("/cat.jpg").headers["cache-control"] == "public, max-age=3600"
    server.change({"buckets": {"test-1250000000": {"ttl_s": 77}}})
    server.reload()
    assert server.get("/cat.jpg").headers["cache-control"] == "public, max-age=77"
    server.configuration.write_text("[server]\nporte = 1\n")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "porte" in server.log.read_text())
    assert server.get("/cat.jpg").headers["cache-control"] == "public, max-age=77"


def test_readiness_does_not_depend_on_an_origin(start) -> None:
    server: Mogr = start({"buckets": {"test-1250000000": {"store": "http://127.0.0.1:9/", "allow_private": True}}})
    answer = server.get("/cat.jpg?imageMogr2/thumbnail/100x")
    assert (answer.status_code, "ServiceUnavailable" in answer.text) == (502, True)
    assert httpx.get(server.admin_url + "/readyz", trust_env=False).status_code == 200
    assert httpx.get(server.admin_url + "/livez", trust_env=False).status_code == 200


def test_more_work_than_can_wait_is_refused_at_once_with_a_time_to_come_back(start) -> None:
    server: Mogr = start({"codec": {"queue_s": 0.5}}, {"large.jpg": noise(2400, 1600), "cat.jpg": jpeg()})
    assert server.get("/large.jpg?imageMogr2/thumbnail/10x").status_code == 200, (
        server.log.read_text()
    )  # the source is known from here on
    answers: list[httpx.Response] = []

    def ask(width_px: int) -> None:
        answers.append(server.get(f"/large.jpg?imageMogr2/thumbnail/{width_px}x/format/webp"))

    threads = [threading.Thread(target=ask, args=(2000 + number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused
    assert len(refused) < len(answers)
    assert {answer.status_code for answer in answers} == {200, 503}
    for answer in refused:
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["cache-control"] == "no-store"
        assert "ServiceUnavailable" in answer.text
        assert answer.elapsed.total_seconds() < 10
    assert server.metric("mogr_overloaded_total") == len(refused)
    assert server.get(URL).status_code == 200, "and it recovers"
