from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

import pytest
from costs import check_linear
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.query import MAX_QUERY_BYTES, Query, split_query
from proxy.errors import ClientError, InvalidArgument, InvalidUri


@pytest.mark.parametrize(("raw", "operation"), [
    ("imageMogr2/thumbnail/!50p", "imageMogr2/thumbnail/!50p"),
    ("imageMogr2%2Fthumbnail%2F%2150p=", "imageMogr2/thumbnail/!50p"),       # Python SDK
    ("imageMogr2%2Fthumbnail%2F%2150p", "imageMogr2/thumbnail/!50p"),        # Go SDK
    ("%69mageMogr2/rotate/90", "imageMogr2/rotate/90"),
    ("imageMogr2/thumbnail/320x320%3E", "imageMogr2/thumbnail/320x320>"),
    ("imageMogr2/thumbnail/320x320>", "imageMogr2/thumbnail/320x320>"),
    ("imageMogr2/crop/9x9%7CimageMogr2/rotate/90", "imageMogr2/crop/9x9|imageMogr2/rotate/90"),
    ("imageMogr2/a/%2525", "imageMogr2/a/%25"),                              # decoded once
    ("imageMogr2/color/a+b", "imageMogr2/color/a+b"),                        # no space
    ("watermark/2/fill/I0ZGRkZGRg==/fontsize/30", "watermark/2/fill/I0ZGRkZGRg==/fontsize/30"),
    ("watermark/2/fill/I0ZGRkZGRg==", "watermark/2/fill/I0ZGRkZGRg="),       # exactly one
    ("watermark%2F2%2Ffill%2FI0ZGRkZGRg%3D%3D=", "watermark/2/fill/I0ZGRkZGRg=="),
    ("imageInfo", "imageInfo"), ("exif=", "exif"), ("imageView2/2/w/5", "imageView2/2/w/5"), ("style/small", "style/small"),
    ("q-ak=AK&q-sign-time=S;E&imageMogr2/rotate/90", "imageMogr2/rotate/90"),
    ("versionId=v1&imageMogr2%2Frotate%2F90", "imageMogr2/rotate/90"),
    ("imageMogr2/rotate/90=&response-content-type=image%2Fx&versionId=v1", "imageMogr2/rotate/90"),
    ("", None), ("&&", None), ("utm_source=imageMogr2/rotate/90", None), ("imageMogr3/rotate/90", None),
    ("imageMogr2x", None), ("exif=1", None), ("imagemogr2/rotate/90", None), ("%zz", None), ("a=%zz&%ff=1", None),
])  # fmt: skip
def test_the_operation_is_found_in_every_spelling(raw: str, operation: str | None) -> None:
    assert split_query(raw.encode()).operation == operation


def test_everything_else_is_told_apart() -> None:
    raw = (
        "q-sign-algorithm=sha1&q-ak=AK&q-signature=SIG&x-cos-security-token=T&sign=1&t=2&utm=x&small&big%21=&"
        "versionId=v%2B1&response-content-type=image%2Fx&response-expires=&ci-process=ImageInspect&image_process=&a=b"
    )
    assert split_query(raw.encode()) == Query(
        styles=("small", "big!"),
        version_id="v+1",
        process="ImageInspect",
        arguments={"utm": "x", "a": "b"},
        response={"content-type": "image/x", "expires": ""},
        signature=frozenset({"q-sign-algorithm", "q-ak", "q-signature", "x-cos-security-token", "sign", "t"}),
    )


def test_of_a_parameter_given_twice_the_first_counts() -> None:
    assert split_query(b"versionId=1&versionId=2").version_id == "1"


def test_two_operations_are_refused() -> None:
    with pytest.raises(InvalidArgument, match="more than one operation"):
        split_query(b"imageMogr2/rotate/90&imageMogr2/rotate/180")


@pytest.mark.parametrize("raw", [
    b"imageMogr2/rotate/%", b"imageMogr2/rotate/%4", b"imageMogr2/rotate/%zz", b"imageMogr2/rotate/%ff",
    b"imageMogr2/rotate/\xff", b"versionId=%", b"response-content-type=%c3", b"imageMogr2/a/%ed%a0%80",
    b"imageMogr2/thumbnail/" + b"9" * 20_000, b"a" * 70_000, b"&".join([b"a"] * 300),
])  # fmt: skip
def test_what_of_ours_cannot_be_read_is_refused(raw: bytes) -> None:
    with pytest.raises(InvalidUri):
        split_query(raw)


@pytest.mark.parametrize(
    "piece", [b"&", b"=", b"%", b"a&", b"|imageMogr2", b"%69", b"imageMogr2/", b"imageMogr2/&", b"a=%25&"]
)
@pytest.mark.parametrize("start", [b"", b"imageMogr2", b"ci-process="])
def test_long_queries_cost_no_more_than_their_length(start: bytes, piece: bytes) -> None:
    def split(raw: bytes) -> None:
        with suppress(ClientError):
            split_query(raw)

    check_linear(split, lambda size: start + piece * (size // len(piece)), MAX_QUERY_BYTES - len(start))


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_any_text_survives_being_quoted_as_an_operation(text: str) -> None:
    assert split_query(quote("imageMogr2/" + text, safe="").encode()).operation == "imageMogr2/" + text


@given(st.binary(max_size=60) | st.text("imageMogr2/%&=|+-!24", max_size=40).map(str.encode))
def test_any_bytes_are_a_query_or_a_clear_refusal(raw: bytes) -> None:
    try:
        operation = split_query(raw).operation
    except (InvalidUri, InvalidArgument):
        return
    assert operation is None or operation.encode("utf-8")


@pytest.mark.parametrize("raw_query", [b"%" * 60_000, b"a" * 60_001, b"%25" * 20_001], ids=len)
def test_what_is_too_long_for_a_name_is_ignored_unread(raw_query: bytes) -> None:
    query = split_query(raw_query)
    assert (query.operation, query.styles) == (None, ())
    assert split_query(raw_query + b"&imageMogr2/strip").operation == "imageMogr2/strip"
