"""The cost of every regular expression of the product is in proportion to the length of its text."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import connector
from connector.word_search import Term
from tests.growth import cost_grows_faster_than_input

ROOT = Path(connector.__file__).parent
METHODS = ("search", "match", "fullmatch", "sub", "subn", "split", "findall", "finditer")
# What costs the square takes at least 50 ms at the last length, and what costs more takes them at an earlier one. What
# costs in proportion takes about a millisecond.
LENGTHS = (24, 256, 16_384)
SUSPECT = 0.01  # seconds
REPRESENTATIVES = ("a", "0", " ", "-", ".", "/", '"', "\u00e9")
ENDS = ("", "\n", "!")
# Modules that make expressions of the terms of a search. These have no parts of their own, so terms stand for them.
OF_TERMS = ("connector.catalogue.found_words",)
TERMS = [Term("a"), Term("aaa", is_prefix=True), Term("a-a a"), Term("a.c*")]


class Use(NamedTuple):
    """A regular expression of a module, and a method that is called of it."""

    where: str
    pattern: re.Pattern
    method: str


@cache
def sources() -> dict[str, ast.Module]:
    """Return the syntax trees of all modules but migrations, which see no text from outside, by their names."""
    paths = (path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)
    return {module_name(path): ast.parse(path.read_text()) for path in paths}


def module_name(path: Path) -> str:
    return ".".join(("connector", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def is_re(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "re"


def compiled(call: ast.Call, module: str) -> re.Pattern:
    """Return the regular expression of a call of a function of `re`. Raises NameError where it is made when it runs."""
    names = vars(importlib.import_module(module))
    value, *others = (*call.args, *(keyword.value for keyword in call.keywords))
    flags = [node for node in others if any(is_re(inner) for inner in ast.walk(node))]
    pattern, *flags = (eval(ast.unparse(node), names) for node in (value, *flags))
    return re.compile(pattern, *flags)


def methods_called() -> dict[str, set[str]]:
    """Return which methods of regular expressions are called of each name, whatever module it is in."""
    found: dict[str, set[str]] = {}
    for node in (node for tree in sources().values() for node in ast.walk(tree)):
        if isinstance(node, ast.Attribute) and node.attr in METHODS and not is_re(node):
            owner = getattr(node.value, "id", getattr(node.value, "attr", ""))
            found.setdefault(owner, set()).add(node.attr)
    return found


def uses() -> Iterator[Use]:
    expression = re.compile("|".join(term.expression for term in TERMS))
    yield from (Use(f"terms of a search {method}", expression, method) for method in ("search", "finditer"))
    called = methods_called()
    for module, tree in sources().items():
        if module in OF_TERMS:
            continue
        named = {
            id(node.value): node.targets[0].id
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and is_re(node.func) and node.func.attr in ("compile", *METHODS):
                name = named.get(id(node), "")
                methods = called.get(name, {"search"}) if node.func.attr == "compile" else {node.func.attr}
                for method in sorted(methods):
                    yield Use(f"{module}:{node.lineno} {name} {method}", compiled(node, module), method)


USES = list(uses())


def texts(pattern: re.Pattern) -> set[tuple[str, str, str]]:
    """Return (start, repeated part, end) of texts that are likely to cost much, made of what the pattern is made of."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    words = set(re.findall(r"[\w/:<>. -]{2,}", source))
    pieces = {*REPRESENTATIVES, *(char for char in source if not char.isalnum()), *words}
    pairs = {"".join(pair) for pair in product(REPRESENTATIVES, repeat=2)}
    joined = {f"/{word}" for word in words} | {f"{word}/" for word in words} | {f"/{word}/" for word in words}
    repeated = {("", piece, end) for piece in pieces | pairs | joined for end in ENDS}
    return repeated | {(start, piece, end) for start in pieces for piece in REPRESENTATIVES for end in ENDS[:2]}


def run(use: Use, text: str) -> None:
    subject: Any = text.encode() if isinstance(use.pattern.pattern, bytes) else text
    call = getattr(use.pattern, use.method)
    found = call(subject[:0], subject) if use.method in ("sub", "subn") else call(subject)
    if use.method == "finditer":
        list(found)


def cost_of(use: Use, start: str, piece: str, end: str) -> Any:
    def call(size: int) -> None:
        run(use, start + piece * (size // len(piece)) + end)

    return call


def is_suspect(call: Callable[[int], object]) -> bool:
    for length in LENGTHS:
        began = time.thread_time()
        call(length)
        if time.thread_time() - began > SUSPECT:
            return True
    return False


def slow(use: Use) -> list[tuple[str, str, str]]:
    """Return texts of which twice the length costs over three times as much; at most one, to save time."""
    for text in sorted(texts(use.pattern)):
        call = cost_of(use, *text)
        if is_suspect(call) and cost_grows_faster_than_input(call, 2 * LENGTHS[-1]):
            return [text]
    return []


def test_all_regular_expressions_are_found():
    modules = {use.where.partition(":")[0] for use in USES}

    assert {"connector.dspace.urls", "connector.http.bot_challenges", "connector.jobs.notifications"} <= modules
    assert not [
        name
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "re"
    ]


@pytest.mark.parametrize("use", USES, ids=[use.where for use in USES])
def test_the_cost_of_a_regular_expression_grows_in_proportion_to_the_text(use):
    assert slow(use) == []


@pytest.mark.parametrize("source", ["<meta[^>]*name[^>]*>", r"(a+)+b", r"\s*-", "(.*?/(?:jspui|xmlui))(?:/.*)?!"])
def test_a_regular_expression_of_quadratic_cost_is_noticed(source):
    assert slow(Use("here", re.compile(source), "search"))
