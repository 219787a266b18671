"""How an operation names another picture that it works with: ``image`` or ``image_key`` (spec/01 §10.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from proxy.core.plan import Need
from proxy.errors import InvalidArgument
from proxy.ops.encoded import decode_text, encode_text

PARAMETERS: Final = frozenset({"image", "image_key"})
_SCHEME = "http://"
_MOST_URL_CHARACTERS, _MOST_KEY_CHARACTERS = 12_288, 850


def parse_need(modifiers: Mapping[str, str], *, expected: str, within_px: int = 0) -> Need:
    """Read ``image_key``, or else ``image``; *expected* is said where there is neither, *within_px* as in ``Need``.

    Raises:
        InvalidArgument: there is neither, or it is malformed.
    """
    if "image_key" in modifiers:
        key = decode_text("image_key", modifiers["image_key"], most_characters=_MOST_KEY_CHARACTERS)
        return Need(key=key, within_px=within_px)
    encoded = needed("image", modifiers, expected)
    url = decode_text("image", encoded, most_characters=_MOST_URL_CHARACTERS)
    if not url.lower().startswith(_SCHEME) or not url.isprintable():
        raise InvalidArgument.of("image", url, "a URL that starts with http://")
    return Need(url=_SCHEME + url[len(_SCHEME) :], within_px=within_px)


def need_argument(need: Need) -> tuple[str, str]:
    """The parameter that names *need*, and its value."""
    return ("image", encode_text(need.url)) if need.url else ("image_key", encode_text(need.key))


def needed(parameter: str, modifiers: Mapping[str, str], expected: str) -> str:
    """The value of a parameter that no mark can be without.

    Raises:
        InvalidArgument: it is missing.
    """
    if not modifiers.get(parameter):
        raise InvalidArgument.of(parameter, "", expected)
    return modifiers[parameter]
