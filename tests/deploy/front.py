"""The app behind a web server, and its responses to clients."""

from __future__ import annotations

import http.client
import os
import shutil
import ssl
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from tests import processes
from tests.ports import free_port
from tests.processes import NO_LIMITS

from .servers import Certificate, running

ELSEWHERE = "127.0.0.2"  # an address that is not the proxy's
HTTPS = "__Host-"  # what the name of the cookie begins with where it came over https


@dataclass
class Front:
    """The app as the world reaches it, through a web server that trusts nobody."""

    example: str
    url: str
    certificate: Certificate
    cookie: dict[str, str]

    def get(
        self, path: str, method: str = "GET", body: bytes | None = None, **headers: str
    ) -> urllib.request.addinfourl:
        """What is answered to somebody who is signed in, redirects not followed."""
        signed = {"Cookie": f"{HTTPS}{self.cookie['name']}={self.cookie['value']}"} | headers
        trusted = ssl.create_default_context(cafile=str(self.certificate.chain))
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusted), AsItIs)
        return opener.open(urllib.request.Request(self.url + path, body or None, signed, method=method), timeout=60)


class AsItIs(urllib.request.HTTPErrorProcessor):
    """Every answer is one, also a redirect or a refusal."""

    def http_response(self, request, response):
        return response

    https_response = http_response


class Elsewhere:
    """A browser at another address of this machine, which keeps its cookies."""

    def __init__(self, front: Front):
        self.front, self.cookies = front, {}

    def send(self, method: str, path: str, form: dict[str, str] | None = None, **more: str) -> tuple[int, str]:
        """The status and the body of the answer."""
        where, trusted = urlsplit(self.front.url), ssl.create_default_context(cafile=str(self.front.certificate.chain))
        asking = http.client.HTTPSConnection(
            where.hostname, where.port, context=trusted, timeout=60, source_address=(ELSEWHERE, 0)
        )
        headers = {"Referer": f"{self.front.url}/", "Content-Type": "application/x-www-form-urlencoded"}
        headers |= more
        headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        with closing(asking):
            asking.request(method, where.path + path, urlencode(form or {}), headers)
            answer = asking.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                assert "; Secure" in line
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
            return answer.status, answer.read().decode()


@contextmanager
def served(instance: Path, limits: Mapping[str, int] = NO_LIMITS, **settings: str) -> Iterator[int]:
    """Run `flask up` on this instance, behind one proxy unless `settings` say otherwise. Yield its port.

    `limits`: see `processes.start`.
    """
    port = free_port()
    environment = os.environ | {
        "CONNECTOR_INSTANCE": str(instance),
        "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8",
        "CONNECTOR_PORT": str(port),
        "CONNECTOR_PROXY_HOPS": "1",
        "CONNECTOR_SECRET_KEY": "only for tests, but with enough of it",
        "CONNECTOR_MIN_FREE_DISK": "0",
    }
    environment |= {f"CONNECTOR_{name}": value for name, value in settings.items()}
    process = processes.start("flask", "up", environment=environment, limits=limits)
    with open(instance.parent / "log", "w") as log:
        logging = threading.Thread(target=shutil.copyfileobj, args=(process.stderr, log))
        logging.start()
        with running(process, port):
            yield port
        logging.join()
    process.communicate()
