"""Requests worth sending to an edge: the grammar's queries, on every source, with the header fields that change an answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from random import Random
from urllib.parse import quote, unquote

from bench.fuzz.inputs import examples, query
from proxy.core.grammar import HEAD, format_plan, parse_plan
from proxy.core.hints import DPR, SAVE_DATA, WIDTH
from proxy.errors import MogrError

BUCKETS = ("plain-1250000000", "auto-1250000000", "exact-1250000000", "closed-1250000000")
"""What the edge under test serves: as it comes, with every automatism, by the URL alone, and to nobody."""
STYLES = {
    "small": "imageMogr2/thumbnail/32x32%3E".replace("%3E", ">"),
    "pipe": "imageMogr2/crop/9x9|imageView2/1/w/5/h/5",
}
_VISIBLE = "".join(map(chr, range(0x21, 0x7F))).replace("#", "")
_ACCEPTS = (
    "image/avif,image/webp,*/*", "image/webp,*/*;q=0.1", "image/webp;q=0,image/avif;q=0", "*/*", "image/*;q=0.5,image/png",
    "text/html", "image/jxl,image/apng", ";;,q=", "image/avif;q=nan", "image/tpg,*/*", "",
)  # fmt: skip
_FIELDS: tuple[tuple[str, Sequence[str]], ...] = (
    ("Accept", _ACCEPTS),
    ("Accept", _ACCEPTS),
    ("Range", ("bytes=0-9", "bytes=-5", "bytes=9999999-", "bytes=0-0,5-6", "bytes=5-1", "lines=1-2", "bytes=--", f"bytes=0-{'9' * 40}")),
    ("If-None-Match", ("*", '"x"', 'W/"x"', "x", '"')),
    ("If-Match", ("*", '"x"', "x")),
    ("If-Modified-Since", ("Wed, 21 Oct 2099 07:28:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "yesterday", "")),
    ("If-Unmodified-Since", ("Thu, 01 Jan 1970 00:00:00 GMT", "Wed, 21 Oct 2099 07:28:00 GMT")),
    ("If-Range", ('"x"', "Thu, 01 Jan 1970 00:00:00 GMT")),
    (DPR, ("2", "1.5", "0", "-1", "1e9", "x", "99999")),
    (WIDTH, ("320", "0", "99999999", "-5", "a")),
    (SAVE_DATA, ("on", "off", "")),
    ("Cache-Control", ("no-cache", "only-if-cached", "max-age=x")),
    ("X-Forwarded-For", ("1.2.3.4", "'")),
)  # fmt: skip
_METHODS = (*("GET",) * 90, *("HEAD",) * 10, "OPTIONS", "POST", "PUT", "DELETE", "PATCH", "BREW")
_HOSTS = (
    *(f"{bucket}.cos.ap-guangzhou.myqcloud.com" for bucket in BUCKETS),
    "127.0.0.1",
    "nobody-1.cos.x.y",
    "[::1]",
    "",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is sent, byte for byte; *target* holds no blank and no control character."""

    method: str = "GET"
    target: bytes = b"/"
    headers: tuple[tuple[str, str], ...] = ()

    def encoded(self) -> bytes:
        lines = [f"{self.method} ".encode() + self.target + b" HTTP/1.1"]
        lines += [f"{name}: {value}".encode("latin-1", "replace") for name, value in self.headers]
        return b"\r\n".join([*lines, b"", b""])

    def shorter(self) -> Iterator[Request]:
        """The same with something left out, the largest parts first; the Host and GET are what there is in the least."""
        for at, (name, _) in enumerate(self.headers):
            if name != "Host":
                yield replace(self, headers=self.headers[:at] + self.headers[at + 1 :])
        if self.method != "GET":
            yield replace(self, method="GET")
        path, mark, query_ = self.target.partition(b"?")
        for separator in (b"&", b"%7C", b"|", b"/", b"%2F"):
            parts = query_.split(separator)
            for size in (4, 2, 1):
                for at in range(0, len(parts), size) if size < len(parts) else ():
                    yield replace(self, target=path + mark + separator.join(parts[:at] + parts[at + size :]))
        for size in (len(query_) // 2, len(query_) // 4, 8, 1):
            for at in range(0, len(query_), size) if 0 < size < len(query_) <= 600 else ():
                yield replace(self, target=path + mark + query_[:at] + query_[at + size :])


def request(random: Random, keys: Sequence[str]) -> Request:
    """One request for one of *keys*, or for none that exists."""
    host = random.choice(_HOSTS) if random.random() < 0.5 else _HOSTS[random.randrange(2)]
    headers = [("Host", host)]
    for name, values in random.sample(_FIELDS, k=random.choice((0, 0, 1, 1, 2, 4))):
        if name not in dict(headers):
            headers.append((name, random.choice(values)))
    return Request(method=random.choice(_METHODS), target=_target(random, keys), headers=tuple(headers))


def _target(random: Random, keys: Sequence[str]) -> bytes:
    key = random.choice(keys)
    path = quote("/" + key, safe=random.choice(("/", "/-_.!~", "")) if random.random() < 0.1 else "/")
    match random.randrange(12):
        case 0:
            path += random.choice("-_/!") + random.choice((*STYLES, "none"))
        case 1:
            path = random.choice(
                ("/", "//", path + "/", "/..%2f" + quote(key), path + "%00", path + "%ff", "/" + "a" * 900, "/.mogr/x")
            )
    asked = random.choice((_anything, _anything, _sound, _sound, _sound, _marked))(random, keys)
    if random.random() < 0.05:
        return path.encode()
    # Some clients send what is above ASCII as it is; blanks and controls would end the request line.
    raw = random.random() < 0.1
    escaped = b"".join(
        bytes([byte]) if chr(byte) in _VISIBLE or (raw and byte > 0x7F) else b"%%%02X" % byte for byte in asked
    )
    return path.encode() + b"?" + escaped


def _anything(random: Random, keys: Sequence[str]) -> bytes:
    return query(random)


def _sound(random: Random, keys: Sequence[str]) -> bytes:
    """Stages that can be read, so that pictures get painted; two parameters of one stage at times."""
    stages = []
    for _ in range(random.choice((1, 1, 1, 2, 3, 10))):
        stage = random.choice(_sound_stages())
        if stage.startswith(f"{HEAD}/") and random.random() < 0.5:
            stage += (
                "/" + random.choice([other for other in _sound_stages() if other.startswith(HEAD)]).partition("/")[2]
            )
        stages.append(stage)
    return "|".join(stages).encode()


@cache
def _sound_stages() -> tuple[str, ...]:
    """Those stages of the tests' examples that are plans, as they are written canonically."""
    found: dict[str, None] = {}
    for stage in (stage for example in examples() for stage in example.split("|")):
        with suppress(MogrError):
            plan = parse_plan(unquote(stage))
            found[format_plan(plan)] = None
    return tuple(found)


def _marked(random: Random, keys: Sequence[str]) -> bytes:
    """A watermark of a picture that there is, with an operation of its own or without."""

    def text(value: str) -> str:
        return base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")

    key = random.choice(keys)
    source = f"image_key/{text(key)}"
    if random.random() < 0.5:
        operation = random.choice(
            ("", "?imageMogr2/rotate/30", "?imageMogr2/thumbnail/9x", "?imageInfo", "?imageMogr2/thumbnail/zzz")
        )
        source = "image/" + text(f"http://{random.choice(_HOSTS)}/{quote(key)}{operation}")
    rest = random.choice(
        (
            "",
            "/batch/1/degree/30",
            "/blogo/1",
            "/blogo/2/dx/5",
            "/scatype/3/spcent/100",
            "/scatype/1/spcent/1000/batch/1",
        )
    )
    before = random.choice(("", "imageMogr2/thumbnail/200x|", "imageMogr2/grayscale/1|"))
    return f"{before}watermark/1/{source}{rest}".encode()
