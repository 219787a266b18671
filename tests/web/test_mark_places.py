"""A mark's URL leads to a bucket of ours or nowhere."""

from __future__ import annotations

import pytest
from fakes import FakeOrigin

from proxy.core.access.rules import Access
from proxy.core.plan import Need
from proxy.errors import InvalidMark, MogrError
from proxy.ops.encoded import encode_text
from proxy.service.bucket import Bucket, BucketRules
from proxy.web.ask import Asker
from proxy.web.hosts import Buckets
from proxy.web.marks import locate
from proxy.web.request import EdgeRequest


def bucket(name: str, **rules: object) -> Bucket:
    return Bucket(rules=BucketRules(name=name, **rules), origin=FakeOrigin())  # type: ignore[arg-type]


OWN = bucket("b-1250000000", mark_hosts=frozenset({"logos.example", "hidden.example", "styled.example"}))
LOGOS, OTHER, HIDDEN = bucket("logos"), bucket("other-1250000000"), bucket("hidden", access=Access(private=True))
STYLED = bucket("styled", access=Access(styles_only=True))
BUCKETS = Buckets([
    (OWN, ["img.example.com"], True), (LOGOS, ["logos.example"], False), (OTHER, [], False),
    (HIDDEN, ["hidden.example"], False), (STYLED, ["styled.example"], False),
])  # fmt: skip


@pytest.mark.parametrize(("url", "place"), [
    ("http://b-1250000000.cos.r.example/mark.png", (OWN, "mark.png", b"")),
    ("http://B-1250000000.COS.r.example:80/a/mark.png", (OWN, "a/mark.png", b"")),
    ("http://img.example.com/a%20b%C3%A9+.png", (OWN, "a bé+.png", b"")),
    ("http://img.example.com/水印.png", (OWN, "水印.png", b"")),
    ("http://img.example.com/m.png?imageMogr2/thumbnail/!50p|imageMogr2/rotate/90",
     (OWN, "m.png", b"imageMogr2/thumbnail/!50p|imageMogr2/rotate/90")),
    ("http://img.example.com/m.png?x=1#part", (OWN, "m.png", b"x=1")),
    ("http://img.example.com//m.png", (OWN, "/m.png", b"")),
    ("http://img.example.com/a%252Fb", (OWN, "a%2Fb", b"")),
    ("http://logos.example/m.png", (LOGOS, "m.png", b"")),
])  # fmt: skip
def test_a_url_of_a_bucket_leads_there(url: str, place: tuple[Bucket, str, bytes]) -> None:
    found = locate(Need(url=url), OWN, BUCKETS)
    assert (found.bucket, found.key, found.raw_query) == place


@pytest.mark.parametrize("url", [
    "http://other-1250000000.cos.r.example/mark.png", "http://logos.cos.r.example/m.png", "http://example.org/m.png",
    "http://127.0.0.1/m.png", "http://localhost:9090/m.png", "http://[::1]/m.png", "http://169.254.169.254/latest/meta-data",
    "http://img.example.com@evil.example/m.png", "http://evil.example/http://img.example.com/m.png",
    "http://evil.example?@img.example.com/m.png", "http://evil.example#@img.example.com/m.png", "http://img.example.com\\@evil.example/m",
    "http://img.example.com", "http://img.example.com/", "http://img.example.com/?imageMogr2/rotate/90", "http:///m.png", "http://",
    "http://[", "http://img.example.com/%FF", "http://img.example.com/%0A", "http://img.example.com/" + "k" * 851,
    "http://img.example.com/.mogr/x", "http://img.example.com/x/..%2F.MOGR/x", "http://hidden.example/m.png",
    "http://styled.example/m.png",
])  # fmt: skip
def test_any_other_leads_nowhere(url: str) -> None:
    with pytest.raises(InvalidMark):
        locate(Need(url=url), OWN, BUCKETS)


@pytest.mark.parametrize(
    ("key", "found"), [("m.png", "m.png"), ("a%20b", "a%20b"), ("水印.png", "水印.png"), ("/a", "/a")]
)
def test_a_key_is_taken_as_it_is(key: str, found: str) -> None:
    assert locate(Need(key=key), OWN, BUCKETS).key == found


@pytest.mark.parametrize("key", [".mogr/x", "a\nb", "k" * 851])
def test_a_key_that_no_url_could_name_names_nothing(key: str) -> None:
    with pytest.raises(InvalidMark):
        locate(Need(key=key), OWN, BUCKETS)


def test_a_private_bucket_lends_no_marks_even_to_itself() -> None:
    with pytest.raises(InvalidMark):
        locate(Need(key="m.png"), HIDDEN, BUCKETS)


def ask(operation: str):
    request = EdgeRequest(
        method="GET", host="img.example.com", raw_path=b"/a.jpg", raw_query=operation.encode(), headers={}, peer=""
    )
    return Asker(frozenset({"jpeg", "png", "webp"}), BUCKETS).ask(request, OWN, "a.jpg")


def marked(url: str) -> str:
    return "watermark/1/image/" + encode_text(url)


def test_a_question_holds_those_of_its_marks_and_of_the_marks_on_them() -> None:
    inner = marked("http://logos.example/inner.png?imageMogr2/format/jpg")
    outer = marked(f"http://img.example.com/outer.png?imageMogr2/thumbnail/9x|{inner}")
    question = ask(f"{outer}|{marked('http://logos.example/second.png')}|imageMogr2/format/webp").question
    assert question is not None
    first, second = question.inputs
    assert (first.bucket, first.question.source.key) == (OWN, "outer.png")
    assert first.question.plan_text == f"imageMogr2/thumbnail/9x|{inner}"
    assert (second.bucket, second.question.plan_text) == (LOGOS, "imageMogr2")
    (innermost,) = first.question.inputs
    assert (innermost.bucket, innermost.question.source.key) == (LOGOS, "inner.png")
    for each in (first, second, innermost):
        assert each.question.offer.forced == "png"


@pytest.mark.parametrize("url", [
    "http://img.example.com/m.png?imageMogr2/thumbnail/nonsense", "http://img.example.com/m.png?imageInfo",
    "http://img.example.com/m.png?" + marked("http://evil.example/m.png"), "http://evil.example/m.png",
    "http://img.example.com/m.png?" + marked("https://img.example.com/m.png"), "http://img.example.com/m.png?watermark/3/type/1",
])  # fmt: skip
def test_a_mark_that_gives_no_picture_is_refused_and_ignore_error_still_holds(url: str) -> None:
    asked = ask(f"imageMogr2/ignore-error/1|{marked(url)}")
    assert isinstance(asked.error, InvalidMark)
    assert (asked.error.status, asked.error.code) == (400, "InvalidImageSource")
    assert asked.ignore_error


def test_ten_marks_are_allowed_and_not_eleven() -> None:
    ten = "|".join([marked("http://img.example.com/m.png")] * 10)
    question = ask(ten).question
    assert question is not None
    assert len(question.inputs) == 10
    nested = marked("http://img.example.com/m.png?" + marked("http://img.example.com/m.png"))
    asked = ask("|".join([nested] * 5 + [marked("http://img.example.com/m.png")]))
    assert isinstance(asked.error, MogrError)
    assert "more than 10 images" in asked.error.public


def test_without_buckets_no_mark_can_be_had() -> None:
    request = EdgeRequest(
        method="GET", host="h", raw_path=b"/a", raw_query=b"watermark/1/image_key/YQ", headers={}, peer=""
    )
    assert isinstance(Asker(frozenset({"jpeg"})).ask(request, OWN, "a").error, InvalidMark)


def test_a_private_bucket_lends_marks_to_its_own_pictures_if_whoever_asks_may_read_all_of_it() -> None:
    need = Need(url="http://hidden.example/m.png")
    assert locate(need, HIDDEN, BUCKETS, trusted=True).key == "m.png"
    for bucket, trusted in ((HIDDEN, False), (OWN, True)):
        with pytest.raises(InvalidMark, match="private bucket"):
            locate(need, bucket, BUCKETS, trusted=trusted)
    assert locate(Need(url="http://styled.example/m.png"), STYLED, BUCKETS).key == "m.png", "asked for by a style alone"
