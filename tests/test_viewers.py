"""The pages for viewers: no links to pages that refuse them, and no columns that are empty for them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html

from tests import signed_in
from tests.conftest import app_at, let_go
from tests.gallery.instance import VIEWER_TOKEN, furnish
from tests.omeka_server import Omeka
from tests.pages import lasting_links
from tests.sample import SampleRepository

RTL = re.compile("[\u0590-\u08ff]")


@pytest.fixture(scope="module")
def full_app(tmp_path_factory: pytest.TempPathFactory, template: Path) -> Iterator[Flask]:
    """An app in which something of everything has happened; not to be changed."""
    folder = tmp_path_factory.mktemp("furnished") / "instance"
    shutil.copytree(template, folder)
    app = app_at(folder)
    with SampleRepository(9) as sample, Omeka() as omeka:
        furnish(app, sample, omeka)
        yield app
    let_go(app)


def pages_of(client: FlaskClient) -> dict[str, tuple[int, str]]:
    """Return the status and the text of every page that links lead to, once for each kind of address."""
    pages, queue = dict[str, tuple[int, str]](), ["/"]
    while queue:
        address = queue.pop(0).partition("#")[0]
        kind = re.sub(r"=[^&]*", "=", re.sub(r"%[0-9A-F]{2}", "", address))
        if kind in pages or not address.startswith("/") or "/files/" in address:
            continue
        answer = client.get(address, buffered=True, follow_redirects=True)
        pages[kind] = (answer.status_code, answer.text if answer.mimetype == "text/html" else "")
        queue += lasting_links(answer) if answer.mimetype == "text/html" else []
    return pages


@pytest.fixture(scope="module")
def as_viewer(full_app: Flask) -> dict[str, tuple[int, str]]:
    """The pages as a viewer sees them."""
    browser = full_app.test_client()
    kept = signed_in.cookie(full_app, VIEWER_TOKEN)
    browser.set_cookie(kept["name"], kept["value"])
    return pages_of(browser)


@pytest.fixture(scope="module")
def as_admin(full_app: Flask) -> dict[str, tuple[int, str]]:
    """The pages as an admin sees them."""
    return pages_of(full_app.test_client())


def empty_columns(text: str) -> set[str]:
    """Return the headings of the columns in which no row has anything."""
    found = set[str]()
    for table in html.fromstring(text).iter("table"):
        headings = [cell.text_content().strip() for cell in table.findall("thead/tr/th")]
        rows = [row.findall("*") for row in table.findall("tbody/tr")]
        for number, heading in enumerate(headings):
            cells = [row[number] for row in rows if len(row) == len(headings)]
            if cells and not any(cell.text_content().strip() or cell.findall(".//input") for cell in cells):
                found.add(heading)
    return found


def test_no_page_leads_a_viewer_to_one_that_refuses(as_viewer):
    assert len(as_viewer) > 20
    assert {address: status for address, (status, _) in as_viewer.items() if status != 200} == {}


def test_no_column_is_empty_for_viewers_only(as_viewer, as_admin):
    both = as_viewer.keys() & as_admin.keys()

    found = {
        address: empty_columns(as_viewer[address][1]) - empty_columns(as_admin[address][1])
        for address in both
        if as_viewer[address][1] and as_admin[address][1]
    }

    assert {address: columns for address, columns in found.items() if columns} == {}


def test_every_name_from_outside_keeps_its_own_direction(as_admin):
    found = {address: mixed(text) for address, (_, text) in as_admin.items() if text}

    assert {address: texts for address, texts in found.items() if texts} == {}


def mixed(text: str) -> list[str]:
    """Return the texts of a page in which a name from right to left stands beside words of the app."""
    found = []
    for element in html.fromstring(text).find("body").iter():
        if not isinstance(element.tag, str) or element.tag in ("script", "bdi") or element.get("dir"):
            continue
        own = [element.text or "", *(child.tail or "" for child in element)]
        if any(map(RTL.search, own)) and not any(
            above.tag == "bdi" or above.get("dir") for above in element.iterancestors()
        ):
            found.append(" ".join(element.text_content().split())[:100])
    return found
