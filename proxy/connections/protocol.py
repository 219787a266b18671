"""What a client may send, and how slowly: a uvicorn protocol for the edge and for the admin listener.

httptools has no limits of its own: a header without end would fill the memory, and a client that never ends its header
would keep its connection for ever (security-tests T22).
"""

from __future__ import annotations

import asyncio
import re
import secrets

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from proxy.connections.informing import SCOPE_KEY, Informing
from proxy.connections.plain_heads import MAX_FIELDS
from proxy.connections.readers import Patience, Reader
from proxy.connections.request_lines import RequestLines

MAX_HEAD_BYTES = 98_304
"""Request line and fields together: the longest query that is read (64 KiB) and as many fields as browsers send."""
_HOST = re.compile(rb"[\w.~%!$&'()*+,;=:\[\]-]{0,255}")
HEAD_S = 15.0
"""How long a request's line and fields may take to arrive, and a new connection to begin."""
LINGER_S = 30.0
"""How long the rest of a body is still taken, and thrown away, once its request is answered (nginx's lingering_time)."""


class BoundedProtocol(HttpToolsProtocol):
    """Answers 400, 408 or 431 in CI's shape and closes, before anything of ours sees the request."""

    def __init__(self, *args: object, patience: Patience | None = None, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._patience = patience or Patience()
        self._reader: Reader = None  # type: ignore[assignment]  # from connection_made on
        self._lines = RequestLines()
        self._in_head = True
        self._began = False
        self._in_body = False
        self._unread_bytes = 0
        """Received since the parser last made something of it."""
        self._refused = False
        self._deaf = False
        """Whether nothing more is read, because another protocol was asked for: the parser sees no end of that request's
        body, and a careless proxy before us may take the connection for a tunnel.  Java's client asks for HTTP/2 in every
        request and goes on without: it may."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._reader = Reader(transport, self.loop, self._patience)
        self._start_timer(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        self._reader.rest()
        self._unset_keepalive_if_required()  # uvicorn leaves it running when the connection broke
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader.watch()

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._reader.rest()

    def data_received(self, data: bytes) -> None:
        if self._refused or self._deaf:
            return
        self._unread_bytes += len(data)
        at = 0
        while at < len(data) and not (self._refused or self._deaf):
            part, at = self._lines.cut(data, at)
            if part:
                super().data_received(part)
        if self._lines.is_holding and not self._refused:
            self._unset_keepalive_if_required()
            self._begin_head()
        if self._is_idle() and self._timer is None and self.timeout_keep_alive_task is None:
            # The parser made nothing of it, or it was the end of a body: what arrives ended uvicorn's timer.
            self._start_timer(self.timeout_keep_alive)
        # After the parser: what completes a request may bring much of its body along.
        if self._unread_bytes > MAX_HEAD_BYTES and not self._refused:
            if self._in_head:
                self._refuse(431, "The request line and header fields are too large.")
            else:  # a trailer, or a chunk's extension, without end
                self._abort()

    def on_message_begin(self) -> None:
        if self._refused:
            return
        super().on_message_begin()
        self._lines.begun()
        self._unread_bytes = 0
        self._begin_head()

    def _begin_head(self) -> None:
        """The first byte of a message has arrived."""
        if self._in_head and self._began:
            return
        self._in_head = self._began = True
        # While an earlier answer is under way the client may take its time: the timer starts when that is complete.
        if self._is_idle():
            self._start_timer(HEAD_S)

    def on_header(self, name: bytes, value: bytes) -> None:
        # What comes after the head is a trailer: nothing reads it, so nothing keeps it.
        if self._in_head and not self._refused:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        if self._refused:
            return
        self._in_head = False
        self._unread_bytes = 0
        self._stop_timer()
        if self.parser.get_method() == b"CONNECT":  # its target is a host and a port, and nobody's key
            self.url = b"/"
        size_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if size_bytes > MAX_HEAD_BYTES or len(self.headers) > MAX_FIELDS:
            self._refuse(431, "The request line and header fields are too large.")
        elif not self.url.startswith((b"/", b"*")) and not self._read_absolute():
            self._refuse(400, "The request target is not a path.")
        elif not self._has_one_host():
            self._refuse(400, "The request needs exactly one Host.")
        else:
            self._in_body = True
            body_bytes = self._announced_bytes()
            self._lines.body_of(body_bytes or 0)
            super().on_headers_complete()
            if self.scope["http_version"] == "1.1":  # no other knows interim answers (RFC 9110 §15.2)
                self.scope[SCOPE_KEY] = Informing(self.cycle)  # type: ignore[literal-required]
            if self._lines.method is not None:
                self.scope["method"] = self._lines.method
            if self.parser.should_upgrade() and (body_bytes != 0 or self._get_upgrade() != b"h2c"):
                self._deaf, self.cycle.keep_alive = True, False

    def on_body(self, body: bytes) -> None:
        self._unread_bytes = 0
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread_bytes = 0
        self._in_body = False
        self._lines.ended()
        if not self._refused:
            self._stop_timer()
            super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._close()
        elif self._is_idle() and not self._refused:
            if self._in_body:
                self._start_timer(LINGER_S)
            elif self._in_head and self._began:
                self._start_timer(HEAD_S)

    def timeout_keep_alive_handler(self) -> None:
        self._close()

    def send_400_response(self, msg: str) -> None:
        """What the parser objects to."""
        if not self._refused:
            self._refuse(400, msg)

    def _has_one_host(self) -> bool:
        """RFC 9112 §3.2: HTTP/1.1 without Host, with two, or with one that is no host is answered 400."""
        hosts = [value for name, value in self.headers if name == b"host"]
        if not hosts and self.parser.get_http_version() == "1.0":
            return True
        return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None

    def _read_absolute(self) -> bool:
        """An absolute target: its authority counts and Host does not (RFC 9112 §3.2.2); whether it is one of HTTP."""
        scheme, separator, rest = self.url.partition(b"://")
        if not separator or scheme.lower() not in (b"http", b"https"):
            return False
        end = min((at for at in (rest.find(b"/"), rest.find(b"?")) if at >= 0), default=len(rest))
        authority, target = rest[:end], rest[end:]
        self.url = target if target.startswith(b"/") else b"/" + target
        # In place: the scope holds this very list.
        self.headers[:] = [(b"host", authority), *((n, v) for n, v in self.headers if n != b"host")]
        return True

    def _announced_bytes(self) -> int | None:
        """The length of the body as its head tells it; None: it comes in chunks."""
        for name, value in self.headers:
            if name == b"content-length":
                return int(value)  # the parser has refused what is no number
            if name == b"transfer-encoding":
                return None
        return 0

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing to warn of: a server is free to go on as it was (RFC 9110 §7.8), and so do we."""

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _too_slow(self) -> None:
        self._timer = None
        if self._in_head and self._began:
            self._refuse(408, "The request did not arrive in time.")
        else:
            self._close()

    def _close(self) -> None:
        """Close once the client has taken what is left, which it may not do for ever either."""
        self.transport.close()
        self._reader.watch()

    def _is_idle(self) -> bool:
        """Whether nothing of an earlier request is unanswered."""
        return (self.cycle is None or self.cycle.response_complete) and not self.pipeline

    def _abort(self) -> None:
        self._refused = True
        self._stop_timer()
        self._close()

    def _refuse(self, status: int, message: str) -> None:
        """Answer and close.  The codes are S3's and COS's own for requests that cannot be read."""
        if not self._is_idle():
            if self.pipeline or self.cycle.response_started or not self._in_body:
                self._abort()  # an answer is on its way, and nothing may be written into it: only closing is honest
                return
            self.cycle.disconnected = True  # its body cannot be read: this is its answer
            self.cycle.message_event.set()
        self._refused = True
        self._stop_timer()
        code = {408: "RequestTimeout", 431: "RequestHeaderSectionTooLarge"}.get(status, "InvalidRequest")
        request_id = secrets.token_hex(12)
        body = (
            "<?xml version='1.0' encoding='utf-8' ?>\n"
            f"<Error>\n\t<Code>{code}</Code>\n\t<Message>{message}</Message>\n\t<Resource>/</Resource>\n"
            f"\t<RequestId>{request_id}</RequestId>\n\t<TraceId>{request_id}</TraceId>\n</Error>\n"
        ).encode()
        fields = (
            f"content-type: application/xml\r\ncontent-length: {len(body)}\r\ncache-control: no-store\r\n"
            f"x-content-type-options: nosniff\r\nx-cos-request-id: {request_id}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(STATUS_LINE[status] + fields.encode() + body)
        self._close()
