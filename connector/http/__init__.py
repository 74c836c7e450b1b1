"""The one door to the network: who may be reached, how hard a repository is leaned on, and what an answer means."""

from .addresses import AddressRule
from .door import Http, JsonAnswer, WebPage
from .downloads import Download, Received
from .pace import Pace
from .session import HttpSettings
from .traffic import Traffic

__all__ = ["AddressRule", "Download", "Http", "HttpSettings", "JsonAnswer", "Pace", "Received", "Traffic", "WebPage"]
