"""How those who guess are slowed down; who types the right thing is not counted."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from flask import request

from ..extensions import limiter
from ..proxies import parsed

REFUSED = 422
PACE = "10 per minute; 40 per hour; 120 per day"  # failures from one address, or of one session's account


def failures(pace: str, key: Callable[[], str], scope: str, spares: Callable[[], bool] | None = None) -> Any:
    """Limit a view to so many failures of each key; views that share a `scope` count together.

    `spares`: whether a request is neither counted nor refused.
    """
    failed = {"deduct_when": lambda response: response.status_code == REFUSED, "exempt_when": spares}
    return limiter.shared_limit(pace, scope=scope, key_func=key, methods=["POST"], **failed)


def network() -> str:
    """Where a request comes from; of IPv6, the /64 that one customer has as a rule, and all addresses of."""
    address = parsed(request.remote_addr)
    if address is None:
        return "nowhere"
    return str(ip_network((address, 64 if address.version == 6 else 32), strict=False))
