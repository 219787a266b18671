"""What a bucket with ``pass_through`` answers from memory, made ready for the connections.

More of a request matters here than of one for a picture: directives, where it came from and through whom, fields that
steer an origin.  ``ready.mattering`` names them; a request with any of them is for the application.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from proxy.connections.answer import Ready
from proxy.connections.plain_heads import INDIFFERENT, PICKING, SITE
from proxy.connections.ready import ReadyAnswers, Target
from proxy.core.access.cors import Cors
from proxy.ports import Clock
from proxy.service.asking import Answer, Ask
from proxy.service.lasting import Unforgotten
from proxy.service.shared_cache import SharedCache
from proxy.web.dress import open_to_pages, picking_pages
from proxy.web.peers import Peers
from proxy.web.ready_heads import cut_at_ttl, head_of
from proxy.web.reply import Reply

_ALLOWED_FOR = INDIFFERENT | PICKING


@dataclass(frozen=True, slots=True)
class _Passing:
    """Cookies are no matter: what lasts was given its lifetime by its origin."""

    unforgotten: Unforgotten
    peers: Peers
    trusted: bool
    """Whether what the peer says of the client's URL was believed."""

    def holds(self) -> bool:
        return self.unforgotten()

    def admits(self, fields: Mapping[bytes, bytes], peer: str) -> bool:
        return fields.keys() <= _ALLOWED_FOR and self.peers.trusts(peer) is self.trusted


class ReadyingPassed:
    """Hands hits over to the connections of one web worker."""

    def __init__(self, cache: SharedCache, clock: Clock, peers: Peers, answers: ReadyAnswers) -> None:
        self._cache = cache
        self._clock = clock
        self._peers = peers
        self._answers = answers

    def hit(self, target: Target, peer: str, ask: Ask, cors: Cors) -> None:
        """*ask*, which came as *target* from *peer*, was answered from memory: the next one like it need not come this far.

        *cors* will be told of on the answer.
        """
        pages = picking_pages(cors)
        if pages is None or self._answers.holds(target):
            return
        found = self._cache.lasting(ask)
        if found is None:
            return
        trusted = self._peers.trusts(peer)
        vary = frozenset(name.encode() for name in (*found.vary, *pages)) | (SITE if trusted else frozenset())
        passing = _Passing(found.unforgotten, self._peers, trusted)
        policy, now_s = found.policy, self._clock.now_s()
        if not passing.admits(target.fields, peer) or policy.ttl_s(now_s) <= 0:
            return
        whole, unchanged = passed_reply(found.whole), passed_reply(found.unchanged)
        if cors:
            for each in (whole, unchanged):
                open_to_pages(each, cors, ask.view.fields.get("origin"), "GET")
        ready = Ready(
            whole=head_of(whole),
            unchanged=head_of(unchanged),
            content=found.content,
            facts=found.page,
            etag=_raw(found.etag),
            last_modified=_raw(found.last_modified),
            vary=tuple(sorted(vary)),
            passing=passing,
            fetched_at_s=policy.received_at_s,
            initial_age_s=policy.initial_age_s,
            lifetime_s=policy.lifetime_s,
            fresh_until_s=policy.received_at_s + policy.lifetime_s - policy.initial_age_s,
            generation=found.generation,
            kind=whole.kind,
            cache=cut_at_ttl(whole.cache.encode()),
        )
        self._answers.keep(target, ready)


def passed_reply(answer: Answer) -> Reply:
    """*answer* as the edge sends it."""
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.lines]
    status = answer.cache_status.format()
    return Reply(
        status=answer.status,
        headers=[*headers, ("cache-status", status)],
        body=answer.body,
        size_bytes=answer.size_bytes,
        close=answer.close,
        kind="object",
        cache=status,
    )


def _raw(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")
