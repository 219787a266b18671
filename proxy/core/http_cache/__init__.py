"""The rules of a shared HTTP cache (RFC 9111, RFC 5861, RFC 9213) as pure functions; ``now_s`` is always an argument.

``messages`` the values: a request as a cache sees it, an answer as it is kept · ``policy`` how long and by whom an answer
may be used · ``storing`` whether it may be kept · ``selecting`` which of a URL's answers a request gets (Vary) · ``reuse``
whether it may be sent now · ``constructing`` what is sent · ``updating`` what a 304 or a HEAD changes · ``invalidating``
what an unsafe request makes obsolete · ``ending`` whether a body came whole.
"""
