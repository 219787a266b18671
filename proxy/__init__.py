"""mogr: an image proxy and CDN edge that speaks the wire API of Tencent COS / Cloud Infinite."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("mogr")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0.0.0"
