"""Reads an SVG file as XML, within bounds, and tells a handler what is in it.

By expat, which reads from a buffer, knows no files and fetches nothing.  It works without recursion, so that depth is
ours to limit: librsvg's own parser has a limit, and Python code that walked a tree of 100,000 levels would die of it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Final, Protocol
from xml.parsers import expat

from proxy.codec.svg.prolog import as_utf_8, root_at
from proxy.errors import InvalidImageFormat

MOST_DEPTH: Final = 256
"""libxml2 reads no deeper either (XML_MAX_ELEMENT_DEPTH of its default settings)."""
MOST_ELEMENTS: Final = 200_000
MOST_ATTRIBUTES: Final = 1_000
"""Of one element."""
MOST_NAME_CHARS: Final = 1_000
"""Of an element's or attribute's name with its namespace, which is repeated wherever it is used."""
MOST_ENTITIES: Final = 100
MOST_ENTITY_CHARS: Final = 1_000
MOST_EXPANDED_CHARS: Final = 8_000_000
"""Entities of such a length, times the references there are at most."""

SVG: Final = "http://www.w3.org/2000/svg"
XLINK: Final = "http://www.w3.org/1999/xlink"
XML: Final = "http://www.w3.org/XML/1998/namespace"
_FIRST_CHUNK_BYTES = 65_536


class Handler(Protocol):
    """What is told of a file, in its order."""

    def start(self, name: str, attributes: dict[str, str]) -> None:
        """An element begins.  Names are ``<namespace> <local>``, or the local one where there is no namespace."""
        ...

    def end(self, name: str) -> None: ...

    def text(self, data: str) -> None:
        """Characters, in pieces of any length."""
        ...

    def instruction(self, target: str, data: str) -> None: ...


def root_attributes(text: bytes) -> dict[str, str]:
    """Those of the root element of *text*, which is an SVG that was read before."""
    found: dict[str, str] = {}

    class First(Exception):
        pass

    class Root:
        def start(self, name: str, attributes: dict[str, str]) -> None:
            found.update(attributes)
            raise First

        def end(self, name: str) -> None: ...

        def text(self, data: str) -> None: ...

        def instruction(self, target: str, data: str) -> None: ...

    with suppress(First):
        read(text, Root())
    return found


def read(text: bytes, handler: Handler) -> None:
    """Tell *handler* of *text*, a file that is not gzip'ed.

    Entities may stand for plain text, as Illustrator's do for namespaces, and for nothing else.

    Raises:
        InvalidImageFormat: no well-formed XML, no SVG, in an encoding that expat does not know, or beyond the bounds above.
    """
    text, encoding = as_utf_8(text)
    root = root_at(text)
    if root is None:
        raise InvalidImageFormat("no SVG")
    parser = expat.ParserCreate(encoding, namespace_separator=" ")
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.buffer_text = True
    bounds = _Bounds(handler, text.count(b"&"))
    parser.EntityDeclHandler = bounds.entity
    parser.SkippedEntityHandler = bounds.skipped
    parser.StartNamespaceDeclHandler = bounds.namespace
    parser.StartElementHandler = bounds.start
    parser.EndElementHandler = bounds.end
    parser.CharacterDataHandler = handler.text
    parser.ProcessingInstructionHandler = handler.instruction
    try:
        # What a handler raises ends no more than the piece in hand.  Declarations are a piece of their own, so that
        # entities that were refused are never put in; and pieces grow, as expat begins a token that goes on in the next
        # one from its start again.
        parser.Parse(text[:root], False)
        at, size_bytes = root, _FIRST_CHUNK_BYTES
        while at < len(text):
            parser.Parse(text[at : at + size_bytes], False)
            at, size_bytes = at + size_bytes, 2 * size_bytes
        parser.Parse(b"", True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise InvalidImageFormat(f"expat objected: {type(error).__name__}") from None


class _Bounds:
    """A handler between expat and another one."""

    def __init__(self, handler: Handler, references: int) -> None:
        self._handler = handler
        self._references = references
        self._entities = 0
        self._elements = 0
        self._depth = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self._elements == 0 and name != f"{SVG} svg":
            raise InvalidImageFormat(f"a root called {name[:100]!r}")
        self._elements += 1
        self._depth += 1
        if self._elements > MOST_ELEMENTS or self._depth > MOST_DEPTH or len(attributes) > MOST_ATTRIBUTES:
            raise InvalidImageFormat(
                f"over {MOST_ELEMENTS} elements, {MOST_DEPTH} levels or {MOST_ATTRIBUTES} attributes",
                public="The SVG has too many elements, too deep ones, or too many attributes.",
            )
        if len(name) > MOST_NAME_CHARS or any(len(each) > MOST_NAME_CHARS for each in attributes):
            raise InvalidImageFormat("a name without end")
        self._handler.start(name, attributes)

    def end(self, name: str) -> None:
        self._depth -= 1
        self._handler.end(name)

    def namespace(self, prefix: str | None, uri: str | None) -> None:
        if len(uri or "") > MOST_NAME_CHARS:
            raise InvalidImageFormat("a namespace without end")

    def entity(
        self,
        name: str,
        is_parameter: bool,
        value: str | None,
        base: str | None,
        system_id: str | None,
        public_id: str | None,
        notation: str | None,
    ) -> None:
        self._entities += 1
        if is_parameter or value is None or "<" in value or "&" in value or self._entities > MOST_ENTITIES:
            raise InvalidImageFormat(
                "an entity of another kind", public="The SVG declares entities that are not allowed."
            )
        if len(value) > MOST_ENTITY_CHARS or len(value) * self._references > MOST_EXPANDED_CHARS:
            raise InvalidImageFormat("long entities", public="The SVG declares entities that are not allowed.")

    def skipped(self, name: str, is_parameter: bool) -> None:
        raise InvalidImageFormat("an entity that was not declared")
