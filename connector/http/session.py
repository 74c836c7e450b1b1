"""A requests session that follows the address rule, keeps cookies, follows no redirects and ignores the environment."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Url

from config import DEFAULT_RESPONSE_BYTES

from ..errors import RequestRejectedError
from ..i18n import gettext as _
from .addresses import ANYWHERE, AddressRule
from .guarded_connections import NextTimeout, pool_classes
from .query_key import QueryKey

# Its DEBUG lines contain whole addresses, and the address of a webhook is secret.
logging.getLogger("urllib3").setLevel(logging.INFO)


class _WithoutQuery(logging.Filter):
    """A filter that removes queries from log records, since a warning about a header contains the whole address."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in record.args)
        return True


for _name in ("urllib3.connection", "urllib3.connectionpool"):
    logging.getLogger(_name).addFilter(_WithoutQuery())

# Maximum of concurrent requests to one repository. As many connections are kept open.
MOST_AT_ONCE = 16


@dataclass(frozen=True)
class HttpSettings:
    """Settings of a client. Times are in seconds, sizes in bytes.

    `deadline` limits a whole JSON response, `read_timeout` each read. `file_grace`: how many seconds a file may fall
    behind the slowest accepted rate.
    """

    user_agent: str
    rule: AddressRule
    ca_bundle: str | None = None
    proxy: str | None = None
    connect_timeout: float = 10
    read_timeout: float = 60
    deadline: float = 300
    file_grace: float = 300
    json_bytes: int = DEFAULT_RESPONSE_BYTES


def new_session(settings: HttpSettings, next_timeout: NextTimeout, key: QueryKey | None = None) -> requests.Session:
    """Return a session that keeps cookies and ignores proxies and credentials of the environment.

    Without cookies, DSpace 6 opens a new session for each request. `key`: added to the requests to its API.
    """
    session = _Session()
    session.trust_env = False
    session.headers["User-Agent"] = settings.user_agent
    session.verify = settings.ca_bundle or True
    if settings.proxy:
        session.proxies = {"http": settings.proxy, "https": settings.proxy}
    adapter = _Adapter(settings.rule, next_timeout, key)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """Return None, because HttpClient follows redirects. requests would read their bodies without a size limit."""


class _Adapter(HTTPAdapter):
    """An adapter whose connections follow the address rule. The proxy may have any address, since the admin sets it."""

    def __init__(self, rule: AddressRule, next_timeout: NextTimeout, key: QueryKey | None):
        self._key = key
        self._direct = pool_classes(rule, next_timeout)
        self._proxied = pool_classes(ANYWHERE, next_timeout)
        super().__init__(pool_maxsize=MOST_AT_ONCE, max_retries=0)

    def request_url(self, request: requests.PreparedRequest, proxies: dict[str, str] | None) -> str:
        """Return the request target with the key. The URLs of the request and of its response do not contain it."""
        target = super().request_url(request, proxies)
        return target if self._key is None else self._key.target(request.url or "", target)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = self._direct

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = self._proxied
        return manager


def without_userinfo(url: str) -> str:
    """Return the URL without its user name and password, so that it may be shown."""
    return re.sub(r"//[^/?#]*@", "//", url, count=1)


def check_form(parts: Url, shown: str) -> None:
    """Raise RequestRejectedError if a URL is not http or https or has a password. `shown`: the URL for the message."""
    if parts.scheme not in ("http", "https"):
        raise RequestRejectedError(
            _("Only addresses that begin with http:// or https:// can be asked, not %(address)s", address=shown), shown
        )
    if parts.auth is not None:
        raise RequestRejectedError(
            _("The address %(address)s was given with a user name or password in it. Leave that out.", address=shown),
            shown,
        )
