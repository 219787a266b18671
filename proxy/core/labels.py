"""The label of AI-generated content that ``AIGCMetadata`` writes into a picture, and its one text.

GB 45438-2025, annex E: seven texts, of which only ``Label`` must be there.  In a URL each is base64 of its UTF-8, because
it stands between slashes (CI 460/122024); in the picture it is plain text (``codec.aigc``).
"""

from __future__ import annotations

from collections.abc import Mapping

from proxy.core.plan import Label
from proxy.ops.encoded import decode_text, encode_text

PARAMETER = "AIGCMetadata"
FIELDS = (
    "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
)  # fmt: skip
"""In the order of the standard."""

_MOST_CHARACTERS = 1024


def parse_label(parameters: Mapping[str, str]) -> Label:
    """The label that *parameters* of a stage with ``AIGCMetadata`` describe.

    Raises:
        InvalidArgument: no ``Label``, or a value that is no base64 of UTF-8, or longer than 1,024 characters.
    """
    required = FIELDS[0]
    return tuple(
        (name, decode_text(f"{PARAMETER}/{name}", parameters.get(name, ""), most_characters=_MOST_CHARACTERS))
        for name in FIELDS
        if name == required or parameters.get(name)
    )


def format_label(label: Label) -> str:
    """``AIGCMetadata/Label/…``, each text in its one spelling."""
    return "/".join((PARAMETER, *(part for name, text in label for part in (name, encode_text(text)))))
