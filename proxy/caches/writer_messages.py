"""What web workers and the process that writes the disk tier's files tell each other, over SEQPACKET sockets.

queue   hello: a JSON object, ``directory`` and ``table`` (its number in ``presence``), with the writer's end of a line
line    number, name of the file, bytes of meta; with a memfd: meta, then body
        number, bytes written, or an errno's negative
"""

from __future__ import annotations

import struct

WRITE = struct.Struct("<Q64sQ")
WRITTEN = struct.Struct("<Qq")
HELLO_MAX_BYTES = 65_536
