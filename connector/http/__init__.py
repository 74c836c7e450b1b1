"""HTTP client for repositories, with limits of addresses, load, time and size."""

from ..durations import Wait
from .addresses import AddressRule
from .client import HttpClient, JsonAnswer, WebPage
from .concurrency import ConcurrencyLimit
from .downloads import Download, Received
from .redirects import Redirects
from .retry import OutageWait
from .session import HttpSettings
from .stats import RequestStats

__all__ = [
    "AddressRule",
    "ConcurrencyLimit",
    "Download",
    "HttpClient",
    "HttpSettings",
    "JsonAnswer",
    "OutageWait",
    "Received",
    "Redirects",
    "RequestStats",
    "Wait",
    "WebPage",
]
