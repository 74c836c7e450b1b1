"""Thousands of synthetic items, the same each time, for the benchmark."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import count

from .model import Repository
from .records import Collection, Given

WORDS = ("harbour", "light", "river", "survey", "winter", "engine", "school", "garden", "copper", "thunder", "ledger")
FIELDS = ("dc.subject", "dc.description", "dc.contributor.author", "dc.identifier.other", "local.note")
BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
ALWAYS = 6  # values each item has besides: title, date issued, type, two dates of accession, handle URL


def grow(data: Repository, items: int = 1000, values: int = 15, files: int = 0, seed: int = 7) -> Collection:
    """Add a collection "Synthetic items" of this many items, each with this many values (at least 6) and files."""
    chance = random.Random(seed)
    ticks = (BEGIN + timedelta(seconds=step) for step in count())
    now, data.clock = data.clock, lambda: next(ticks)
    home = data.add_collection("Synthetic items", data.add_community("Synthetic"))
    for number in range(items):
        item = data.add_item(home, _fields(chance, number, values - ALWAYS))
        for file in range(files):
            data.add_file(item, f"file-{file}.txt", b"%d/%d\n" % (number, file))
    data.clock = now
    return home


def grow_large(data: Repository, files: int, size: int, seed: int = 7) -> Collection:
    """A new collection, "Large files", of this many items with one file of `size` bytes each, no two of them alike.

    All are views of one buffer, so that they cost no more memory than one of them.
    """
    home = data.add_collection("Large files", data.add_community("Large"))
    buffer = memoryview(random.Random(seed).randbytes(size + files))
    for number in range(files):
        item = data.add_item(home, [("dc.title", [f"Large file {number}"])])
        data.add_file(item, f"large-{number}.bin", buffer[number : number + size], "application/octet-stream")
    return home


def _fields(chance: random.Random, number: int, more: int) -> list[tuple[str, list[Given]]]:
    fields: dict[str, list[Given]] = {
        "dc.title": [f"Item {number:06d}: {' '.join(chance.choices(WORDS, k=4))}"],
        "dc.date.issued": [str(1900 + number % 120)],
        "dc.type": ["Text"],
    }
    for step in range(more):
        text = " ".join(chance.choices(WORDS, k=3 + 4 * (step % 3)))
        fields.setdefault(FIELDS[step % len(FIELDS)], []).append(text)
    return list(fields.items())
