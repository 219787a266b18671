"""COS signatures: published and SDK-made vectors hold, and nothing that differs from what was signed does."""

from __future__ import annotations

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signing import SECRET_ID, SECRET_KEY, authorization, cos_parts, presigned

from proxy.core.access.cos import Grant, Signed, SigningKey, looks_signed, verify
from proxy.core.access.refusals import (
    InvalidAccessKeyId,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
    SignatureExpired,
    UnreadableSignature,
)
from proxy.errors import AccessDenied, InvalidUri

HOST = "pics-1250000000.cos.ap-guangzhou.myqcloud.com"
T1, T2 = "1700000000;1700010060", "1700000000;1700000360"
NOW_S = 1_700_000_100.0
KEYS = {SECRET_ID: SigningKey(SECRET_ID, SECRET_KEY)}
PIC = '{"is_pic_info":1,"rules":[{"fileid":"format.png","rule":"imageView2/format/png"}]}'


def signed(target: str, *, method: str = "GET", **headers: str) -> Signed:
    path, _, query = target.partition("?")
    lines = [(name.lower().replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return Signed(method=method, raw_path=path.encode(), raw_query=query.encode(), lines=lines)


def said(period: str, headers: str, parameters: str, signature: str) -> str:
    return (
        f"q-sign-algorithm=sha1&q-ak={SECRET_ID}&q-sign-time={period}&q-key-time={period}&q-header-list={headers}"
        f"&q-url-param-list={parameters}&q-signature={signature}"
    )


OP = "imageMogr2/thumbnail/!50p|watermark/2/text/aGk=/fill/I0ZGRkZGRg=="
OP_LISTED = "imagemogr2%2fthumbnail%2f%2150p%7cwatermark%2f2%2ftext%2fagk%3d%2ffill%2fi0zgrkzgrg%3d%3d"
HEADER_VECTORS = {
    1: ("/a.jpg?imageInfo=", "GET", {}, said(T1, "host", "imageinfo", "7048f42fc81c47259ec497fff641c64926959eae")),
    2: (f"/dir/a.jpg?{quote(OP, safe='')}=", "GET", {}, said(T1, "host", OP_LISTED, "8b853ce80096ca934b220489ec7d68d832d1a0de")),
    3: (
        "/dir/a%20b%E4%B8%AD.jpg?imageMogr2%2Fthumbnail%2F100x100%3E=&response-content-type=image%2Fx&versionId=v1",
        "GET",
        {},
        said(T1, "host", "imagemogr2%2fthumbnail%2f100x100%3e;response-content-type;versionid", "8eb7440e0c7353c325ac2411a7d62452a1266c60"),
    ),
    4: (
        "/dir/a.jpg?image_process=",
        "POST",
        {"Content-Length": "0", "Pic-Operations": PIC},
        said(T1, "content-length;host;pic-operations", "image_process", "76b4ae9a8c1538fe6766a9f4c3f850e77d2d386e"),
    ),
    5: (
        "/dir/a.jpg",
        "PUT",
        {"Content-Length": "3", "Pic-Operations": PIC},
        said(T1, "content-length;host;pic-operations", "", "7b526ab254b46d149f01e8f6bbadc815226e11d6"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("number", HEADER_VECTORS)
def test_what_the_sdk_signed_in_a_header_holds(number: int) -> None:
    target, method, headers, text = HEADER_VECTORS[number]
    request = signed(target, method=method, Host=HOST, Authorization=text, **headers)
    grant = verify(request, KEYS, NOW_S)
    assert grant is not None
    assert grant.secret_id == SECRET_ID
    if number == 3:
        assert grant.covered == {
            "imagemogr2/thumbnail/100x100>": "", "response-content-type": "image/x", "versionid": "v1",
        }  # fmt: skip


def test_an_operation_that_the_client_did_not_escape_holds_too() -> None:
    """Base64 in it ends in "=", which ends a parameter's name for whoever does not know operations."""
    _, _, _, text = HEADER_VECTORS[2]
    assert verify(signed(f"/dir/a.jpg?{OP}", Host=HOST, Authorization=text), KEYS, NOW_S)
    assert verify(signed(f"/dir/a.jpg?{OP}=", Host=HOST, Authorization=text), KEYS, NOW_S) is not None


@pytest.mark.parametrize(("op", "host", "signature"), [
    ("imageMogr2/thumbnail/!50p", "host", "922700d5b796cdbc5a0add9e13c8e487b0829706"),
    ("imageMogr2/thumbnail/100x100", "", "7eec1b8125173020a6549fef3c4e07de403be650"),
])  # fmt: skip
def test_what_the_sdk_presigned_holds(op: str, host: str, signature: str) -> None:
    parts = said(T2, host, quote(op, safe="").lower(), signature)
    query = urlencode(dict(part.split("=", 1) for part in parts.split("&")))
    request = signed(f"/a.jpg?{query}&{quote(op, safe='')}=", Host=HOST)
    assert verify(request, KEYS, NOW_S) is not None


def test_requests_without_a_signature_are_nobodys() -> None:
    for headers in ({}, {"Authorization": ""}, {"Authorization": "Bearer x"}, {"Authorization": "Basic cS1hazp4"}):
        assert verify(signed("/a.jpg?imageMogr2/thumbnail/1x&sign=1&t=2", Host=HOST, **headers), KEYS, NOW_S) is None
        assert not looks_signed(headers.get("Authorization"), b"imageMogr2/thumbnail/1x&quality=q-1")
    assert looks_signed(None, b"x=1&q%2dsign-algorithm=sha1")
    assert looks_signed("q-sign-algorithm=sha1&", b"")


GOOD = presigned("/dir/a.jpg", period=T2, parameters={"imageMogr2/thumbnail/100x": "", "response-content-type": "image/x"}, headers={"host": HOST})  # fmt: skip


def test_the_url_that_is_altered_below_holds_as_it_is() -> None:
    grant = verify(signed(GOOD, Host=HOST), KEYS, NOW_S)
    assert grant == Grant(
        secret_id=SECRET_ID, covered={"imagemogr2/thumbnail/100x": "", "response-content-type": "image/x"}
    )
    # The port is no part of what SDKs sign; names in a query may be escaped, and others may stand beside them.
    for target in (
        GOOD,
        GOOD + "&x=1&y",
        GOOD.replace("/dir/", "/%64ir/"),
        GOOD.replace("q-ak", "%71-ak"),
        GOOD.replace("100x", "%31%30%30x"),
    ):
        assert verify(signed(target, Host=f"{HOST}:8080"), KEYS, NOW_S) is not None


@pytest.mark.parametrize("altered", [
    GOOD.replace("/dir/a.jpg", "/dir/b.jpg"), GOOD.replace("/dir/a.jpg", "/dir/../dir/a.jpg"), GOOD.replace("/dir/", "/dir%252F"),
    GOOD.replace("100x", "200x"), GOOD.replace("image%2Fx", "text%2Fhtml"),
    GOOD + "&response-content-type=text/html", GOOD + "&Response-Content-Type=text/html", GOOD + "&response%2Dcontent-type=",
    GOOD + "&imageMogr2%2fthumbnail%2F100x=", GOOD + "&IMAGEMOGR2/thumbnail/100x",
    GOOD.replace("&response-content-type=image%2Fx", ""), GOOD.replace("1700000360", "1900000360"),
    GOOD.replace("q-key-time=1700000000", "q-key-time=1690000000"),
    GOOD.replace("q-header-list=host", "q-header-list="), GOOD.replace("response-content-type%", "response-content-type%", 1).replace("%3Bresponse-content-type", ""),
    GOOD[: GOOD.index("q-signature=") + 12] + "0" * 40 + GOOD[GOOD.index("q-signature=") + 52 :],
])  # fmt: skip
def test_what_was_altered_does_not_hold(altered: str) -> None:
    assert altered != GOOD
    with pytest.raises((SignatureDoesNotMatch, UnreadableSignature)):
        verify(signed(altered, Host=HOST), KEYS, NOW_S)


def test_another_method_host_or_a_second_host_does_not_hold() -> None:
    for request in (signed(GOOD, method="HEAD", Host=HOST), signed(GOOD, Host="other-1.cos.r.example"), signed(GOOD)):
        with pytest.raises(SignatureDoesNotMatch):
            verify(request, KEYS, NOW_S)
    twice = Signed(
        method="GET",
        raw_path=b"/dir/a.jpg",
        raw_query=GOOD.partition("?")[2].encode(),
        lines=[(b"host", HOST.encode())] * 2,
    )
    with pytest.raises(SignatureDoesNotMatch):
        verify(twice, KEYS, NOW_S)


@pytest.mark.parametrize(("change", "error"), [
    ({"q-signature": ""}, SignatureDoesNotMatch), ({"q-signature": "g" * 40}, SignatureDoesNotMatch),
    ({"q-signature": "A" * 40}, SignatureDoesNotMatch), ({"q-signature": "0" * 4000}, SignatureDoesNotMatch),
    ({"q-signature": "é" * 40}, UnreadableSignature), ({"q-signature": "\x00" * 40}, SignatureDoesNotMatch),
    ({"q-sign-algorithm": "md5"}, UnreadableSignature), ({"q-sign-algorithm": "SHA1"}, UnreadableSignature),
    ({"q-ak": "AKIDnobody"}, InvalidAccessKeyId), ({"q-ak": ""}, InvalidAccessKeyId), ({"q-ak": "名"}, UnreadableSignature),
    ({"q-sign-time": "1700000000"}, UnreadableSignature), ({"q-sign-time": "a;b"}, UnreadableSignature),
    ({"q-key-time": "-1;1900000000"}, UnreadableSignature), ({"q-key-time": "1;" + "9" * 400}, UnreadableSignature),
    ({"q-key-time": "٣;٤"}, UnreadableSignature), ({"q-sign-time": "0;1699999999"}, SignatureExpired),
    ({"q-key-time": "0;1699999999"}, SignatureExpired), ({"q-key-time": "1700010000;1700020000"}, RequestTimeTooSkewed),
    ({"q-header-list": "host;host"}, UnreadableSignature), ({"q-header-list": "host;absent"}, SignatureDoesNotMatch),
    ({"q-url-param-list": ";".join(f"p{n}" for n in range(300))}, UnreadableSignature),
    ({"q-url-param-list": "absent"}, SignatureDoesNotMatch), ({"q-header-list": ";"}, UnreadableSignature),
    ({"q-header-list": "x" * 70_000}, UnreadableSignature),
])  # fmt: skip
def test_what_is_malformed_is_told_without_repeating_it(change: dict[str, str], error: type[AccessDenied]) -> None:
    parts = {**cos_parts("/a.jpg", period=T2), **change}
    in_header = "&".join(f"{name}={value}" for name, value in parts.items()).encode("utf-8").decode("latin-1")
    with pytest.raises(error) as caught:
        verify(signed("/a.jpg", Host=HOST, Authorization=in_header), KEYS, NOW_S)
    value = next(iter(change.values()))
    assert len(value) < 5 or value not in caught.value.public
    query = urlencode(parts)
    if len(query) < 60_000:
        with pytest.raises(error):
            verify(signed(f"/a.jpg?{query}", Host=HOST), KEYS, NOW_S)


@pytest.mark.parametrize("name", cos_parts("/", period=T2))
def test_every_part_must_be_there_once(name: str) -> None:
    parts = cos_parts("/a.jpg", period=T2)
    without = urlencode({key: value for key, value in parts.items() if key != name})
    for query in (
        without,
        f"{urlencode(parts)}&{name}=",
        f"{urlencode(parts)}&{name.replace('q-', '%71-')}={parts[name]}",
    ):
        with pytest.raises(UnreadableSignature, match=name):
            verify(signed(f"/a.jpg?{query}", Host=HOST), KEYS, NOW_S)


def test_a_request_has_one_signature() -> None:
    text = authorization("/a.jpg", period=T2)
    with pytest.raises(UnreadableSignature):
        verify(signed(presigned("/a.jpg", period=T2), Authorization=text), KEYS, NOW_S)
    lines = [(b"authorization", text.encode()), (b"authorization", b"Bearer x")]
    with pytest.raises(UnreadableSignature):
        verify(Signed(method="GET", raw_path=b"/a.jpg", raw_query=b"", lines=lines), KEYS, NOW_S)


def test_both_ends_of_a_period_belong_to_it() -> None:
    request = signed(presigned("/a.jpg", period=T2))
    assert verify(request, KEYS, 1_700_000_000.0)
    assert verify(request, KEYS, 1_700_000_360.0)
    with pytest.raises(SignatureExpired):
        verify(request, KEYS, 1_700_000_360.5)
    with pytest.raises(RequestTimeTooSkewed):
        verify(request, KEYS, 1_699_999_999.5)


@pytest.mark.parametrize(("date", "holds"), [
    ("Tue, 14 Nov 2023 22:15:00 GMT", True), ("Tue, 14 Nov 2023 22:31:00 GMT", False), ("yesterday", False),
])  # fmt: skip
def test_a_date_that_was_signed_is_nearly_now(date: str, holds: bool) -> None:
    request = signed("/a.jpg", Date=date, Authorization=authorization("/a.jpg", period=T1, headers={"date": date}))
    if holds:
        assert verify(request, KEYS, NOW_S)
    else:
        with pytest.raises(RequestTimeTooSkewed):
            verify(request, KEYS, NOW_S)


def test_a_temporary_key_comes_with_its_token() -> None:
    keys = {SECRET_ID: SigningKey(SECRET_ID, SECRET_KEY, "TOKEN")}
    good = signed("/a.jpg", Authorization=authorization("/a.jpg", period=T2), x_cos_security_token="TOKEN")
    in_query = signed(presigned("/a.jpg", period=T2) + "&x-cos-security-token=TOKEN")
    assert verify(good, keys, NOW_S)
    assert verify(in_query, keys, NOW_S)
    assert verify(good, KEYS, NOW_S), "a permanent key needs none, and does not mind"
    for token in ({}, {"x_cos_security_token": "other"}, {"x_ci_security_token": ""}):
        with pytest.raises(InvalidAccessKeyId):
            verify(signed("/a.jpg", Authorization=authorization("/a.jpg", period=T2), **token), keys, NOW_S)


def test_a_value_with_a_space_holds_as_forms_write_it() -> None:
    """The SDK signs ``%20`` and sends ``+``."""
    target = presigned("/a.jpg", period=T2, parameters={"response-content-disposition": "attachment; filename=a b+c"})
    assert "a+b%2Bc" in target
    grant = verify(signed(target), KEYS, NOW_S)
    assert grant is not None
    assert grant.covered["response-content-disposition"] == "attachment; filename=a b+c"


def test_a_query_without_bounds_is_refused_before_it_is_looked_through() -> None:
    for query in ("&".join(f"q-{n}" for n in range(300)), "q-" + "x" * 70_000):
        with pytest.raises(InvalidUri):
            verify(signed(f"/a.jpg?{query}"), KEYS, NOW_S)


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)


@given(path=TEXTS, parameters=st.dictionaries(TEXTS.filter(bool), TEXTS, max_size=4))
def test_whatever_is_signed_holds_and_on_another_path_does_not(path: str, parameters: dict[str, str]) -> None:
    lowered = {quote(name, safe="").lower() for name in parameters}
    parameters = (
        {}
        if len(lowered) < len(parameters) or any(n.lower().startswith(("q-", "x-c")) for n in parameters)
        else parameters
    )
    path = "/" + path
    target = presigned(path, period=T2, parameters=parameters)
    assert verify(signed(target), KEYS, NOW_S) is not None
    with pytest.raises(SignatureDoesNotMatch):
        verify(signed(target.replace("?", "x?", 1)), KEYS, NOW_S)
