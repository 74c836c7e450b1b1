"""Slows down those who guess. A request counts before it is checked, and no longer once it turns out to be no failure.

So parallel guesses cannot pass a limit together, and who types the right thing is not counted.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

from flask import Flask, Response, request

from .. import error_translation
from ..extensions import limiter
from ..proxy_headers import parsed

REFUSED = 422
PACE = "10 per minute; 40 per hour; 120 per day"  # failures from one address, or of one session's account


def init_app(app: Flask) -> None:
    """Give back what was counted for a request that did not fail."""
    app.after_request(_give_back)


def failures(pace: str, key: Callable[[], str], scope: str, spares: Callable[[], bool] | None = None) -> Any:
    """Limit a view to so many failures of each key; views that share a `scope` count together.

    `spares`: whether a request is neither counted nor refused.
    """
    return limiter.shared_limit(pace, scope=scope, key_func=key, methods=["POST"], exempt_when=spares)


def _give_back(response: Response) -> Response:
    if response.status_code != REFUSED:
        with suppress(
            *error_translation.QUEUE
        ):  # the server that counts is away: one try less is left until the window ends
            for counted in limiter.current_limits:
                limiter.limiter.storage.incr(counted.key, counted.limit.get_expiry(), amount=-1)
    return response


def network() -> str:
    """Where a request comes from; of IPv6, the /64 that one customer has as a rule, and all addresses of."""
    address = parsed(request.remote_addr)
    if address is None:
        return "nowhere"
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False))
