"""Counting, adding up, and the page Prometheus reads."""

from __future__ import annotations

import inspect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from proxy.codec.board import Death
from proxy.metrics import CountingMeter, empty, merge
from proxy.metrics.exposition import RESTART_REASONS, Node, expose
from proxy.metrics.names import COUNTERS, HISTOGRAMS
from proxy.ports import Meter

NODE = Node(
    start_time_s=1_700_000_000.0, ready=True, queue_s=1.5, codec_processes=2, codec_restarts={"deadline": 3, "new": 1},
    web_workers=4, web_worker_restarts=1, disk_cache_bytes=12, build={"version": "1", "libvips": "8"},
)  # fmt: skip


def test_each_end_of_a_codec_process_has_a_reason_of_its_own() -> None:
    assert {death.name.lower() for death in Death} == RESTART_REASONS


def page(meter: CountingMeter, accept: str = "") -> str:
    return expose(meter.snapshot(), NODE, accept)[0].decode()


def samples(meter: CountingMeter) -> dict[str, float]:
    found = {}
    for family in read_text(page(meter)):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@pytest.mark.parametrize(
    ("event", "counted"),
    [
        (lambda m: m.request("object", 200, 0.1, 70), {"mogr_requests_total{kind=object,status=200}": 1}),
        (lambda m: m.request("rendition", 304, 0.1, 0), {"mogr_requests_total{kind=rendition,status=304}": 1}),
        (
            lambda m: m.request("object", 200, 0.1, 70),
            {"mogr_response_bytes_total": 70, "mogr_request_seconds_sum": 0.1},
        ),
        (lambda m: m.request("/etc/passwd", 299, 0, 0), {"mogr_requests_total{kind=other,status=other}": 1}),
        (lambda m: m.cache_hit("memory"), {"mogr_cache_hits_total{tier=memory}": 1}),
        (lambda m: m.cache_hit("attic"), {"mogr_cache_hits_total{tier=other}": 1}),
        (
            lambda m: m.hit_at_once("rendition", 200, 0.1, 70),
            {
                "mogr_requests_total{kind=rendition,status=200}": 1,
                "mogr_cache_hits_total{tier=memory}": 1,
                "mogr_response_bytes_total": 70,
                "mogr_request_seconds_sum": 0.1,
            },
        ),
        (lambda m: m.cache_miss(), {"mogr_cache_misses_total": 1}),
        (lambda m: m.collapsed(), {"mogr_collapsed_total": 1}),
        (lambda m: m.fetched("timeout", 2, 9), {"mogr_origin_fetches_total{outcome=timeout}": 1}),
        (lambda m: m.fetched("ok", 2, 9), {"mogr_origin_bytes_total": 9, "mogr_origin_fetch_seconds_count": 1}),
        (lambda m: m.rendered("jpeg", "avif", 2, 1, 5), {"mogr_renders_total{format=avif,source_format=jpeg}": 1}),
        (lambda m: m.rendered("jpeg", "avif", 2, 1, 5), {"mogr_render_seconds_sum{format=avif}": 1}),
        (lambda m: m.rendered("jpeg", "avif", 2, 1, 5), {"mogr_render_megapixels_total{format=avif}": 2}),
        (lambda m: m.rendered("jpeg", "avif", 2, 1, 5), {"mogr_render_bytes_total{format=avif}": 5}),
        (lambda m: m.rendered("x,y", "a\nb", 2, 1, 5), {"mogr_renders_total{format=other,source_format=other}": 1}),
        (lambda m: m.render_failed("CodecDeadline"), {"mogr_render_failures_total{reason=CodecDeadline}": 1}),
        (lambda m: m.render_failed("Surprise"), {"mogr_render_failures_total{reason=other}": 1}),
        (lambda m: m.overloaded(), {"mogr_overloaded_total": 1}),
        (lambda m: m.persisted(False), {"mogr_persist_writes_total{ok=false}": 1}),
        (lambda m: m.tier_error("disk"), {"mogr_cache_errors_total{tier=disk}": 1}),
        (lambda m: m.redis("take", "skipped"), {"mogr_redis_total{operation=take,outcome=skipped}": 1}),
        (lambda m: m.leased("served"), {"mogr_leases_total{outcome=served}": 1}),
    ],
)
def test_every_event_is_counted_under_its_name(event, counted):
    meter = CountingMeter()
    event(meter)
    found = samples(meter)
    assert {name: found.get(name) for name in counted} == counted


def test_hits_that_are_added_up_late_are_added_up_once():
    one, other = CountingMeter(), CountingMeter()
    for status in (200, 200, 304):
        one.hit_at_once("rendition", status, 0.001, 10)
        one.snapshot()
        other.request("rendition", status, 0.001, 10)
        other.cache_hit("memory")
    assert one.snapshot() == other.snapshot()


def test_the_counting_meter_is_a_meter():
    for name, verb in vars(Meter).items():
        if callable(verb) and not name.startswith("_"):
            assert inspect.signature(getattr(CountingMeter, name)) == inspect.signature(verb), name


def test_what_the_supervisor_knows_is_shown():
    found = samples(CountingMeter())
    assert found["mogr_queue_seconds"] == 1.5
    assert found["mogr_codec_processes"] == 2
    assert found["mogr_codec_restarts_total{reason=deadline}"] == 3
    assert found["mogr_codec_restarts_total{reason=other}"] == 1
    assert found["mogr_web_workers"] == 4
    assert found["mogr_web_worker_restarts_total"] == 1
    assert found["mogr_disk_cache_bytes"] == 12
    assert found["mogr_build_info{libvips=8,version=1}"] == 1
    assert found["process_start_time_seconds"] == 1_700_000_000


def test_counters_without_labels_are_nought_from_the_start():
    assert samples(CountingMeter())["mogr_overloaded_total"] == 0


def test_hostile_values_make_no_series():
    meter = CountingMeter()
    for number in range(1000):
        meter.request(f"kind{number}", number + 1000, 0.1, 1)
        meter.rendered(f"f{number}", f"g{number}", 1, 1, 1)
        meter.render_failed(f"r{number}")
    assert samples(meter)["mogr_requests_total{kind=other,status=other}"] == 1000
    assert len(page(meter).splitlines()) < 200


def test_histogram_buckets_are_cumulative_and_upper_bounds_inclusive():
    meter = CountingMeter()
    for seconds in (0.0, 0.0005, 0.00051, 1e9):
        meter.request("object", 200, seconds, 0)
    found = samples(meter)
    assert found["mogr_request_seconds_bucket{le=0.0005}"] == 2
    assert found["mogr_request_seconds_bucket{le=0.001}"] == 3
    assert found["mogr_request_seconds_bucket{le=30.0}"] == 3
    assert found["mogr_request_seconds_bucket{le=+Inf}"] == found["mogr_request_seconds_count"] == 4


@pytest.mark.parametrize(
    ("accept", "media_type", "read"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8", read_text),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0",
            read_openmetrics,
        ),
        ("nonsense;;q=,", "text/plain; version=0.0.4; charset=utf-8", read_text),
    ],
)
def test_the_page_comes_in_the_form_asked_for(accept, media_type, read):
    meter = CountingMeter()
    meter.rendered("jpeg", "avif", 2, 1, 5)
    body, content_type = expose(meter.snapshot(), NODE, accept)
    assert content_type.startswith(media_type)
    assert {family.name for family in read(body.decode())} >= {each.name for each in (*COUNTERS, *HISTOGRAMS)}


events = st.lists(
    st.one_of(
        st.tuples(st.just("request"), st.sampled_from(["object", "zz"]), st.sampled_from([200, 404, 1]),
                  st.sampled_from([0.25, 2.0]), st.integers(0, 9)),
        st.tuples(st.just("rendered"), st.just("jpeg"), st.sampled_from(["avif", "webp"]), st.just(1.0),
                  st.sampled_from([0.5, 4.0]), st.integers(0, 9)),
        st.tuples(st.just("cache_hit"), st.sampled_from(["memory", "disk"])),
    ),
    max_size=12,
)  # fmt: skip


def counted(happened) -> CountingMeter:
    meter = CountingMeter()
    for verb, *arguments in happened:
        getattr(meter, verb)(*arguments)
    return meter


@given(one=events, other=events)
def test_the_sum_of_two_meters_is_what_one_would_have_counted(one, other):
    total = merge(counted(one).snapshot(), counted(other).snapshot())
    assert total == counted([*one, *other]).snapshot()


@given(happened=events)
def test_nothing_is_added_by_nothing_and_json_keeps_it_all(happened):
    snapshot = counted(happened).snapshot()
    assert merge(empty(), snapshot) == merge(snapshot, empty()) == json.loads(json.dumps(snapshot)) == snapshot


def test_merging_leaves_its_arguments_alone():
    one, other = counted([("cache_hit", "disk")]).snapshot(), counted([("cache_hit", "disk")]).snapshot()
    before = json.dumps([one, other])
    merge(merge(one, other), other)
    assert json.dumps([one, other]) == before


def test_a_snapshot_is_a_copy():
    meter = CountingMeter()
    snapshot = meter.snapshot()
    meter.request("object", 200, 0.1, 1)
    assert snapshot == CountingMeter().snapshot()
