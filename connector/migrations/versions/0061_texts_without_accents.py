"""Search texts and sorted titles without accents, vowel marks and line extensions

The index of searches is dropped, because changing it for each item takes far longer than making it again. The start of
the app does that after the upgrade.
"""

import operator
import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0061"
down_revision = "0060"

BATCH, SHORT = 500, 2
TEXTS = ("search_text", "restricted_search_text")
ITEM = sa.table("item", sa.column("id"), sa.column("title_sort"), *map(sa.column, TEXTS))
WORD = re.compile(r"\w+")
UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7af"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)
MARKS = re.compile("[\u0300-\u036f\u0591-\u05bd\u0640\u064b-\u065f\u0670]")
LETTERS = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe"})


def upgrade() -> None:
    _drop_search_index()
    bind, last = op.get_bind(), 0
    names = ("title_sort", *TEXTS)
    changed = {name: sa.bindparam(f"new_{name}") for name in names}
    update = sa.update(ITEM).where(ITEM.c.id == sa.bindparam("item_id")).values(changed)
    while rows := bind.execute(sa.select(ITEM).where(ITEM.c.id > last).order_by(ITEM.c.id).limit(BATCH)).all():
        last = rows[-1].id
        new = [(row, (_folded(row.title_sort), *(_lined(getattr(row, name)) for name in TEXTS))) for row in rows]
        values = [
            {"item_id": row.id} | {f"new_{name}": text for name, text in zip(names, texts, strict=True)}
            for row, texts in new
            if texts != tuple(getattr(row, name) for name in names)
        ]
        if values:
            bind.execute(update, values)


def _drop_search_index() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER IF EXISTS item_trigram_{action}")
    else:
        for name in TEXTS:
            op.execute(f"DROP INDEX IF EXISTS ix_item_{name}_trigrams")


def _folded(text: str) -> str:
    """Return a text that has no upper case without marks, on one line."""
    if text.isascii():
        return text
    bare = MARKS.sub("", unicodedata.normalize("NFD", text)).translate(LETTERS)
    return unicodedata.normalize("NFC", " ".join(bare.split()))


def _lined(text: str | None) -> str | None:
    """Return a search text with its lines folded, each once, and then the lines of its short words."""
    if text is None or text.isascii():
        return text
    old = [line for line in text.split("\n") if line]
    lines = dict.fromkeys(line for line in map(_folded, old[: _own_lines(old)]) if line)
    return "\n".join(("", *lines, *sorted(_short_words("\n".join(lines)) - lines.keys()), ""))


def _own_lines(lines: list[str]) -> int:
    """Return the number of lines before those that are there only because they are short words."""
    at = next((n for n in range(len(lines), 0, -1) if len(lines[n - 1]) > SHORT), 0)
    for number in range(at, len(lines)):
        own = lines[:number]
        if lines[number:] == sorted(_short_words("\n".join(own)) - set(own)):
            return number
    return len(lines)


def _short_words(text: str) -> set[str]:
    words = {word for word in WORD.findall(UNSPACED.sub(" ", text)) if len(word) <= SHORT}
    for run in UNSPACED.findall(text):
        words.update(run, map(operator.add, run, run[1:]))
    return words
