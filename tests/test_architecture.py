"""The pictures of the layers show the imports as they are, and test modules stand alone."""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Table

from connector.extensions import db
from tests.architecture import DOCUMENT, PICTURES, picture

TESTS = Path(__file__).parent
PRODUCT = TESTS.parent / "connector"


def modules_imported_by(path: Path) -> Iterator[str]:
    """Yield the dotted name of each module, and of each name of a module, that this file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


def test_each_constant_with_a_table_has_the_name_that_the_rule_gives():
    last_words = Counter(name.rpartition("_")[2] for name in db.metadata.tables)
    modules = [vars(module) for name, module in sys.modules.items() if name.startswith("connector.models.")]
    found = {(name, value.name) for module in modules for name, value in module.items() if isinstance(value, Table)}

    last = {name: name.rpartition("_")[2] for name in db.metadata.tables}
    assert len(found) > 30
    assert found == {((table if last_words[last[table]] > 1 else last[table]).upper(), table) for _, table in found}


def test_no_two_modules_have_the_same_name():
    modules = [path.stem for path in PRODUCT.rglob("*.py") if path.stem != "__init__"]

    assert [name for name, number in Counter(modules).items() if number > 1] == []


@pytest.mark.parametrize("name", PICTURES)
def test_the_document_shows_the_current_layers(name):
    assert picture(*PICTURES[name]) in DOCUMENT.read_text(), "run make picture"


def test_no_module_imports_from_a_test_module():
    test_modules = {path.stem for path in TESTS.rglob("test_*.py")}
    imports = {
        f"{path.relative_to(TESTS)} imports {name}"
        for path in TESTS.rglob("*.py")
        for name in modules_imported_by(path)
        if test_modules & set(name.split("."))
    }

    assert imports == set(), "Move what they share to a conftest.py or to a module without tests."
