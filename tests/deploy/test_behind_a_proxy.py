"""The app behind the web servers of the examples, with and without a prefix: links, a live import, downloads."""

from __future__ import annotations

import hashlib
import re
import shutil
import socket
import sqlite3
import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from html import unescape
from pathlib import Path
from urllib.parse import parse_qsl, quote, urljoin, urlsplit

import pytest
from playwright.sync_api import Request, expect

from connector.extensions import db, transaction
from connector.models.catalogue import CatalogueFile, StoredFile
from connector.storage.garbage_collection import the_folder
from tests import signed_in
from tests.browser.conftest import Site
from tests.browser.steps import connect, import_photographs
from tests.chromium import WAIT
from tests.conftest import app_at, let_go
from tests.ports import free_port
from tests.sample import SampleRepository

from .front import ELSEWHERE, HTTPS, AsItIs, Elsewhere, Front, served
from .servers import SERVED, Certificate, certificate_in, in_front, served_by

LARGE = 100 * 10**6  # bytes
LONG = "\u6e2f" * 404 + ".bin"  # as long as a name may be whose header line a web server has to take
PIECE = bytes(range(256)) * 4096


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> Certificate:
    return certificate_in(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def large() -> str:
    """The SHA-256 of the large file."""
    digest = hashlib.sha256()
    for start in range(0, LARGE, len(PIECE)):
        digest.update(PIECE[: LARGE - start])
    return digest.hexdigest()


@pytest.fixture(scope="module")
def stocked(tmp_path_factory, stock, large) -> Path:
    """A catalogue with an admin, in which one file is large and one has a long name."""
    folder = tmp_path_factory.mktemp("served") / "instance"
    shutil.copytree(stock, folder)
    app = app_at(folder)
    signed_in.admit(app)
    with app.app_context(), transaction():
        target = the_folder().path(large)
        target.parent.mkdir(exist_ok=True)
        with open(target, "wb") as file:
            for start in range(0, LARGE, len(PIECE)):
                file.write(PIECE[: LARGE - start])
        db.session.add(StoredFile(sha256=large, md5="0" * 32, size=LARGE))
        row, other = db.session.scalars(db.select(CatalogueFile).filter_by(status="stored").limit(2))
        row.sha256, row.size = large, LARGE
        other.name = LONG
    let_go(app)
    return folder


@pytest.fixture(scope="module")
def app_port(stocked) -> Iterator[int]:
    with served(stocked) as port:
        yield port


@pytest.fixture(scope="module", params=SERVED)
def front(request, tmp_path_factory, stocked, app_port, certificate) -> Iterator[Front]:
    """The catalogue behind each of the examples."""
    folder = tmp_path_factory.mktemp("front")
    with in_front(request.param, folder, app_port, certificate) as url:
        yield Front(request.param, url, certificate, signed_in.cookie(app_at(stocked)))


LINK = re.compile(r'(?:href|src|action|formaction|hx-get|hx-post|content)="([^"]*)"')


def own_links(front: Front, path: str, page: str) -> set[str]:
    """Where the links and forms of a page lead, as paths below the app's address; each must lie below it."""
    found = set()
    for link in LINK.findall(page):
        target = urlsplit(urljoin(front.url + path, unescape(link)))
        if target.netloc == urlsplit(front.url).netloc and link[:1] not in "#" and "/" in link:
            assert target.geturl().startswith(front.url + "/"), (path, link)
            found.add(target._replace(fragment="").geturl().removeprefix(front.url))
    return found


def one_of_each_kind(addresses: set[str]) -> list[str]:
    """Return one address for each page and each set of arguments, because a user may ask for 120 lists a minute."""
    parts = {address: urlsplit(address) for address in sorted(addresses)}
    kinds = {(one.path, tuple(name for name, _ in parse_qsl(one.query))): address for address, one in parts.items()}
    return list(kinds.values())


def test_every_link_stays_below_the_app_and_works(front):
    start = ["/", "/jobs/", "/jobs/1/", "/items/", "/items/1/", "/item-sets/", "/missing/"]
    found: set[str] = set()

    for path in start:
        answer = front.get(path)
        assert answer.status == 200, path
        found |= own_links(front, path, answer.read().decode())

    plain = {re.sub(r"\.[0-9a-f]{16}(\.\w+)$", r"\1", path.partition("?")[0]) for path in found}
    assert {"/items/", "/jobs/", "/static/style.css", "/static/htmx.min.js"} <= plain
    statuses = {path: front.get(path).status for path in one_of_each_kind(found)}
    assert [path for path, status in statuses.items() if status >= 500] == []
    assert {status for path, status in statuses.items() if path.startswith(("/static/", "/items/?"))} == {200}


def test_the_method_trace_is_refused(front):
    sent = {"Secret": "canary", "Max-Forwards": "0"}  # so that the server in front answers by itself (RFC 9110, 7.6.2)

    answer = front.get("/sign-in", "TRACE", **sent)

    assert answer.status == 405
    assert b"canary" not in answer.read()


@pytest.mark.parametrize(
    ("cipher", "taken"), [("ECDHE-ECDSA-AES256-GCM-SHA384", True), ("ECDHE-ECDSA-AES128-SHA256", False)]
)
def test_only_authenticated_ciphers_of_tls_1_2_are_accepted(front, cipher, taken):
    context = ssl.create_default_context(cafile=str(front.certificate.chain))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(cipher)
    address = urlsplit(front.url)

    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        try:
            context.wrap_socket(connection, server_hostname="localhost").close()
            agreed = True
        except ssl.SSLError:
            agreed = False

    assert agreed is taken


def test_strict_transport_security_includes_other_hosts_only_on_a_host_of_its_own(front):
    policy = front.get("/sign-in").headers["Strict-Transport-Security"]

    assert policy.startswith("max-age=31536000")
    assert ("includeSubDomains" in policy) is ("own-host" in front.example)


def test_a_redirect_stays_below_the_address(front):
    answer = front.get("/items?q=boats")

    assert answer.status in (301, 302, 303, 307, 308)
    assert urljoin(front.url + "/items", answer.headers["Location"]) == f"{front.url}/items/?q=boats"


def test_forwarded_headers_of_clients_are_ignored(front):
    told = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http", "X-Forwarded-Prefix": "/evil"}

    page = front.get("/items/", **told).read().decode()
    redirect = front.get("/items", **told)

    assert "evil" not in page
    assert "evil" not in redirect.headers["Location"]
    assert urljoin(front.url + "/items", redirect.headers["Location"]) == f"{front.url}/items/"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "//metrics", "/%6Detrics"])
def test_monitoring_pages_are_refused_from_outside(front, path):
    assert front.get(path).status == 403


def as_it_is(site: str) -> str:
    return site


def with_pages_of_its_own(site: str) -> str:
    """The example in a site that shows errors by a page of its own, which is not there."""
    for line, page in (
        ("    server_tokens off;\n", "    error_page 502 503 504 /page.html;\n"),
        ("    TraceEnable Off\n", "    ErrorDocument 502 /page.html\n    ErrorDocument 503 /page.html\n"),
    ):
        site = site.replace(line, line + page)
    assert "/page.html" in site
    return site


@pytest.mark.parametrize("change", [as_it_is, with_pages_of_its_own])
@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize("example", SERVED)
def test_no_log_contains_one_time_links_even_while_the_app_is_down(example, answers, change, certificate, tmp_path):
    port = free_port()
    with hanging_up() as busy, in_front(example, tmp_path, busy if answers else port, certificate, change) as url:
        front = Front(example, url, certificate, {"name": "none", "value": ""})
        statuses = {front.get(f"/{path}").status for path in ("welcome/secret-token", "items/told")}

    logged = "".join(path.read_text() for path in tmp_path.glob("*.log"))
    assert statuses <= {404, 502, 503}
    assert "items/told" in logged
    assert "secret-token" not in logged


@contextmanager
def hanging_up() -> Iterator[int]:
    """An app that takes each connection and ends it without an answer; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=_hang_up, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]


def _hang_up(listening: socket.socket) -> None:
    with suppress(OSError):  # it was closed
        while True:
            connection = listening.accept()[0]
            connection.recv(65536)
            connection.close()


def test_sign_in_behind_a_proxy_records_the_address_of_the_browser(front, stocked):
    browser = Elsewhere(front)
    token = re.search(r'name="csrf_token"[^>]* value="([^"]+)"', browser.send("GET", "/sign-in")[1])[1]
    given = {"csrf_token": token, "name": signed_in.NAME, "password": signed_in.PASSWORD}

    status, _ = browser.send("POST", "/sign-in", given)

    assert status == 303
    assert all(name.startswith(HTTPS) for name in browser.cookies)
    assert signed_in.NAME in browser.send("GET", "/account/")[1]
    with closing(sqlite3.connect(stocked / "connector.db")) as connection:
        last = connection.execute("SELECT who, what, address FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    assert last == (signed_in.NAME, "sign-in", ELSEWHERE)


def test_a_file_of_100_mb_is_sent_completely(front, stocked, large):
    with closing(sqlite3.connect(stocked / "connector.db")) as connection:
        row = connection.execute("SELECT id, name FROM file WHERE sha256 = ?", [large]).fetchone()

    answer, digest = front.get(f"/files/{row[0]}/{quote(row[1])}"), hashlib.sha256()
    while piece := answer.read(2**20):
        digest.update(piece)

    assert (answer.status, int(answer.headers["Content-Length"])) == (200, LARGE)
    assert digest.hexdigest() == large


def test_files_with_odd_names_are_sent(front, stocked):
    with closing(sqlite3.connect(stocked / "connector.db")) as connection:
        query = "SELECT DISTINCT item_id FROM file WHERE status = 'stored' AND name GLOB '*[^a-zA-Z0-9._-]*'"
        items = [number for (number,) in connection.execute(query)]
    pages = [f"/items/{number}/" for number in items]
    links = {link for page in pages for link in own_links(front, page, front.get(page).read().decode())}
    viewers = [link for link in links if link.startswith("/viewer/")]
    links |= {link for page in viewers for link in own_links(front, page, front.get(page).read().decode())}
    paths = {link for link in links if link.startswith("/files/")}

    assert len(paths) > 3
    assert any(quote(LONG[:20]) in path for path in paths)
    assert {path: front.get(path).status for path in paths} == dict.fromkeys(paths, 200)


def test_bodies_of_one_megabyte_are_accepted_and_larger_ones_refused(front):
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    allowed, more, much_more = (
        front.get("/sign-out", "POST", b"a" * size, **form) for size in (1_000_000, 1_000_001, 3_000_000)
    )

    assert allowed.status == 400  # it has no token
    assert (more.status, "The submitted data is too large." in more.read().decode()) == (413, True)
    # nginx says so by itself; Apache passes on what the app says, unless that hangs up while it still sends.
    assert much_more.status in ({413} if "nginx" in front.example else {413, 502})


@pytest.mark.browser
@pytest.mark.parametrize("example", served_by("nginx"))
def test_an_import_can_be_watched_live(example, chromium, template, certificate, tmp_path):
    shutil.copytree(template, tmp_path / "instance")
    app = app_at(tmp_path / "instance")
    signed_in.admit(app)
    cookie = signed_in.cookie(app)
    let_go(app)
    with (
        SampleRepository(9) as sample,
        served(tmp_path / "instance") as port,
        in_front(example, tmp_path, port, certificate) as url,
        closing(chromium.new_context(ignore_https_errors=True)) as context,
    ):
        context.set_default_timeout(WAIT)
        kept = {"name": HTTPS + cookie["name"], "domain": "localhost", "path": "/", "secure": True}
        context.add_cookies([cookie | kept])
        page, site = context.new_page(), Site(url, lambda: None)
        addresses, is_watched = list[str](), threading.Event()

        def note(request: Request) -> None:
            addresses.append(request.url)
            if request.url.endswith("/jobs/1/live"):
                is_watched.set()

        page.on("request", note)
        sample.faults.add(lambda path: "/content" in path and not is_watched.wait(60), times=None)

        connect(page, site, sample)
        import_photographs(page, scripted=True)

        expect(page.get_by_text("Completed", exact=True).first).to_be_visible()
        expect(page.get_by_text("12").first).to_be_visible()
        page.get_by_role("link", name="Items", exact=True).first.click()
        expect(page.get_by_text("Herring boats leaving at dawn").first).to_be_visible()

    assert is_watched.is_set()
    assert [address for address in addresses if not address.startswith((url, "data:"))] == []


def test_without_the_setting_the_headers_of_a_proxy_are_ignored(template, tmp_path):
    shutil.copytree(template, tmp_path / "instance")
    with served(tmp_path / "instance", PROXY_HOPS="0") as port:
        headers = {"X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "192.0.2.7"}
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers=headers)
        missing = urllib.request.Request(f"http://127.0.0.1:{port}/no/such/page", headers=headers)
        opener = urllib.request.build_opener(AsItIs)

        assert opener.open(asked).status == 200
        assert b"evil" not in opener.open(missing).read()
