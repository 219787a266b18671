"""The few Protocols between the service and the outside world.

Adapters implement them and translate their library's errors into ``proxy.errors``; the service knows only these.
Every method may be cancelled: cancelling releases whatever the call holds and leaves nothing half done to be seen.
"""

from proxy.core.model import Source
from proxy.ports.caching import Cache, CacheEntry, Memory, Place
from proxy.ports.coding import Codec, Job, Rendered, Tuning
from proxy.ports.forwarding import Forwarded, Forwarder, ForwardRequest, Inform
from proxy.ports.observing import Clock, Meter, NullMeter
from proxy.ports.sharing import Announcements, Leases, Turn
from proxy.ports.storing import ObjectInfo, ObjectStream, Origin, Store, Unchanged

__all__ = [
    "Announcements", "Cache", "CacheEntry", "Clock", "Codec", "Forwarded", "ForwardRequest", "Forwarder", "Inform", "Job",
    "Leases", "Memory", "Meter", "NullMeter", "ObjectInfo", "ObjectStream", "Origin", "Place", "Rendered", "Source", "Store", "Tuning",
    "Turn", "Unchanged",
]  # fmt: skip
