"""A small part of the fault matrix. `make test-faults` runs all of it."""

from __future__ import annotations

import pytest

from .cell import run_cell

CELLS = [
    ("4", "root", "HTML"),
    ("4", "file", "503 past"),
    ("6", "page", "cut"),
    ("6", "page", "totals low"),
    ("6", "item", "drop"),
    ("6", "file", "totals low"),
    ("7", "tree", "totals high"),
    ("7", "page", "429 1 h"),
    ("7", "file list", "totals low"),
    ("7", "item", "shape"),
    ("9", "page", "totals low"),
    ("9", "page", "bomb"),
    ("9", "item", "redirect"),
    ("9", "file list", "no rows"),
    ("9", "file", "500"),
    ("9", "file", "hang"),
    ("6 OAI-PMH alone", "sets", "same page"),
    ("6 OAI-PMH alone", "more records", "no match"),
    ("9 OAI-PMH alone", "Identify", "HTML"),
    ("9 OAI-PMH alone", "first records", "half"),
    ("9 OAI-PMH alone", "more records", "500"),
    ("9 OAI-PMH alone", "more records", "expired token"),
    ("9 OAI-PMH alone", "more records", "same page"),
    ("9 OAI-PMH alone", "record", "refused"),
    ("9 OAI-PMH alone", "file", "cut"),
    ("9 OAI-PMH beside REST", "more records", "500"),
    ("9 OAI-PMH beside REST", "more records", "same token"),
    ("9 OAI-PMH beside REST", "page", "totals low"),
]


@pytest.mark.parametrize(("setup", "name", "fault"), CELLS)
def test_faults_are_survived_reported_and_repaired_by_the_next_import(world_of, setup, name, fault):
    verdict = run_cell(world_of(setup), name, fault)

    assert (verdict.met, verdict.failed, verdict.reason) == (True, "", "")
