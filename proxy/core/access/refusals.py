"""Why a request is refused before anybody looks for what it asks for; leaves of the tree in ``proxy.errors``.

None of them is to be kept by a cache, and none repeats what the request said.

    ClientError
    ├── AccessDenied                403
    │   ├── SignatureNeeded         403   the bucket answers only signed requests
    │   ├── UnreadableSignature     403   a signature is there, and is not in the documented form
    │   ├── SignatureDoesNotMatch   403   made with another key, or for another request
    │   ├── InvalidAccessKeyId      403   the key it names is none of ours
    │   ├── SignatureExpired        403
    │   ├── RequestTimeTooSkewed    403   it begins in the future: some clock is wrong
    │   ├── RefererDenied           403   the page that shows the picture may not
    │   └── StylesOnly              403   neither a style nor signed, where only these are answered
    ├── AccessForbidden             403   a CORS preflight for what no rule allows
    └── TooManyRequests             429   this client's rate is used up; carries ``retry_after_s``
"""

from __future__ import annotations

from proxy.errors import AccessDenied, ClientError


class SignatureNeeded(AccessDenied):
    pass


class UnreadableSignature(AccessDenied):
    """The public sentence names the part that is wrong and not its value."""

    errno = -46617
    public = "The signature of the request cannot be read."


class SignatureDoesNotMatch(AccessDenied):
    code, errno = "SignatureDoesNotMatch", -46618
    public = "The signature does not match the request. Check the secret key and how the signature is made."


class InvalidAccessKeyId(AccessDenied):
    code, errno = "InvalidAccessKeyId", -46618
    public = "The access key Id that the signature names does not exist."


class SignatureExpired(AccessDenied):
    errno = -46619
    public = "Request has expired."


class RequestTimeTooSkewed(AccessDenied):
    code, errno = "RequestTimeTooSkewed", -46619
    public = "The difference between the request time and the current time is too large."


class RefererDenied(AccessDenied):
    errno = -108
    public = "Access Denied by the referer rules of the bucket."


class StylesOnly(AccessDenied):
    errno = -154
    public = "The original is protected: only styles of the bucket are answered without a signature."


class AccessForbidden(ClientError):
    status, code = 403, "AccessForbidden"
    public = "CORSResponse: This CORS request is not allowed."


class TooManyRequests(ClientError):
    status, code, errno = 429, "SlowDown", -29214
    public = "Too many requests from this address. Please reduce your request rate."

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = max(1, retry_after_s)
