"""What a client may be sent: from the format asked and the Accept field to an offer, and from the offer to a format.

An offer is made before anything is known of the picture.  Offers are canonical: a handful of them per plan, whatever
Accept fields arrive, and those that end in the same format share one encoded result.
"""

from __future__ import annotations

from collections.abc import Collection

from proxy.core.fields.accept import Accept, parse_accept
from proxy.core.model import Format, Frame, Offer
from proxy.errors import InvalidArgument, InvalidImageFormat
from proxy.formats import CATALOGUE

UNIVERSAL = frozenset({"jpeg", "png", "gif"})
"""What every client can show."""
_BY_NAME = UNIVERSAL.union(name for name, row in CATALOGUE.items() if row.vector)
"""Sent to whoever asks for them: every browser shows SVG, and Chromium does not say so where it opens a page."""
_KEPT = frozenset(name for name, row in CATALOGUE.items() if row.spellings and not row.vector) - {"apng", "jxl", "tpg"}
"""What ``auto`` may leave as it came; lines become pixels, since a file of them may hold anything.  Who names APNG, JPEG XL or
TPG names WebP or AVIF too: each would but double the number of offers."""
ANYTHING = Format(
    name="any", media_type="", accept_types=(), spellings=(), suffixes=(), alpha=True, animation=True, quality=True,
    max_side_px=2**31, uniform=True,
)  # fmt: skip
"""Can carry whatever a plan makes: what the picture will be is measured before its format is chosen."""
ANIMATION_S = 6.0
"""An animation that is predicted to take longer goes to the next format offered: nobody waits so long for fewer bytes."""
_AS_IT_CAME = Offer(keep_source=True, showable=frozenset(name for name, row in CATALOGUE.items() if not row.vector))


def reads_accept(requested: str | None, *, mode: str) -> bool:
    """Whether Accept has a say, and every status of the URL, errors included, carries ``Vary: Accept``."""
    return mode == "accept" and requested is not None and requested not in _BY_NAME


def offer(
    requested: str | None, accept: str | None, *, mode: str, order: tuple[str, ...], encodable: frozenset[str]
) -> Offer:
    """What may be sent to a client with this Accept for a plan that asks for *requested*.

    *requested* is a catalogue name, ``auto``, or None for the format that came in.  *mode* is ``accept``, or ``exact``:
    the URL alone decides.  *order* is the server's preference among formats that are not universal.

    Raises:
        InvalidArgument: ``auto`` where the URL alone decides, or no format at all.
        InvalidImageFormat: this build cannot write the format, and the client has not said what else it would take.
    """
    if mode not in ("accept", "exact"):
        raise ValueError(f"not a way to negotiate: {mode!r}")
    if requested is None:
        return _AS_IT_CAME
    if requested == "auto":
        if mode == "exact":
            raise InvalidArgument.of("format", requested, "a format by name, this bucket does not negotiate")
        said = parse_accept(accept)
        return Offer(
            formats=_offered(said, order, encodable),
            keep_source=True,
            showable=UNIVERSAL.union(name for name in _KEPT if _names(said, CATALOGUE[name])),
            varies=True,
            meanwhile=_meanwhile(said, order, encodable),
        )
    if requested not in CATALOGUE:
        raise InvalidArgument.of("format", requested, "the name of a picture format")
    varies = reads_accept(requested, mode=mode)
    meanwhile: tuple[str, ...] = ()
    if varies:
        said = parse_accept(accept)
        meanwhile = _meanwhile(said, order, encodable)
        if not _admits(said, CATALOGUE[requested]):
            return Offer(formats=_offered(said, order, encodable), varies=True, meanwhile=meanwhile)
    if requested not in encodable:
        raise InvalidImageFormat(public=f"format/{requested}: this server cannot write that format.")
    return Offer(forced=requested, varies=varies, meanwhile=meanwhile)


def resolve(offer: Offer, *, frame: Frame, source_format: str, encodable: Collection[str]) -> str:
    """The format to send; *frame* is the final one of the plan, *source_format* the original's catalogue name."""
    if offer.forced is not None:
        return offer.forced
    carrying = [CATALOGUE[name] for name in offer.formats if name in encodable and _carries(CATALOGUE[name], frame)]
    if carrying:
        affordable = (row for row in carrying if not frame.animated or row.encoding_s(frame) <= ANIMATION_S)
        return next(affordable, min(carrying, key=lambda row: row.encoding_s(frame))).name
    if offer.keep_source and source_format in offer.showable and source_format in encodable:
        return source_format
    return _compatible(frame, encodable)


def alternatives(offer: Offer, chosen: str, *, frame: Frame, encodable: Collection[str]) -> tuple[str, ...]:
    """The formats other than *chosen* that can carry *frame* and that this client takes meanwhile, best first."""
    # A photograph as PNG would be no quick answer.
    useless = (UNIVERSAL - {_compatible(frame, encodable)}) | {chosen}
    return tuple(
        name
        for name in offer.meanwhile
        if name not in useless and name in encodable and _carries(CATALOGUE[name], frame)
    )


def _meanwhile(said: Accept, order: tuple[str, ...], encodable: Collection[str]) -> tuple[str, ...]:
    """What a client takes that names images: those, in the server's order, and what everyone can show if it takes any."""
    if not said.named_images:
        return ()
    universal = [name for name in ("jpeg", "png", "gif") if said.takes_any_image or _names(said, CATALOGUE[name])]
    return tuple(
        name
        for name in dict.fromkeys((*order, *universal))
        if name in encodable and (name in universal or _names(said, CATALOGUE[name]))
    )


def _admits(said: Accept, row: Format) -> bool:
    """Whether a client that says this may be sent the format it asks for; wildcards say nothing, for or against."""
    named = said.named_images
    if named:
        return not named.isdisjoint(row.accept_types)
    return said.excluded_images.isdisjoint(row.accept_types)


def _offered(said: Accept, order: tuple[str, ...], encodable: Collection[str]) -> tuple[str, ...]:
    """What the client names, in the server's order, up to the first that can carry any picture."""
    members: list[str] = []
    for name in dict.fromkeys(order):
        if name in encodable and name in CATALOGUE and _names(said, CATALOGUE[name]):
            members.append(name)
            if CATALOGUE[name].uniform:
                break
    return tuple(members)


def _names(said: Accept, row: Format) -> bool:
    return not said.named_images.isdisjoint(row.accept_types)


def _compatible(frame: Frame, encodable: Collection[str]) -> str:
    """The type that everyone can show."""
    if frame.animated and "gif" in encodable:
        return "gif"
    return "png" if frame.alpha else "jpeg"


def _carries(row: Format, frame: Frame) -> bool:
    return (
        (row.alpha or not frame.alpha)
        and (row.animation or not frame.animated)
        and max(frame.width_px, frame.height_px) <= row.max_side_px
        and (row.max_height_px is None or frame.height_px <= row.max_height_px)
    )
