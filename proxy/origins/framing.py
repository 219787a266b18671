"""A connection that notices bytes beyond the end of a response, so that they are not read as the next one.

httpcore keeps such bytes in its parser when a connection goes back to the pool, and takes them for the answer to the
next request on it: one object's origin could then choose what another key's request receives.  So the raw bytes of each
response are counted here, compared with its framing, and the connection is never used again if they do not agree.

A transfer coding that nobody registered (``identity`` among them) is taken away before the parser refuses it: what follows
ends with the connection (RFC 9112 §6.3).  So are interim answers, which ``informational`` tells of.
"""
# ruff: noqa: ASYNC109 - the signatures are httpcore's

from __future__ import annotations

import re
import ssl
from typing import Any

import httpcore

from proxy.origins.informational import Informational, is_interim

# The same line ends that the parser (h11) takes for the end of a header section.
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_MAX_HEAD_BYTES = 128 * 1024
"""More than the parser takes; until then a header section is held back to be whole."""
_CODING = re.compile(rb"(?i)\ntransfer-encoding:[ \t]*([^\r\n]*?)[ \t]*\r?(?=\n)")
_LENGTH = re.compile(rb"(?i)\ncontent-length[ \t]*:")
_KNOWN_CODINGS = re.compile(rb"(?i)[\s,]|^(?:chunked|(?:x-)?(?:gzip|compress)|deflate|)$")


class Unanswered(httpcore.ReadError):
    """The connection ended before the first byte of an answer: it was kept too long, say."""


class FramedStream(httpcore.AsyncNetworkStream):
    """Passes everything through and counts what came after the header section of the response being read."""

    def __init__(self, stream: httpcore.AsyncNetworkStream) -> None:
        self._stream = stream
        self._begun = False
        self._body_bytes: int | None = None
        self._tail = b""
        self._informational = Informational()
        self._retired = False

    @property
    def head_seen(self) -> bool:
        """Whether a final header section was received after the last request was sent, not before it."""
        return self._body_bytes is not None

    def ends_with(self, body_bytes: int | None) -> bool:
        """Whether the response ended where its framing says: *body_bytes* long, or (None) chunked.

        A chunked body ends in an empty line.  Excess that does so too holds a whole header section, which the parser
        would report before another one is received: ``head_seen`` tells.
        """
        if body_bytes is None:
            return self._tail.endswith((b"\n\r\n", b"\n\n"))
        return self._body_bytes == body_bytes

    def retire(self) -> None:
        """Make the pool drop the connection when it comes back."""
        self._retired = True

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """The next bytes.

        Raises:
            Unanswered: there is none, and there was none since the last request.
        """
        data = await self._receive(max_bytes, timeout)
        if self._body_bytes is None:
            data = await self._whole_head(data, max_bytes, timeout)
        else:
            self._body_bytes += len(data)
        self._tail = (self._tail + data[-4:])[-4:]
        return data

    async def _whole_head(self, data: bytes, max_bytes: int, timeout: float | None) -> bytes:
        """*data* and what else there is of the final header section, one way of telling its body's end in it."""
        more = data
        while True:
            end = _END_OF_HEAD.search(data)
            if end is not None and is_interim(data):
                self._informational.take(data[: end.end()])
                data = data[end.end() :]
            elif end is not None:
                self._body_bytes = len(data) - end.end()
                return _readable(data[: end.end()]) + data[end.end() :]
            elif not more or len(data) > _MAX_HEAD_BYTES:
                return data
            else:
                more = await self._receive(max_bytes, timeout)
                data += more

    async def _receive(self, max_bytes: int, timeout: float | None) -> bytes:
        awaiting = self._body_bytes is None and not self._begun
        try:
            data = await self._stream.read(max_bytes, timeout)
        except httpcore.ReadError as error:
            if awaiting:
                raise Unanswered from error
            raise
        if not data and awaiting:
            raise Unanswered
        self._begun = True
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._begun, self._body_bytes, self._tail = False, None, b""
        self._informational = Informational()
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        return FramedStream(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and self._retired:  # an idle connection with something to read is one to drop
            return True
        return self._stream.get_extra_info(info)


def _readable(head: bytes) -> bytes:
    """*head* without a Transfer-Encoding of no meaning; one that changes the body stays, for the parser to refuse."""
    codings: list[bytes] = _CODING.findall(head)
    if len(codings) != 1 or _KNOWN_CODINGS.search(codings[0]) or _LENGTH.search(head):
        return head
    return _CODING.sub(b"", head)
