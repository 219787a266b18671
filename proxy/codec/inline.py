"""The codec without processes, for ``mogr convert`` and tests: the same pixels, one job at a time in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from proxy.codec import cost, pixels
from proxy.core.model import ImageLimits, Traits
from proxy.errors import InternalError, InvalidImageFormat, MogrError
from proxy.ports import Job, Rendered

T = TypeVar("T")


class InlineCodec:
    """``ports.Codec`` in this process: no deadline, no protection from a crashing decoder, nothing refused.

    One thread, because libvips' error buffer belongs to the process.  Cancelling finishes the running job unseen.
    """

    def __init__(self, load: Callable[[], pixels.Pixels] = pixels.load) -> None:
        self._load = load
        self._pixels: pixels.Pixels | None = None
        self._thread = ThreadPoolExecutor(1, "codec")

    async def probe(self, body: bytes, limits: ImageLimits, *, bucket: str = "") -> Traits:
        """See ``ports.Codec``."""
        return await self._run(lambda loaded: loaded.probe(body, limits))

    def predict_s(self, traits: Traits, job: Job) -> float:
        """See ``ports.Codec``."""
        return cost.render_s(traits, job)

    async def render(
        self,
        body: bytes,
        traits: Traits,
        job: Job,
        *,
        bucket: str = "",
        on_started: Callable[[], None] | None = None,
        background: bool = False,
    ) -> Rendered:
        """See ``ports.Codec``."""
        loop = asyncio.get_running_loop()

        def work(loaded: pixels.Pixels) -> Rendered:
            if on_started is not None:
                loop.call_soon_threadsafe(on_started)
            return loaded.render(body, traits, job)

        return await self._run(work)

    def close(self) -> None:
        """Wait for the running job and end the thread; not for the event loop's thread."""
        self._thread.shutdown(cancel_futures=True)

    async def _run(self, work: Callable[[pixels.Pixels], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, work)
        except MogrError:
            raise
        except MemoryError:
            raise InvalidImageFormat("out of memory") from None
        except Exception as error:
            raise InternalError(type(error).__name__) from error

    def _do(self, work: Callable[[pixels.Pixels], T]) -> T:
        if self._pixels is None:
            self._pixels = self._load()  # reads many files, so not where the event loop runs
        return work(self._pixels)
