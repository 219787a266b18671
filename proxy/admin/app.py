"""What the admin listener answers: ``/metrics``, ``/livez``, ``/readyz`` and ``/versions``.

Liveness says only that the supervisor's loop turns; readiness is about our own processes and never about an origin: a
broken origin must not take every replica out of service at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

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


def create_app(node: Node) -> Starlette:
    """The ASGI application; unknown paths get 404, other methods 405 with ``Allow``."""

    async def metrics(request: Request) -> Response:
        page, media_type = await node.metrics(request.headers.get("accept", ""))
        return Response(page, headers={"content-type": media_type, **_FRESH})

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers=_FRESH)

    async def readyz(_: Request) -> Response:
        reasons = node.unready()
        text = "".join(f"{reason}\n" for reason in reasons) or "ok\n"
        return PlainTextResponse(text, status_code=503 if reasons else 200, headers=_FRESH)

    async def versions(_: Request) -> Response:
        return JSONResponse(dict(node.build), headers=_FRESH)

    answers = {"/metrics": metrics, "/livez": livez, "/readyz": readyz, "/versions": versions}
    return Starlette(routes=[Route(path, answer) for path, answer in answers.items()])
