"""A shared HTTP cache in front of an origin: decides, by the rules of ``core.http_cache``, who is asked and in what order.

``hit`` answers from memory without waiting; ``answer`` does the rest: disk, then the origin, once for all who wait.
"""

from __future__ import annotations

from dataclasses import replace

from proxy.core.fields.cache_status import CacheStatus
from proxy.core.http_cache.constructing import construct
from proxy.core.http_cache.messages import Entry
from proxy.core.http_cache.reuse import ERROR_STATUSES, Use, judge, may_stand_in, usable_by
from proxy.core.http_cache.selecting import matches, select, selection_of
from proxy.core.http_cache.updating import agrees, updated
from proxy.errors import NotInCache, OriginTimeout, OriginUnavailable
from proxy.ports import Clock, Meter
from proxy.service.answers import Answers
from proxy.service.around import around
from proxy.service.asking import Answer, Ask, passed_on
from proxy.service.exchange import Exchange, unconditional
from proxy.service.lasting import Lasting, lasting
from proxy.service.pages import Page
from proxy.service.receiving import Tank
from proxy.service.recently import Recently
from proxy.service.rounds import Fresh, Own, Round, Rounds

REST_S = 5.0
"""How long an origin that failed is left alone where a stale answer may stand in for it."""
_ATTEMPTS = 2
"""How often a request waits for another's answer before it asks for one of its own."""
ALONE_S = 10.0
"""How long nobody waits for another's answer to a URL whose answers were not to be shared."""


class SharedCache:
    """One per web worker."""

    def __init__(self, *, answers: Answers, clock: Clock, meter: Meter, max_receiving_bytes: int) -> None:
        self._answers = answers
        self._clock = clock
        self._meter = meter
        self._rounds = Rounds()
        self._exchange = Exchange(answers, clock, Tank(max_receiving_bytes))
        self._alone = Recently(clock, ALONE_S)
        self._resting = Recently(clock, REST_S)

    def hit(self, ask: Ask) -> Answer | None:
        """The answer, if it is in memory and may be sent now.

        Raises:
            InvalidRange: answered from what is in memory, too.
        """
        if ask.around:
            return None
        page = self._answers.known(ask.url)
        entry = select(page.entries, ask.view) if page is not None else None
        if entry is None or (use := judge(entry, ask.view, self._clock.now_s())) not in (Use.FRESH, Use.STALE):
            return None
        body = self._answers.known_body(entry)
        if body is None:
            return None
        renewing = page is not None and entry.body_id in page.renewing
        if use is Use.STALE or renewing:
            self._refresh(ask, entry)
        return self._hit(ask, entry, body, "refreshing" if renewing else "memory", tier="memory")

    def lasting(self, ask: Ask) -> Lasting | None:
        """What ``hit`` answers *ask* with, if that is a new enough 200 for whoever asks alike."""
        return lasting(self._answers, ask, self._clock.now_s())

    async def answer(self, ask: Ask) -> Answer:
        """The answer, wherever it comes from.

        Cancelling leaves what others wait for, and what is to be kept, under way.

        Raises:
            NotInCache: the request wants nothing else.
            InvalidRange: of a kept answer.
            Whatever ``Forwarder.forward`` does.
        """
        if ask.around:
            return await around(ask, self._answers)
        if (hit := self.hit(ask)) is not None:
            return hit
        page = await self._page(ask)
        entry = select(page.entries, ask.view)
        reason = "vary-miss" if page.entries else "uri-miss"
        body: bytes | None = None
        if entry is not None and not usable_by(entry, ask.view):
            entry, reason = None, "request"
        if entry is not None and (body := await self._answers.body(entry)) is None:
            entry, reason = None, "miss"
        if entry is not None and body is not None:
            use = judge(entry, ask.view, self._clock.now_s())
            renewing = entry.body_id in page.renewing
            if use is Use.STALE or (use is Use.FRESH and renewing):
                self._refresh(ask, entry)
            if use in (Use.FRESH, Use.STALE):
                return self._hit(ask, entry, body, "refreshing" if renewing else "disk", tier="disk")
            if self._resting.has(self._round_key(ask, page)) and self._may_stand_in(ask, entry, reached=False):
                return self._stale(ask, entry, body, None)
            reason = "request" if use is Use.REFUSED else "stale"
        if ask.view.directives.only_if_cached:
            raise NotInCache
        self._meter.cache_miss()
        if ask.request.method == "HEAD":
            return await self._head(ask, entry, body, reason)
        return await self._get(ask, page, entry, body, reason)

    async def aclose(self, grace_s: float) -> None:
        """Finish what is under way within *grace_s*, the writing included."""
        await self._rounds.aclose(grace_s / 2)
        await self._answers.aclose(grace_s / 2)

    async def _page(self, ask: Ask) -> Page:
        """What is kept; also by other web workers, where what this one knows has been fresh once and is no more."""
        known = self._answers.known(ask.url)
        entry = select(known.entries, ask.view) if known is not None else None
        if entry is None:
            return await self._answers.page(ask.url, newest=True)
        lasts = entry.policy.lifetime_s > 0 and not entry.policy.directives.no_cache
        newest = lasts and judge(entry, ask.view, self._clock.now_s()) is Use.VALIDATE
        return await self._answers.page(ask.url, newest=newest)

    async def _get(
        self, ask: Ask, page: Page, entry: Entry | None, body: bytes | None, reason: str, *, attempt: int = 0
    ) -> Answer:
        key = self._round_key(ask, page)
        shared = attempt < _ATTEMPTS and not self._goes_alone(ask, entry, key)
        work = self._exchange.work(ask.request, ask.view, ask.forwarder, ask.url, entry)
        try:
            outcome, leads = await self._rounds.outcome(key if shared else None, work)
        except (OriginUnavailable, OriginTimeout):
            if entry is not None and body is not None and self._may_stand_in(ask, entry, reached=False):
                self._resting.add(key)
                return self._stale(ask, entry, body, None)
            raise
        if isinstance(outcome, Own):
            attempt = _ATTEMPTS  # nothing will be shared here: all who waited go at once
            status, stands_in = (
                outcome.answer.status,
                entry is not None and self._may_stand_in(ask, entry, reached=True),
            )
            if entry is not None and body is not None and status in ERROR_STATUSES and stands_in:
                self._resting.add(key)
                if leads:
                    await outcome.answer.aclose()
                return self._stale(ask, entry, body, status)
            if leads:
                if shared and entry is None:
                    self._alone.add(ask.url.key)
                return passed_on(outcome.answer, CacheStatus(fwd=reason))
        elif leads or (matches(outcome.entry, ask.view) and usable_by(outcome.entry, ask.view)):
            if not leads:
                self._meter.collapsed()
            told = CacheStatus(fwd=reason, collapsed=not leads)
            if isinstance(outcome, Fresh):
                made = await self._along(ask, outcome, told, leads=leads)
            else:
                made = await self._confirmed(ask, outcome.entry, entry, body, told)
            if made is not None:
                return made
        # Somebody else's answer was not for us.  What is known by now may tell with whom to wait.
        page = await self._answers.page(ask.url)
        return await self._get(ask, page, entry, body, reason, attempt=attempt + 1)

    async def _confirmed(
        self, ask: Ask, newer: Entry, entry: Entry | None, body: bytes | None, status: CacheStatus
    ) -> Answer | None:
        """The answer from what the origin said still holds; None: its bytes are gone."""
        if entry is None or body is None or newer.body_id != entry.body_id:
            body = await self._answers.body(newer)
        return None if body is None else self._from_store(ask, newer, body, replace(status, fwd_status=304))

    async def _along(self, ask: Ask, outcome: Fresh, status: CacheStatus, *, leads: bool) -> Answer | None:
        """The answer that is being received, sent as it comes; None: it turned out to be for its leader only."""
        now_s = self._clock.now_s()
        receiving, entry = outcome.receiving, outcome.entry
        if not leads and receiving.size_bytes is None:
            await receiving.settled.wait()
            if receiving.error is not None:
                raise receiving.error
        if receiving.body is not None and not leads:
            return self._from_store(ask, replace(entry, size_bytes=len(receiving.body)), receiving.body, status)
        if receiving.too_long and not leads:
            return None
        try:
            made = construct(
                entry, ask.view, now_s, just_came=outcome.lines if leads else None,
                size_known=receiving.size_bytes is not None,
            )  # fmt: skip
        except BaseException:
            if leads:
                receiving.leave()
            raise
        reader = receiving.reader(made.part, first=leads)
        stored = replace(status, stored=not receiving.too_long)
        if made.status == 304:
            await reader.aclose()
            return Answer(status=304, lines=made.lines, cache_status=stored)
        size_bytes = receiving.size_bytes if made.part is None else made.part.length_bytes
        return Answer(
            status=made.status, lines=made.lines, cache_status=stored, body=reader, close=reader.aclose,
            size_bytes=size_bytes,
        )  # fmt: skip

    async def _head(self, ask: Ask, entry: Entry | None, body: bytes | None, reason: str) -> Answer:
        epoch, requested_at_s = self._answers.epoch(ask.url), self._clock.now_s()
        try:
            answer = await ask.forwarder.forward(ask.request)
        except (OriginUnavailable, OriginTimeout):
            if entry is not None and body is not None and self._may_stand_in(ask, entry, reached=False):
                return self._stale(ask, entry, body, None)
            raise
        status = CacheStatus(fwd=reason)
        if entry is None or body is None or entry.status != 200 or ask.view.directives.no_store:
            return passed_on(answer, status)
        if answer.status in ERROR_STATUSES and self._may_stand_in(ask, entry, reached=True):
            await answer.aclose()
            return self._stale(ask, entry, body, answer.status)
        if answer.status != 200:
            return passed_on(answer, status)
        if not agrees(entry, answer.lines, answer.size_bytes):
            await self._answers.forget(ask.url)
            return passed_on(answer, status)
        await answer.aclose()
        newer = updated(entry, answer.lines, requested_at_s=requested_at_s, received_at_s=self._clock.now_s())
        self._exchange.keep(ask.url, epoch, newer)
        return self._from_store(ask, newer, body, status)

    def _refresh(self, ask: Ask, entry: Entry) -> None:
        """Ask the origin about *entry* while it is being sent."""
        key = self._round_key(ask, Page(0, (entry,)))
        if self._resting.has(key):
            return
        # Its own answer is under way: what the origin says to this one is not for its client.
        request, view = replace(ask.request, method="GET", inform=None), replace(ask.view, method="GET")
        work = self._exchange.work(request, view, ask.forwarder, ask.url, entry)

        async def refresh(round_: Round) -> None:
            self._resting.add(key)  # unless it succeeds
            await work(round_)
            if not isinstance(round_.told.result(), Own):
                self._resting.remove(key)

        self._rounds.in_background(key, refresh)

    def _round_key(self, ask: Ask, page: Page) -> str:
        """Requests with one key would, as far as is known, be answered alike.

        None waits for what began before a purge, or before the URL's answers became obsolete.
        """
        selection = selection_of(page.vary_names(), ask.view)
        return repr((ask.url.key, ask.view.site, selection, self._answers.generation, self._answers.epoch(ask.url)))

    def _goes_alone(self, ask: Ask, entry: Entry | None, key: str) -> bool:
        """Whether the answer is, as far as can be told, for this request only."""
        view = ask.view
        if "authorization" in view.fields or view.directives.no_store:
            return True
        if entry is not None:
            return False
        # One that asks for a part, or for news, may wait for a whole answer, but nobody can wait for one of its own.
        partial = unconditional(ask.request) is not ask.request and key not in self._rounds
        return partial or self._alone.has(ask.url.key)

    def _may_stand_in(self, ask: Ask, entry: Entry, *, reached: bool) -> bool:
        return may_stand_in(entry, ask.view, self._clock.now_s(), reached=reached)

    def _hit(self, ask: Ask, entry: Entry, body: bytes, detail: str, *, tier: str) -> Answer:
        self._meter.cache_hit(tier)
        ttl_s = int(entry.policy.ttl_s(self._clock.now_s()))
        return self._from_store(ask, entry, body, CacheStatus(ttl_s=ttl_s, detail=detail))

    def _stale(self, ask: Ask, entry: Entry, body: bytes, fwd_status: int | None) -> Answer:
        detail = "stale-if-error"
        return self._from_store(ask, entry, body, CacheStatus(fwd="stale", fwd_status=fwd_status, detail=detail))

    def _from_store(self, ask: Ask, entry: Entry, body: bytes, status: CacheStatus) -> Answer:
        made = construct(entry, ask.view, self._clock.now_s())
        if made.status == 304:
            return Answer(status=304, lines=made.lines, cache_status=status)
        part = body if made.part is None else body[made.part.first : made.part.last + 1]
        size_bytes = None if made.status == 204 else len(part)
        return Answer(status=made.status, lines=made.lines, cache_status=status, body=part, size_bytes=size_bytes)
