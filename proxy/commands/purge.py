"""``mogr purge``: asks the node of a configuration to forget copies, through its admin listener."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from proxy.configuration import ConfigurationError, load
from proxy.settings import Admin

WITHIN_S = 120.0
"""More than the node takes in the worst case."""
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not listened on
_TIERS = {"memory": "in memory", "disk": "on disk"}
_MAX_ANSWER_BYTES = 1 << 20


def run(
    config: Path, url: str | None, source: str | None, prefix: str | None, tag: str | None, bucket: str, refresh: bool
) -> int:
    """Purge; 0 if every web worker did, 1 and one line on standard error if not."""
    try:
        admin = load(config).admin
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 1
    named = {"url": url, "source": source, "prefix": prefix, "tag": tag}
    wanted: dict[str, object] = {name: value for name, value in named.items() if value is not None}
    wanted |= {"refresh": refresh} | ({"bucket": bucket} if bucket else {})
    if not admin.token.get_secret_value():
        return _failed("admin.token is not set, so nobody may purge")
    if not admin.port:
        return _failed("admin.port is 0, so only the node knows where its admin listener is")
    try:
        status, answer = _post(admin, wanted)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return _failed(f"no answer from the admin listener at {_address(admin)}: {error}")
    if status != 200:
        return _failed(str(answer.get("error") or f"the admin listener answered {status}"))
    print(_told(answer, refresh=refresh))
    return 0


def _failed(why: str) -> int:
    print(f"mogr: not purged: {why}", file=sys.stderr)
    return 1


def _address(admin: Admin) -> str:
    host = _ANYWHERE.get(admin.host, admin.host)
    return f"[{host}]:{admin.port}" if ":" in host else f"{host}:{admin.port}"


def _post(admin: Admin, wanted: Mapping[str, object]) -> tuple[int, Mapping[str, Any]]:
    connection = http.client.HTTPConnection(_ANYWHERE.get(admin.host, admin.host), admin.port, timeout=WITHIN_S)
    try:
        headers = {
            "authorization": f"Bearer {admin.token.get_secret_value()}", "content-type": "application/json",
            "host": _address(admin),
        }  # fmt: skip
        connection.request("POST", "/purge", json.dumps(wanted).encode(), headers)
        response = connection.getresponse()
        answer = json.loads(response.read(_MAX_ANSWER_BYTES))
    finally:
        connection.close()
    if not isinstance(answer, dict):
        raise ValueError("it is no mogr")
    return response.status, answer


def _told(answer: Mapping[str, Any], *, refresh: bool) -> str:
    copies = answer.get("copies") or {}
    where = ", ".join(f"{count} {_TIERS.get(tier, tier)}" for tier, count in copies.items())
    text = f"{'to be made anew' if refresh else 'purged'}: {where or 'nothing was kept'}"
    if answer.get("unfinished"):
        text += "\nnot every old copy could be deleted in time; none of them is sent any more"
    return text
