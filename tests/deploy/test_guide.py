"""The additions to the examples that the guide describes: another proxy in front, a sign-in of the site."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.signed_in import NAME, PASSWORD
from tests.tools import needs

from .front import ELSEWHERE, Elsewhere, Front, served
from .servers import DEPLOY, PREFIX, SERVED, Certificate, certificate_in, in_front, nginx, running, started

OF_THE_SITE = "a password of the site"
EMPTIES = '        proxy_set_header X-Remote-User "";\n'
MONITORS = "    # Monitors ask the app itself"
OUTER = """
server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate.chain};
    ssl_certificate_key {certificate.key};
    location / {{
        proxy_pass https://127.0.0.1:{inner};
        proxy_set_header Host $http_host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }}
}}
"""


def lines_of(section: str, example: str) -> str:
    """The lines that a section of the guide gives for the web server of this example."""
    guide, kind = (DEPLOY / "README.md").read_text(), example.partition("/")[0]
    part = re.search(rf"(?s)\n### {section}\n(.*?)\n##", guide)[1]
    return re.search(rf"(?s)\n```{kind}\n(.*?)```", part)[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def instance(template, tmp_path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "instance"))


@pytest.fixture
def people() -> Iterator[Path]:
    """The file of who may sign in at the site, where any web server can read it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        file, digest = Path(folder) / "people", hashlib.sha1(OF_THE_SITE.encode()).digest()
        file.write_text(f"{NAME}:{{SHA}}{base64.b64encode(digest).decode()}\n")
        file.chmod(0o644)
        yield file


def with_sign_in(example: str, people: Path) -> Callable[[str], str]:
    """The example with a sign-in of the site."""
    lines = re.sub(r"/etc/\S+\.htpasswd", str(people), lines_of("A sign-in of the site", example))
    if "prefix" in example:
        lines = lines.replace("<Location />", f"<Location {PREFIX}/>")
    if example.startswith("nginx"):
        return lambda site: replaced(site, EMPTIES, lines)
    return lambda site: replaced(site, MONITORS, lines + MONITORS)


def replaced(site: str, old: str, new: str) -> str:
    assert site.count(old) == 1
    return site.replace(old, new)


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


@pytest.mark.parametrize("example", SERVED)
def test_the_user_of_the_site_is_known_by_name_and_cannot_take_another_name(
    example, instance, people, certificate, tmp_path
):
    by_proxy = {"AUTH": "proxy", "TRUSTED_PROXIES": "127.0.0.1"}
    change = with_sign_in(example, people)
    with served(instance, **by_proxy) as port, in_front(example, tmp_path, port, certificate, change) as url:
        browser = Elsewhere(Front(example, url, certificate, {}))
        let_in = browser.send("GET", "/users/", **basic(NAME, OF_THE_SITE), **{"X-Remote-User": "Somebody else"})
        refused = [
            browser.send("GET", path, **headers)[0]
            for path in ("/users/", "/static/style.css", "/welcome/x")
            for headers in ({}, {"X-Remote-User": NAME}, basic(NAME, ""), basic(NAME, "wrong"), basic("Other", ""))
        ]
        monitors = browser.send("GET", "/metrics", **basic(NAME, OF_THE_SITE))[0]

    assert (let_in[0], NAME in let_in[1]) == (200, True)
    assert set(refused) == {401}
    assert monitors == 403


@contextmanager
def outer_proxy(folder: Path, inner: str, certificate: Certificate) -> Iterator[str]:
    """Another web server in front of the one at this address; gives the address by which one comes through it."""
    folder.mkdir()
    port, parts = free_port(), re.fullmatch(r"https://localhost:(\d+)(.*)", inner)
    site = OUTER.format(port=port, inner=parts[1], certificate=certificate)
    with running(started(nginx(folder, site)), port):
        yield f"https://localhost:{port}{parts[2]}"


def with_outer(example: str) -> Callable[[str], str]:
    """The example behind a proxy on this machine."""
    lines = lines_of("Another proxy in front of this one", example).replace("192.0.2.10", "127.0.0.1")
    before = "    # One-time" if example.startswith("apache") else "    server_tokens off;"
    return lambda site: replaced(site, before, lines + before)


@needs("nginx")
@pytest.mark.parametrize("example", SERVED)
def test_the_address_of_the_browser_is_recorded_behind_two_proxies(example, instance, certificate, tmp_path):
    change = with_outer(example)
    with (
        served(instance) as port,
        in_front(example, tmp_path, port, certificate, change) as inner,
        outer_proxy(tmp_path / "outer", inner, certificate) as outer,
    ):
        statuses = [sign_in(Elsewhere(Front(example, url, certificate, {}))) for url in (outer, inner)]

    with closing(sqlite3.connect(instance / "connector.db")) as connection:
        told = connection.execute("SELECT who, address FROM audit WHERE what = 'sign-in'").fetchall()
    assert statuses == [303, 303]
    assert told == [(NAME, ELSEWHERE)] * 2


def sign_in(browser: Elsewhere) -> int:
    """Fill in the form, with a header that says one is somewhere else; gives the status of the answer."""
    page = browser.send("GET", "/sign-in")[1]
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', page)[1]
    form = {"csrf_token": token, "name": NAME, "password": PASSWORD}
    return browser.send("POST", "/sign-in", form, **{"X-Forwarded-For": "192.0.2.9"})[0]
