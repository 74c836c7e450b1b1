"""Rate limits against guessing. Each request counts before the check; a request that succeeds is then uncounted.

So parallel guesses cannot pass a limit together, and correct input is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_network

from flask import Flask, Response, request
from flask_limiter import RouteLimit

from .. import error_translation
from ..proxy_headers import parse_address
from .sign_in_extensions import limiter

REFUSED = 422
PACE = "10 per minute; 40 per hour; 120 per day"  # failures from one address, or of one session's account


def init_app(app: Flask) -> None:
    """Register the handler that removes requests that did not fail from the counts."""
    app.after_request(_uncount_success)


def failures(
    pace: str, key: Callable[[], str], scope: str, exempt_when: Callable[[], bool] | None = None
) -> RouteLimit:
    """Limit the failed POST requests to a view per key. Views with the same `scope` share their counts.

    `exempt_when`: a function that returns whether a request is neither counted nor refused.
    """
    return limiter.shared_limit(pace, scope=scope, key_func=key, methods=["POST"], exempt_when=exempt_when)


def _uncount_success(response: Response) -> Response:
    if response.status_code != REFUSED:
        with suppress(*error_translation.QUEUE):  # queue server down: the attempt stays counted until the window ends
            for counted in limiter.current_limits:
                limiter.limiter.storage.incr(counted.key, counted.limit.get_expiry(), amount=-1)
    return response


def network() -> str:
    """Return the client's network: an IPv4 address, or the /64 of an IPv6 address, usually that of one customer."""
    address = parse_address(request.remote_addr)
    if address is None:
        return "nowhere"
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False))
