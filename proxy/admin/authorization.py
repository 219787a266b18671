"""Who may change state through the admin listener: the holder of ``admin.token``."""

from __future__ import annotations

import hmac


def authorized(authorization: str | None, token: str) -> bool:
    """Whether the Authorization field *authorization* bears *token* (RFC 6750 §2.1), compared in constant time.

    An empty *token* authorises nobody: without one there is no way to change state.
    """
    scheme, _, given = (authorization or "").partition(" ")
    # As bytes: ``compare_digest`` refuses text outside ASCII, which a client may well send.
    same = hmac.compare_digest(given.strip().encode("utf-8", "replace"), token.encode())
    return same and bool(token) and scheme.lower() == "bearer"
