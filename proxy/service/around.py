"""Requests that no cache answers; those that change something end what is kept (RFC 9111 §4.4)."""

from __future__ import annotations

from proxy.core.fields.cache_status import CacheStatus
from proxy.core.http_cache.invalidating import changes_state, obsolete
from proxy.service.answers import Answers
from proxy.service.asking import Answer, Ask, passed_on
from proxy.service.pages import Url


async def around(ask: Ask, answers: Answers) -> Answer:
    """The origin's own answer; by then no web worker of the node sends what it made obsolete.

    Raises what ``Forwarder.forward`` does.
    """
    request = ask.request
    answer = await ask.forwarder.forward(request)
    if changes_state(request.method, answer.status):
        try:
            for path, query in obsolete(
                request.raw_path, request.raw_query, answer.lines, scheme=ask.scheme, host=ask.host
            ):
                await answers.forget(Url(ask.url.bucket, path, query))
        except BaseException:
            await answer.aclose()
            raise
    return passed_on(answer, CacheStatus(fwd="bypass" if request.method in ("GET", "HEAD") else "method"))
