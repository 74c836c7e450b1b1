"""A session that keeps to the address rule, keeps cookies, follows no redirect and trusts no environment."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Url

from config import DEFAULT_JSON_LIMIT

from ..errors import RequestRejectedError
from .addresses import ANYWHERE, AddressRule, Patience, pool_classes

# Its DEBUG lines hold whole addresses, and that of a webhook is a secret.
logging.getLogger("urllib3").setLevel(logging.INFO)

# Requests to one repository; as many connections are kept.
MOST_AT_ONCE = 16


@dataclass(frozen=True)
class HttpSettings:
    """Times in seconds, sizes in bytes. `deadline` bounds a whole JSON answer, `read_timeout` each silence in one.

    `file_grace`: how long a file may come more slowly than any line that is of use.
    """

    user_agent: str
    rule: AddressRule
    ca_bundle: str | None = None
    proxy: str | None = None
    connect_timeout: float = 10
    read_timeout: float = 60
    deadline: float = 300
    file_grace: float = 300
    json_bytes: int = DEFAULT_JSON_LIMIT


def new_session(settings: HttpSettings, patience: Patience) -> requests.Session:
    """Keeps cookies (without, DSpace 6 opens a session of its own for each request) and trusts no environment."""
    session = _Session()
    session.trust_env = False
    session.headers["User-Agent"] = settings.user_agent
    session.verify = settings.ca_bundle or True
    if settings.proxy:
        session.proxies = {"http": settings.proxy, "https": settings.proxy}
    adapter = _Adapter(settings.rule, patience)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: redirects are followed here, by hand. requests would read their bodies, however large."""


class _Adapter(HTTPAdapter):
    """Connections that keep to the rule. The proxy is the administrator's own choice and may be anywhere."""

    def __init__(self, rule: AddressRule, patience: Patience):
        self._direct = pool_classes(rule, patience)
        self._proxied = pool_classes(ANYWHERE, patience)
        super().__init__(pool_maxsize=MOST_AT_ONCE, max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._direct

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._proxied
        return manager


def without_userinfo(url: str) -> str:
    """The URL as it may be shown: user name and password, if any, taken out."""
    return re.sub(r"//[^/?#]*@", "//", url, count=1)


def check_form(parts: Url, shown: str) -> None:
    if parts.scheme not in ("http", "https"):
        raise RequestRejectedError(
            f"Only addresses that begin with http:// or https:// can be asked, not {shown}", shown
        )
    if parts.auth is not None:
        raise RequestRejectedError(
            f"The address {shown} was given with a user name or password in it. Leave that out.", shown
        )
