"""What is meant by what somebody asks to be purged."""

from __future__ import annotations

import pytest
from caching import ScriptedForwarder
from fakes import FakeOrigin

from proxy.core.access.cdn import UrlSigning
from proxy.core.access.rules import Access
from proxy.core.purges import Purge
from proxy.core.styles import Styles
from proxy.errors import MogrError
from proxy.service.bucket import Bucket, BucketRules
from proxy.web.ask import Asker
from proxy.web.hosts import Buckets
from proxy.web.purges import read_purges

WIDTH = "imageMogr2/thumbnail/100x"
PLAIN = Bucket(
    rules=BucketRules(name="plain", styles=Styles(texts={"s": WIDTH}, separators="!"), client_hints=True),
    origin=FakeOrigin(),
)
THROUGH = Bucket(rules=BucketRules(name="through"), origin=FakeOrigin(), forward=ScriptedForwarder())  # type: ignore[arg-type]
AUTO = Bucket(rules=BucketRules(name="auto", auto_format=True), origin=FakeOrigin())

SIGNED = Bucket(
    rules=BucketRules(name="signed", access=Access(url_signing=UrlSigning(type="C", keys=("k",), ttl_s=1))),
    origin=FakeOrigin(),
    forward=ScriptedForwarder(),  # type: ignore[arg-type]
)


def read(wanted: dict[str, object], *, default: bool = True) -> list[Purge]:
    buckets = Buckets(
        [
            (PLAIN, ("img.example.com",), default),
            (THROUGH, ("www.example.com",), False),
            (AUTO, ("auto.example.com",), False),
            (SIGNED, ("signed.example.com",), False),
        ]
    )
    return read_purges(wanted, buckets, Asker(frozenset({"jpeg", "webp"}), buckets), 5.0)


IMG, WWW = "https://img.example.com", "http://www.example.com:8080"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"url": f"{IMG}/a.jpg?{WIDTH}"}, [("url", "plain", "a.jpg", WIDTH, "")]),
        ({"url": f"{IMG}/a.jpg?imageMogr2/thumbnail/100x/ignore-error/1"}, [("url", "plain", "a.jpg", WIDTH, "")]),
        ({"url": f"{IMG}/%61.jpg?{WIDTH}#x"}, [("url", "plain", "a.jpg", WIDTH, "")]),
        ({"url": f"/a.jpg?{WIDTH}"}, [("url", "plain", "a.jpg", WIDTH, "")]),
        ({"url": f"https://cdn.example.net/a.jpg?{WIDTH}"}, [("url", "plain", "a.jpg", WIDTH, "")]),
        ({"url": f"https://cdn.example.net/a.jpg?{WIDTH}", "bucket": "auto"}, [("url", "auto", "a.jpg", WIDTH, "")]),
        ({"url": f"{IMG}/a.jpg"}, [("url", "plain", "a.jpg", None, "")]),
        ({"url": f"{IMG}/a.jpg!s"}, [("url", "plain", "a.jpg!s", None, ""), ("url", "plain", "a.jpg", WIDTH, "")]),
        ({"url": f"{IMG}/a.jpg?style/s"}, [("url", "plain", "a.jpg", WIDTH, "")]),
        ({"url": f"{IMG}/a.jpg?imageMogr2/format/auto"}, [("source", "plain", "a.jpg", None, "")]),
        ({"url": f"{WWW}/a/b.html?x=1&y"}, [("url", "through", "a/b.html", None, "x=1&y")]),
        ({"url": f"{WWW}/%FF"}, [("url", "through", "\udcff", None, "")]),
        ({"url": f"{WWW}/a.jpg?{WIDTH}"}, [("url", "through", "a.jpg", WIDTH, "")]),
        ({"url": "https://auto.example.com/a.jpg"}, [("url", "auto", "a.jpg", "imageMogr2/format/auto", "")]),
        (
            {"url": f"https://signed.example.com/{'a' * 32}/1700000000/a.jpg?{WIDTH}&q-ak=x"},
            [("url", "signed", "a.jpg", WIDTH, "")],
        ),
        (
            {"url": f"https://signed.example.com/{'a' * 32}/1700000000/p?x=1&q-ak=x&y"},
            [("url", "signed", "p", None, "x=1&y")],
        ),
        ({"url": "https://signed.example.com/p?x=1"}, [("url", "signed", "p", None, "x=1")]),
        ({"source": "a.jpg"}, [("source", "plain", "a.jpg", None, "")]),
        ({"source": "a b%20.jpg", "bucket": "auto"}, [("source", "auto", "a b%20.jpg", None, "")]),
        ({"prefix": ""}, [("prefix", "plain", "", None, "")]),
        ({"tag": "t"}, [("tag", "", "t", None, "")]),
        ({"tag": "t", "bucket": "auto"}, [("tag", "auto", "t", None, "")]),
    ],
    ids=str,
)
def test_what_is_meant(wanted: dict[str, object], expected: list[tuple[object, ...]]) -> None:
    found = read(wanted)
    assert [(each.kind, each.bucket, each.value, each.plan_text, each.raw_query) for each in found] == expected
    assert all(each.at_s == 5.0 and not each.refresh for each in found)
    assert len({each.id for each in found + read(wanted | {"refresh": True})}) == 2 * len(found)
    assert all(each.refresh for each in read(wanted | {"refresh": True}))


@pytest.mark.parametrize(
    "wanted",
    [
        {"url": "a.jpg"},
        {"url": "ftp://img.example.com/a.jpg"},
        {"url": "http://[/a.jpg"},
        {"url": "/\ud800"},
        {"url": f"{IMG}/"},
        {"url": f"{IMG}/.mogr/x"},
        {"url": f"{IMG}/a.jpg?imageMogr2/thumbnail/nonsense"},
        {"url": "/a.jpg", "bucket": "none"},
        {"source": "/a.jpg"},
        {"prefix": "/a"},
        {"source": "a", "bucket": "none"},
        {"tag": "a", "bucket": "none"},
    ],
    ids=str,
)
def test_what_names_nothing_is_refused(wanted: dict[str, object]) -> None:
    with pytest.raises(MogrError):
        read(wanted)


def test_without_a_default_a_key_needs_its_bucket() -> None:
    for wanted in ({"source": "a"}, {"url": "/a.jpg"}, {"url": "http://unknown.example.com/a.jpg"}):
        with pytest.raises(MogrError):
            read(wanted, default=False)
