"""The columns of the matrix: the faults. Each is given as members of `Fault` of the sample."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate
from functools import cache
from typing import Any

from tests.sample.answers import Answer
from tests.sample.oai import HEADERS as XML, ROOT

from .setups import Api

A_LONG_TIME = "3600"  # seconds
PAST = formatdate(0, usegmt=True)
FUTURE = formatdate(32_503_680_000, usegmt=True)  # the year 3000
RETRY_AFTER = {
    "": None,
    "1 s": "1",
    "1 h": A_LONG_TIME,
    "1e9 s": "1000000000",
    "past": PAST,
    "3000": FUTURE,
    "odd": "soon",
}
PAGE = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>"
HTML = {"Content-Type": "text/html;charset=UTF-8"}
JSON = {"Content-Type": "application/json"}
BOMB_BYTES = 32 * 2**20
OAI_PAGE = 3  # records or sets
COUNTS = re.compile(rb'("(?:totalElements|totalPages|numberItems|countItems)":|completeListSize=")\d+')
ROWS = re.compile(rb'("(?:objects|items|bundles|bitstreams|communities|collections)":\[).*(?=\])', re.DOTALL)
ELEMENTS = re.compile(rb"<(record|set|header)>.*</\1>", re.DOTALL)
TOKEN = re.compile(rb"(<resumptionToken[^>]*>)([^<]*/)\d+(?=<)")
HIGH, LOW = 10**12, 1


def busy(status: int, name: str) -> dict[str, Any]:
    """A server that asks to be left alone, with this form of Retry-After."""
    value = RETRY_AFTER[name]
    return {"status": status, "headers": {"Retry-After": value} if value else {}}


def lying(count: int) -> dict[str, Any]:
    """An answer whose counts of rows, or of its own bytes, are this one."""

    def change(answer: Answer) -> Answer:
        headers = dict(answer.headers)
        if "Content-Length" in headers:
            headers["Content-Length"] = str(count)
        return replace(answer, body=COUNTS.sub(rb"\g<1>%d" % count, answer.body), headers=headers)

    return {"change": change}


def without_rows(answer: Answer) -> Answer:
    """A list without rows, whose counts say so, too; an object without members."""
    if answer.body.startswith(b"["):
        return replace(answer, body=b"[]")
    return replace(answer, body=COUNTS.sub(rb"\g<1>0", ROWS.sub(rb"\1", ELEMENTS.sub(b"", answer.body))))


def halved(answer: Answer) -> Answer:
    """An answer whose second half is missing, though the server says that it is complete."""
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def with_same_token(answer: Answer) -> Answer:
    """A page of a list that leads to the second page, whichever it is."""
    return replace(answer, body=TOKEN.sub(rb"\g<1>\g<2>%d" % OAI_PAGE, answer.body))


def repeating() -> Callable[[Answer], Answer]:
    """Return a change that gives the rows of the first answer again, with the tokens of the true one."""
    rows: list[bytes] = []

    def change(answer: Answer) -> Answer:
        found = ELEMENTS.search(answer.body)
        rows.extend([found[0]] if found else [])
        return replace(answer, body=ELEMENTS.sub(lambda found: rows[0], answer.body))

    return change


def refusing(code: str) -> dict[str, Any]:
    """An error of OAI-PMH, which is sent with status 200."""
    return {"status": 200, "body": f'{ROOT}<error code="{code}">No</error></OAI-PMH>', "headers": XML}


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(BOMB_BYTES), 9)


FAULTS: dict[str, Callable[[], dict[str, Any]]] = {
    "500": lambda: {"status": 500},
    **{f"503 {name}".strip(): lambda name=name: busy(503, name) for name in RETRY_AFTER},
    **{f"429 {name}".strip(): lambda name=name: busy(429, name) for name in RETRY_AFTER},
    "drop": lambda: {"drop": True},
    "cut": lambda: {"cut": 3},
    "half": lambda: {"change": halved},
    "HTML": lambda: {"status": 200, "body": PAGE, "headers": HTML},
    "shape": lambda: {"status": 200, "body": '{"unexpected": [1, {"a": null}]}', "headers": JSON},
    "empty": lambda: {"status": 200, "body": ""},
    "no rows": lambda: {"change": without_rows},
    "hang": lambda: {"hang": True},
    "drip": lambda: {"drip": 0.05},
    "redirect": lambda: {"status": 302, "body": "", "headers": {"Location": "/login?from=api"}},
    "loop": lambda: {"status": 302, "body": "", "headers": {"Location": "#again"}},
    "bomb": lambda: {"status": 200, "body": bomb(), "headers": {"Content-Encoding": "gzip"}},
    "totals high": lambda: lying(HIGH),
    "totals low": lambda: lying(LOW),
}
OAI_FAULTS: dict[str, Callable[[], dict[str, Any]]] = {
    "expired token": lambda: refusing("badResumptionToken"),
    "same token": lambda: {"change": with_same_token},
    "same page": lambda: {"change": repeating()},
    "refused": lambda: refusing("badArgument"),
    "no match": lambda: refusing("noRecordsMatch"),
}


def faults_of(api: Api, name: str) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return the faults that an object of an API can have."""
    is_rest = api in (Api.LEGACY, Api.HAL) or name in ("page", "file")
    return FAULTS if is_rest else FAULTS | OAI_FAULTS
