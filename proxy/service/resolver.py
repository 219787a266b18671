"""Which rendition answers a question, once it is known what the source is: its format, and with it its key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from proxy.core.grammar import format_plan
from proxy.core.keys import rendition_key, score_key
from proxy.core.model import Frame, Offer, Preset, Rendition, Source
from proxy.core.negotiate import ANYTHING, alternatives, resolve
from proxy.core.reports import REPORTS
from proxy.core.schedule import schedule
from proxy.core.scores import DEFAULT, Measurement, curve_of, measurable, measured_at, quality_for
from proxy.formats import CATALOGUE, Encoding, ScoreCurve
from proxy.service.bucket import BucketRules
from proxy.service.measured import Measured
from proxy.service.questions import Delivered, Question
from proxy.service.records import Facts

_MEMO_ENTRIES = 2_048
_MEMO_CHARS = 2048


class _Resolved(NamedTuple):
    identity: tuple[str, ...]
    generation: tuple[int, int] | None
    """Of what is known of scores; None: it does not matter."""
    rendition: Rendition
    key: str


class Resolver:
    """Pure but for what it remembers: a popular URL is resolved thousands of times.

    Args:
        encodable: catalogue names that this build can write.
        policy: whatever else of the codec changes bytes.
        measured: which scores are known (``quality/auto``).
    """

    def __init__(self, *, encodable: frozenset[str], policy: str, measured: Measured) -> None:
        self._encodable = encodable
        self._policy = policy
        self._measured = measured
        self._resolved: dict[tuple[Source, str, Offer], _Resolved] = {}

    def resolve(
        self, rules: BucketRules, question: Question, facts: Facts, inputs: Sequence[Delivered]
    ) -> tuple[Rendition, str]:
        """The one rendition that answers *question* for these versions of the source and of *inputs*, and its key.

        Raises:
            InvalidArgument, ImageResolutionExceed: there is none.
        """
        memo_key = (question.source, question.plan_text, question.offer)
        memo = self._resolved.get(memo_key)
        identity = (facts.validators.identity, *(each.artifact.etag for each in inputs))
        if memo is not None and memo.identity == identity and memo.generation in (None, self._measured.generation):
            return memo.rendition, memo.key
        generation = None if question.plan.target is None else self._measured.generation
        rendition = self._rendition(
            rules, question, facts, self._format(rules, question, facts), identity[1:], rules.preset
        )
        key = rendition_key(rendition)
        if len(self._resolved) >= _MEMO_ENTRIES:
            del self._resolved[next(iter(self._resolved))]
        if len(question.plan_text) <= _MEMO_CHARS:
            self._resolved[memo_key] = _Resolved(identity, generation, rendition, key)
        return rendition, key

    def others(
        self, rules: BucketRules, question: Question, facts: Facts, inputs: Sequence[Delivered]
    ) -> tuple[Rendition, ...]:
        """The same picture as this client could be shown it meanwhile, best first: in other formats, and all in realtime.

        Where the bucket's preset is a slower one, so is the asked format, the first of them.
        """
        if not question.offer.meanwhile or question.plan.report is not None:
            return ()
        asked = self._format(rules, question, facts)
        formats = alternatives(
            question.offer, asked, frame=self._frame(rules, question, facts), encodable=self._encodable
        )
        if rules.preset != "realtime":
            formats = (asked, *formats)
        etags = tuple(each.artifact.etag for each in inputs)
        return tuple(self._rendition(rules, question, facts, each, etags, "realtime") for each in formats)

    def _rendition(
        self,
        rules: BucketRules,
        question: Question,
        facts: Facts,
        chosen: str,
        inputs: tuple[str, ...],
        preset: Preset,
    ) -> Rendition:
        plan = question.plan
        bare = not (plan.paints or plan.strip or plan.cgif or plan.label or plan.interlace is not None)
        copyright_kept = rules.keep_copyright and (plan.strip or question.auto)
        rendition = Rendition(
            source=question.source,
            plan_text=question.plan_text,
            format=chosen,
            auto=question.auto,
            orient=rules.auto_orient,
            or_original=(question.auto or plan.target is not None)
            and bare
            and facts.traits.format in question.offer.showable,
            preset=preset,
            policy=f"{self._policy} copyright" if copyright_kept else self._policy,
            inputs=inputs,
        )
        return self._tuned(rules, question, facts, rendition)

    def probe(
        self, rules: BucketRules, question: Question, facts: Facts, rendition: Rendition
    ) -> tuple[Rendition, str]:
        """What is to be measured for *rendition*, and the key under which that is remembered: one for all targets nearby."""
        plan, at = question.plan, measured_at(question.plan.target or DEFAULT)
        probe = replace(
            rendition,
            plan_text=format_plan(plan.aimed_at(at)),
            quality=quality_for(self._curve(rules, question, facts, rendition), at),
            or_original=False,
            tentative=False,
        )
        return probe, score_key(probe)

    def corrected(
        self, rules: BucketRules, question: Question, facts: Facts, rendition: Rendition, found: Measurement | None
    ) -> Rendition:
        """*rendition* with the quality that its target takes by what was *found*."""
        curve = self._curve(rules, question, facts, rendition)
        quality = quality_for(curve, question.plan.target or DEFAULT, found)
        return replace(rendition, quality=quality, tentative=False)

    def _tuned(self, rules: BucketRules, question: Question, facts: Facts, rendition: Rendition) -> Rendition:
        """*rendition* with what ``quality/auto`` stands for, as far as that is known."""
        output = CATALOGUE.get(rendition.format)
        if question.plan.target is None or output is None or not output.quality:
            return rendition
        # What may not be kept is not worth measuring: nobody would be sent it again.
        known, worth = None, facts.freshness.storable
        if worth and measurable(output, self._frame(rules, question, facts)):
            _, key = self.probe(rules, question, facts, rendition)
            known = self._measured.known(key, facts, question.plan_text)
        else:
            worth = False
        found = None if known is None else known.measurement
        rendition = self.corrected(rules, question, facts, rendition, found)
        return replace(rendition, tentative=worth and known is None)

    def _curve(self, rules: BucketRules, question: Question, facts: Facts, rendition: Rendition) -> ScoreCurve:
        frame = self._frame(rules, question, facts)
        encoding = Encoding(
            width_px=frame.width_px, height_px=frame.height_px, frames=frame.frames, preset=rendition.preset,
            alpha=frame.alpha and CATALOGUE[rendition.format].alpha,
        )  # fmt: skip
        return curve_of(rendition.format, encoding)

    def _format(self, rules: BucketRules, question: Question, facts: Facts) -> str:
        """The format of the answer: a picture's, or the form that a report comes in."""
        plan, source_format = question.plan, facts.traits.format
        answers = REPORTS[plan.report.name].answers if plan.report is not None else None
        if answers is not None and not plan.stages:
            return answers
        if plan.only_slim and source_format in CATALOGUE and CATALOGUE[source_format].vector:
            return source_format  # lines in fewer bytes are lines
        measured = self._frame(rules, question, facts)
        return answers or resolve(
            question.offer, frame=measured, source_format=source_format, encodable=self._encodable
        )

    def _frame(self, rules: BucketRules, question: Question, facts: Facts) -> Frame:
        """The picture that the plan ends in, measured."""
        traits = facts.traits
        return schedule(
            question.plan, traits.frame, output=ANYTHING, auto=question.auto, orient=rules.auto_orient,
            limits=rules.limits, source_format=traits.format,
        ).frame  # fmt: skip
