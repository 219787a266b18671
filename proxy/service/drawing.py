"""Pictures that have no original: codes drawn from the text of a request, by the same codec under the same admission."""

from __future__ import annotations

from proxy.core.codes import Code
from proxy.core.grammar import HEAD
from proxy.core.model import ImageLimits, Traits
from proxy.errors import MogrError
from proxy.ports import Codec, Job, Meter

_FORMAT = "png"


class Drawing:
    """Nothing of it is kept: drawing a code costs as little as finding it in a cache."""

    def __init__(self, codec: Codec, meter: Meter) -> None:
        self._codec = codec
        self._meter = meter

    async def png(self, code: Code, limits: ImageLimits, *, bucket: str = "") -> bytes:
        """*code* as a PNG, for a request to *bucket*.  Cancelling drops it if no codec process has begun.

        Raises:
            InvalidArgument: the text does not fit into a code, or the code not into its width.
            OperationNotImplemented: this server has no library for codes.
            ImageResolutionExceed: over *limits*.
            Overloaded, CodecLost, CodecDeadline: as ``Codec.render``.
        """
        body = code.text.encode()
        traits = Traits(format=code.kind, frame=code.frame, size_bytes=len(body))
        try:
            job = Job(plan_text=HEAD, format=_FORMAT, limits=limits)
            return (await self._codec.render(body, traits, job, bucket=bucket)).body
        except MogrError as error:
            self._meter.render_failed(type(error).__name__)
            if error.retry_after_s is not None:
                self._meter.overloaded()
            raise
