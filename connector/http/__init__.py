"""The one door to the network: who may be reached, how hard a repository is leaned on, and what an answer means."""

from .addresses import AddressRule
from .door import Http, JsonAnswer, WebPage
from .downloads import Download, Received
from .pace import Pace
from .redirects import Redirects
from .retry import OutageWait
from .session import HttpSettings
from .traffic import Traffic
from .waits import Wait

__all__ = [
    "AddressRule",
    "Download",
    "Http",
    "HttpSettings",
    "JsonAnswer",
    "OutageWait",
    "Pace",
    "Received",
    "Redirects",
    "Traffic",
    "Wait",
    "WebPage",
]
