"""What the sample server gives to the modules that write its answers."""

from __future__ import annotations

from typing import Protocol

from .costs import Costs
from .login import Logins
from .model import Repository


class Served(Protocol):
    """The content and settings of a sample server (see `server.SampleRepository`)."""

    url: str
    data: Repository
    costs: Costs
    logins: Logins
    unordered: bool
