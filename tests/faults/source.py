"""The repository of the matrix. It is small, with one item whose files fill more than one page of any list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

from tests.sample import Collection, Repository

TOP = "Archive"
EMBEDDED = 4  # bundles in an item that a list brings; DSpace is asked for fewer of them than in use
BUNDLES = EMBEDDED + 1
OPENED = datetime(2026, 1, 1, tzinfo=UTC)


def fresh(site: str) -> Repository:
    """Return the repository as the first import finds it."""
    data = Repository("Faulty library", site=site)
    data.clock = _steps()
    top = data.add_community(TOP)
    letters = data.add_collection("Letters", data.add_community("Correspondence", top))
    pictures = data.add_collection("Pictures", top)
    for number in range(9):
        _add(data, pictures, f"Picture {number}", files=1 + number % 2)
    for number in range(3):
        _add(data, letters, f"Letter {number}", files=1)
    several = data.named("Letter 2")
    for number in range(BUNDLES):
        data.add_file(several, "note.txt", b"%d" % number, bundle=f"NOTES {number}")
    return data


def edited(site: str) -> Repository:
    """Return it as the second import finds it: items edited, with more files, new, withdrawn and deleted."""
    data = fresh(site)
    data.clock = lambda: datetime.now(UTC)
    data.edit(data.named("Picture 0"), "dc.title", ["Picture 0, seen again"])
    data.add_file(data.named("Picture 1"), "more.txt", b"one file more")
    _add(data, data.named("Letters"), "Letter 3", files=1)
    data.withdraw(data.named("Picture 7"))
    data.delete(data.named("Picture 8"))
    return data


def _add(data: Repository, home: Collection, title: str, files: int) -> None:
    item = data.add_item(home, [("dc.title", [title]), ("dc.contributor.author", ["Ames, A.", "Bell, B."])])
    for number in range(files):
        data.add_file(item, f"{title} {number}.txt", f"The bytes of {title}, {number}\n".encode() * 20)


def _steps() -> Callable[[], datetime]:
    steps = count()
    return lambda: OPENED + timedelta(minutes=next(steps))
