"""XML as CI writes it: elements without attributes, text that is always well formed."""

from __future__ import annotations

import html
import re

HEAD = "<?xml version='1.0' encoding='utf-8' ?>\n"

# XML 1.0 §2.2: what may not stand in a document even as a character reference
_FORBIDDEN = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def text(value: str) -> str:
    """*value* as character data; what XML cannot hold at all becomes U+FFFD."""
    return html.escape(_FORBIDDEN.sub("\ufffd", value), quote=False)


def element(name: str, *children: str) -> str:
    """An element around *children*, which are elements or escaped text; *name* is ours."""
    return f"<{name}>{''.join(children)}</{name}>"


def document(root: str) -> bytes:
    """A document with *root*, an element, in it."""
    return (HEAD + root + "\n").encode()
