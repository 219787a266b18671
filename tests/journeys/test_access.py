"""Access rules on a real server, used by Tencent's SDK, a browser and clients that try things."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import httpx
import pytest
from pictures import jpeg, opened, png
from servers.mogr import Mogr
from servers.origin import FaultyOrigin
from signing import URL_KEY, around, authorization, cdn_target, presigned

SECRET_ID, SECRET_KEY = "AKIDthis", "this is a secret key"
BUCKET, URLS, STYLED = "private-1250000000", "urls-1250000000", "styled-1250000000"
HALF = "imageMogr2/thumbnail/!50p"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mogr]:
    directory = tmp_path_factory.mktemp("guarded")
    store = f"file:{directory / 'photos'}"
    settings = {
        "server": {"workers": 2, "access_log": "json", "trusted_proxies": ["127.0.0.1/32"]},
        "credentials": [
            {"secret_id": SECRET_ID, "secret_key": SECRET_KEY},
            {"secret_id": "AKIDother", "secret_key": "another key"},
            {"secret_id": "AKIDtemporary", "secret_key": "a third key", "security_token": "TOKEN"},
        ],
        "buckets": {
            "test-1250000000": None,
            BUCKET: {"store": store, "public": "private", "default": True, "signers": [SECRET_ID, "AKIDtemporary"]},
            URLS: {"store": store, "url_signature": {"type": "B", "key": URL_KEY, "backup_key": "backup00"}},
            STYLED: {
                "store": store,
                "styles_only": True,
                "styles": {"half": HALF},
                "default_image": {"key": "missing.png", "as_200": True},
                "rate": {"requests_per_s": 0.01, "burst": 20},
                "referers": {"allow": ["*.shop.example"], "empty": True},
                "cors": [{"origins": ["https://*.shop.example"], "expose": ["ETag"]}],
            },
        },
    }
    with Mogr(directory, settings) as server:
        server.put("cat.jpg", jpeg())
        server.put("写真 +ä.jpg", jpeg(64, 48))
        server.put("notes.txt", b"notes")
        server.put("missing.png", png(32, 32))
        yield server


def host(bucket: str) -> str:
    return f"{bucket}.cos.ap-guangzhou.example"


@pytest.fixture
def client(guarded: Mogr) -> Callable[..., Any]:
    """``client(...)`` is the SDK, told to sign with these keys."""
    qcloud_cos = pytest.importorskip("qcloud_cos")

    def make(secret_id: str = SECRET_ID, secret_key: str = SECRET_KEY, **more: Any) -> Any:
        place = f"127.0.0.1:{guarded.port}"
        configuration = qcloud_cos.CosConfig(
            Region="ap-guangzhou", SecretId=secret_id, SecretKey=secret_key, Scheme="http", Endpoint=place, Domain=place, **more
        )  # fmt: skip
        return qcloud_cos.CosS3Client(configuration)

    return make


@pytest.mark.parametrize("key", ["cat.jpg", "写真 +ä.jpg"])
def test_the_official_sdk_reads_a_private_bucket(client, tmp_path: Path, key: str) -> None:
    sdk = client()
    whole = sdk.get_object(Bucket=BUCKET, Key=key)
    assert whole["Body"].get_raw_stream().read() == (jpeg() if key == "cat.jpg" else jpeg(64, 48))
    assert whole["Cache-Control"] == "private, max-age=3600"
    head = sdk.head_object(Bucket=BUCKET, Key=key)
    assert head["Content-Length"] == str(len(jpeg() if key == "cat.jpg" else jpeg(64, 48)))
    target = tmp_path / "small.jpg"
    sdk.ci_download_compress_image(Bucket=BUCKET, Key=key, DestImagePath=str(target), CompressType="webp")
    assert opened(target.read_bytes()).format == "WEBP"
    with sdk.get_object(Bucket=BUCKET, Key=key, Range="bytes=0-9")["Body"].get_raw_stream() as part:
        assert len(part.read()) == 10
    renamed = sdk.get_object(
        Bucket=BUCKET,
        Key=key,
        ResponseContentType="image/x",
        ResponseContentDisposition='attachment; filename="a b+c.jpg"',
    )
    assert (renamed["Content-Type"], renamed["Content-Disposition"]) == ("image/x", 'attachment; filename="a b+c.jpg"')


@pytest.mark.parametrize("sign_host", [True, False])
@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {HALF: ""},
        {HALF: "", "response-content-type": "image/x"},
        {"imageMogr2/thumbnail/!50p|watermark/2/text/aGk=/fill/I0ZGRkZGRg==": ""},
    ],
)
def test_the_urls_that_the_sdk_presigns_hold(
    client, guarded: Mogr, parameters: dict[str, str], sign_host: bool
) -> None:
    url = client().get_presigned_url(Bucket=BUCKET, Key="cat.jpg", Method="GET", Params=parameters, SignHost=sign_host)
    answer = httpx.get(url, trust_env=False)
    assert answer.status_code == 200, answer.text
    assert opened(answer.content).size == ((480, 270) if parameters else (960, 540))
    assert answer.headers["content-type"] == parameters.get("response-content-type", "image/jpeg")
    head = client().get_presigned_url(Bucket=BUCKET, Key="cat.jpg", Method="HEAD", Params=parameters)
    assert httpx.head(head, trust_env=False).status_code == 200
    assert httpx.head(url, trust_env=False).status_code == 403, "GET was signed"
    unsigned = httpx.get(url.partition("?")[0], trust_env=False)
    assert (unsigned.status_code, "<Code>AccessDenied</Code>" in unsigned.text) == (403, True)


@pytest.mark.parametrize(("keys", "code"), [
    ({"secret_key": "wrong"}, "SignatureDoesNotMatch"), ({"secret_id": "AKIDnobody"}, "InvalidAccessKeyId"),
    ({"secret_id": "AKIDother", "secret_key": "another key"}, "InvalidAccessKeyId"),
    ({"secret_id": "AKIDtemporary", "secret_key": "a third key"}, "InvalidAccessKeyId"),
    ({"secret_id": "AKIDtemporary", "secret_key": "a third key", "Token": "WRONG"}, "InvalidAccessKeyId"),
    ({"secret_id": "", "secret_key": "", "Anonymous": True}, "AccessDenied"),
])  # fmt: skip
def test_the_official_sdk_reads_why_it_is_refused(client, keys: dict[str, Any], code: str) -> None:
    qcloud_cos = pytest.importorskip("qcloud_cos")
    with pytest.raises(qcloud_cos.CosServiceError) as refused:
        client(**keys).get_object(Bucket=BUCKET, Key="cat.jpg")
    assert (refused.value.get_status_code(), refused.value.get_error_code()) == (403, code)


def test_a_temporary_key_reads_with_its_token(client) -> None:
    sdk = client(secret_id="AKIDtemporary", secret_key="a third key", Token="TOKEN")
    assert sdk.get_object(Bucket=BUCKET, Key="cat.jpg")["Content-Type"] == "image/jpeg"


def test_a_url_that_is_over_says_so(client) -> None:
    url = client().get_presigned_url(Bucket=BUCKET, Key="cat.jpg", Method="GET", Expired=-30)
    answer = httpx.get(url, trust_env=False)
    assert (answer.status_code, "Request has expired" in answer.text) == (403, True)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("target", [
    "/cat.jpg%00", "/%2e%2e/cat.jpg", "//cat.jpg", "/cat.jpg?q-sign-algorithm", "/cat.jpg?" + "q-" + "x" * 60_000, "/cat.jpg?" + "&".join(["q-ak=1"] * 400),
    "/cat.jpg?q-sign-algorithm=sha1&q-ak=%FF&q-sign-time=1;2&q-key-time=1;2&q-header-list=&q-url-param-list=&q-signature=" + "a" * 40,
    "/" + quote("写" * 200) + "?q-sign-algorithm=%C3%A9",
])  # fmt: skip
def test_whatever_is_tried_is_refused_in_few_words(guarded: Mogr, target: str) -> None:
    for headers in (
        {},
        {"Authorization": "q-sign-algorithm=sha1&" + "x" * 20_000},
        {"Authorization": "q-sign-algorithm="},
    ):
        answer = guarded.get(target, Host=host(BUCKET), **headers)
        assert answer.status_code in (400, 403)
        assert "Traceback" not in answer.text


def test_what_a_signed_url_covers_cannot_be_altered(guarded: Mogr) -> None:
    period = around(time.time())
    how = {"period": period, "secret_id": SECRET_ID, "secret_key": SECRET_KEY, "headers": {"host": host(BUCKET)}}
    good = presigned("/cat.jpg", parameters={HALF: ""}, **how)
    assert guarded.get(good, Host=host(BUCKET)).status_code == 200
    for altered in (
        good.replace("50p", "60p"),
        good.replace("cat.jpg", "notes.txt"),
        good + "&IMAGEMOGR2%2Fthumbnail%2F%2150p=",
        good.replace("%21", "%2521"),
    ):
        assert altered != good
        answer = guarded.get(altered, Host=host(BUCKET))
        assert (answer.status_code, "<Code>SignatureDoesNotMatch</Code>" in answer.text) == (403, True), altered
    assert guarded.get(good, Host=host(URLS)).status_code == 403, "another bucket, where the same may sign"
    assert guarded.get(good, Host="other.example").status_code == 403, "another host, the same bucket"


def test_the_renditions_of_signers_are_made_once(guarded: Mogr) -> None:
    how = {"secret_id": SECRET_ID, "secret_key": SECRET_KEY, "parameters": {"imageMogr2/thumbnail/123x": ""}}
    before = guarded.metric("mogr_renders_total")
    for seconds in range(4):
        target = presigned("/cat.jpg", period=around(time.time(), after_s=200 + seconds), **how)
        assert guarded.get(target, Host=host(BUCKET)).status_code == 200
    assert guarded.metric("mogr_renders_total") - before <= 1


def test_urls_signed_for_the_cdn_open_their_bucket(guarded: Mogr) -> None:
    now_s = int(time.time())
    for key in (URL_KEY, "backup00"):
        answer = guarded.get(cdn_target("B", "/cat.jpg", now_s, query=HALF, key=key), Host=host(URLS))
        assert opened(answer.content).size == (480, 270)
    target = cdn_target("B", "/cat.jpg", now_s)
    assert guarded.get(target, Host=host(URLS)).content == jpeg()
    for wrong in (
        "/cat.jpg",
        target.replace("cat.jpg", "notes.txt"),
        target + "/../notes.txt",
        target.replace("/cat", "/%2e/cat"),
    ):
        assert guarded.get(wrong, Host=host(URLS)).status_code == 403
    digest = target.split("/")[2]
    until_s = time.monotonic() + 10
    while f'"host": "{host(URLS)}", "path": "/cat.jpg"' not in guarded.log.read_text():
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert digest not in guarded.log.read_text()


def test_protected_originals_and_the_picture_instead(guarded: Mogr) -> None:
    styled = guarded.get("/cat.jpg!half", Host=host(STYLED), X_Forwarded_For="192.0.2.1")
    assert opened(styled.content).size == (480, 270)
    for target in ("/cat.jpg", f"/cat.jpg?{HALF}", "/none.jpg!half"):
        answer = guarded.get(target, Host=host(STYLED), X_Forwarded_For="192.0.2.1")
        size = (16, 16) if "half" in target else (32, 32)
        assert (answer.status_code, opened(answer.content).size) == (200, size), target
        assert answer.headers["cache-control"] in ("no-store", "public, max-age=10")
    text = authorization("/cat.jpg", period=around(time.time()), secret_id=SECRET_ID, secret_key=SECRET_KEY)
    assert guarded.get("/cat.jpg", Host=host(STYLED), Authorization=text).content == jpeg()
    elsewhere = {"Referer": "https://evil.example/", "X_Forwarded_For": "192.0.2.1"}
    assert guarded.get("/cat.jpg!half", Host=host(STYLED), **elsewhere).headers["x-errno"] == "-108"
    assert guarded.get("/notes.txt", Host=host(STYLED), X_Forwarded_For="192.0.2.1").headers["x-errno"] == "-154"


def test_a_client_is_slowed_down_by_every_worker(guarded: Mogr) -> None:
    answers = [guarded.get("/cat.jpg!half", Host=host(STYLED), X_Forwarded_For="198.51.100.7") for _ in range(42)]
    statuses = [answer.status_code for answer in answers]
    assert 20 <= statuses.count(200) <= 40, "20 in each of two workers"
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert 1 <= int(refused.headers["retry-after"]) <= 100
    assert guarded.get("/cat.jpg!half", Host=host(STYLED), X_Forwarded_For="198.51.100.8").status_code == 200


def test_signatures_are_not_logged(guarded: Mogr) -> None:
    target = presigned("/cat.jpg", period=around(time.time()), secret_id=SECRET_ID, secret_key=SECRET_KEY)
    guarded.get(target, Host=host(BUCKET))
    signature = dict(parse_qsl(urlsplit(target).query))["q-signature"]
    until_s = time.monotonic() + 10
    while "q-signature=***" not in guarded.log.read_text():
        assert time.monotonic() < until_s
        time.sleep(0.05)
    assert signature not in guarded.log.read_text()
    assert SECRET_KEY not in guarded.log.read_text()


PAGE = """<body><script>
const report = said => fetch("REPORT?" + encodeURIComponent(JSON.stringify(said)), {mode: "no-cors"});
const tried = async (url, options) => {
  try {
    const answer = await fetch(url, options);
    return [answer.status, answer.headers.get("etag") !== null, (await answer.blob()).size > 0];
  } catch (error) { return "blocked"; }
};
(async () => {
  const own = "OWN/cat.jpg?imageMogr2/thumbnail/100x", other = "OTHER/cat.jpg?imageMogr2/thumbnail/100x";
  await report([
    await tried(own), await tried(own, {headers: {"X-Asked": "1"}}), await tried(own, {headers: {"X-Forbidden": "1"}}),
    await tried(own, {credentials: "include"}), await tried(other), await tried(own + "&x=1", {method: "DELETE"}),
  ]);
})();
</script></body>"""


def test_a_browser_reads_what_the_rules_of_cors_let_its_page(start, tmp_path: Path, require_server) -> None:
    chromium = require_server("chromium")
    with FaultyOrigin() as pages:
        page_origin = pages.url("").rstrip("/")
        rules = {
            "cors": [{"origins": [page_origin], "headers": ["X-Asked"], "expose": ["ETag"]}],
        }
        others = {"cors": [{"origins": ["https://shop.example"]}]}
        server: Mogr = start(
            {
                "buckets": {
                    "test-1250000000": {**rules},
                    "other-1250000000": {"store": "file:photos", "hosts": ["localhost"], **others},
                }
            },
            {"cat.jpg": jpeg()},
        )
        page = (
            PAGE.replace("REPORT", pages.url("/report"))
            .replace("OWN", server.url)
            .replace("OTHER", f"http://localhost:{server.port}")
        )
        pages.put("/index.html", page.encode(), headers={"Content-Type": "text/html"})
        said = browse(chromium, pages, tmp_path)
    read = [200, True, True]
    assert said == [read, read, "blocked", "blocked", "blocked", "blocked"]


def browse(chromium: str, pages: FaultyOrigin, directory: Path) -> Any:
    """What the page said at /report."""
    command = [
        chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
        "--disable-component-update", "--disable-sync", f"--user-data-dir={directory / 'profile'}", pages.url("/index.html"),
    ]  # fmt: skip
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_s = time.monotonic() + 50
        while True:
            targets = [request.target for request in pages.requests if request.target.startswith("/report?")]
            if targets:
                return json.loads(unquote(targets[0].partition("?")[2]))
            assert time.monotonic() < until_s, "the page did not report"
            time.sleep(0.05)
    finally:
        browser.kill()
        browser.wait(timeout=10)
