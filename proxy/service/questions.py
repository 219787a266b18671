"""What is asked of the service and what it answers, and how the pictures that go into another one weigh in its answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from proxy.core.model import Artifact, Freshness, Offer, Source
from proxy.core.plan import Plan
from proxy.errors import Fault, InvalidMark, MogrError
from proxy.service.bucket import Bucket
from proxy.service.records import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A picture somebody wants, as far as it can be said without knowing the source."""

    source: Source
    plan: Plan
    plan_text: str
    offer: Offer
    auto: bool = False
    """``format/auto``, by the URL or by the bucket."""
    inputs: tuple[Ingredient, ...] = ()
    """What has to be had first, one for each of ``plan.needs``; as PNG."""


@dataclass(frozen=True, slots=True)
class Ingredient:
    """A picture that goes into another one."""

    bucket: Bucket
    question: Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    artifact: Artifact
    facts: Facts
    """Of the source; with what went into the picture besides, as ``joined``."""
    tier: str | None
    """``memory``, ``disk``, ``bucket``; None: made for this request."""
    collapsed: bool = False
    revalidated: bool = False
    """The origin was asked, for this request, whether the source is still the same, and said so."""
    interim_s: float | None = None
    """Set: another format than asked for, sent while that is being made; how long it may be shown instead."""
    renewing: bool = False
    """It is to be made anew, by a purge that lets it be sent until then."""
    timings_s: Mapping[str, float] = field(default_factory=dict)


def joined(facts: Facts, inputs: Sequence[Delivered]) -> Facts:
    """*facts* of a picture that *inputs* went into: it is as fresh as the first of all to expire, and as new as the newest."""
    if not inputs:
        return facts
    all_facts = [facts, *(each.facts for each in inputs)]
    soonest = min((each.freshness for each in all_facts), key=_expires_s)
    freshness = replace(
        soonest,
        storable=all(each.freshness.storable for each in all_facts),
        must_revalidate=any(each.freshness.must_revalidate for each in all_facts),
    )
    changed_s = [each.validators.last_modified_s for each in all_facts]
    known_s = [each for each in changed_s if each is not None]
    return replace(
        facts,
        # An unknown date could be later than every known one.
        validators=replace(facts.validators, last_modified_s=max(known_s) if len(known_s) == len(changed_s) else None),
        freshness=freshness,
        # What the source's origin said of the source alone (immutable, another lifetime for browsers) holds no more.
        lifetime={name: value for name, value in facts.lifetime.items() if name == "vary"},
    )


def check_marks(inputs: Sequence[Delivered], most_bytes: int) -> None:
    """Whether *inputs* may go into a picture.

    Raises:
        InvalidMark: one of them moves, or together they are more than *most_bytes*.
    """
    if any(each.facts.traits.frame.animated for each in inputs):
        raise InvalidMark(public="The image of the watermark is animated.")
    if sum(each.artifact.size_bytes for each in inputs) > most_bytes:
        raise InvalidMark(public="The images of the watermarks have more bytes than may be processed.")


def mark_error(error: MogrError) -> MogrError:
    """What *error*, met while a mark was got ready, is to those who asked for the picture.

    Only an origin or a server that fails for the moment stays what it is: with it, asking again may help.
    """
    if isinstance(error, InvalidMark) or error.status >= 500 or error.fault not in (Fault.CLIENT, Fault.SOURCE):
        return error
    return InvalidMark(str(error), public=f"The image of the watermark: {error.public}")


def _expires_s(freshness: Freshness) -> float:
    return freshness.fetched_at_s - freshness.initial_age_s + freshness.lifetime_s
