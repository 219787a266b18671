"""What the admin listener answers."""

from __future__ import annotations

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


async def ask(method: str, path: str, *reasons: str, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(create_app(StandInNode(*reasons)))
    async with httpx.AsyncClient(transport=transport, base_url="http://admin") as client:
        return await client.request(method, path, headers=headers)


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
