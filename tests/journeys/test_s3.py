"""A bucket on a real S3 server: originals from it, renditions back into it."""

from __future__ import annotations

import time

import pytest
from pictures import jpeg
from servers.s3 import S3Server, s3_server

URL = "/photos/cat%20one.jpg?imageMogr2/thumbnail/320x/format/webp"


@pytest.fixture
def s3() -> S3Server:
    return s3_server()


def bucket_settings(s3: S3Server, name: str, **more: object) -> dict[str, object]:
    own = {
        "store": f"s3://{name}", "endpoint": s3.endpoint, "region": "us-east-1", "access_key_id": s3.access_key_id,
        "secret_access_key": "env:S3_SECRET", **more,
    }  # fmt: skip
    return {"buckets": {"test-1250000000": own}}


def wait_until(condition, within_s: float = 15) -> None:
    until_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < until_s, "it never came true"
        time.sleep(0.02)


def test_originals_come_from_the_bucket_and_renditions_go_back_into_it(start, s3: S3Server) -> None:
    name, client = s3.new_bucket(), s3.client()
    client.put_object(Bucket=name, Key="photos/cat one.jpg", Body=jpeg(), ContentType="image/jpeg", Metadata={"a": "b"})
    settings = bucket_settings(s3, name, persist="read-through")
    first = start(settings, S3_SECRET=s3.secret_access_key)
    plain = first.get("/photos/cat%20one.jpg")
    assert (plain.content, plain.headers["content-type"]) == (jpeg(), "image/jpeg")
    assert plain.headers["x-cos-meta-a"] == "b", "user metadata, as COS and its SDKs spell it"
    assert first.get("/photos/cat%20one.jpg", Range="bytes=5-9").content == jpeg()[5:10]
    made = first.get(URL)
    assert made.status_code == 200, made.text
    assert made.headers["x-cos-meta-a"] == "b"
    wait_until(lambda: first.metric('mogr_persist_writes_total{ok="true"}') >= 2)

    kept = client.list_objects_v2(Bucket=name, Prefix=".mogr/")["Contents"]
    (key,) = [entry["Key"] for entry in kept if not entry["Key"].endswith("facts.json")]
    stored = client.get_object(Bucket=name, Key=key)
    assert stored["Body"].read() == made.content
    assert stored["ContentType"] == "image/webp"
    assert "imageMogr2/thumbnail/320x" in stored["Metadata"]["mogr-plan"]
    assert client.get_object(Bucket=name, Key="photos/cat one.jpg")["Body"].read() == jpeg()
    assert first.get("/" + key).status_code == 404

    replica = start(settings, S3_SECRET=s3.secret_access_key)  # another machine: nothing of the first one's caches
    again = replica.get(URL)
    assert again.headers["cache-status"] == "mogr; hit; detail=bucket"
    assert (again.content, again.headers["etag"]) == (made.content, made.headers["etag"])
    assert replica.metric("mogr_renders_total") == 0

    client.put_object(Bucket=name, Key="photos/cat one.jpg", Body=jpeg(seed=9), ContentType="image/jpeg")
    third = start(settings, S3_SECRET=s3.secret_access_key)
    changed = third.get(URL)
    assert "fwd=miss" in changed.headers["cache-status"]
    assert changed.headers["etag"] != made.headers["etag"]


def test_a_store_of_its_own_for_renditions_of_a_read_only_origin(start, s3: S3Server) -> None:
    from servers.origin import FaultyOrigin

    name = s3.new_bucket()
    with FaultyOrigin() as origin:
        origin.put("/photos/cat%20one.jpg", jpeg(), headers={"Cache-Control": "max-age=60"})
        own = bucket_settings(
            s3, name, store=origin.url("/"), allow_private=True, persist="read-through", persist_store=f"s3://{name}"
        )
        server = start(own, S3_SECRET=s3.secret_access_key)
        assert server.get(URL).status_code == 200, server.log.read_text()
        wait_until(lambda: server.metric('mogr_persist_writes_total{ok="true"}') >= 2)
        replica = start(own, S3_SECRET=s3.secret_access_key)
        assert replica.get(URL).headers["cache-status"] == "mogr; hit; detail=bucket"
        assert origin.count("/photos/cat%20one.jpg") <= 2
        assert replica.metric('mogr_origin_fetches_total{outcome="unchanged"}') == 1


def test_a_bucket_that_cannot_be_written_costs_no_answer(start, s3: S3Server) -> None:
    name, client = s3.new_bucket(), s3.client()
    client.put_object(Bucket=name, Key="photos/cat one.jpg", Body=jpeg())
    settings = bucket_settings(s3, name, persist="read-through", persist_store="s3://there-is-no-such-bucket")
    server = start(settings, S3_SECRET=s3.secret_access_key)
    assert server.get(URL).status_code == 200
    wait_until(lambda: server.metric('mogr_persist_writes_total{ok="false"}') >= 1)


def test_a_wrong_secret_is_an_answer_not_a_crash_and_shows_nowhere(start, s3: S3Server) -> None:
    name = s3.new_bucket()
    server = start(bucket_settings(s3, name), S3_SECRET="wrong-secret-value")
    answer = server.get(URL)
    assert answer.status_code == 403
    assert "wrong-secret-value" not in answer.text + server.log.read_text()
