"""Signatures as clients make them, written from the documentation alone and not from what verifies them."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

SECRET_ID, SECRET_KEY = "AKIDEXAMPLEEXAMPLEEXAMPLEEXAMPLE0001", "SECRETKEYEXAMPLESECRETKEYEXAMPLE"
URL_KEY = "dimtm5evg50ijsx2hvuwyfoiu65"


def _listed(pairs: Mapping[str, str]) -> tuple[str, str]:
    encoded = sorted((quote(name, safe="").lower(), quote(value, safe="")) for name, value in pairs.items())
    return ";".join(name for name, _ in encoded), "&".join(f"{name}={value}" for name, value in encoded)


def cos_parts(
    path: str,
    *,
    method: str = "GET",
    period: str,
    parameters: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    secret_id: str = SECRET_ID,
    secret_key: str = SECRET_KEY,
) -> dict[str, str]:
    """The seven parts of a COS signature for *path*, decoded."""
    names, query = _listed(parameters or {})
    fields, field_text = _listed(headers or {})
    text = f"{method.lower()}\n{path}\n{query}\n{field_text}\n"
    to_sign = f"sha1\n{period}\n{hashlib.sha1(text.encode()).hexdigest()}\n"
    key = hmac.new(secret_key.encode(), period.encode(), hashlib.sha1).hexdigest()
    return {
        "q-sign-algorithm": "sha1",
        "q-ak": secret_id,
        "q-sign-time": period,
        "q-key-time": period,
        "q-header-list": fields,
        "q-url-param-list": names,
        "q-signature": hmac.new(key.encode(), to_sign.encode(), hashlib.sha1).hexdigest(),
    }


def authorization(path: str, **how) -> str:
    """What a signed request says in Authorization."""
    return "&".join(f"{name}={value}" for name, value in cos_parts(path, **how).items())


def presigned(path: str, *, parameters: Mapping[str, str] | None = None, **how) -> str:
    """A target that carries its signature."""
    parts = cos_parts(path, parameters=parameters, **how)
    return (
        quote(path) + "?" + urlencode(parts) + "".join(f"&{urlencode({n: v})}" for n, v in (parameters or {}).items())
    )


def around(now_s: float, *, before_s: int = 60, after_s: int = 300) -> str:
    return f"{int(now_s) - before_s};{int(now_s) + after_s}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def cdn_target(type_: str, path: str, at_s: int, *, query: str = "", key: str = URL_KEY, as_hex: bool = False) -> str:
    """*path* signed for the CDN at *at_s*; *query*, an operation, comes along unsigned."""
    stamp = f"{at_s:x}" if as_hex else str(at_s)
    more = f"&{query}" if query else ""
    match type_:
        case "A":
            return f"{path}?sign={at_s}-rand0-0-{_md5(f'{path}-{at_s}-rand0-0-{key}')}{more}"
        case "B":
            minute = (datetime.fromtimestamp(at_s, UTC) + timedelta(hours=8)).strftime("%Y%m%d%H%M")
            return f"/{minute}/{_md5(key + minute + path)}{path}" + (f"?{query}" if query else "")
        case "C":
            return f"/{_md5(key + stamp + path)}/{stamp}{path}" + (f"?{query}" if query else "")
        case _:
            return f"{path}?sign={_md5(key + path + stamp)}&t={stamp}{more}"
