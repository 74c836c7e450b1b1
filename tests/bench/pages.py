"""The pages of a large instance: how long each takes on each database, and the polls of twenty browsers at once."""

from __future__ import annotations

import logging
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import partial

import requests
from flask import Flask
from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table
from sqlalchemy import update

from config import load
from connector import create_app
from connector.accounts import access_tokens, user_management
from connector.extensions import db, transaction
from connector.models.jobs import Job, State
from connector.server import WEB_THREADS
from connector.storage.instance import prepare
from connector.web import pages as web_pages
from tests import signed_in
from tests.postgresql import server
from tests.tools import which
from tests.web_server import serve

from .goals import at_most
from .large import FULL, make

POLLS = ("/live", *(f"/jobs/{number}/live" for number in range(1, 8)), "/jobs/3/row", "/jobs/6/row")
PAGES = (
    "/",
    *("/jobs/", "/jobs/1/", "/jobs/2/", "/jobs/3/", "/jobs/4/", "/jobs/5/"),
    *("/jobs/5/preview/", "/jobs/5/preview/?before=last", "/jobs/5/preview/?show=new", "/jobs/5/samples/"),
    *("/jobs/6/", "/jobs/7/", "/jobs/7/adoption/", "/jobs/7/adoption/?before=last", "/jobs/1/rerun"),
    *("/jobs/?kind=import&sort=status", "/jobs/?status=problems&repository=1"),
    *("/items/", "/items/?after=100000", "/items/?before=last", "/items/?repository=1", "/items/?job=1"),
    *("/items/?item_set=1", "/items/?item_set=5", "/items/100/"),
    *("/item-sets/", "/item-sets/1/", "/item-sets/1/?before=last"),
    *(
        "/missing/",
        "/missing/?before=last",
        "/missing/?repository=1",
        "/sources/",
        "/sources/1/",
        "/audit/",
        "/audit/?before=last",
        "/excluded/",
    ),
    *("/items/?q=harbour", "/items/?q=harbour&after=100000", "/items/?q=nothingatall", "/items/?q=harbour+977"),
    *("/items/?type=Type+3", "/items/?language=l3&kind=pdf", "/items/?creator=Author+7", "/items/?q=harbour&year=1911"),
    *("/items/?page=400", "/items/?sort=title&page=400"),
    *("/items/?sort=title", "/items/?sort=last-modified&kind=pdf", "/items/?q=harbour&sort=newest-date"),
    *("/items/?sort=title&type=Type+3&view=table&size=100", "/items/?from=1911&to=1920", "/items/?files=no"),
    "/items/advanced",
    "/items/?join=and&term=dcterms:title&op=contains&value=harbour+97",
    "/items/?join=and&term=dcterms:title&op=starts&value=report+97",
    "/items/?join=and&term=bibo:doi&op=any&value=",
    "/items/?join=and&term=bibo:isbn&op=any&value=",
    "/items/?join=and&term=dcterms:title&op=any&value=",
    "/items/?join=not&term=dcterms:title&op=any&value=",
    "/items/?item_set=1&files=no",
    "/items/?join=not&term=dcterms:title&op=contains&value=harbour+9",
    # All items have the word, but not in this property. Then items that all items and that 40 items name.
    "/items/?join=and&term=dcterms:title&op=contains&value=ships",
    "/items/?join=and&term=dcterms:title&op=contains&value=ships&older=100000",
    "/items/?join=not&term=dcterms:title&op=contains&value=report",
    *("/items/1/", "/items/101/", "/items/?related=1", "/items/?related=1&sort=title", "/items/?related=101"),
    *("/items/777/", "/items/?related=777", "/items/?related=777&sort=title"),
    *("/exports/new", "/exports/new?q=harbour", "/exports/new?item_set=1", "/exports/new?job=1"),
    *("/items/100/history", "/items/777.jsonld", "/items/777.bib", "/takedown/?item=100"),
    *("/item-sets/1/edit", "/item-sets/1/delete", "/repositories/", "/repositories/1/", "/repositories/1/change"),
    *("/repositories/1/crosswalk", "/repositories/1/crosswalk/field?field=dc.title"),
    *("/repositories/1/forget", "/sources/2/"),
    *("/destinations/", "/destinations/1/conflicts/", "/destinations/1/conflicts/?before=last"),
    *("/destinations/1/remove", "/metrics"),
    *("/items/?kind=pdf", "/items/?state=present", "/items/?state=withdrawn", "/items/?q=harb*+-977"),
    *("/items/?q=nothingatall&item_set=1", "/items/?q=harbour&job=1"),
    *("/items/?item_set=1&job=1", "/items/?item_set=1&sort=title", "/items/?job=1&sort=newest-date"),
    *("/items/?q=nothingatall&year=1911", "/items/?year=1911&sort=title", "/items/?files=yes"),
    # All items of a set, job or kind, and few of a state. Many and few dates.
    *("/items/?item_set=1&state=withdrawn", "/items/?item_set=1&state=withdrawn&sort=title"),
    *("/items/?job=1&state=vanished", "/items/?kind=pdf&state=withdrawn", "/items/?from=1911&to=1960&state=withdrawn"),
    *("/items/?from=1911&to=1960", "/items/?from=1911&to=1960&sort=oldest-date", "/items/?item_set=1&from=1911"),
    *("/items/?language=l4&from=1911&to=1960&sort=title", "/items/?kind=pdf&from=1911&to=1911&sort=oldest-date"),
    # All items have the parts of these words, and none has the words.
    *("/items/?q=%22as+the+port%22", "/items/?q=%22as+the+port%22&sort=title", "/items/?q=arbour*"),
    *("/items/?q=%22as+the+port%22&item_set=1", "/items/?q=%22as+the+port%22&repository=1"),
    "/items/?join=and&term=dcterms:title&op=contains&value=as+the+port",
    # What the page of a long list loads later.
    *("/items/filters?item_set=1", "/items/filters?job=1", "/items/filters?q=harbour&job=1", "/items/filters?q=of"),
    *("/items/filters?from=1911&to=1920", "/items/filters?language=l3&kind=pdf", "/items/filters?repository=1"),
    # Words of two and one characters that no item, few items and all items have.
    *("/items/?q=zz", "/items/?q=7", "/items/?q=of", "/items/?q=of+harbour+7", "/items/?q=of&job=1", "/items/?q=zzz"),
)
API = (
    *("/api/items", "/api/items?size=100", "/api/items?size=100&sort=oldest-import&after=100000", "/api/items?job=1"),
    *(
        "/api/items?q=harbour&size=100",
        "/api/items?q=nothingatall",
        "/api/items?q=harbour+977",
        "/api/items?item_set=1",
    ),
    *("/api/items?sort=title&type=Type+3", "/api/items?q=harbour&sort=newest-date", "/api/items?from=1911&to=1920"),
    "/api/items?join=and&term=dcterms:title&op=contains&value=harbour+97",
    *("/api/items?item_set=1", "/api/items/101", "/api/item-sets", "/api/jobs/3", "/api/jobs/1"),
)
UNDO = "/jobs/1/undo"
POLL, PAGE, TIMES, BROWSERS = 50.0, 200.0, 5, 20  # milliseconds


def pages(console: Console, quick: bool) -> None:
    """Print the median of some answers of each page, on SQLite and, where it is installed, on PostgreSQL."""
    items = 2_000 if quick else FULL
    databases = {"SQLite": nullcontext("")} | ({"PostgreSQL": server()} if which("initdb") else {})
    table = Table("page", *databases)
    table.title = f"Milliseconds with {items:,} items and {2 * items:,} files"
    columns = []
    for url in databases.values():
        with url as address, _instance(items, address) as app:
            columns.append(_column(app))
    for name, *figures in zip(columns[0], *(column.values() for column in columns), strict=True):
        table.add_row(name, *figures)
    console.print(table)


@contextmanager
def _instance(items: int, url: str) -> Iterator[Flask]:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(load({"CONNECTOR_INSTANCE": folder} | ({"CONNECTOR_DATABASE_URL": url} if url else {})))
        web_pages.init_app(app)
        app.config["COSTLY_A_MINUTE"] = 1_000_000  # searches of a person, who asks more slowly
        prepare(app)
        signed_in.admit(app)
        app.test_client_class = signed_in.SignedIn
        make(app, items)
        yield app
        with app.app_context():
            db.session.remove()
            db.engine.dispose()


def _column(app: Flask) -> dict[str, str]:
    browser = app.test_client()
    with app.app_context():
        token = access_tokens.create(user_management.find_account(signed_in.NAME).id, "bench")
    browser.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    column = {address: at_most(_milliseconds(partial(_get, browser, address)), POLL) for address in POLLS}
    column |= {address: at_most(_milliseconds(partial(_get, browser, address)), PAGE) for address in (*PAGES, *API)}
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # as in the server of the product
    with serve(app, WEB_THREADS) as url:
        for address, name in (("/jobs/3/live", "a running job"), ("/jobs/1/", "a finished job")):
            column[f"{BROWSERS} browsers on {name}"] = f"{_at_once(app, url + address):.0f}"
    with app.app_context(), transaction():  # an undo is refused while a job is running
        db.session.execute(update(Job).where(Job.state == State.RUNNING).values(state=State.STOPPED))
    return column | {UNDO: at_most(_milliseconds(partial(_get, browser, UNDO)), PAGE)}


def _get(browser: FlaskClient, address: str) -> None:
    status = browser.get(address).status_code
    if status != 200:
        raise RuntimeError(f"{address} answered {status}")


def _milliseconds(act: Callable[[], object]) -> float:
    act()
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        act()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def _at_once(app: Flask, address: str) -> float:
    """Return the milliseconds until all browsers have their answer, asked for at the same moment."""
    cookie = signed_in.cookie(app)
    ready = threading.Barrier(BROWSERS + 1)

    def ask(_: int) -> None:
        ready.wait()
        requests.get(address, cookies={cookie["name"]: cookie["value"]}, timeout=600).raise_for_status()

    with ThreadPoolExecutor(BROWSERS) as pool:
        answers = pool.map(ask, range(BROWSERS))
        ready.wait()
        began = time.perf_counter()
        list(answers)
        return (time.perf_counter() - began) * 1000
