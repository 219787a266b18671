"""What the load of ``bench/load.py`` asks for: browsers, hot pictures, new ones, an origin's faults, and slow readers.

Drawn from a seed, so that two runs ask the same.  Nothing here sends anything.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass
from itertools import count

WIDTHS_PX = (800, 1024, 1280, 1600, 2000)
"""Of the originals."""
FAULTS = {"500": 502, "503": 502, "cut": 502, "closed": 502, "reset": 502, "stall": 504}
"""What the origin does, by the name it is asked for, and what a visitor is to be told."""
FILM = "/film.bin"
FILM_BYTES = 1_500_000
LARGE = "/hot/1600/0.jpg?imageMogr2/thumbnail/1500x/format/jpg/quality/99"
"""What slow readers read: an object that passes through, and a picture out of memory."""
HOT_OBJECTS, LIBRARY_OBJECTS = 60, 60
REPEATED_AFTER_S = 2.0
_BROWSERS = tuple((fields, accepts) for fields, accepts in (
    ("image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8", "Chrome/142.0.0.0 Safari/537.36"),
    ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", "Gecko/20100101 Firefox/145.0"),
    ("image/webp,image/avif,image/jxl,image/heic,image/heic-sequence,video/*;q=0.8,image/png,*/*;q=0.5", "Version/26.1 Safari/605.1.15"),
    ("image/png,image/jpeg;q=0.9,image/gif;q=0.8", "Legacy/1.0"),
))  # fmt: skip
_FIELDS = (
    "Host: pictures.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) {agent}\r\n"
    "Accept: {accept}\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-GB,en;q=0.9,de;q=0.8\r\n"
    "Referer: https://www.example.com/articles/2026/11/page-{page}\r\nSec-Fetch-Dest: image\r\nSec-Fetch-Mode: no-cors\r\n"
    'Sec-Fetch-Site: cross-site\r\nsec-ch-ua: "Chromium";v="142", "Not/A)Brand";v="8"\r\nsec-ch-ua-mobile: ?0\r\n'
    'sec-ch-ua-platform: "Linux"\r\nConnection: keep-alive\r\n'
)
_HOT_OPERATIONS = (
    "imageMogr2/thumbnail/320x/format/webp", "imageMogr2/thumbnail/480x/format/webp/quality/85",
    "imageView2/1/w/240/h/240", "imageMogr2/thumbnail/400x/format/jpg",
)  # fmt: skip
_NEW_OPERATIONS = (
    "imageMogr2/thumbnail/{w}x/format/webp/quality/{q}", "imageMogr2/thumbnail/{w}x/format/webp/quality/{q}",
    "imageMogr2/thumbnail/{w}x/format/jpg/quality/{q}", "imageMogr2/thumbnail/{w}x{w}!/quality/{q}",
    "imageMogr2/gravity/center/crop/{w}x300/format/webp/quality/{q}",
)  # fmt: skip
SPELLINGS = len(_BROWSERS)


@dataclass(frozen=True, slots=True)
class Browser:
    """A client: the fields it sends with every request."""

    accept: int
    """Which of the spellings of Accept."""
    fields: bytes

    @classmethod
    def of(cls, number: int) -> Browser:
        accept, agent = _BROWSERS[number % SPELLINGS]
        return cls(number % SPELLINGS, _FIELDS.format(agent=agent, accept=accept, page=number % 997).encode())


def is_accepted(accept: int, media_type: str) -> bool:
    """Whether a browser with that Accept can show it."""
    return any(each in _BROWSERS[accept][0] for each in (media_type, "image/*", "*/*"))


@dataclass(frozen=True, slots=True)
class Ask:
    """One request.  *kind*: hit, again, miss, error or slow; *way*: plain, condition or range."""

    kind: str
    target: str
    way: str = "plain"
    status: int = 200
    accept: int | None = None
    """By a browser with this Accept; None: by any."""
    impatience_s: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Of all requests."""

    miss: float = 0.05
    error: float = 0.01
    slow: float = 0.01


def hot_targets() -> list[str]:
    """What is asked for again and again, most wanted first."""
    return [
        f"/hot/{WIDTHS_PX[number % len(WIDTHS_PX)]}/{number}.jpg?{operation}"
        for number in range(HOT_OBJECTS)
        for operation in _HOT_OPERATIONS
    ]


class Mix:
    """Draws requests."""

    def __init__(self, shares: Shares, seed: int, first: int = 0) -> None:
        """*first*: numbers of new pictures begin there."""
        self._rng = random.Random(seed)
        self._shares = shares
        self._numbers = count(first)
        self._hot = hot_targets()
        self._recent: deque[tuple[float, str, int]] = deque()
        self._wrong: deque[str] = deque(maxlen=20)

    def draw(self, now_s: float) -> Ask:
        rng, shares = self._rng, self._shares
        dice = rng.random()
        if dice < shares.miss:
            return Ask("miss", self._new())
        if dice < shares.miss + shares.error:
            return self._fault()
        if dice < shares.miss + shares.error + shares.slow:
            return Ask("slow", rng.choice((FILM, LARGE)))
        if self._recent and self._recent[0][0] + REPEATED_AFTER_S < now_s:
            _, target, accept = self._recent.popleft()
            return Ask("again", target, accept=accept)
        # An exponential law: a tenth of the targets is asked for in half of the requests.
        target = self._hot[min(int(rng.expovariate(1 / 35)), len(self._hot) - 1)]
        dice = rng.random()
        if dice < 0.10:
            return Ask("hit", target, "condition", 304)
        return Ask("hit", target, "range", 206) if dice < 0.12 else Ask("hit", target)

    def made(self, target: str, accept: int, now_s: float) -> None:
        """A new picture came: the same kind of browser asks for one in three of them once more."""
        if self._rng.random() < 1 / 3:
            self._recent.append((now_s, target, accept))

    def _new(self) -> str:
        number, rng = next(self._numbers), self._rng
        operation = rng.choice(_NEW_OPERATIONS).format(w=rng.randrange(200, 640), q=60 + number % 35)
        width_px = WIDTHS_PX[number % len(WIDTHS_PX)]
        if number % 2:
            return f"/new/{width_px}/{number}.jpg?{operation}"
        # No two of these are alike: a comment in the operation would be refused, a crop's offset is not.
        return f"/library/{width_px}/{number % LIBRARY_OBJECTS}.jpg?imageMogr2/cut/700x300x{number % 97}x{number // 97 % 113}|{operation}"

    def _fault(self) -> Ask:
        if self._wrong and self._rng.random() < 0.3:  # one that the server has seen fail
            target = self._rng.choice(self._wrong)
        else:
            name = self._rng.choice(tuple(FAULTS))
            target = f"/fault/{name}/{next(self._numbers)}.jpg?imageMogr2/thumbnail/300x"
            self._wrong.append(target)
        return Ask("error", target, status=FAULTS[target.split("/")[2]])
