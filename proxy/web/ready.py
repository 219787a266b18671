"""Renditions made ready for the connections: what ``image_reply`` says of a hit, as bytes, and how long it would say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from proxy.connections.answer import Ready
from proxy.connections.plain_heads import PICKING, TOLD, Fields
from proxy.connections.ready import Note, ReadyAnswers, Target
from proxy.core.fields.dates import format_date
from proxy.core.fields.forwarding import is_about_the_way
from proxy.core.model import Freshness
from proxy.ports import Clock
from proxy.service.bucket import Bucket
from proxy.service.deliver import Deliver, Question
from proxy.service.nearby import Places
from proxy.web.access_log import AccessLog
from proxy.web.dress import open_to_pages, picking_pages
from proxy.web.image import image_reply, tags_of
from proxy.web.peers import Peers
from proxy.web.ready_heads import head_of
from proxy.web.request import EdgeRequest, read_fields


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer to a request that says ``X-Img-Accept``: for those whose peers are believed that, or for the others."""

    peers: Peers
    trusted: bool

    def holds(self) -> bool:
        return True

    def admits(self, _: Fields, peer: str) -> bool:
        return self.peers.trusts(peer) is self.trusted


class Readying:
    """Hands what was answered over to the connections of one web worker, to be answered by them from then on."""

    def __init__(
        self,
        deliver: Deliver,
        clock: Clock,
        peers: Peers,
        answers: ReadyAnswers,
        tell: Callable[[Target, Ready, Places], None] | None = None,
    ) -> None:
        """*tell*: told of each answer that other web workers may give, too."""
        self._deliver = deliver
        self._clock = clock
        self._peers = peers
        self._answers = answers
        self._tell = tell

    def answered(
        self,
        request: EdgeRequest,
        bucket: Bucket,
        question: Question,
        *,
        vary: tuple[str, ...],
        until_s: float,
    ) -> None:
        """*request* was answered: the next one like it need not come this far, until *until_s* at most.

        Whether an answer is allowed is asked no more then.  A bucket that asks that of more than the URL, the fields
        in *vary* and Origin must not come here.
        """
        if request.target is None:
            return
        cors = bucket.rules.access.cors
        pages = picking_pages(cors)
        if pages is None or self._answers.holds(request.target):
            return
        places, now_s = self._deliver.places(bucket, question), self._clock.now_s()
        if places is None:
            return
        delivered = places.found
        freshness = delivered.facts.freshness
        until_s = min(until_s, _fresh_until_s(freshness))
        if until_s <= now_s:
            return
        plain = replace(request, method="GET", headers={})
        tags = tags_of(bucket, question.source, delivered)
        whole, unchanged = (
            image_reply(each, delivered, vary=vary, now_s=now_s, timing=False, slim=question.plan.slim, tags=tags)
            for each in (plain, replace(plain, headers={"if-none-match": delivered.artifact.etag}))
        )
        if cors:
            for each in (whole, unchanged):
                open_to_pages(each, cors, request.header("origin"), "GET")
        picking = {name.lower().encode() for name in (*vary, *pages)}
        told = None
        if b"accept" in picking and self._peers.trusts_some:
            picking |= TOLD
            if not TOLD.isdisjoint(request.target.fields):
                told = _Told(self._peers, self._peers.trusts(request.peer))
        last_modified_s = delivered.facts.validators.last_modified_s
        ready = Ready(
            whole=head_of(whole),
            unchanged=head_of(unchanged),
            content=places.artifact,
            facts=places.facts,
            others=places.inputs,
            etag=delivered.artifact.etag.encode(),
            last_modified=None if last_modified_s is None else format_date(last_modified_s).encode(),
            vary=tuple(sorted(picking)),
            passing=told,
            fetched_at_s=freshness.fetched_at_s,
            initial_age_s=freshness.initial_age_s,
            fresh_until_s=until_s,
            generation=places.generation,
            cache=(whole.cache.encode(),),
        )
        self._answers.keep(request.target, ready)
        if self._tell is not None and told is None and not places.inputs:
            self._tell(request.target, ready, places)


def _fresh_until_s(freshness: Freshness) -> float:
    return freshness.fetched_at_s + freshness.lifetime_s - freshness.initial_age_s


def mattering(*, passes: bool, peers: Peers) -> Callable[[bytes], bool] | None:
    """Which fields beside those of every picture some answer may depend on: where a bucket *passes* through, or *peers* are trusted."""

    def of_what_passes(name: bytes) -> bool:
        return name in PICKING or name == b"cache-control" or is_about_the_way(name)

    if passes:
        return of_what_passes
    return TOLD.__contains__ if peers.trusts_some else None


def noting(log: AccessLog) -> Note:
    """Writes what the connections answered into *log*, as the edge does."""

    def note(
        asked: Target, peer: str, method: str, request_id: str, status: int, seconds: float, sent_bytes: int, cache: str
    ) -> None:
        raw_path, _, raw_query = asked.target.partition(b"?")
        fields, host = read_fields(asked.fields.items())
        request = EdgeRequest(
            method=method, host=host, raw_path=raw_path, raw_query=raw_query, headers=fields, peer=peer
        )
        log.request(request, request_id, status, sent_bytes, seconds, cache)

    return note
