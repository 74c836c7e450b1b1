"""HTTP client for repositories, with limits of addresses, load, time and size."""

from ..durations import Wait
from .addresses import AddressRule
from .client import ApiAnswer, HttpClient, JsonAnswer, WebPage
from .concurrency import ConcurrencyLimit
from .downloads import Download, Received
from .query_key import QueryKey
from .redirects import Redirects
from .retry import OutageWait
from .session import HttpSettings
from .stats import RequestStats
from .writes import Method, Upload

__all__ = [
    "AddressRule",
    "ApiAnswer",
    "ConcurrencyLimit",
    "Download",
    "HttpClient",
    "HttpSettings",
    "JsonAnswer",
    "Method",
    "OutageWait",
    "QueryKey",
    "Received",
    "Redirects",
    "RequestStats",
    "Upload",
    "Wait",
    "WebPage",
]
