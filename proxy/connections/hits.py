"""Hits answered below the application: from the request's bytes to those of the answer, with no request object between.

Only what nearly every request for a picture is: one GET or HEAD in one piece, without a body, on a connection that has
nothing else to do.  Whatever else it is, or asks for, goes the way of ``BoundedProtocol``, as if nothing were before it.
"""

from __future__ import annotations

from proxy.connections.plain_heads import Fields
from proxy.connections.protocol import BoundedProtocol
from proxy.connections.ready import SCOPE_KEY, ReadyAnswers, Target

_BEGINS = b"GET /", b"HEAD /"
_VERSION = b" HTTP/1."
_MAX_BLOCK_BYTES = 32_768
_MEMO_BYTES = 2_048
"""Longer header sections are read each time."""


class HitProtocol(BoundedProtocol):
    """As ``BoundedProtocol``, and answers what is ready."""

    def __init__(self, *args: object, ready: ReadyAnswers, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._ready = ready
        self._block = b""
        """The last header section, and what it was read as: a browser's next request mostly differs in its target alone."""
        self._fields: Fields | None = None
        self._closes = False
        self._asked: Target | None = None
        """What the parser is being given, where its answer might have been ready."""
        self._at_rest_since_s = 0.0
        """When the last answer was sent here: the timer of an idle connection is not set anew for each."""

    def data_received(self, data: bytes) -> None:
        if (
            data.startswith(_BEGINS)
            and self._lines.is_between
            and self._is_idle()
            and not (self._refused or self._deaf or self.flow.write_paused)
        ):
            end = data.find(b"\r\n")
            block = data[end:]
            if block != self._block:
                self._read(block)
            fields = self._fields
            if fields is not None and data.startswith(_VERSION, end - 9):
                head_only = data.startswith(b"H")
                target = data[5 if head_only else 4 : end - 9]
                closing = self._closes or not data.startswith(b"1", end - 1)
                if self._answer(target, fields, head_only, closing):
                    return
                if target.isascii() and b"#" not in target:  # what was asked is what was written
                    self._asked = Target(target, fields)
        super().data_received(data)
        self._asked = None

    def _read(self, block: bytes) -> None:
        fields = self._ready.heads.fields(block) if len(block) <= _MAX_BLOCK_BYTES else None
        self._fields = fields
        self._closes = fields is not None and fields.get(b"connection") == b"close"
        self._block = block if len(block) <= _MEMO_BYTES else b""

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._asked is not None and not self._refused:
            self.scope[SCOPE_KEY] = self._asked  # type: ignore[literal-required]

    def _answer(self, target: bytes, fields: Fields, head_only: bool, closing: bool) -> bool:
        """Whether this answered a request for *target*; *closing*: the connection ends with it."""
        peer = self.client[0] if self.client else ""
        if not self._ready.send(self.transport.writelines, target, fields, head_only, closing, peer):
            return False
        self.server_state.total_requests += 1
        if self._timer is not None:
            self._stop_timer()
        self._in_head, self._began = False, True
        if closing:
            self._unset_keepalive_if_required()
            self._close()
            return True
        self._at_rest_since_s = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._keep_alive_for(self.timeout_keep_alive)
        return True

    def _keep_alive_for(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        left_s = self._at_rest_since_s + self.timeout_keep_alive - self.loop.time()
        if left_s > 0:
            self._keep_alive_for(left_s)
        else:
            super().timeout_keep_alive_handler()
