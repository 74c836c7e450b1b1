"""Every address of the app with its form and query names and odd values: never status 500 and no traceback."""

from __future__ import annotations

import io
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from flask import Response
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings, strategies as st
from werkzeug.routing import IntegerConverter, Rule

from tests import signed_in
from tests.conftest import app_at, let_go
from tests.thoroughness import share

ROOT = Path(__file__).parents[2]
CASES = share(2_000, part=10)
IN_TEMPLATES = re.compile(r'name="([\w-]+)"')
IN_VIEWS = re.compile(r'(?:args|form|values)\.get(?:list)?\(\s*f?"([\w-]+)|^    (\w+) = \w+Field\(', re.M)
# What is asked of the network is typed here and made up nowhere: a name that somebody owns must not be among it.
ADDRESSES = [
    "http://127.0.0.1:1/",
    "http://[",
    "127.0.0.1:99999",
    "http://10.0.0.1/",
    "ftp://127.0.0.1/",
    " ",
    "//",
    "x y",
]
METHODS = ["GET", "POST"]
HANDED_OVER = ("url", "next", "endpoint")
FILE = "sent as a file"

odd = st.one_of(
    st.sampled_from(
        ["", "0", "1", "2", "3", "-1", "9" * 30, "1e9", "on", "true", "null", "None", "\x00", "%", "'", '"><b>']
    ),
    st.sampled_from(["collection:123456789/7", "repository:", "item:x", "a:b:c", "../..", "{{7*7}}", "2026-13-45"]),
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.integers().map(str),
)


def names() -> list[str]:
    """Every name that a template or a view uses in a form or a query."""
    templates = [path.read_text() for path in (ROOT / "templates").rglob("*.html")]
    views = [path.read_text() for path in (ROOT / "connector").rglob("*.py")]
    found = [name for text in templates for name in IN_TEMPLATES.findall(text)]
    found += [name for text in views for names in IN_VIEWS.findall(text) for name in names if name]
    return sorted(set(found))


NAMES = names()


@st.composite
def fields(draw: Any) -> dict[str, list[str]]:
    """A query or a form: some of the names, each with one or more values."""
    chosen = draw(st.lists(st.sampled_from(NAMES), max_size=6, unique=True))
    return {name: draw(st.lists(_values(name), min_size=1, max_size=3)) for name in chosen}


def _values(name: str) -> st.SearchStrategy[str]:
    return st.sampled_from(ADDRESSES) if name in HANDED_OVER else odd


@st.composite
def bodies(draw: Any) -> dict[str, Any]:
    """What is sent, as the client is told of it: a form, some of its fields as files perhaps, or JSON of any shape."""
    form = draw(fields())
    files = dict.fromkeys(draw(st.lists(st.sampled_from(NAMES), max_size=3, unique=True)), FILE)
    shapes = st.one_of(st.just(form), st.just(list(form)), st.integers(), st.none(), odd)
    return draw(st.sampled_from([{"data": form}, {"data": form | files}, {"json": draw(shapes)}]))


def sendable(body: dict[str, Any]) -> dict[str, Any]:
    """The same with a fresh file for each field that is to be one: a file is read only once."""
    fields = body.get("data")
    if not isinstance(fields, dict):
        return body
    return {"data": {name: (io.BytesIO(b"x"), "x.txt") if text == FILE else text for name, text in fields.items()}}


@pytest.fixture(scope="module")
def world(stock, tmp_path_factory):
    """An app with a stocked catalogue, that raises what a server would log."""
    instance = tmp_path_factory.mktemp("fuzz") / "instance"
    shutil.copytree(stock, instance)
    app = app_at(instance)
    app.config.update(WTF_CSRF_ENABLED=False, TESTING=False, COSTLY_A_MINUTE=10**9)
    app.logger.disabled = True
    yield app
    let_go(app)


@st.composite
def addresses(draw: Any) -> tuple[int, list[str], str]:
    """(number of a rule of the app, texts for the arguments in its path, method)."""
    texts = st.one_of(st.sampled_from(["1", "2", "3", "collections"]), odd)
    return draw(st.integers(0, 500)), draw(st.lists(texts, min_size=4, max_size=4)), draw(st.sampled_from(METHODS))


def address(app: Any, number: int, texts: list[str], method: str) -> str:
    """The path that is meant; where the texts do not fit it, the one that any reader would type."""
    rules = [rule for rule in app.url_map.iter_rules() if method in rule.methods and rule.endpoint != "static"]
    rule = rules[number % len(rules)]
    adapter = app.url_map.bind("localhost")
    for values in ([_fitting(rule, *pair) for pair in zip(rule.arguments, texts, strict=False)], None):
        try:
            return adapter.build(rule.endpoint, dict(values or [(name, 1) for name in rule.arguments]), method)
        except (ValueError, LookupError):
            continue
    return "/items/"


def _fitting(rule: Rule, name: str, text: str) -> tuple[str, Any]:
    if isinstance(rule._converters[name], IntegerConverter):
        return name, int(text) if text.isascii() and text.isdigit() else len(text)
    return name, text or "x"


@settings(
    max_examples=CASES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)
@given(asked=addresses(), query=fields(), body=bodies(), fragment=st.booleans())
def test_no_form_and_no_query_breaks_a_page(world, asked, query, body, fragment):
    path, method = address(world, *asked), asked[2]
    headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if fragment else {}
    browser = world.test_client()
    signed_in.admit(world)  # whom the case before may have signed out, or made a viewer

    sent = sendable(body) if method == "POST" else {}
    answer = browser.open(path, method=method, query_string=query, headers=headers, buffered=True, **sent)

    assert answer.status_code != 500, (method, path, query, body)
    assert b"Traceback" not in answer.data


ODD_BODIES = [
    {"data": dict.fromkeys(NAMES, FILE)},
    {"json": [1]},
    {"json": 5},
    {"json": "x"},
    {"json": dict.fromkeys(NAMES, 1)},
    {"json": {name: {"a": []} for name in NAMES}},
    {"data": "{", "content_type": "application/json"},
]


@pytest.mark.parametrize("body", ODD_BODIES, ids=lambda body: str(body)[:24])
@pytest.mark.parametrize("signed", [True, False])
def test_no_input_breaks_a_page_with_a_form(world, body, signed):
    broken = []
    for rule in [rule for rule in world.url_map.iter_rules() if "POST" in rule.methods]:
        signed_in.admit(world)
        browser = world.test_client() if signed else FlaskClient(world, Response)
        path = world.url_map.bind("localhost").build(rule.endpoint, dict.fromkeys(rule.arguments, 1), "POST")
        answer = browser.post(path, buffered=True, **sendable(body))
        if answer.status_code == 500:
            broken.append(path)

    assert broken == []
