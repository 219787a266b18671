"""Whatever is made of a signed URL, it opens the object it was signed for or nothing, and breaks nothing."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote_to_bytes

import pytest
from edges import Worker
from hypothesis import given, settings
from hypothesis import strategies as st
from signing import SECRET_ID, SECRET_KEY, URL_KEY, around, cdn_target, presigned

from proxy.core.access.cdn import UrlSigning
from proxy.core.access.cos import SigningKey
from proxy.core.access.rules import Access
from proxy.core.styles import Styles

NOW_S = 1_800_000_000
OP = "imageMogr2/thumbnail/100x"
STYLES = Styles(texts={"small": OP}, separators="!")
TARGETS = {
    "COS": presigned("/open/a.jpg", period=around(NOW_S), parameters={OP: ""}, headers={"host": "h"}),
    **{type_: cdn_target(type_, "/open/a.jpg", NOW_S, query=OP) for type_ in "ABCD"},
}
PIECES = st.sampled_from(
    ["/", "..", "%2e%2e", "%2f", "%252f", "%00", "%0a", "%80%00", "&", "=", "?", ";", "+", "%20", "-", "sign=", "&t=1800000000", "q-ak=", "&q-signature=",
     "!small", "small", "secret", "/secret/b.jpg", "open/a.jpg", "é", "%C3%A9", "0", "f", "A", "x" * 300, "|", OP, "&imageInfo", ".mogr/"]
)  # fmt: skip


@st.composite
def altered(draw: st.DrawFn, target: str) -> str:
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(1, len(target)))
        match draw(st.sampled_from(["insert", "cut", "replace", "double", "case", "escape"])):
            case "insert":
                target = target[:at] + draw(PIECES) + target[at:]
            case "cut":
                target = target[:at] + target[at + draw(st.integers(1, 40)) :]
            case "replace":
                target = target[:at] + draw(PIECES) + target[at + draw(st.integers(0, 12)) :]
            case "double":
                target = target[:at] + target[draw(st.integers(0, at)) : at] + target[at:]
            case "case":
                target = target[:at] + target[at : at + 9].swapcase() + target[at + 9 :]
            case _:
                target = (
                    target[:at] + "".join(f"%{byte:02X}" for byte in target[at : at + 3].encode()) + target[at + 3 :]
                )
    return target if target.startswith("/") else "/" + target


async def ask(worker: Worker, target: str, *headers: tuple[bytes, bytes]) -> tuple[int, bytes]:
    sent: list[dict[str, object]] = []
    raw_path, _, raw_query = target.encode().partition(b"?")
    scope = {
        "type": "http", "method": "GET", "path": unquote_to_bytes(raw_path).decode("utf-8", "replace"), "raw_path": raw_path,
        "query_string": raw_query, "headers": [(b"host", b"h"), *headers], "client": ("192.0.2.1", 1),
    }  # fmt: skip

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        return {}

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    await worker.edge(scope, receive, send)
    return sent[0]["status"], b"".join(each.get("body", b"") for each in sent[1:])  # type: ignore[return-value,misc]


def worker_for(kind: str) -> Worker:
    signing = None if kind == "COS" else UrlSigning(type=kind, keys=(URL_KEY,), ttl_s=100)  # type: ignore[arg-type]
    keys = {SECRET_ID: SigningKey(SECRET_ID, SECRET_KEY)}
    worker = Worker(access=Access(private=kind == "COS", keys=keys, url_signing=signing), styles=STYLES)
    worker.origin.objects = {
        "open/a.jpg": b"PIC open",
        "secret/b.jpg": b"PIC SECRET",
        "a.jpg": b"PIC SECRET",
        "open/": b"PIC SECRET",
    }
    worker.origin.objects |= {
        f"{prefix}a.jpg": b"PIC SECRET" for prefix in ("open//", "/open/", "OPEN/", "open/../", "secret/")
    }
    return worker


@pytest.mark.parametrize("kind", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_signed_url_opens_its_object_or_nothing(kind: str, data: st.DataObject) -> None:
    target = data.draw(altered(TARGETS[kind]))
    status, body = asyncio.run(ask(worker_for(kind), target))
    assert status in (200, 400, 403, 404, 501), (status, body)
    assert b"SECRET" not in body
    assert status != 200 or b"PIC open" in body or body.startswith(b"{")


@pytest.mark.parametrize("kind", TARGETS)
def test_the_url_itself_opens_it(kind: str) -> None:
    assert asyncio.run(ask(worker_for(kind), TARGETS[kind])) == (200, b"jpeg|imageMogr2/thumbnail/100x|PIC open")


@settings(max_examples=60, deadline=None)
@given(
    query=st.lists(st.tuples(st.sampled_from(["q-sign-algorithm", "q-ak", "q-sign-time", "q-signature", "sign", "t", "x"]), PIECES), max_size=8),
    authorization=st.one_of(st.none(), st.text(st.characters(codec="latin-1"), max_size=40)),
)  # fmt: skip
def test_nothing_is_opened_by_what_was_not_signed(query: list[tuple[str, str]], authorization: str | None) -> None:
    headers = []
    if authorization is not None:
        headers.append((b"authorization", b"q-sign-algorithm=" + authorization.encode("latin-1")))
    target = "/open/a.jpg?" + "&".join(f"{name}={value}" for name, value in query)
    for kind in TARGETS:
        status, body = asyncio.run(ask(worker_for(kind), target, *headers))
        assert status in (400, 403)
        assert b"PIC" not in body
