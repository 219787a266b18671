"""Text inside an operation: base64 of UTF-8, in either alphabet and with any padding (spec/01 §1.1)."""

from __future__ import annotations

import base64
import binascii

from proxy.errors import InvalidArgument


def decode_text(parameter: str, text: str, *, most_characters: int) -> str:
    """What *text* says; nothing but its length is checked.

    Raises:
        InvalidArgument: it is empty, no base64, no UTF-8, or longer than *most_characters*.
    """
    plain = text.rstrip("=")
    try:
        # A character is at most four bytes of UTF-8: what is longer is not even decoded.
        if not plain or len(plain) > most_characters * 6:
            raise ValueError
        padded = plain + "=" * (-len(plain) % 4)
        found = base64.b64decode(padded, altchars=b"-_", validate=True).decode("utf-8")
        if len(found) > most_characters:
            raise ValueError
    except (ValueError, binascii.Error):
        expected = f"1 to {most_characters} characters of UTF-8 in URL-safe base64"
        raise InvalidArgument.of(parameter, text, expected) from None
    return found


def encode_text(text: str) -> str:
    """The one spelling of *text*: URL-safe, without padding."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
