"""What the admin listener answers."""

from __future__ import annotations

import json
from types import MappingProxyType

import httpx
import pytest

from proxy.admin.app import create_app
from proxy.admin.authorization import authorized


class StandInNode:
    build = MappingProxyType({"version": "1.2", "libvips": "8.18.7"})

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        return f"# asked for {accept}\n".encode(), "text/plain; version=0.0.4; charset=utf-8"

    def unready(self) -> tuple[str, ...]:
        return self.reasons

    async def purge(self, request):
        return 200, {"asked": dict(request)}


async def ask(
    method: str, path: str, *reasons: str, token: str = "", content: bytes | None = None, **headers: str
) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(StandInNode(*reasons), token))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        return await client.request(method, path, headers=headers, content=content)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/livez", 200),
        ("HEAD", "/livez", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("GET", "/versions", 200),
        ("GET", "/", 404),
        ("GET", "/metrics/x", 404),
        ("POST", "/metrics", 405),
        ("DELETE", "/readyz", 405),
        ("POST", "/purge", 401),
    ],
)
async def test_paths_and_methods_have_their_status(method, path, status):
    response = await ask(method, path)
    assert response.status_code == status
    if status == 405:
        assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD"}


async def test_readiness_names_every_reason():
    response = await ask("GET", "/readyz", "no web worker accepts requests", "no codec process is up")
    assert response.status_code == 503
    assert response.text == "no web worker accepts requests\nno codec process is up\n"


async def test_versions_are_json():
    assert (await ask("GET", "/versions")).json() == {"version": "1.2", "libvips": "8.18.7"}


async def test_a_node_that_is_not_ready_is_alive():
    assert (await ask("GET", "/livez", "starting")).status_code == 200


async def test_metrics_come_in_the_form_asked_for_and_with_its_media_type():
    response = await ask("GET", "/metrics", accept="application/openmetrics-text")
    assert response.text == "# asked for application/openmetrics-text\n"
    assert response.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"


@pytest.mark.parametrize("path", ["/metrics", "/livez", "/readyz"])
async def test_no_answer_is_ever_cached(path):
    assert (await ask("GET", path)).headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("authorization", "token", "allowed"),
    [
        ("Bearer s3cret", "s3cret", True),
        ("bearer s3cret", "s3cret", True),
        ("Bearer  s3cret ", "s3cret", True),
        ("Bearer s3cre", "s3cret", False),
        ("Bearer s3crett", "s3cret", False),
        ("Basic s3cret", "s3cret", False),
        ("s3cret", "s3cret", False),
        ("Bearer", "s3cret", False),
        ("", "s3cret", False),
        (None, "s3cret", False),
        ("Bearer ", "", False),
        ("Bearer x", "", False),
        (None, "", False),
        ("Bearer ключ", "ключ", True),
        ("Bearer \udcff", "s3cret", False),
    ],
)
def test_only_the_holder_of_the_token_is_authorised(authorization, token, allowed):
    assert authorized(authorization, token) is allowed


BEARER = {"authorization": "Bearer s3cret"}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"url": "https://img.example.com/a.jpg?imageMogr2"}', None),
        (b'{"source": "a.jpg", "bucket": "b", "refresh": true}', None),
        (b'{"prefix": ""}', None),
        (b'{"tag": "kittens", "refresh": false}', None),
        (b"", "JSON"),
        (b"[1]", "JSON"),
        (b"[" * 50_000, "JSON"),
        (b'{"tag": "' + b"x" * 70_000 + b'"}', "JSON"),
        (b"{}", "exactly one"),
        (b'{"url": "a", "tag": "b"}', "exactly one"),
        (b'{"url": 1}', "url"),
        (b'{"source": ""}', "source"),
        (b'{"tag": "a", "refresh": "yes"}', "refresh"),
        (b'{"tag": "a", "bucket": 1}', "bucket"),
        (b'{"tag": "a", "everything": 1}', "unknown: everything"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_purge_says_what_or_is_refused(content: bytes, expected: str | None) -> None:
    answer = await ask("POST", "/purge", token="s3cret", content=content, **BEARER)
    assert answer.headers["cache-control"] == "no-store"
    if expected is None:
        assert (answer.status_code, answer.json()["asked"]) == (200, json.loads(content))
    else:
        assert answer.status_code == 400
        assert expected in answer.json()["error"]


@pytest.mark.parametrize("token", ["", "other"])
async def test_who_does_not_hold_the_token_may_not_purge(token: str) -> None:
    answer = await ask("POST", "/purge", token=token, content=b'{"tag": "a"}', **BEARER)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "asked" not in answer.text
