"""What a URL and an Accept ask of a bucket: the object itself, or a picture and the formats it may come in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proxy.core.grammar import asks_ignore_error, format_plan, parse_plan
from proxy.core.model import Offer, Source
from proxy.core.negotiate import offer as make_offer
from proxy.core.negotiate import reads_accept
from proxy.core.plan import Output, Plan, Stage
from proxy.core.query import split_query
from proxy.errors import InvalidArgument, MogrError, OperationNotImplemented
from proxy.formats import by_suffix
from proxy.service.bucket import Bucket, BucketRules
from proxy.service.deliver import Question
from proxy.web.request import EdgeRequest

_AUTO = Plan(stages=(Stage(output=Output(format="auto")),), ignore_error=True)
"""A plain GET of a picture in a bucket with ``auto_format``; what is no picture after all comes back as it is."""
_MEMO_ENTRIES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``question`` None: the object itself, with ``vary`` if it stands in for a picture that would have varied."""

    question: Question | None = None
    vary: bool = False
    ignore_error: bool = False
    error: MogrError | None = None
    """Why no rendition can be made, known before the source is."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A query read for one bucket, whatever the Accept."""

    plan: Plan | None = None
    plan_text: str = ""
    wanted: str | None = None
    varies: bool = False
    error: MogrError | None = None


class Asker:
    """Reads requests; remembers what it has read, because a popular URL is read thousands of times."""

    def __init__(self, encodable: frozenset[str]) -> None:
        self._encodable = encodable
        self._readings: dict[tuple[str, bytes], _Reading] = {}
        self._offers: dict[tuple[str, str | None, str | None], Offer] = {}

    def ask(self, request: EdgeRequest, bucket: Bucket, key: str) -> Asked:
        """What *request* wants of *key*.

        Raises:
            InvalidArgument, InvalidUri: the query is malformed and does not say ``ignore-error/1``.
            OperationNotImplemented: an operation of CI that mogr does not do.
        """
        rules = bucket.rules
        reading = self._read(request.raw_query, rules)
        if reading.error is not None:
            return Asked()
        plan, text, wanted, varies = reading.plan, reading.plan_text, reading.wanted, reading.varies
        if plan is None:
            if not (rules.auto_format and _is_picture_name(key)):
                return Asked()
            plan, text, wanted = _AUTO, _key_text(_AUTO), "auto"
            varies = reads_accept(wanted, mode=rules.negotiate)
        accept = request.header("accept") if varies else None
        try:
            offer = self._offer(rules, wanted, accept)
        except MogrError as error:
            return Asked(vary=varies, ignore_error=plan.ignore_error, error=error)
        question = Question(
            source=Source(rules.name, key), plan=plan, plan_text=text, offer=offer, auto=wanted == "auto"
        )
        return Asked(question=question, vary=varies, ignore_error=plan.ignore_error)

    def _read(self, raw_query: bytes, rules: BucketRules) -> _Reading:
        memo_key = (rules.name, raw_query)
        reading = self._readings.get(memo_key)
        if reading is None:
            reading = _read_query(raw_query, rules)
            if len(self._readings) >= _MEMO_ENTRIES:
                self._readings.clear()
            if len(raw_query) <= _MEMO_QUERY_BYTES:
                self._readings[memo_key] = reading
        return reading

    def _offer(self, rules: BucketRules, wanted: str | None, accept: str | None) -> Offer:
        memo_key = (rules.name, wanted, accept)
        found = self._offers.get(memo_key)
        if found is None:
            found = make_offer(wanted, accept, mode=rules.negotiate, order=rules.formats, encodable=self._encodable)
            if len(self._offers) >= _MEMO_ENTRIES:
                self._offers.clear()
            if accept is None or len(accept) <= _MEMO_QUERY_BYTES:
                self._offers[memo_key] = found
        return found


_MEMO_QUERY_BYTES = 2048


def _read_query(raw_query: bytes, rules: BucketRules) -> _Reading:
    query = split_query(raw_query)
    if query.process is not None:
        raise OperationNotImplemented(public=f"ci-process={query.process[:64]} is not implemented.")
    if query.operation is None:
        return _Reading()
    try:
        plan = parse_plan(query.operation, clamp_px=rules.limits.clamp_parameters_px)
    except InvalidArgument as error:
        if asks_ignore_error(query.operation):
            return _Reading(error=error)
        raise
    wanted = plan.format or ("auto" if rules.auto_format else None)
    varies = reads_accept(wanted, mode=rules.negotiate)
    return _Reading(plan=plan, plan_text=_key_text(plan), wanted=wanted, varies=varies)


def _key_text(plan: Plan) -> str:
    """The plan's text without ``ignore-error``, which changes what an error becomes and no picture."""
    return format_plan(replace(plan, ignore_error=False))


def _is_picture_name(key: str) -> bool:
    name = key.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    return bool(stem and dot) and by_suffix("." + suffix) is not None
