"""What is particular to a bucket: names, signatures, and what obstore leaves out."""

from __future__ import annotations

import subprocess
import sys

import pytest
from fakes import TallyMeter
from servers.origin import FaultyOrigin, Stored, closed_port, drip, stall, status, wrong_length
from servers.s3 import S3Server, s3_server

from proxy.core.model import Validators
from proxy.errors import InternalError, MogrError, NoSuchKey, OriginRefused, OriginTimeout, OriginUnavailable
from proxy.ports import Unchanged
from proxy.settings import Origins
from proxy.stores.s3 import S3Store, endpoint_of
from proxy.stores.s3_stream import NotModified, counterpart

HASTY = Origins(connect_timeout_s=0.5, read_timeout_s=0.5, total_timeout_s=1.0)
"""For what is to fail: obstore asks again as long as that."""


@pytest.fixture(scope="module")
def server() -> S3Server:
    return s3_server()


@pytest.fixture(scope="module")
def bucket(server) -> str:
    return server.new_bucket()


def connect(bucket: str, endpoint: str, **changes) -> S3Store:
    told = {
        "endpoint": endpoint, "region": "us-east-1", "virtual_hosted": False, "access_key_id": "testkey",
        "secret_access_key": "testsecret", "settings": Origins(), "meter": TallyMeter(),
    }  # fmt: skip
    return S3Store(bucket, **(told | changes))


async def read(store: S3Store, key: str, **asked) -> bytes:
    stream = await store.open(key, **asked)
    assert not isinstance(stream, Unchanged)
    async with stream:
        return b"".join([chunk async for chunk in stream])


async def test_what_others_wrote_is_read_with_all_its_fields(server, bucket):
    server.client().put_object(
        Bucket=bucket, Key="dir/ü +%.jpg", Body=b"body", ContentType="image/jpeg", CacheControl="max-age=9",
        ContentDisposition="inline", ContentLanguage="de", Metadata={"Author": "me"},
    )  # fmt: skip
    store = connect(bucket, server.endpoint)
    info, size_bytes = await store.head("dir/ü +%.jpg")
    assert await read(store, "dir/ü +%.jpg") == b"body"
    assert size_bytes == 4
    assert info.media_type == "image/jpeg"
    assert info.headers == {
        "cache-control": "max-age=9", "content-disposition": "inline", "content-language": "de", "x-cos-meta-author": "me",
    }  # fmt: skip
    assert info.metadata == {"author": "me"}
    await store.aclose()


async def test_what_we_wrote_is_read_by_others(server, bucket):
    store = connect(bucket, server.endpoint)
    await store.put(".mogr/a", b"x" * 6_000_000, media_type="image/webp", metadata={"src-etag": '"abc"'})
    found = server.client().get_object(Bucket=bucket, Key=".mogr/a")
    assert (found["ContentType"], found["Metadata"]) == ("image/webp", {"src-etag": '"abc"'})
    assert len(found["Body"].read()) == 6_000_000
    await store.aclose()


@pytest.mark.parametrize(
    "key", ["a//b", "/lead", "trail/", "x/../y", "x/./y", ".", "..", "tab\there", "nul\0", "", "\ud800"]
)
async def test_keys_that_cannot_be_named_do_not_exist_even_where_they_do(server, bucket, key):
    if key.isprintable() and key not in ("", ".", ".."):
        server.client().put_object(Bucket=bucket, Key=key, Body=b"odd")
    store = connect(bucket, server.endpoint)
    for call in (store.open(key), store.head(key), store.put(key, b"x")):
        with pytest.raises(NoSuchKey):
            await call
    await store.delete(key)
    await store.aclose()


@pytest.mark.parametrize("changes", [{"secret_access_key": "wrong"}, {"access_key_id": "", "secret_access_key": ""}])
async def test_wrong_or_missing_keys_are_refused(server, bucket, changes):
    store = connect(bucket, server.endpoint, **changes)
    await connect(bucket, server.endpoint).put("a", b"body")
    with pytest.raises(OriginRefused):
        await store.open("a")
    with pytest.raises(OriginRefused):
        await store.put("a", b"body")
    await store.aclose()


async def test_a_public_object_needs_no_keys(server, bucket):
    server.client().put_object(Bucket=bucket, Key="public", Body=b"body", ACL="public-read")
    store = connect(bucket, server.endpoint, access_key_id="", secret_access_key="")
    assert await read(store, "public") == b"body"
    await store.aclose()


@pytest.mark.parametrize("metadata", [{"n": "é"}, {"n": "a\r\nx-evil: 1"}, {"ü": "x"}, {"Content-Type": "text/html"}])
async def test_metadata_that_a_header_cannot_carry_is_refused(server, bucket, metadata):
    store = connect(bucket, server.endpoint)
    with pytest.raises(InternalError):
        await store.put("a", b"body", metadata=metadata)
    await store.aclose()


async def test_an_empty_object_has_an_end_that_is_all_of_it(server, bucket):
    store = connect(bucket, server.endpoint)
    await store.put("empty", b"")
    stream = await store.open("empty", byte_range=(-5, None))
    assert not isinstance(stream, Unchanged)
    async with stream:
        assert (stream.range, [chunk async for chunk in stream]) == (None, [])
    await store.aclose()


async def test_a_bucket_may_be_part_of_the_host(monkeypatch):
    with FaultyOrigin() as plain:
        plain.put("/a", b"body", media_type="image/jpeg")
        # The name of the bucket's host need not resolve: obstore is told to go through a proxy, which sees all of it.
        monkeypatch.setenv("HTTP_PROXY", plain.url())
        plain.put("http://pics.s3.example/a", b"by host")
        store = connect("pics", "http://s3.example", virtual_hosted=True)
        assert await read(store, "a") == b"by host"
        assert plain.requests[0].headers["host"] == "pics.s3.example"
        await store.aclose()


@pytest.mark.parametrize("keys", [("testkey", "testsecret"), ("", "")])
async def test_the_environment_changes_nothing_that_is_configured(monkeypatch, keys):
    elsewhere = f"http://127.0.0.1:{closed_port()}"
    for name, value in {
        "AWS_ENDPOINT": elsewhere, "AWS_ENDPOINT_URL": elsewhere, "AWS_ENDPOINT_URL_S3": elsewhere, "AWS_BUCKET": "other",
        "AWS_ACCESS_KEY_ID": "theirs", "AWS_SECRET_ACCESS_KEY": "theirs", "AWS_SESSION_TOKEN": "theirs",
        "AWS_SKIP_SIGNATURE": "true", "AWS_REGION": "elsewhere", "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "true",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    with FaultyOrigin() as plain:
        plain.put("/pics/a", b"body")
        store = connect("pics", plain.url(""), access_key_id=keys[0], secret_access_key=keys[1])
        assert await read(store, "a") == b"body"
        sent = plain.requests[0].headers
        assert "x-amz-security-token" not in sent
        assert sent.get("authorization", "").startswith("AWS4-HMAC-SHA256 Credential=testkey/" if keys[0] else "")
        assert ("authorization" in sent) == bool(keys[0])
        assert "elsewhere" not in sent.get("authorization", "")
        await store.aclose()


@pytest.mark.parametrize(
    ("endpoint", "virtual_hosted", "expected"),
    [
        ("https://cos.ap-guangzhou.myqcloud.com", True, "https://b-1.cos.ap-guangzhou.myqcloud.com"),
        ("https://b-1.cos.ap-guangzhou.myqcloud.com/", True, "https://b-1.cos.ap-guangzhou.myqcloud.com"),
        ("http://127.0.0.1:9000/", False, "http://127.0.0.1:9000"),
        ("http://host/path/", False, "http://host/path"),
    ],
)
def test_the_endpoint_is_written_as_the_provider_documents_it(endpoint, virtual_hosted, expected):
    assert endpoint_of("b-1", endpoint, virtual_hosted=virtual_hosted) == expected


@pytest.mark.parametrize("endpoint", ["host", "ftp://host", "http://", "http://u:p@host", "http://h/?x", "http://h/#x"])
def test_an_endpoint_that_is_no_url_is_refused(endpoint):
    with pytest.raises(ValueError, match="endpoint"):
        connect("pics", endpoint)


@pytest.mark.parametrize("changes", [{"access_key_id": ""}, {"secret_access_key": ""}])
def test_half_a_pair_of_keys_is_refused(changes):
    with pytest.raises(ValueError, match="belong together"):
        connect("pics", "http://host", **changes)


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (status(404), NoSuchKey),
        (status(403), OriginRefused),
        (status(401), OriginRefused),
        (status(500), OriginUnavailable),
        (status(503), OriginUnavailable),
        (stall(), OriginTimeout),
        (drip(b"x" * 50, pause_s=0.1), OriginTimeout),
        (wrong_length(b"abc", 100), OriginUnavailable),
    ],
)
async def test_faults_of_a_service_are_errors_of_ours(behaviour, error):
    with FaultyOrigin() as faulty:
        faulty.answer("/pics/a", behaviour)
        meter = TallyMeter()
        settings = HASTY if issubclass(error, OriginUnavailable | OriginTimeout) else Origins()
        store = connect("pics", faulty.url(""), meter=meter, settings=settings)
        with pytest.raises(error):
            await read(store, "a")
        assert len(meter.fetches) == 1
        await store.aclose()


async def test_an_object_without_validators_has_none():
    with FaultyOrigin() as plain:
        plain.answer("/pics/a", status(200, b"body"))
        store = connect("pics", plain.url(""))
        stream = await store.open("a")
        await stream.aclose()
        assert stream.info.validators == Validators(size_bytes=4)
        await store.aclose()


async def test_a_service_that_is_down_is_unavailable():
    store = connect("pics", f"http://127.0.0.1:{closed_port()}", settings=HASTY)
    with pytest.raises(OriginUnavailable):
        await store.open("a")
    with pytest.raises(OriginUnavailable):
        await store.put("a", b"x")
    with pytest.raises(OriginUnavailable):
        await store.delete("a")
    await store.aclose()


async def test_exchanges_are_counted_by_how_they_ended():
    with FaultyOrigin() as plain:
        plain.answer("/pics/a", Stored(b"body"))
        meter = TallyMeter()
        store = connect("pics", plain.url(""), meter=meter)
        assert await read(store, "a") == b"body"
        info, _ = await store.head("a")
        assert isinstance(await store.open("a", since=info.validators), Unchanged)
        with pytest.raises(NoSuchKey):
            await store.open("b")
        assert meter.fetches == ["ok", "unchanged", "missing"]
        await store.aclose()


def _exceptions() -> list[type[Exception]]:
    from obstore import exceptions

    return [value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, Exception)]


@pytest.mark.parametrize(
    "kind", [*_exceptions(), FileNotFoundError, ValueError, TimeoutError], ids=lambda kind: kind.__name__
)
def test_every_exception_of_obstore_has_a_counterpart(kind):
    ours = counterpart(kind)
    assert ours is not None
    assert ours is NotModified or issubclass(ours, MogrError)


def test_obstore_is_loaded_only_where_there_is_a_bucket():
    source = "import sys, proxy.stores.s3, proxy.stores.local, proxy.stores.uri; print('obstore' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_process_whose_last_act_was_a_request_ends_in_peace():
    source = """
import asyncio
from proxy.ports import NullMeter
from proxy.settings import Origins
from proxy.stores.s3 import S3Store
async def main():
    store = S3Store("b", endpoint="http://127.0.0.1:1", region="", virtual_hosted=False, access_key_id="",
                    secret_access_key="", settings=Origins(), meter=NullMeter())
    try:
        await store.open("a")
    except Exception as error:
        print(type(error).__name__)
    await store.aclose()
asyncio.run(main())
"""
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout.strip()) == (0, "OriginUnavailable")
