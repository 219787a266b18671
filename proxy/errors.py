"""Every error mogr answers with, on one page.

Each class fixes what a client may learn (HTTP ``status``, CI error ``code``, ``public`` sentence, ``errno`` for the
``X-ErrNo`` header), whose ``fault`` it is, and whether it is logged.  The exception's own text is private detail for
the log.  Adapters translate the errors of the libraries they wrap at one boundary each; nothing here is ever built from
a library's error text.

    MogrError
    ├── ClientError                       the request is wrong                      fault client
    │   ├── InvalidArgument         400   a parameter is malformed or out of range
    │   ├── InvalidUri              400   the path or query cannot be read
    │   ├── KeyTooLong              400
    │   ├── OperationNotImplemented 501   an operation of CI that mogr does not do (yet)
    │   ├── AccessDenied            403
    │   ├── NoSuchBucket            404   the Host names no bucket of ours
    │   ├── NoSuchKey               404   the store or origin has no such object
    │   ├── MethodNotAllowed        405
    │   ├── RequestTooSlow          408   the body of a request that is forwarded does not arrive
    │   ├── UnclearBody             400   a request to be forwarded frames its body twice, or wrongly
    │   │   └── UnknownCoding       501
    │   ├── PreconditionFailed      412
    │   ├── InvalidRange            416
    │   ├── NotInCache              504   asked for with only-if-cached
    │   └── LoopDetected            508   a request to be forwarded was forwarded by us before
    ├── SourceError                       the picture or its origin is at fault     fault source
    │   ├── InvalidImageFormat      400   not a picture, or a broken one
    │   │   └── DecoderCrashed      400   it crashed or bloated its codec process
    │   ├── InvalidMark             400   the image of a watermark cannot be had, or may not come from there
    │   ├── ImageTooLarge           400   bytes over the limit
    │   ├── ImageResolutionExceed   400   sides, pixels or frames over the limit
    │   ├── OriginRefused           403   the origin denies us the object
    │   ├── OriginForbidden         400   the origin's address or redirect is not one we may call
    │   ├── OriginUnavailable       502   the origin cannot be reached or answers nonsense
    │   ├── OriginTimeout           504   the origin is too slow
    │   └── CodecDeadline           504   the picture took longer than ``codec.deadline_s``
    ├── Overloaded                  503   too much work waiting; carries ``retry_after_s``   fault overload
    │   ├── ShuttingDown            503   the request was not finished when the server had to stop
    │   └── CodecLost               503   codec processes were killed from outside, twice
    └── InternalError               500   a bug of ours                             fault us
"""

from __future__ import annotations

import enum


class Fault(enum.Enum):
    """Who has to change something for the request to succeed."""

    CLIENT = "client"
    SOURCE = "source"
    OVERLOAD = "overload"
    US = "us"


class MogrError(Exception):
    """The root; ``str(error)`` is private detail, ``error.public`` is what the client reads."""

    status: int = 500
    code: str = "InternalError"
    fault: Fault = Fault.US
    errno: int | None = None
    public: str = "We encountered an internal error. Please try again."
    logged: bool = False
    retry_after_s: int | None = None
    condemns: bool = False
    """True where the error is a verdict on the version of the source, whatever was asked of it."""
    closes: bool = False
    """True where what follows on the connection cannot be told from this request's body, or would be waited for."""

    def __init__(self, detail: str = "", *, public: str | None = None, errno: int | None = None) -> None:
        super().__init__(detail or public or self.public)
        if public is not None:
            self.public = public
        if errno is not None:
            self.errno = errno

    def again(self) -> MogrError:
        """A copy without traceback or cause: what is remembered of an error must not keep its frames alive."""
        copy = type(self).__new__(type(self))
        copy.args = self.args
        copy.__dict__.update(self.__dict__)
        return copy


class ClientError(MogrError):
    status, code, fault = 400, "InvalidRequest", Fault.CLIENT
    public = "The request is not valid."


class InvalidArgument(ClientError):
    """A parameter is malformed or out of range; the message names it, its value and what was expected."""

    code, errno = "InvalidArgument", -60998
    public = "An argument is not valid."

    @classmethod
    def of(cls, parameter: str, value: str, expected: str) -> InvalidArgument:
        """Say in one form, everywhere, which parameter was wrong: *value* is shortened, the rest is ours."""
        shown = value if len(value) <= 64 else value[:61] + "..."
        return cls(public=f"{parameter}: {shown!r} is not valid, expected {expected}.")


class InvalidUri(ClientError):
    code, errno = "InvalidURI", -106
    public = "The path or query of the request cannot be read."


class KeyTooLong(ClientError):
    code = "KeyTooLong"
    public = "The object key is longer than 850 bytes."


class OperationNotImplemented(ClientError):
    status, code = 501, "NotImplemented"
    public = "This operation is not implemented."


class AccessDenied(ClientError):
    status, code, errno = 403, "AccessDenied", -46661
    public = "Access Denied."


class Blocked(ClientError):
    status, code = 451, "UnavailableForLegalReasons"
    public = "This object is not available for legal reasons."


class NoSuchBucket(ClientError):
    status, code, errno = 404, "NoSuchBucket", -46154
    public = "The specified bucket does not exist."


class NoSuchKey(ClientError):
    status, code, errno = 404, "NoSuchKey", -6101
    public = "The specified key does not exist."


class MethodNotAllowed(ClientError):
    """Carries ``allow``, the methods for the Allow field (RFC 9110 §15.5.6)."""

    status, code = 405, "MethodNotAllowed"
    public = "The specified method is not allowed against this resource."
    allow: tuple[str, ...] = ("GET", "HEAD")


class PreconditionFailed(ClientError):
    status, code = 412, "PreconditionFailed"
    public = "At least one of the preconditions you specified did not hold."


class InvalidRange(ClientError):
    """Carries ``size_bytes``, the complete length for ``Content-Range: bytes */N`` (RFC 9110 §15.5.17)."""

    status, code, errno = 416, "InvalidRange", -124
    public = "The requested range cannot be satisfied."

    def __init__(self, size_bytes: int) -> None:
        super().__init__()
        self.size_bytes = size_bytes


class RequestTooSlow(ClientError):
    status, code = 408, "RequestTimeout"
    public = "The body of the request did not arrive in time."
    closes = True


class UnclearBody(ClientError):
    public = "Where the body of the request ends is not clear."
    closes = True


class UnknownCoding(UnclearBody):
    status, code = 501, "NotImplemented"
    public = "Transfer codings other than chunked are not implemented."


class NotInCache(ClientError):
    status, code = 504, "ServiceUnavailable"
    public = "The request asks for a cached answer only, and there is none."


class LoopDetected(ClientError):
    status, code = 508, "LoopDetected"
    public = "The request was forwarded by this service before."
    logged = True


class SourceError(MogrError):
    status, code, fault = 400, "InvalidImageSource", Fault.SOURCE
    public = "The source cannot be used."


class InvalidImageFormat(SourceError):
    """Not a picture, a broken one, a conversion this build cannot do, or a picture that crashed its decoder."""

    code, errno = "InvalidImageFormat", -441
    public = "The object is not a picture that can be processed."


class DecoderCrashed(InvalidImageFormat):
    """The picture crashed or bloated its codec process: the verdict holds against that version of the source."""

    condemns = True
    logged = True
    public = "The object is not a picture that can be processed safely."


class InvalidMark(SourceError):
    public = "The image of the watermark cannot be used."


class ImageTooLarge(SourceError):
    code, errno = "ImageTooLarge", -167
    public = "The picture has more bytes than may be processed."


class ImageResolutionExceed(SourceError):
    code, errno = "ImageResolutionExceed", -447
    public = "The picture has, or would have, more pixels or frames than allowed."


class OriginRefused(SourceError):
    status, code, errno = 403, "AccessDenied", -120
    public = "The origin refused the object."


class OriginForbidden(SourceError):
    """The origin's address or redirect is not one we may call; one sentence for every case, so it is no port scanner."""

    code, errno = "InvalidImageSource", -120
    public = "The object cannot be fetched from its origin."
    logged = True


class OriginUnavailable(SourceError):
    status, code, errno = 502, "ServiceUnavailable", -120
    public = "The origin of the object cannot be reached."
    logged = True


class OriginTimeout(SourceError):
    status, code, errno = 504, "ServiceUnavailable", -902
    public = "The origin of the object did not answer in time."
    logged = True


class CodecDeadline(SourceError):
    status, code, errno = 504, "ServiceUnavailable", -901
    public = "The picture could not be processed in time."
    condemns = True
    logged = True


class Overloaded(MogrError):
    """Too much work is waiting; *retry_after_s* (>= 1) is what we expect to need to catch up."""

    status, code, fault = 503, "ServiceUnavailable", Fault.OVERLOAD
    public = "The server is busy. Please try again."

    def __init__(self, detail: str = "", *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = max(1, retry_after_s)


class ShuttingDown(Overloaded):
    closes = True
    public = "The server is stopping. Please try again."


class CodecLost(Overloaded):
    """A codec process was killed from outside, and so was the one that took the job over."""

    logged = True


class InternalError(MogrError):
    logged = True


def by_code_name(name: str) -> type[MogrError]:
    """The class called *name* (its Python name), for errors that crossed a process boundary; InternalError if unknown."""
    found = globals().get(name)
    return found if isinstance(found, type) and issubclass(found, MogrError) else InternalError
