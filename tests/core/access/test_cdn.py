"""URL signatures of the CDN: the documentation's samples hold, and neither letters nor digits can change sides."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace
from urllib.parse import quote_from_bytes

import pytest
from signing import URL_KEY, cdn_target

from proxy.core.access.cdn import UrlSigning
from proxy.core.access.refusals import (
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
    SignatureExpired,
    SignatureNeeded,
    UnreadableSignature,
)
from proxy.errors import AccessDenied, InvalidUri

AT_S = 1_582_791_032
SAMPLES = {
    "A": "/test.jpg?sign=1582791032-im1acp76sx9sdqe601v-0-3fbb88382c9356b6faaf9d68c7b2ae3a",
    "B": "/202002271610/2e03a07cfa55a47768226d3e5ea82a8d/test.jpg",
    "C": "/ea68b93ac23ebbc6eebf7f163c6e9c4c/1582791032/test.jpg",
    "D": "/test.jpg?sign=900a5049aa8ac1ab144527d9c2be4cea&t=1582791032",
}


def signing(type_: str, **more) -> UrlSigning:
    return UrlSigning(type=type_, keys=(URL_KEY,), ttl_s=600, **more)  # type: ignore[arg-type]


def verify(signing: UrlSigning, target: str, now_s: float = AT_S + 10) -> None:
    path, _, query = target.partition("?")
    signing.verify(path.encode("latin-1"), query.encode("latin-1"), now_s)


@pytest.mark.parametrize("type_", SAMPLES)
def test_the_samples_of_the_documentation_hold_and_leave_the_path(type_: str) -> None:
    verify(signing(type_), SAMPLES[type_])
    path, _, query = SAMPLES[type_].partition("?")
    assert signing(type_).unsigned(path.encode(), query.encode()) == (b"/test.jpg", b"")
    operation = b"imageMogr2/thumbnail/100x"
    with_operation = (query.encode() + b"&" if query else b"") + operation
    assert signing(type_).unsigned(path.encode(), with_operation) == (b"/test.jpg", operation)
    assert signing(type_).unsigned(b"/test.jpg", operation) == (b"/test.jpg", operation)


@pytest.mark.parametrize("type_", "ABCD")
def test_the_time_of_a_url_is_over_after_its_ttl_and_not_far_ahead(type_: str) -> None:
    target, minute_s = cdn_target(type_, "/a.jpg", AT_S), 60 if type_ == "B" else 0
    verify(signing(type_), target, AT_S)
    verify(signing(type_), target, AT_S + 600 - minute_s)
    with pytest.raises(SignatureExpired):
        verify(signing(type_), target, AT_S + 601)
    verify(signing(type_), target, AT_S - 800)
    with pytest.raises(RequestTimeTooSkewed):
        verify(signing(type_), target, AT_S - 1000)


@pytest.mark.parametrize("type_", "CD")
def test_times_are_decimal_or_hexadecimal_as_the_setting_says(type_: str) -> None:
    decimal, hexadecimal = (cdn_target(type_, "/a.jpg", AT_S, as_hex=each) for each in (False, True))
    for format_, good in {"any": (decimal, hexadecimal), "decimal": (decimal,), "hex": (hexadecimal,)}.items():
        for target in (decimal, hexadecimal):
            if target in good:
                verify(signing(type_, time_format=format_), target)
            else:
                with pytest.raises(AccessDenied):
                    verify(signing(type_, time_format=format_), target)


@pytest.mark.parametrize("type_", "ABCD")
def test_either_key_holds_while_they_are_changed(type_: str) -> None:
    both = replace(signing(type_), keys=("newkey0001", URL_KEY))
    verify(both, cdn_target(type_, "/a.jpg", AT_S))
    verify(both, cdn_target(type_, "/a.jpg", AT_S, key="newkey0001"))
    with pytest.raises(SignatureDoesNotMatch):
        verify(both, cdn_target(type_, "/a.jpg", AT_S, key="newkey0002"))


def test_parameters_have_the_names_that_the_setting_gives_them() -> None:
    named = signing("D", parameter="auth_key", time_parameter="time")
    target = cdn_target("D", "/a.jpg", AT_S).replace("sign=", "auth_key=").replace("&t=", "&time=")
    verify(named, target)
    assert named.unsigned(b"/a.jpg", b"auth%5Fkey=1&time=2&t=3&sign=4") == (b"/a.jpg", b"t=3&sign=4")


@pytest.mark.parametrize("type_", "ABCD")
@pytest.mark.parametrize("path", ["/a/b%20c.jpg", "/%E4%B8%AD.jpg", "/a.jpg!small", "/a-1600000000-x-0.jpg", "//a.jpg"])
def test_a_path_is_signed_as_it_stands_in_the_url(type_: str, path: str) -> None:
    verify(signing(type_), cdn_target(type_, path, AT_S))


def test_a_path_that_was_signed_before_it_was_escaped_holds_too() -> None:
    plain = cdn_target("D", "/中 a.jpg", AT_S)
    escaped = plain.replace("/中 a.jpg", "/%E4%B8%AD%20a.jpg", 1)
    verify(signing("D"), escaped)


BAD = {
    "A": [
        "/a.jpg", "/a.jpg?sign=", "/a.jpg?sign=1-2-3-4", "/a.jpg?SIGN=x", "/a.jpg?sign=1582791032-r-0-" + "0" * 32,
        "/b" + SAMPLES["A"], SAMPLES["A"] + "&sign=x", SAMPLES["A"].replace("-0-", "-1-"), SAMPLES["A"] + "0", SAMPLES["A"].upper(),
        SAMPLES["A"] + "&s%69gn=" + SAMPLES["A"].partition("=")[2], SAMPLES["A"].replace("1582791032", "١582791032"),
    ],
    "B": [
        "/test.jpg", "/202002271610/test.jpg", "/202013271610/" + hashlib.md5(f"{URL_KEY}202013271610/t".encode()).hexdigest() + "/t",
        "/x" + SAMPLES["B"], SAMPLES["B"] + "/../b.jpg", SAMPLES["B"].replace("/test", "/%2e%2e/test"), SAMPLES["B"].replace("/test", "//test"),
        SAMPLES["B"].replace("/2e03", "/%32e03"), SAMPLES["B"].upper(),
    ],
    "C": [
        "/test.jpg", "/ea68b93ac23ebbc6eebf7f163c6e9c4c/test.jpg", SAMPLES["C"].replace("1032/", "1033/"), SAMPLES["C"] + "x",
        SAMPLES["C"].replace("1582791032/test", "15827910/32/test"), SAMPLES["C"].replace("/test", "/test/../test"),
    ],
    "D": [
        "/test.jpg?t=1582791032", "/test.jpg?sign=900a5049aa8ac1ab144527d9c2be4cea", SAMPLES["D"] + "&t=1582791032",
        SAMPLES["D"].replace("t=", "T="), SAMPLES["D"].replace("1032", "1033"), SAMPLES["D"].replace("/test", "/best"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("type_", "target"), [(type_, target) for type_, targets in BAD.items() for target in targets])
def test_what_is_not_signed_as_the_type_says_does_not_hold(type_: str, target: str) -> None:
    with pytest.raises(AccessDenied):
        signing(type_).verify(*(part.encode() for part in target.partition("?")[::2]), AT_S)


def test_digits_do_not_move_from_the_path_into_the_time() -> None:
    """The digest of type D is of key, path and time without anything between them."""
    for path, other in (("/photo2", "/photo"), ("/photo", "/photo1"), ("/ab", "/ab15"), ("/abc5e577978", "/abc")):
        target = cdn_target("D", path, AT_S)
        digest, stamp = target.partition("sign=")[2].split("&t=")
        moved = (path + stamp).removeprefix(other)
        assert path + stamp == other + moved
        with pytest.raises(AccessDenied):
            verify(signing("D"), f"{other}?sign={digest}&t={moved}")


def _md5_extended(digest: str, length_bytes: int, suffix: bytes) -> tuple[str, bytes]:
    """MD5 of what *digest* is of (*length_bytes* of it) with padding and *suffix* after it, made without knowing that."""
    import math

    shifts = [7, 12, 17, 22] * 4 + [5, 9, 14, 20] * 4 + [4, 11, 16, 23] * 4 + [6, 10, 15, 21] * 4
    sines = [int(abs(math.sin(n + 1)) * 2**32) & 0xFFFFFFFF for n in range(64)]
    padding = b"\x80" + b"\0" * ((55 - length_bytes) % 64) + struct.pack("<Q", length_bytes * 8)
    total = length_bytes + len(padding) + len(suffix)
    data = suffix + b"\x80" + b"\0" * ((55 - total) % 64) + struct.pack("<Q", total * 8)
    state = list(struct.unpack("<4I", bytes.fromhex(digest)))
    for at in range(0, len(data), 64):
        words = struct.unpack("<16I", data[at : at + 64])
        a, b, c, d = state
        for n in range(64):
            mixed, word = (
                ((b & c) | (~b & d), n) if n < 16
                else ((d & b) | (~d & c), (5 * n + 1) % 16) if n < 32
                else (b ^ c ^ d, (3 * n + 5) % 16) if n < 48
                else (c ^ (b | ~d), 7 * n % 16)
            )  # fmt: skip
            mixed = (mixed + a + sines[n] + words[word]) & 0xFFFFFFFF
            a, d, c, b = d, c, b, (b + (mixed << shifts[n] | mixed >> (32 - shifts[n]))) & 0xFFFFFFFF
        state = [(x + y) & 0xFFFFFFFF for x, y in zip(state, (a, b, c, d), strict=True)]
    return struct.pack("<4I", *state).hex(), padding


@pytest.mark.parametrize("type_", "BC")
def test_a_digest_that_was_lengthened_without_the_key_does_not_hold(type_: str) -> None:
    target = cdn_target(type_, "/public/a.jpg", AT_S)
    _, first, second, _ = target.split("/", 3)
    stamp, digest = (first, second) if type_ == "B" else (second, first)
    suffix = b"/../../secret.jpg"
    longer, padding = _md5_extended(digest, len(URL_KEY + stamp + "/public/a.jpg"), suffix)
    uri = b"/public/a.jpg" + padding + suffix
    assert longer == hashlib.md5(f"{URL_KEY}{stamp}".encode() + uri).hexdigest(), "the attack works as such"
    for raw_uri in (uri, quote_from_bytes(uri).encode()):
        prefix = f"/{stamp}/{longer}" if type_ == "B" else f"/{longer}/{stamp}"
        with pytest.raises(SignatureDoesNotMatch):
            signing(type_).verify(prefix.encode() + raw_uri, b"", AT_S)


def test_a_query_without_bounds_is_refused() -> None:
    with pytest.raises(InvalidUri):
        verify(signing("A"), "/a.jpg?" + "&".join(f"sign={n}" for n in range(300)))
    with pytest.raises(UnreadableSignature):
        verify(signing("A"), "/a.jpg?sign=" + "1" * 5000)
    with pytest.raises(SignatureNeeded):
        verify(signing("C"), "/" + "a" * 5000)
