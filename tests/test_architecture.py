"""The pictures of the layers show the imports as they are, and test modules stand alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture import DOCUMENT, PICTURES, picture

TESTS = Path(__file__).parent


def modules_imported_by(path: Path) -> Iterator[str]:
    """Yield the dotted name of each module, and of each name of a module, that this file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module or ''}.{alias.name}" for alias in node.names)


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
