"""Query strings worth trying: examples of the tests, bred with each other, and stages made of names that mean something."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from random import Random
from urllib.parse import quote

from proxy.core.labels import FIELDS
from proxy.core.query import OPERATION_HEADS
from proxy.core.reports import REPORTS
from proxy.ops import CATALOGUE

TESTS = Path(__file__).resolve().parents[2] / "tests"
MOST_BYTES = 70_000
"""More than a query may have: that refusal is to be seen as well."""

OUTPUT_NAMES = (
    "format", "quality", "rquality", "lquality", "q", "rq", "lq", "interlace", "strip", "cgif", "size-limit", "minsize",
    "minisize", "AIGCMetadata", "dpr", "ignore-error", *FIELDS,
)  # fmt: skip
NAMES = tuple(
    sorted(
        {name for name in CATALOGUE if "/" not in name}
        | {modifier for kind in CATALOGUE.values() for modifier in kind.modifiers}
        | {parameter for kind in REPORTS.values() for parameter in kind.parameters}
        | set(OUTPUT_NAMES)
        | {"w", "h", "width", "height"}
    )
)
HEADS = (*("imageMogr2",) * 12, *("imageView2", "watermark/1", "watermark/2", "watermark/3") * 2, *OPERATION_HEADS)
OTHERS = (
    "versionId=v%2B1", "q-ak=AK", "sign=1", "t", "small", "big%21=", "response-content-type=image%2Fx", "utm=%zz", "%ff=1", "a=b", "",
    "ci-process=QRcode&cover=1", "ci-process=ImageInspect", "ci-process=originImage", "ci-process=OCR", "image_process=x",
)  # fmt: skip
NUMBERS = (
    "0", "1", "2", "3", "9", "10", "45", "90", "99", "100", "101", "255", "360", "999", "1000", "9999", "10000", "16383", "30000",
    "65535", "99999", "250000000", "2147483647", "2147483648", "9999999999", "99999999999", "00", "007", "-1", "-0", "0.5", "1.50",
    "1e9", "٣", "²", "", "auto",
)  # fmt: skip
SHAPES = (
    "{}", "{}x{}", "{}x", "x{}", "!{}p", "!{}px", "!x{}p", "{}x{}>", "{}x{}<", "{}x{}!", "!{}x{}r", "{}@", "{}x{}x{}x{}", "{}!", "{}k",
    "{}m!", "width/{}", "height/{}", "{}x{}x{}",
)  # fmt: skip
WORDS = (
    "north", "SouthEast", "center", "vertical", "horizontal", "jpg", "png", "webp", "gif", "avif", "auto", "src", "heic", "tpg", "svg",
    "aHR0cDovL2IuY29zLngvbS5wbmc", "YS9iLnBuZw==", "I0ZGMDAwMA", "aGk", "5pWw5o2u5LiH6LGh", "small", "pipe",
)  # fmt: skip
PIECES = (
    "/",
    "//",
    "|",
    "=",
    "==",
    "&",
    "%",
    "%7C",
    "%2F",
    "%25",
    "%00",
    "%FF",
    "%26",
    "+",
    "\\",
    "\0",
    "\n",
    "é",
    "İ",
    "😀",
    "x",
    "!",
)


@cache
def examples() -> tuple[str, ...]:
    """Operations that the tests spell out, each once; nothing is found where there are no tests."""
    operation = re.compile(rf"(?:{'|'.join(OPERATION_HEADS)})(?:[/|=][^\s\"'`\\{{}}]*)?")
    found: dict[str, None] = {}
    for path in sorted(TESTS.rglob("*.py")):
        found.update(dict.fromkeys(operation.findall(path.read_text(encoding="utf-8"))))
    return tuple(found) or ("imageMogr2/thumbnail/!50p",)


@cache
def values() -> dict[str, tuple[str, ...]]:
    """What the examples give each parameter."""
    found: dict[str, set[str]] = {}
    for example in examples():
        tokens = re.split(r"[/|]", example)
        for name, value in pairwise(tokens):
            found.setdefault(name, set()).add(value)
    return {name: tuple(sorted(found.get(name, {"1"}))) for name in NAMES}


def query(random: Random) -> bytes:
    """One query, of any length a client may send and a little more."""
    pipe = random.choice((_example, _made, _made, _bred))(random)
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 5))):
        pipe = _mutated(pipe, random)
    if random.random() < 0.02:
        pipe = _long(pipe, random)
    if random.random() < 0.2:
        pipe = quote(pipe, safe=random.choice(("", "/", "/|!")))
    pieces = [pipe, *random.choices(OTHERS, k=random.choice((0, 0, 0, 1, 2)))]
    random.shuffle(pieces)
    return "&".join(pieces).encode("utf-8", "replace")[:MOST_BYTES]


def _example(random: Random) -> str:
    return random.choice(examples())


def _bred(random: Random) -> str:
    """Parts of examples in an order of their own."""
    tokens = [token for _ in range(random.randint(2, 4)) for token in _example(random).split("/")]
    begin = random.randrange(len(tokens))
    return "/".join(tokens[:begin] + random.sample(tokens, k=min(4, len(tokens))) + tokens[begin:])


def _made(random: Random) -> str:
    return "|".join(_stage(random) for _ in range(random.choice((1, 1, 1, 1, 2, 2, 3, 10, 11))))


def _stage(random: Random) -> str:
    head = random.choice(HEADS)
    parts = [head]
    if head == "imageView2":
        parts.append(random.choice("0123456"))
    modifiers: Sequence[str] = sorted(CATALOGUE[head].modifiers) if head in CATALOGUE else ()
    for _ in range(random.choice((0, 1, 1, 2, 3, 5, 9))):
        name = random.choice(modifiers) if modifiers and random.random() < 0.8 else random.choice(NAMES)
        parts.append(name)
        if random.random() < 0.95:
            parts.append(_value(name, random))
    return "/".join(parts)


def _value(name: str, random: Random) -> str:
    match random.randrange(10):
        case 0 | 1 | 2 | 3 | 4:
            return random.choice(values()[name])
        case 5 | 6:
            return re.sub(r"\{\}", lambda _: _number(random), random.choice(SHAPES))
        case 7:
            text = "".join(random.choices("aA \n\0\t字é😀\u2028\u202e#F0", k=random.randint(0, 12)))
            return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=" * random.randrange(2))
        case 8:
            return random.choice(WORDS)
        case _:
            return _number(random)


def _number(random: Random) -> str:
    return random.choice(NUMBERS) if random.random() < 0.6 else str(random.randrange(10 ** random.randint(1, 5)))


def _mutated(text: str, random: Random) -> str:
    begin = random.randint(0, len(text))
    end = min(len(text), begin + random.choice((0, 0, 1, 1, 4, 20)))
    if random.random() < 0.3 and (digits := [*re.finditer(r"[0-9]+", text)]):
        begin, end = random.choice(digits).span()
        return text[:begin] + _number(random) + text[end:]
    put = random.choice(
        (*PIECES, "", "", f"/{random.choice(NAMES)}/", random.choice(WORDS), chr(random.randrange(0xD800)))
    )
    return text[:begin] + put + text[end:]


def _long(text: str, random: Random) -> str:
    """*text* with a part of it many times over: what makes patterns and searches backtrack."""
    begin = random.randrange(max(1, len(text)))
    part = text[begin : begin + random.choice((1, 2, 5, 30))] or "/"
    return text[:begin] + part * (random.choice((300, 16_000, 65_000)) // len(part)) + text[begin:]
