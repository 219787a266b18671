"""A Host names a bucket, or none."""

from __future__ import annotations

import pytest
from fakes import FakeOrigin

from proxy.errors import NoSuchBucket
from proxy.service.bucket import Bucket, BucketRules
from proxy.web.hosts import Buckets


def bucket(name: str) -> Bucket:
    return Bucket(rules=BucketRules(name=name), origin=FakeOrigin())


A, B = bucket("a-1250000000"), bucket("b-1250000000")


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("img.example.com", "a-1250000000"),
        ("b-1250000000.cos.ap-guangzhou.myqcloud.com", "b-1250000000"),
        ("b-1250000000.cos.x", "b-1250000000"),
        ("b-1250000000.cos-website.x", "b-1250000000"),
        ("b-1250000000.pic.ap-guangzhou.myqcloud.com", "b-1250000000"),
        ("b-1250000000.ci.x", "b-1250000000"),
        ("b-1250000000.cos.", None),
        ("xb-1250000000.cos.x", None),
        ("b-1250000000.example.com", None),
        ("example.com", None),
        ("", None),
    ],
)
def test_the_bucket_of_a_host(host: str, name: str | None) -> None:
    buckets = Buckets([(A, ["img.example.com"], False), (B, [], False)])
    if name is None:
        with pytest.raises(NoSuchBucket):
            buckets.find(host)
    else:
        assert buckets.find(host).rules.name == name


def test_a_default_answers_every_other_host() -> None:
    buckets = Buckets([(A, [], True), (B, ["b.example.com"], False)])
    assert buckets.find("b.example.com") is B
    assert buckets.find("anything") is A
