"""What a URL and an Accept ask of a bucket: the object itself, or a picture and the formats it may come in."""

from __future__ import annotations

from dataclasses import dataclass, replace
from urllib.parse import unquote

from proxy.core.codes import PROCESS, Code, parse_code
from proxy.core.grammar import asks_ignore_error, format_plan, parse_plan
from proxy.core.hints import NO_HINTS, SAVE_DATA, Hints, fill, read_hints, thrifty
from proxy.core.model import Offer, Source
from proxy.core.negotiate import offer as make_offer
from proxy.core.negotiate import reads_accept
from proxy.core.plan import Need, Output, Plan, Stage
from proxy.core.processes import process_operation
from proxy.core.query import split_query
from proxy.errors import InvalidArgument, InvalidMark, MethodNotAllowed, MogrError
from proxy.formats import by_suffix
from proxy.service.bucket import Bucket, BucketRules
from proxy.service.deliver import Ingredient, Question
from proxy.web.hosts import Buckets
from proxy.web.marks import Place, check_number, locate
from proxy.web.request import EdgeRequest, is_hidden

_AUTO = Plan(stages=(Stage(output=Output(format="auto")),), ignore_error=True)
"""A plain GET of a picture in a bucket with ``auto_format``; what is no picture after all comes back as it is."""
_MEMO_ENTRIES = 1_024
"""Of each kind; the oldest goes.  A reading takes a few kilobytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """``question`` None: the object itself, with ``vary`` of the picture that it stands in for, if it does."""

    question: Question | None = None
    vary: tuple[str, ...] = ()
    """The fields that an answer depends on."""
    ignore_error: bool = False
    error: MogrError | None = None
    """Why no rendition can be made, known before the source is."""
    code: Code | None = None
    """A picture without an original, whatever the key."""
    styled: Styled | None = None
    """What is asked if there is no object of that key."""

    @property
    def varies(self) -> tuple[str, ...]:
        """The fields that some answer to the URL depends on."""
        return self.vary if self.styled is None else tuple(dict.fromkeys(self.vary + self.styled.asked.vary))


@dataclass(frozen=True, slots=True)
class Styled:
    """The other reading of a key that ends in the name of a style."""

    key: str
    asked: Asked


@dataclass(frozen=True, slots=True)
class _Reading:
    """A query read for one bucket, whatever the Accept."""

    plan: Plan | None = None
    plan_text: str = ""
    wanted: str | None = None
    varies: bool = False
    hinted: tuple[str, ...] = ()
    """Client hints that the plan follows."""
    needs: tuple[Need, ...] = ()
    code: Code | None = None
    original: bool = False
    """The object itself is asked for, whatever else the bucket would make of it."""
    error: MogrError | None = None


class Asker:
    """Reads requests; remembers what it has read, because a popular URL is read thousands of times."""

    def __init__(self, encodable: frozenset[str], buckets: Buckets | None = None) -> None:
        """*buckets*: where marks may come from."""
        self._encodable = encodable
        self._buckets = buckets or Buckets(())
        self._readings: dict[tuple[str, str | None, bytes, Hints], _Reading] = {}
        self._offers: dict[tuple[str, str | None, str | None], Offer] = {}

    def ask(self, request: EdgeRequest, bucket: Bucket, key: str) -> Asked:
        """What *request* wants of *key*.

        Raises:
            InvalidArgument, InvalidUri: the query is malformed and does not say ``ignore-error/1``.
            OperationNotImplemented: an operation of CI that mogr does not do.
        """
        rules = bucket.rules
        hints = read_hints(request.headers) if rules.client_hints else NO_HINTS
        asked = self._asked(request, rules, hints, key, None)
        named = rules.styles.split(key)
        if named is None or is_hidden(named[0], rules.persist_prefix):
            return asked
        try:
            other = self._asked(request, rules, hints, *named)
        except MogrError as error:  # one stage too many, together with the style's
            other = Asked(vary=asked.vary, error=error)
        return replace(asked, styled=Styled(named[0], other))

    def _asked(self, request: EdgeRequest, rules: BucketRules, hints: Hints, key: str, style: str | None) -> Asked:
        reading = self._read(request.raw_query, rules, style, hints)
        if reading.error is not None or reading.original or reading.code is not None:
            return Asked(code=reading.code)
        if reading.plan is None and rules.auto_format and is_picture_name(key):
            reading = _reading(_AUTO, rules, hints)
        plan, wanted = reading.plan, reading.wanted
        if plan is None:
            return Asked()
        accept = request.header("accept") if reading.varies else None
        vary = ("Accept", *reading.hinted) if reading.varies else reading.hinted
        try:
            offer = self._offer(rules, wanted, accept)
            inputs = self._inputs(reading.needs, rules, trusted=request.operation_signed) if reading.needs else ()
        except MogrError as error:
            return Asked(vary=vary, ignore_error=plan.ignore_error, error=error)
        question = Question(
            source=Source(rules.name, key),
            plan=plan,
            plan_text=reading.plan_text,
            offer=offer,
            auto=wanted == "auto",
            inputs=inputs,
        )
        return Asked(question=question, vary=vary, ignore_error=plan.ignore_error)

    def _read(self, raw_query: bytes, rules: BucketRules, style: str | None, hints: Hints) -> _Reading:
        memo_key = (rules.name, style, raw_query, hints)
        reading = self._readings.get(memo_key)
        if reading is None:
            reading = _read_query(raw_query, rules, style, hints)
            if len(self._readings) >= _MEMO_ENTRIES:
                del self._readings[next(iter(self._readings))]
            if len(raw_query) <= _MEMO_QUERY_BYTES:
                self._readings[memo_key] = reading
        return reading

    def _inputs(self, needs: tuple[Need, ...], rules: BucketRules, *, trusted: bool) -> tuple[Ingredient, ...]:
        """The questions for what an operation in the bucket of *rules* needs; there may be marks on marks.

        *trusted*: whoever made the operation may read every object of that bucket.

        Raises:
            InvalidMark: one of them may not be had, or there are too many.
        """
        bucket = self._buckets.by_name.get(rules.name)
        if bucket is None:
            raise InvalidMark
        places = [locate(need, bucket, self._buckets, trusted=trusted) for need in needs]
        found = tuple(
            Ingredient(place.bucket, self._mark(place, need.within_px, trusted=trusted))
            for place, need in zip(places, needs, strict=True)
        )
        check_number(found)
        return found

    def _mark(self, place: Place, within_px: int, *, trusted: bool) -> Question:
        """Answered by a PNG, whatever format its operation names: it has alpha and loses nothing but what is over *within_px*."""
        rules = place.bucket.rules
        try:
            reading = self._read(place.raw_query, rules, None, NO_HINTS)
        except MogrError as error:
            raise InvalidMark(str(error), public=f"The image of the watermark: {error.public}") from None
        plan = reading.plan or Plan(stages=())
        if reading.error is not None or reading.code is not None or plan.report is not None:
            raise InvalidMark(public="The operation in the URL of the watermark's image gives no picture.")
        if within_px:
            plan = replace(
                plan, stages=plan.stages + parse_plan(f"imageMogr2/thumbnail/{within_px}x{within_px}>").stages
            )
        return Question(
            source=Source(rules.name, place.key),
            plan=plan,
            plan_text=_key_text(plan),
            offer=Offer(forced="png"),
            inputs=self._inputs(reading.needs, rules, trusted=trusted) if reading.needs else (),
        )

    def _offer(self, rules: BucketRules, wanted: str | None, accept: str | None) -> Offer:
        memo_key = (rules.name, wanted, accept)
        found = self._offers.get(memo_key)
        if found is None:
            found = make_offer(wanted, accept, mode=rules.negotiate, order=rules.formats, encodable=self._encodable)
            if len(self._offers) >= _MEMO_ENTRIES:
                del self._offers[next(iter(self._offers))]
            if accept is None or len(accept) <= _MEMO_QUERY_BYTES:
                self._offers[memo_key] = found
        return found


_MEMO_QUERY_BYTES = 2048


def _read_query(raw_query: bytes, rules: BucketRules, style: str | None, hints: Hints) -> _Reading:
    """*raw_query* of a URL whose path named *style*."""
    query = split_query(raw_query)
    operation = query.operation
    if query.process is not None:
        if operation is not None:
            raise InvalidArgument(public="The query has ci-process and an operation; join what may be joined with '|'.")
        if query.process == PROCESS:
            return _Reading(code=parse_code(query.arguments))
        operation = process_operation(query.process, query.arguments)
        if operation is None:
            return _Reading(original=True)
    named = [name for name in query.styles if name in rules.styles.texts]
    if len(named) > 1:
        raise InvalidArgument(public="The query has more than one style.")
    # First the style of the path, then that of the query, then the operation: a pipe, fused as any other.
    texts = [rules.styles.texts[name] for name in (style, *named) if name is not None]
    if operation is not None:
        texts.append(rules.styles.expand(operation))
    if not texts:
        return _Reading()
    text = "|".join(texts)
    text, hinted = fill(text, hints) if rules.client_hints else (text, ())
    try:
        plan = parse_plan(text, clamp_px=rules.limits.clamp_parameters_px)
    except InvalidArgument as error:
        if asks_ignore_error(text):
            return _Reading(error=error)
        raise
    return _reading(plan, rules, hints, hinted)


def _reading(plan: Plan, rules: BucketRules, hints: Hints, hinted: tuple[str, ...] = ()) -> _Reading:
    """*plan* read for a bucket; *hinted*: the client hints that it followed already."""
    # A report is text: neither Accept nor the bucket has a say in what it comes in.  imageSlim keeps the format.
    wanted = None if plan.report else plan.format or ("auto" if rules.auto_format and not plan.slim else None)
    if wanted == "auto" and rules.client_hints:
        plan, hinted = thrifty(plan) if hints.save_data else plan, (*hinted, SAVE_DATA)
    varies = reads_accept(wanted, mode=rules.negotiate)
    return _Reading(plan=plan, plan_text=_key_text(plan), wanted=wanted, varies=varies, hinted=hinted, needs=plan.needs)


def _key_text(plan: Plan) -> str:
    """The plan's text without ``ignore-error``, which changes what an error becomes and no picture."""
    return format_plan(replace(plan, ignore_error=False))


def asks_style(request: EdgeRequest, rules: BucketRules) -> bool:
    """Whether *request* may be for a style of the bucket; whether it is, the objects there decide."""
    if not rules.styles.texts or request.method not in MethodNotAllowed.allow:
        return False
    return rules.styles.asked_by(unquote(request.raw_path[1:].decode("latin-1")), request.raw_query)


def is_picture_name(key: str) -> bool:
    """Whether *key* ends as pictures do."""
    name = key.rpartition("/")[2]
    stem, dot, suffix = name.rpartition(".")
    named = by_suffix("." + suffix) if stem and dot else None
    return named is not None and not named.vector  # lines stay lines where nobody asked
