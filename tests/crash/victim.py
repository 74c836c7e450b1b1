"""Runs `flask …` and, at the n-th pass of a point, kills its own process as a loss of power would: no handler runs.

`python -m tests.crash.victim TALLY POINT NUMBER flask-arguments…`; NUMBER 0 kills never. At the end, or just before it
dies, the file TALLY gets a JSON object: how often each point was passed.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import signal
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask.cli import main
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from connector.storage.content_store import FileFolder

SCHEMA = ("CREATE ", "ALTER ", "DROP ", "INSERT INTO alembic_version", "UPDATE alembic_version")
WRITING = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM) (\w+)")
OF_ITEMS = {"item", "holding", "membership", "item_set"}
OF_FILES = {"file", "stored_file"}
passed: Counter[str] = Counter()


def watch(tally: Path, point: str, number: int) -> None:
    """Count the passes of all points, and die at one of them."""

    def here(name: str) -> None:
        passed[name] += 1
        if name == point and passed[name] == number:
            save()
            os.kill(os.getpid(), signal.SIGKILL)

    def save() -> None:
        tally.write_text(json.dumps(passed))

    written: set[str] = set()  # the tables, in the transaction under way in the main thread

    def what() -> str:
        return "items" if written & OF_ITEMS else "a file" if written & OF_FILES else "the job"

    def committed(session: Session) -> None:
        here(f"after a commit of {what()}")
        written.clear()

    def statement(connection: Any, cursor: Any, text: str, *rest: Any) -> None:
        if threading.current_thread() is threading.main_thread():  # the heartbeat passes as often as it likes
            here("before a statement")
            written.update(WRITING.findall(text))
        if text.lstrip().startswith(SCHEMA):
            here("in the migration")

    atexit.register(save)
    event.listen(Session, "before_commit", lambda session: here(f"before a commit of {what()}"))
    event.listen(Session, "after_commit", committed)
    event.listen(Session, "after_rollback", lambda session: written.clear())
    event.listen(Engine, "before_cursor_execute", statement)
    around("keep", lambda: here("before a file's rename"), lambda: here("between a file's rename and its row"))
    around("remove", lambda: here("between the end of a row and of its bytes"), lambda: here("after bytes are removed"))


def around(method: str, before: Callable[[], None], after: Callable[[], None]) -> None:
    """Have a method of the files folder pass two points."""
    original = getattr(FileFolder, method)

    def wrapped(*args: Any) -> None:
        before()
        original(*args)
        after()

    setattr(FileFolder, method, wrapped)


if __name__ == "__main__":
    watch(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
    sys.argv[:4] = ["flask"]
    main()
