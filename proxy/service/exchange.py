"""One GET to an origin on behalf of a cache: what is asked, and what becomes of the answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from proxy.core.http_cache.messages import CacheRequest, Entry, combined
from proxy.core.http_cache.reuse import ERROR_STATUSES, may_stand_in
from proxy.core.http_cache.selecting import selection_of, vary_names
from proxy.core.http_cache.storing import kept_lines, may_store
from proxy.core.http_cache.updating import confirmed, updated
from proxy.ports import Clock, Forwarded, Forwarder, ForwardRequest
from proxy.service.answers import Answers, new_body_id
from proxy.service.pages import Url
from proxy.service.receiving import Receiving, Tank
from proxy.service.rounds import Confirmed, Fresh, Outcome, Own, Round

_OF_ONE_REQUEST = frozenset({
    b"if-match", b"if-none-match", b"if-modified-since", b"if-unmodified-since", b"if-range", b"range",
})  # fmt: skip


class Exchange:
    """What is shared by the exchanges of one web worker."""

    def __init__(self, answers: Answers, clock: Clock, tank: Tank) -> None:
        self._answers = answers
        self._clock = clock
        self._tank = tank

    def work(
        self, request: ForwardRequest, view: CacheRequest, forwarder: Forwarder, url: Url, entry: Entry | None
    ) -> Callable[[Round], Awaitable[None]]:
        """What a round does: *request*, or with *entry* a question whether that still holds; then it keeps what it may."""

        async def run(round_: Round) -> None:
            asked = request if entry is None else about(request, entry)
            epoch, requested_at_s = self._answers.epoch(url), self._clock.now_s()
            answer = await forwarder.forward(asked)
            if answer.status == 304 and entry is not None:
                if confirmed(entry, answer.lines):
                    newer = updated(
                        entry, answer.lines, requested_at_s=requested_at_s, received_at_s=self._clock.now_s()
                    )
                    await answer.aclose()
                    self.keep(url, epoch, newer)
                    await round_.tell(Confirmed(newer))
                    return
                # It speaks of a version that is not the one we have (RFC 9111 §4.3.4): only all of it will do.
                await answer.aclose()
                requested_at_s = self._clock.now_s()
                answer = await forwarder.forward(unconditional(request))
            outcome = self._outcome(view, answer, entry, requested_at_s)
            if entry is not None and isinstance(outcome, Own) and _supersedes(view, answer.status):
                self._answers.withdraw(url)
            await round_.tell(outcome)
            if isinstance(outcome, Fresh):
                kept = outcome.entry
                await outcome.receiving.pump(
                    lambda body: self._answers.put(url, epoch, replace(kept, size_bytes=len(body)), body)
                )

        return run

    def keep(self, url: Url, epoch: int, entry: Entry) -> None:
        """Keep what an answer without content said of *entry*; not at all where it says so."""
        told = entry.policy.directives
        if told.private or (told.no_store and not told.must_understand):
            self._answers.withdraw(url)
        else:
            self._answers.put(url, epoch, entry, None)

    def _outcome(self, view: CacheRequest, answer: Forwarded, entry: Entry | None, requested_at_s: float) -> Outcome:
        now_s = self._clock.now_s()
        times = {"requested_at_s": requested_at_s, "received_at_s": now_s}
        lines = answer.lines
        if answer.status in ERROR_STATUSES and entry is not None and may_stand_in(entry, view, now_s, reached=True):
            return Own(answer)  # not in place of what is better
        if not may_store(view, answer.status, lines, ending=answer.ending, **times):
            return Own(answer)
        if answer.size_bytes is not None and answer.size_bytes > self._answers.largest_bytes:
            return Own(answer)
        new = Entry.of(
            answer.status,
            kept_lines(lines, received_at_s=now_s),
            site=view.site,
            selection=selection_of(vary_names(combined(lines)) or (), view),
            body_id=new_body_id(),
            size_bytes=answer.size_bytes or 0,
            guess_max_s=view.guess_max_s,
            **times,
        )
        receiving = Receiving(answer, largest_bytes=self._answers.largest_bytes, tank=self._tank)
        if receiving.too_long:  # no room now
            return Own(answer)
        return Fresh(entry=new, lines=lines, receiving=receiving)


def _supersedes(view: CacheRequest, status: int) -> bool:
    """Whether an answer that is not kept says that what is kept is no more, whoever asks."""
    return status < 500 and "authorization" not in view.fields and not view.directives.no_store


def unconditional(request: ForwardRequest) -> ForwardRequest:
    """*request* for all of whatever version there is."""
    lines = [line for line in request.lines if line[0] not in _OF_ONE_REQUEST]
    return request if len(lines) == len(request.lines) else replace(request, lines=lines)


def about(request: ForwardRequest, entry: Entry) -> ForwardRequest:
    """*request*, asking whether *entry* still holds (RFC 9111 §4.3.1)."""
    lines = [line for line in request.lines if line[0] not in _OF_ONE_REQUEST]
    policy = entry.policy
    if policy.etag is not None:
        lines.append((b"if-none-match", policy.etag.encode("latin-1")))
    if policy.last_modified is not None:
        lines.append((b"if-modified-since", policy.last_modified.encode("latin-1")))
    return replace(request, lines=lines)
