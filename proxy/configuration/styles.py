"""Whether the styles of a bucket can be asked for and read, before anybody asks."""

from __future__ import annotations

from collections.abc import Iterator

from proxy.configuration.problems import Path
from proxy.core.grammar import parse_plan
from proxy.core.hints import NO_HINTS, fill
from proxy.core.styles import MAX_STYLES, SEPARATORS, expected_name
from proxy.errors import MogrError
from proxy.settings import Bucket


def check_styles(bucket: Bucket) -> Iterator[tuple[Path, str]]:
    """What is wrong, as ``checks.check`` says it, from the bucket's own table."""
    separators = bucket.style_separators
    if not set(separators) <= set(SEPARATORS) or len(set(separators)) < len(separators):
        yield ("style_separators",), f"some of {SEPARATORS}, each once"
    if len(bucket.styles) > MAX_STYLES:
        yield ("styles",), f"at most {MAX_STYLES} styles, not {len(bucket.styles)}"
    for name, text in bucket.styles.items():
        expected = expected_name(name, separators)
        if expected is not None:
            yield ("styles", name), expected
        try:
            plan = parse_plan(fill(text, NO_HINTS)[0] if bucket.client_hints else text)
        except MogrError as error:
            yield ("styles", name), f"an operation ({error.public})"
        else:
            if plan.format == "auto" and bucket.negotiate == "exact":
                yield ("styles", name), 'no format/auto, since negotiate = "exact" lets the URL alone decide'
