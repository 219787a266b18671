"""Where request lines begin in what a connection receives, and what the parser is given of them.

llhttp knows a list of methods and refuses any other; it refuses bytes over 0x7F in a target, too, which people and old
clients send (``curl http://host/写真.jpg``) and other servers take.  Both are put into its words here.  Everything else
it reads as it came, and it alone decides where a message ends: our part is to end what it is given where a message may
end, so that the next line is seen.  Were we ever wrong about that, the line would be read as strictly as any.
"""

from __future__ import annotations

import re

_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+)( HTTP/1\.[01]\r\n)")
"""RFC 9112 §3: a method that is a token (RFC 9110 §5.6.2), a target, a version; one space between them."""
_BEGIN = re.compile(rb"[\r!#$%&'*+.^_`|~0-9A-Za-z-]")
_OTHER = re.compile(rb"[\x80-\xff]")
_END = b"\r\n\r\n"
_STAND_IN = b"POST"
"""Read in place of methods that the parser may not know: no method but CONNECT changes how a request is framed."""
_PLAIN = b"GET ", b"HEAD "
_KNOWN = frozenset({b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PRI"})


def readable(line: bytes) -> tuple[bytes, str | None]:
    """*line* in the parser's words, and its method where another stands for it; what is no request line stays as it is.

    Bytes over 0x7F in the target are percent-encoded (RFC 3986 §2.1); no other byte of it is touched.
    """
    found = None if line.startswith(_PLAIN) and line.isascii() else _LINE.fullmatch(line)
    if found is None:
        return line, None
    method, target, rest = found.groups()
    target = _OTHER.sub(lambda byte: b"%%%02X" % byte[0][0], target)
    if method in _KNOWN:
        return b"%s %s%s" % (method, target, rest), None
    return b"%s %s%s" % (_STAND_IN, target, rest), method.decode()


class RequestLines:
    """Cuts what one connection receives; told by the parser's callbacks what it has read."""

    def __init__(self) -> None:
        self._line = bytearray()
        """A request line that has not ended."""
        self._expected = True
        """Whether the next byte is the first of a message."""
        self._body_left_bytes = 0
        self._seen = b""
        """The last bytes of a head, or of a body in chunks: the blank line that ends it may come in pieces."""
        self.method: str | None = None
        """That of the message being read, where another stands for it."""

    @property
    def is_holding(self) -> bool:
        """Whether a part of a request line waits for the rest of it."""
        return bool(self._line)

    @property
    def is_between(self) -> bool:
        """Whether the next byte is the first of a message."""
        return self._expected and not self._line

    def cut(self, data: bytes, begin: int) -> tuple[bytes, int]:
        """What to give the parser of *data* from *begin* on, and where that ends; nothing while a line is incomplete."""
        if begin == 0 and self._is_one_plain_head(data):
            self.method, self._seen = None, b""
            return data, len(data)
        if not self._expected:
            end = self._body_end(data, begin) if self._body_left_bytes else self._blank_line_end(data, begin)
            return data[begin:end], end
        line_end = data.find(b"\n", begin) + 1
        if not line_end:
            if not self._line and not _BEGIN.match(data, begin):
                return data[begin:], len(data)
            self._line += data[begin:]
            return b"", len(data)
        line, self.method = readable(bytes(self._line) + data[begin:line_end])
        self._line.clear()
        self._seen = b""
        if not line.strip(b"\r\n"):  # empty lines before a message are skipped (RFC 9112 §2.2)
            return line, line_end
        self._seen = line[-3:]
        end = self._blank_line_end(data, line_end)
        return line + data[line_end:end], end

    def _is_one_plain_head(self, data: bytes) -> bool:
        """What nearly every packet is: told at a tenth of the cost."""
        return (
            self._expected
            and not self._line
            and data.startswith(_PLAIN)
            and data.isascii()
            and data.find(_END) == len(data) - len(_END)
        )

    def begun(self) -> None:
        """The parser has begun to read a message."""
        self._expected = False

    def body_of(self, size_bytes: int) -> None:
        """The head that was read announces a body of that length; 0: none, or one in chunks."""
        self._body_left_bytes = size_bytes

    def ended(self) -> None:
        """The message is complete."""
        self._expected = True
        self._body_left_bytes = 0

    def _body_end(self, data: bytes, begin: int) -> int:
        end = min(len(data), begin + self._body_left_bytes)
        self._body_left_bytes -= end - begin
        return end

    def _blank_line_end(self, data: bytes, begin: int) -> int:
        """The end of the first blank line from *begin* on, or of *data*."""
        joint = self._seen + data[begin : begin + 3]
        at = joint.find(_END)
        if at >= 0:
            end = begin + at + len(_END) - len(self._seen)
        else:
            found = data.find(_END, begin)
            end = len(data) if found < 0 else found + len(_END)
        self._seen = (self._seen + data[max(begin, end - 3) : end])[-3:]
        return end
