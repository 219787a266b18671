"""What a bucket asks of requests: who gets an answer, what is left of a signature, and who may keep and read what."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import quote

import httpx
import pytest
from caching import ScriptedAnswer, ScriptedForwarder, date
from edges import Worker
from signing import SECRET_ID, SECRET_KEY, URL_KEY, around, authorization, cdn_target, presigned

from proxy.core.access.cdn import UrlSigning
from proxy.core.access.cors import Cors, Rule
from proxy.core.access.cos import SigningKey
from proxy.core.access.referers import Pattern, Referers
from proxy.core.access.rules import Access, DefaultImage
from proxy.core.styles import Styles
from proxy.errors import CodecDeadline

KEYS = {SECRET_ID: SigningKey(SECRET_ID, SECRET_KEY)}
PRIVATE = Access(private=True, keys=KEYS)
OP = "imageMogr2/thumbnail/100x"
STYLES = Styles(texts={"small": OP, "tiny": "imageMogr2/thumbnail/10x/ignore-error/1"}, separators="!")


def code(answer: httpx.Response) -> str:
    return answer.text.partition("<Code>")[2].partition("</Code>")[0]


def signed(worker: Worker, path: str = "/a.jpg", **how) -> str:
    return presigned(path, period=around(worker.clock.now_s()), **how)


async def test_a_private_bucket_answers_who_signs_and_nobody_else():
    worker = Worker(access=PRIVATE)
    for target in ("/a.jpg", f"/a.jpg?{OP}", "/none.jpg", "/", f"/a.jpg?{OP}&q-ak=x", "/.mogr/x"):
        answer = await worker.get(target)
        assert (answer.status_code, code(answer)) == (403, "AccessDenied"), target
        assert answer.headers["cache-control"] == "no-store"
    assert worker.origin.opened == []
    for target in (signed(worker), signed(worker, headers={"host": "h"}), signed(worker, parameters={OP: ""})):
        assert (await worker.get(target)).status_code == 200
    assert (await worker.get(signed(worker, method="HEAD"), method="HEAD")).status_code == 200
    assert (await worker.get(signed(worker, method="PUT"), method="PUT")).status_code == 405
    missing = await worker.get(signed(worker, "/none.jpg"))
    assert (missing.status_code, missing.headers["cache-control"]) == (404, "private, max-age=10")


async def test_a_header_signs_as_a_query_does():
    worker = Worker(access=PRIVATE)
    text = authorization("/a.jpg", period=around(worker.clock.now_s()), headers={"host": "h"}, parameters={OP: ""})
    answer = await worker.get(f"/a.jpg?{quote(OP, safe='')}=", Authorization=text)
    assert (answer.status_code, answer.text.split("|")[1]) == (200, OP)
    other = await worker.get("/t.txt", Authorization=text)
    assert (other.status_code, code(other)) == (403, "SignatureDoesNotMatch")
    assert text not in other.text


@pytest.mark.parametrize(("seconds", "wanted", "says"), [
    (0, "", ""), (301, "AccessDenied", "Request has expired."), (-3600, "RequestTimeTooSkewed", "difference"),
])  # fmt: skip
async def test_the_clock_of_the_server_decides_when_a_signature_holds(seconds: int, wanted: str, says: str):
    worker = Worker(access=PRIVATE)
    target = signed(worker)
    worker.clock.advance(seconds)
    answer = await worker.get(target)
    assert (answer.status_code, code(answer)) == (403 if wanted else 200, wanted)
    assert says in answer.text


async def test_answers_to_signers_are_for_their_clients_caches_and_share_ours():
    worker = Worker(access=PRIVATE)
    first = await worker.get(signed(worker, parameters={OP: ""}))
    worker.clock.advance(7)
    second = await worker.get(signed(worker, parameters={OP: ""}, headers={"host": "h"}))
    assert [each.headers["cache-control"] for each in (first, second)] == ["private, max-age=3600"] * 2
    assert (second.headers["cache-status"], second.content) == ("mogr; hit; detail=memory", first.content)
    assert len(worker.codec.jobs) == 1
    tag = second.headers["etag"]
    unchanged = await worker.get(signed(worker, parameters={OP: ""}), If_None_Match=tag)
    assert (unchanged.status_code, unchanged.headers["cache-control"]) == (304, "private, max-age=3600")


async def test_what_a_query_says_beside_a_signature_is_read_without_it():
    worker = Worker(access=PRIVATE, styles=STYLES)
    target = signed(worker) + "&x-cos-security-token=t&small"
    assert (await worker.get(target)).text.split("|")[1] == OP
    path_style = signed(worker, "/a.jpg!small")
    assert (await worker.get(path_style)).text.split("|")[1] == OP


@pytest.mark.parametrize(
    "name", ["content-type", "content-disposition", "content-language", "cache-control", "expires"]
)
async def test_fields_are_replaced_as_far_as_that_was_signed(name: str):
    worker, value = Worker(access=PRIVATE), 'x/y; z="a b"'
    answer = await worker.get(signed(worker, parameters={f"response-{name}": value}))
    if name == "cache-control":
        assert answer.headers[name].startswith("private")
    else:
        assert answer.headers.get_list(name) == [value]
    beside = await worker.get(signed(worker) + f"&response-{name}={quote(value)}")
    assert beside.status_code == 200
    assert value not in str(beside.headers)
    assert "set-cookie" not in (await worker.get(signed(worker, parameters={"response-set-cookie": "a"}))).headers


async def test_a_replaced_field_ends_no_line_and_makes_nothing_public():
    worker = Worker(access=PRIVATE)
    answer = await worker.get(
        signed(
            worker,
            parameters={
                "response-content-type": "a/b\r\nx: y\0é中",
                "response-cache-control": "public, s-maxage=9, max-age=5",
            },
        )
    )
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("a/bx: yé?", "private, max-age=5")


async def test_a_public_bucket_looks_at_signatures_where_it_can():
    without, worker = Worker(), Worker(access=Access(keys=KEYS))
    target = signed(worker)
    forged = target[:-40] + "0" * 40
    assert [(await without.get(each)).status_code for each in (target, forged)] == [200, 200]
    assert [(await worker.get(each)).status_code for each in (target, forged, "/a.jpg")] == [200, 403, 200]
    assert (await worker.get("/a.jpg")).headers["cache-control"] == "public, max-age=3600"
    assert (await worker.get("/a.jpg", Authorization="Basic cTpx")).status_code == 200


async def test_marks_of_a_private_bucket_are_for_operations_that_were_signed():
    mark = f"watermark/1/image/{'aHR0cDovL2IuY29zLnIuZXhhbXBsZS90LmpwZw=='}"
    worker = Worker(access=PRIVATE, styles=Styles(texts={"marked": mark}, separators="!"))
    worker.origin.objects["t.jpg"] = b"PIC mark"
    for target in (signed(worker, parameters={mark: ""}), signed(worker, "/a.jpg!marked")):
        answer = await worker.get(target)
        assert answer.status_code == 200, answer.text
        assert b"PIC mark" in answer.content
    beside = await worker.get(signed(worker) + f"&{mark}")
    assert (beside.status_code, "private bucket" in beside.text) == (400, True)


@pytest.mark.parametrize("type_", "ABCD")
async def test_urls_signed_for_the_cdn(type_: str):
    worker = Worker(access=Access(url_signing=UrlSigning(type=type_, keys=(URL_KEY,), ttl_s=100)), styles=STYLES)
    at_s = int(worker.clock.now_s())
    for path, query in (("/a.jpg", ""), ("/a.jpg", OP), ("/a.jpg!small", "")):
        answer = await worker.get(cdn_target(type_, path, at_s, query=query))
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "private, max-age=3600"
    assert len(worker.codec.jobs) == 1, "what signs a URL is no part of what is kept"
    for target in (
        "/a.jpg",
        cdn_target(type_, "/.mogr/x", at_s),
        cdn_target(type_, "/b.jpg", at_s).replace("/b.jpg", "/a.jpg"),
    ):
        assert (await worker.get(target)).status_code in (403, 404), target
    worker.clock.advance(170)
    assert "expired" in (await worker.get(cdn_target(type_, "/a.jpg", at_s))).text
    lines = [line for line in await worker.logged() if line["event"] == "request"]
    digest = cdn_target(type_, "/a.jpg", at_s)
    secret = max(digest.replace("?", "/").replace("=", "/").replace("&", "/").replace("-", "/").split("/"), key=len)
    assert len(secret) == 32
    assert secret not in str(lines)
    assert lines[0]["path"] == "/a.jpg"


async def test_a_traversal_behind_a_signed_prefix_is_signed_or_refused():
    worker = Worker(access=Access(url_signing=UrlSigning(type="C", keys=(URL_KEY,), ttl_s=100)))
    at_s = int(worker.clock.now_s())
    good = cdn_target("C", "/a.jpg", at_s)
    prefix = good.removesuffix("/a.jpg")
    for path in (
        "/../t.txt",
        "/%2e%2e/t.txt",
        "//a.jpg",
        "/a.jpg/../t.txt",
        "/.mogr/x",
        "/.MOGR%2Fx",
        "/a.jpg%00",
        "/a.jpg;x",
        "/A.JPG",
    ):
        assert (await worker.get(prefix + path)).status_code == 403, path
    hidden = await worker.get(cdn_target("C", "/.mogr/x", at_s))
    assert (hidden.status_code, code(hidden)) == (404, "NoSuchKey")
    twice = prefix + good
    assert (await worker.get(twice)).status_code == 403


async def test_either_kind_of_signature_opens_a_bucket_that_knows_both():
    worker = Worker(access=replace(PRIVATE, url_signing=UrlSigning(type="D", keys=(URL_KEY,), ttl_s=100)))
    cdn = cdn_target("D", "/a.jpg", int(worker.clock.now_s()))
    assert [(await worker.get(each)).status_code for each in (cdn, signed(worker), "/a.jpg")] == [200, 200, 403]
    forged = signed(worker)[:-40] + "0" * 40 + "&" + cdn.partition("?")[2]
    assert code(await worker.get(forged)) == "SignatureDoesNotMatch"


async def test_referers_are_asked_of_those_who_do_not_sign():
    rules = Referers(allow=(Pattern.parse("*.shop.example"),), deny=(Pattern.parse("bad.shop.example"),))
    worker = Worker(access=Access(referers=rules, keys=KEYS))
    statuses = {
        referer: (await worker.get(f"/a.jpg?{OP}", **({"Referer": referer} if referer else {}))).status_code
        for referer in ("https://www.shop.example/x", "https://bad.shop.example/", "https://evil.example/", "")
    }
    assert list(statuses.values()) == [200, 403, 403, 403]
    denied = await worker.get("/a.jpg", Referer="https://evil.example/<script>")
    assert (denied.headers["x-errno"], denied.headers["cache-control"], "evil" in denied.text) == (
        "-108",
        "no-store",
        False,
    )
    assert (await worker.get(signed(worker), Referer="https://evil.example/")).status_code == 200


ADVERSE = [
    "/a.jpg", f"/a.jpg?{OP}", "/a.jpg?imageInfo", "/a.jpg?style/small|imageInfo", f"/a.jpg!small?{OP}", f"/a.jpg?small&{OP}", "/a.jpg?exif",
    "/a.jpg?ci-process=originImage", "/a.jpg!small?ci-process=originImage", "/a.jpg!smal", "/a.jpg?Small", "/t.txt", "/none.jpg", "/a.jpg!", "/a!small",
    "/a.jpg%21smal", "/a.jpg?ci-process=ImageInfo", "/a.jpg?style%2Fsmall%7Cexif", "/?small", "/a.jpg?ci-process=qrcode-generate&qrcode-content=x",
]  # fmt: skip


async def test_a_bucket_of_styles_gives_originals_to_signers_alone():
    worker = Worker(access=Access(styles_only=True, keys=KEYS), styles=STYLES)
    worker.origin.objects["a!small"] = b"an original whose name ends as a style's would"
    for target in (
        "/a.jpg!small",
        "/a.jpg?small",
        "/a.jpg?small=",
        "/a.jpg?style/small",
        "/a.jpg%21small",
        "/a.jpg?style%2Fsmall=",
    ):
        answer = await worker.get(target)
        assert (answer.status_code, answer.text.split("|")[1:2]) == (200, [OP]), target
        assert answer.headers["cache-control"] == "public, max-age=3600"
    for target in ADVERSE:
        answer = await worker.get(target)
        assert answer.status_code in (400, 403, 404, 501), target
        assert b"PIC one" not in answer.content
        assert b"an original" not in answer.content
    protected = await worker.get("/a.jpg")
    assert (code(protected), protected.headers["x-errno"]) == ("AccessDenied", "-154")
    for target in (signed(worker), signed(worker, parameters={"ci-process": "originImage"})):
        assert (await worker.get(target)).content == b"PIC one"
    assert (await worker.get(signed(worker, parameters={"imageMogr2/thumbnail/7x": ""}))).status_code == 200


async def test_a_style_that_ignores_errors_does_not_give_the_original_away():
    worker = Worker(access=Access(styles_only=True), styles=STYLES)
    worker.codec.error = CodecDeadline()
    answer = await worker.get("/a.jpg!tiny")
    assert (answer.status_code, b"PIC" in answer.content) == (504, False)
    answer = await worker.get("/t.txt!tiny")
    assert (answer.status_code, b"text" in answer.content) == (400, False)


async def test_a_client_that_asks_too_often_is_told_when_to_come_back():
    worker = Worker(access=Access(rate_per_s=0.5, rate_burst=2), trusted=("127.0.0.1/32",))
    statuses = [(await worker.get("/a.jpg", X_Forwarded_For="192.0.2.1")).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
    refused = await worker.get("/a.jpg", X_Forwarded_For="192.0.2.1")
    assert (refused.headers["retry-after"], refused.headers["cache-control"], code(refused)) == (
        "2",
        "no-store",
        "SlowDown",
    )
    assert (await worker.get("/a.jpg", X_Forwarded_For="192.0.2.2")).status_code == 200
    assert (await worker.get("/a.jpg", X_Forwarded_For="192.0.2.9, 192.0.2.1")).status_code == 429, (
        "what the client wrote itself"
    )
    worker.clock.advance(2)
    assert (await worker.get("/a.jpg", X_Forwarded_For="192.0.2.1")).status_code == 200
    network = [(await worker.get("/a.jpg", X_Forwarded_For=f"2001:db8::{n}")).status_code for n in range(3)]
    assert network == [200, 200, 429]


async def test_nobody_else_can_say_whose_request_it_is():
    worker = Worker(access=Access(rate_per_s=0.5, rate_burst=2))
    statuses = [(await worker.get("/a.jpg", X_Forwarded_For=f"192.0.2.{n}")).status_code for n in range(3)]
    assert statuses == [200, 200, 429]


SHOP = Rule(origins=("https://shop.example",), methods=("GET", "HEAD"), expose=("ETag",), headers=("x-a",))


async def test_pages_may_read_what_a_rule_lets_them():
    worker = Worker(access=Access(cors=Cors((SHOP,))))
    ours = await worker.get(f"/a.jpg?{OP}/format/webp", Origin="https://shop.example")
    assert ours.headers["access-control-allow-origin"] == "https://shop.example"
    assert (ours.headers["access-control-expose-headers"], ours.headers["vary"]) == ("ETag", "Accept, Origin")
    for headers in ({"Origin": "https://evil.example"}, {}, {"Origin": "null"}):
        theirs = await worker.get(f"/a.jpg?{OP}/format/webp", **headers)
        assert (theirs.status_code, theirs.headers["vary"]) == (200, "Accept, Origin")
        assert not [name for name in theirs.headers if name.startswith("access-control")]
    missing = await worker.get("/none.jpg", Origin="https://shop.example")
    assert (missing.status_code, missing.headers["access-control-allow-origin"], missing.headers["vary"]) == (
        404,
        "https://shop.example",
        "Origin",
    )


async def test_where_everybody_may_read_answers_do_not_vary():
    worker = Worker(access=Access(cors=Cors((Rule(origins=("*",)),))))
    for headers in ({}, {"Origin": "https://any.example"}):
        answer = await worker.get("/a.jpg", **headers)
        assert (answer.headers["access-control-allow-origin"], "vary" in answer.headers) == ("*", False)
        assert "access-control-allow-credentials" not in answer.headers


async def test_a_preflight_needs_no_signature_and_is_no_request():
    worker = Worker(access=replace(PRIVATE, cors=Cors((SHOP,))))
    asked = {"Origin": "https://shop.example", "Access_Control_Request_Method": "GET"}
    answer = await worker.get(f"/a.jpg?{OP}", method="OPTIONS", Access_Control_Request_Headers="X-A", **asked)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["access-control-allow-headers"] == "x-a"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert answer.headers["vary"] == "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"
    assert worker.origin.opened == []
    for change in (
        {"Origin": "https://evil.example"},
        {"Access_Control_Request_Method": "PUT"},
        {"Access_Control_Request_Headers": "x-b"},
    ):
        refused = await worker.get("/a.jpg", method="OPTIONS", **{**asked, **change})
        assert (refused.status_code, code(refused), "evil" in str(refused.headers)) == (403, "AccessForbidden", False)
    plain = await Worker().get("/a.jpg", method="OPTIONS", **asked)
    assert plain.status_code == 405


IMAGE = DefaultImage(key="missing.png")


def with_image(**access) -> Worker:
    worker = Worker(access=Access(default_image=IMAGE, **access), styles=STYLES)
    worker.origin.objects["missing.png"] = b"PIC missing"
    return worker


@pytest.mark.parametrize(("target", "shown"), [
    (f"/none.jpg?{OP}", "jpeg|imageMogr2/thumbnail/100x|PIC missing"), ("/none.jpg!small", "jpeg|imageMogr2/thumbnail/100x|PIC missing"),
    ("/none.jpg?small", "jpeg|imageMogr2/thumbnail/100x|PIC missing"), ("/none.jpg", "PIC missing"), ("/none.svg", "PIC missing"),
    ("/dir/none?" + OP, "jpeg|imageMogr2/thumbnail/100x|PIC missing"),
])  # fmt: skip
async def test_a_missing_picture_is_replaced_by_one_of_its_size(target: str, shown: str):
    worker = with_image()
    answer = await worker.get(target, If_None_Match="*", Range="bytes=0-1")
    assert (answer.status_code, answer.text) == (404, shown)
    assert (answer.headers["cache-control"], answer.headers["x-errno"]) == ("public, max-age=10", "-6101")
    assert answer.headers["content-type"].startswith("image/")
    assert {"etag", "last-modified", "accept-ranges", "content-range", "age"}.isdisjoint(answer.headers)
    head = await worker.get(target, method="HEAD")
    assert (head.status_code, head.headers["content-length"]) == (404, str(len(shown)))


@pytest.mark.parametrize(
    "target", ["/none.txt", "/none", "/none.jpg?imageInfo", "/none.jpg?exif", "/none.jpg!none?imageInfo"]
)
async def test_who_did_not_ask_for_a_picture_gets_the_error(target: str):
    answer = await with_image().get(target)
    assert (answer.status_code, code(answer)) == (404, "NoSuchKey")


async def test_a_default_image_that_is_missing_or_broken_leaves_the_error_as_it_is():
    worker = with_image()
    worker.origin.objects["missing.png"] = b"no picture"
    answer = await worker.get(f"/none.jpg?{OP}")
    assert (answer.status_code, answer.content) == (404, b"no picture"), "as it is, if nothing can be made of it"
    del worker.origin.objects["missing.png"]
    worker.clock.advance(10_000)
    answer = await worker.get(f"/none.jpg?{OP}")
    assert (answer.status_code, code(answer)) == (404, "NoSuchKey")


async def test_who_is_refused_gets_the_default_image_as_it_is_or_in_a_style():
    worker = with_image(private=True, keys=KEYS)
    for target, shown in {f"/a.jpg?{OP}": "PIC missing", "/a.jpg": "PIC missing", "/a.jpg!small": f"jpeg|{OP}|PIC missing", "/a.jpg?small": f"jpeg|{OP}|PIC missing"}.items():  # fmt: skip
        answer = await worker.get(target)
        assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (403, shown, "no-store"), target
    for period in (around(0), around(worker.clock.now_s())):
        text = authorization("/none.jpg", period=period)
        answer = await worker.get("/none.jpg", Authorization=text)
        assert answer.headers["content-type"] == "application/xml", "an SDK reads errors"
    shown_in_a_page = await worker.get(signed(worker, "/none.jpg", parameters={OP: ""}))
    assert (shown_in_a_page.status_code, shown_in_a_page.text) == (404, f"jpeg|{OP}|PIC missing")
    assert shown_in_a_page.headers["cache-control"] == "private, max-age=10"


async def test_the_default_image_may_come_with_200_and_for_one_error_only():
    other = Worker(
        access=Access(default_image=replace(IMAGE, as_200=True, statuses=frozenset({404})), styles_only=True),
        styles=STYLES,
    )
    other.origin.objects["missing.png"] = b"PIC missing"
    answer = await other.get("/none.jpg!small")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "public, max-age=10")
    assert (await other.get("/none.jpg")).status_code == 403


@pytest.mark.parametrize("field", ["cdn-cache-control", "cloudflare-cdn-cache-control"])
async def test_nothing_is_told_to_cdns_that_is_not_for_them(field: str):
    """A CDN believes this field before Cache-Control."""
    lifetime = {"cache-control": "max-age=5", field: "max-age=500"}
    for worker, target, status in (
        (with_image(private=True, keys=KEYS), "/a.jpg", 403), (with_image(), f"/none.jpg?{OP}", 404), (with_image(), "/none.jpg", 404),
        (Worker(access=PRIVATE), "signed", 200),
    ):  # fmt: skip
        worker.origin.headers = lifetime
        answer = await worker.get(signed(worker) if target == "signed" else target)
        assert (answer.status_code, field in answer.headers) == (status, False)
        assert "500" not in answer.headers["cache-control"]


def through(**access) -> tuple[Worker, ScriptedForwarder]:
    forwarder = ScriptedForwarder(*(ScriptedAnswer(cache_control="public, max-age=60", date=date()) for _ in range(6)))
    return Worker(forward=forwarder, access=Access(**access)), forwarder


async def test_what_passes_through_is_kept_and_sent_on_without_its_signature():
    worker, forwarder = through(private=True, keys=KEYS)
    target = signed(worker, "/page", parameters={"b": "2"}) + "&a=1&x-cos-security-token=t"
    first = await worker.get(target)
    second = await worker.get(
        "/page?b=2&a=1", Authorization=authorization("/page", period=around(worker.clock.now_s()))
    )
    assert [first.status_code, second.status_code, (await worker.get("/page?b=2&a=1")).status_code] == [200, 200, 403]
    assert [request.raw_query for request in forwarder.requests] == [b"b=2&a=1"]
    assert "authorization" not in str(forwarder.requests[0].lines)
    assert second.headers["cache-status"].startswith("mogr; hit")
    assert "private" in second.headers["cache-control"]
    assert "public" not in second.headers["cache-control"]


async def test_a_signature_for_the_origin_of_a_public_bucket_is_the_origins():
    worker, forwarder = through(keys=KEYS)
    text = authorization("/page", period="0;1", secret_id="theirs")
    assert (await worker.get("/page?q-sign-algorithm=sha1", Authorization=text)).status_code == 200
    assert forwarder.requests[0].raw_query == b"q-sign-algorithm=sha1"
    assert (b"authorization", text.encode()) in list(forwarder.requests[0].lines)


async def test_protected_originals_do_not_pass_through():
    worker, forwarder = through(styles_only=True)
    assert (await worker.get("/page")).status_code == 403
    assert forwarder.requests == []


async def test_a_bug_in_the_guard_is_an_error_like_any_other(monkeypatch: pytest.MonkeyPatch):
    worker = Worker(access=PRIVATE)
    monkeypatch.setattr(worker.edge._guard, "admit", lambda *_: 1 / 0)
    answer = await worker.get("/a.jpg")
    assert (answer.status_code, code(answer)) == (500, "InternalError")


@pytest.mark.parametrize(("access", "alike"), [
    (Access(), True), (Access(keys=KEYS), True), (Access(default_image=IMAGE), True), (PRIVATE, False), (Access(styles_only=True), False),
    (Access(rate_per_s=1), False), (Access(cors=Cors((SHOP,))), True), (Access(referers=Referers(deny=(Pattern("x"),))), False),
    (Access(url_signing=UrlSigning(type="A", keys=("k",), ttl_s=1)), False),
])  # fmt: skip
def test_a_bucket_tells_whether_its_answers_are_everybodys(access: Access, alike: bool):
    assert access.admits_all is alike
