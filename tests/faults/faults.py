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
COUNTS = re.compile(rb'"(totalElements|totalPages|numberItems|countItems)":\d+')
ROWS = re.compile(rb'"(objects|items|bundles|bitstreams|communities|collections)":\[.*\]', re.DOTALL)
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
        return replace(answer, body=COUNTS.sub(rb'"\1":%d' % count, answer.body), headers=headers)

    return {"change": change}


def without_rows(answer: Answer) -> Answer:
    """A list without rows, whose counts say so, too; an object without members."""
    if answer.body.startswith(b"["):
        return replace(answer, body=b"[]")
    return replace(answer, body=COUNTS.sub(rb'"\1":0', ROWS.sub(rb'"\1":[]', answer.body)))


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(BOMB_BYTES), 9)


FAULTS: dict[str, Callable[[], dict[str, Any]]] = {
    "500": lambda: {"status": 500},
    **{f"503 {name}".strip(): lambda name=name: busy(503, name) for name in RETRY_AFTER},
    **{f"429 {name}".strip(): lambda name=name: busy(429, name) for name in RETRY_AFTER},
    "drop": lambda: {"drop": True},
    "cut": lambda: {"cut": 3},
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
