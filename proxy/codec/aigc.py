"""The label of AI-generated content inside a picture's XMP, as TC260 publishes it: one property that holds JSON.

    <TC260:AIGC>{"Label":"1","ContentProducer":"…","ProduceID":"…",…}</TC260:AIGC>

GB 45438-2025 §6.2 and annex E.  Pure functions from a label to an XMP packet and back: where a packet lies in a file is
the encoders' and decoders' business (``xmp-data`` of a libvips image).  What is read was written by anyone.
"""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from typing import Final
from xml.parsers import expat

from proxy.core.labels import FIELDS

NAMESPACE: Final = "http://www.tc260.org.cn/ns/AIGC/1.0/"
MAX_PACKET_BYTES: Final = 1 << 20
"""A longer packet is not searched; a JPEG holds 64 KB of it in one piece."""

_PROPERTY = f"{NAMESPACE} AIGC"
_PACKET = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:TC260="{namespace}"><TC260:AIGC>{label}</TC260:AIGC></rdf:Description>'
    '</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)


def write(label: Mapping[str, str]) -> bytes:
    """An XMP packet with *label*; the standard has all seven fields in it, so those that are missing are empty."""
    # ASCII alone: JSON escapes what XML could not hold, and readers that guess an encoding guess right.
    said = json.dumps({name: label.get(name, "") for name in FIELDS}, separators=(",", ":"))
    return _PACKET.format(namespace=NAMESPACE, label=html.escape(said, quote=False)).encode()


def read(packet: bytes) -> dict[str, str] | None:
    """The label in an XMP packet, with the fields of the standard it has; None if there is none that can be read."""
    if len(packet) > MAX_PACKET_BYTES or b"AIGC" not in packet:
        return None
    text = _Search().text_in(packet)
    try:
        said = json.loads(text) if text else None
    except (ValueError, RecursionError):
        return None
    if isinstance(said, dict) and isinstance(said.get("AIGC"), dict):
        said = said["AIGC"]  # some write the object that the standard shows for other files
    if not isinstance(said, dict):
        return None
    return {name: str(said[name]) for name in FIELDS if isinstance(said.get(name), str | int)} or None


class _Search:
    """Finds the property, as an element or as an attribute (RDF allows both), and refuses to expand entities."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._inside = False
        self._found: str | None = None
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._refuse

    def text_in(self, packet: bytes) -> str | None:
        try:
            self._parser.Parse(packet.strip(b"\0 \t\r\n"), True)
        except (expat.ExpatError, ValueError):
            return None
        return self._found

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if self._found is None:
            self._inside = name == _PROPERTY
            self._found = attributes.get(_PROPERTY)

    def _end(self, name: str) -> None:
        if name == _PROPERTY and self._inside:
            self._found, self._inside = "".join(self._parts), False

    def _text(self, text: str) -> None:
        if self._inside:
            self._parts.append(text)

    def _refuse(self, *_: object) -> None:
        raise ValueError("an XMP packet has no document type")
