"""mogr: an image proxy and CDN edge that speaks the wire API of Tencent COS / Cloud Infinite."""

__version__: str


def __getattr__(name: str) -> str:
    """``__version__``, found when asked for: what reads it takes 4 MB, and not every process of ours has a use for it."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    try:
        found = version("mogr")
    except PackageNotFoundError:  # a source tree that was never installed
        found = "0.0.0"
    globals()[name] = found
    return found
