"""Settings of who may have a bucket's answers, and who may read them (docs/access.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from proxy.branch import Branch


class UrlSignature(Branch):
    """URLs signed as Tencent's CDN has them: a request must carry such a signature, or one of ``[[credentials]]``."""

    type: Literal["A", "B", "C", "D"]
    """``A``: ``/p?sign=TIME-RAND-UID-MD5``, ``B``: ``/YYYYMMDDHHMM/MD5/p``, ``C``: ``/MD5/TIME/p``, ``D``:
    ``/p?sign=MD5&t=TIME``."""
    key: SecretStr
    """6 to 40 letters and digits."""
    backup_key: SecretStr = SecretStr("")
    """A second key that holds as well, while the first is being changed."""
    ttl_s: Annotated[float, Field(gt=0)] = 1800
    """How long a URL holds from the time in it on."""
    parameter: str = "sign"
    """Types A and D: the parameter that the signature is in."""
    time_parameter: str = "t"
    """Type D: the parameter that the time is in."""
    time_format: Literal["any", "decimal", "hex"] = "any"
    """Types C and D: how the time is written."""


class Referers(Branch):
    """Which pages may show the bucket's pictures; signed requests are not asked where they come from."""

    allow: tuple[str, ...] = ()
    """Hosts whose pages may, and no others: ``example.com``, ``*.example.com``, ``example.com:8080/shop/``."""
    deny: tuple[str, ...] = ()
    """Hosts whose pages may not, even if ``allow`` has them."""
    empty: bool | None = None
    """Whether requests without ``Referer`` are answered; by default they are unless there is an ``allow``."""


class Rate(Branch):
    """How often one client (an IPv4 address, or the /64 of an IPv6 one) may ask; more is answered 429 with ``Retry-After``."""

    requests_per_s: Annotated[float, Field(gt=0, le=1_000_000)]
    """On average, in each web worker."""
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """At once: as many pictures as a page shows."""


class CorsRule(Branch):
    """Which pages of other origins may read answers; the first rule that fits an origin and a method counts."""

    origins: tuple[str, ...]
    """``*``, ``https://www.example.com``, or ``https://*.example.com`` for all below it."""
    methods: tuple[str, ...] = ("GET", "HEAD")
    """Methods that they may use."""
    headers: tuple[str, ...] = ("*",)
    """Request fields that they may send; ``*`` is any."""
    expose: tuple[str, ...] = ()
    """Answer fields that they may read, besides those that every page may."""
    max_age_s: Annotated[int, Field(ge=0, le=86_400)] = 600
    """How long browsers remember that they may."""
    credentials: bool = False
    """Whether they may send cookies and ``Authorization``; not together with ``*``."""


class DefaultImage(Branch):
    """A picture that is sent in place of an error, to whoever asked for a picture."""

    key: str
    """Its key in the bucket."""
    statuses: tuple[Literal[403, 404], ...] = (403, 404)
    """The errors that it is sent in place of."""
    as_200: bool = False
    """Whether it is sent with status 200, as CI does, instead of the error's own."""
