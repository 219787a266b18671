"""What the admin listener answers: ``/metrics``, ``/livez``, ``/readyz``, ``/versions``; ``/purge`` to the holder of the token.

Liveness says only that the supervisor's loop turns; readiness is about our own processes and never about an origin: a
broken origin must not take every replica out of service at once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from proxy.admin.authorization import authorized

_NAMED = ("url", "source", "prefix", "tag")
_MAX_BODY_BYTES = 65_536
_FRESH = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


class Node(Protocol):
    """What the supervisor tells of the node."""

    @property
    def build(self) -> Mapping[str, str]:
        """What this is built of: name and version."""
        ...

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        """The metrics page in the form *accept* asks for, and its Content-Type."""
        ...

    def unready(self) -> tuple[str, ...]:
        """Why no request should be sent here now, one sentence each; empty when ready."""
        ...

    async def purge(self, request: Mapping[str, object]) -> tuple[int, Mapping[str, object]]:
        """Carry out what a POST to ``/purge`` says; status and answer."""
        ...


def create_app(node: Node, token: str = "") -> Starlette:
    """The ASGI application; unknown paths get 404, other methods 405 with ``Allow``.

    *token*: who bears it may change state; without one, nobody.
    """

    async def metrics(request: Request) -> Response:
        page, media_type = await node.metrics(request.headers.get("accept", ""))
        return Response(page, headers={"content-type": media_type, **_FRESH})

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_FRESH)

    async def readyz(_: Request) -> Response:
        reasons = node.unready()
        text = "".join(f"{reason}\n" for reason in reasons) or "ok\n"
        return PlainTextResponse(text, status_code=503 if reasons else 200, headers=_FRESH)

    async def purge(request: Request) -> Response:
        if not authorized(request.headers.get("authorization"), token):
            detail = "the bearer token is not admin.token" if token else "admin.token is not set, so nobody may purge"
            return JSONResponse({"error": detail}, 401, headers={"www-authenticate": "Bearer", **_FRESH})
        try:
            wanted = json.loads(await _body(request))
        except (ValueError, RecursionError):
            return JSONResponse({"error": "the body is no JSON object, or too long"}, 400, headers=_FRESH)
        problem = purge_problem(wanted)
        if problem is not None:
            return JSONResponse({"error": problem}, 400, headers=_FRESH)
        status, answer = await node.purge(wanted)
        return JSONResponse(dict(answer), status, headers=_FRESH)

    async def versions(_: Request) -> Response:
        return JSONResponse(dict(node.build), headers=_FRESH)

    answers = {"/metrics": metrics, "/livez": livez, "/readyz": readyz, "/versions": versions}
    routes = [Route(path, answer) for path, answer in answers.items()]
    return Starlette(routes=[*routes, Route("/purge", purge, methods=["POST"])])


def purge_problem(wanted: object) -> str | None:
    """What is wrong with the body of a purge; None: nothing."""
    if not isinstance(wanted, dict):
        return "the body is no JSON object"
    unknown = sorted(set(wanted) - set(_NAMED) - {"refresh", "bucket"})
    if unknown:
        return f"unknown: {', '.join(map(str, unknown))}"
    named = [name for name in _NAMED if name in wanted]
    if len(named) != 1:
        return f"exactly one of {', '.join(_NAMED)}"
    if not isinstance(wanted[named[0]], str) or (not wanted[named[0]] and named[0] != "prefix"):
        return f"{named[0]}: a text"
    if not isinstance(wanted.get("refresh", False), bool):
        return "refresh: true or false"
    if not isinstance(wanted.get("bucket", ""), str):
        return "bucket: the name of a bucket"
    return None


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_BODY_BYTES:
            raise ValueError("too long")
    return body
