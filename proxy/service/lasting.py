"""Kept answers of an origin that last until something changes: what connections may send without asking each time."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.core.fields.cache_control import RequestDirectives
from proxy.core.fields.cache_status import CacheStatus
from proxy.core.http_cache.constructing import construct
from proxy.core.http_cache.messages import CacheRequest, Entry
from proxy.core.http_cache.policy import Policy
from proxy.core.http_cache.reuse import Use, judge
from proxy.core.http_cache.selecting import select
from proxy.ports import Place
from proxy.service.answers import Answers
from proxy.service.asking import Answer, Ask
from proxy.service.pages import Page, Url


@dataclass(frozen=True, slots=True)
class Bytes:
    """A place of bytes, as one of something with a body."""

    place: Place[bytes]

    @property
    def value(self) -> Bytes | None:
        return None if self.place.value is None else self

    @property
    def body(self) -> bytes:
        return self.place.value or b""

    def touch(self) -> None:
        self.place.touch()


@dataclass(frozen=True, slots=True)
class Unforgotten:
    """Whether a URL was not forgotten since."""

    answers: Answers
    url: Url
    epoch: int

    def __call__(self) -> bool:
        return self.answers.epoch(self.url) == self.epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class Lasting:
    """An answer that a URL has for every request with the same values of ``vary``, from the same site, with no directives."""

    policy: Policy
    page: Place[Page]
    content: Bytes
    unforgotten: Unforgotten
    generation: int
    """Of the ledger of purges by which it is good."""
    vary: tuple[str, ...]
    whole: Answer
    unchanged: Answer
    """Said to who repeats one of these two, where there is one."""
    etag: str | None
    """Without ``W/``."""
    last_modified: str | None


def lasting(answers: Answers, ask: Ask, now_s: float) -> Lasting | None:
    """What lasts for *ask*; None: nothing, or it is only for some of those who ask alike, or soon to be another.

    An answer whose lifetime was guessed is not for requests with cookies; so here it is for none.
    """
    page = answers.known(ask.url)
    entry = select(page.entries, ask.view) if page is not None else None
    if page is None or entry is None or entry.status != 200 or not entry.size_bytes:
        return None
    if not entry.policy.explicit or entry.body_id in page.renewing or judge(entry, ask.view, now_s) is not Use.FRESH:
        return None
    places = answers.places(ask.url, entry)
    if places is None or places[0].value is not page:
        return None
    # Only what our own rules call unchanged is: an origin's validators may be anything.
    policy = entry.policy
    etag, last_modified = (policy.etag or "").removeprefix("W/"), policy.last_modified or ""
    by_tag, by_date = (
        _sent(entry, now_s, "if-none-match", etag),
        _sent(entry, now_s, "if-modified-since", last_modified),
    )
    tells, dates = by_tag.status == 304 and etag.startswith('"'), by_date.status == 304
    return Lasting(
        page=places[0], content=Bytes(places[1]), unforgotten=Unforgotten(answers, ask.url, page.epoch),
        generation=page.generation, policy=policy, vary=page.vary_names(), whole=_sent(entry, now_s),
        unchanged=by_tag if tells else by_date, etag=etag if tells else None,
        last_modified=last_modified if dates else None,
    )  # fmt: skip


def _sent(entry: Entry, now_s: float, name: str = "", value: str = "") -> Answer:
    """What a GET with no field but perhaps this one is answered."""
    fields = {name: value} if name else {}
    made = construct(entry, CacheRequest(method="GET", fields=fields, directives=RequestDirectives()), now_s)
    status = CacheStatus(ttl_s=int(entry.policy.ttl_s(now_s)), detail="memory")
    return Answer(status=made.status, lines=made.lines, cache_status=status, size_bytes=entry.size_bytes)
