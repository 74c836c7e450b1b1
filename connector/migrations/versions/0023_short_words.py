"""Lines for the words of one or two characters in the search texts

The index of searches is dropped, because changing it for each item takes far longer than making it again. The start of
the app does that after the upgrade.
"""

import operator
import re

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

BATCH, SHORT = 500, 2
TEXTS = ("search_text", "restricted_search_text")
ITEM = sa.table("item", sa.column("id"), *map(sa.column, TEXTS))
WORD = re.compile(r"\w+")
UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u3005-\u3007\u3041-\u31ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7af"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+"
)


def upgrade() -> None:
    _drop_search_index()
    bind, last = op.get_bind(), 0
    changed = {name: sa.bindparam(name) for name in TEXTS}
    update = sa.update(ITEM).where(ITEM.c.id == sa.bindparam("item_id")).values(changed)
    while rows := bind.execute(sa.select(ITEM).where(ITEM.c.id > last).order_by(ITEM.c.id).limit(BATCH)).all():
        bind.execute(update, [{"item_id": row.id} | {name: _lined(getattr(row, name)) for name in TEXTS} for row in rows])
        last = rows[-1].id


def _drop_search_index() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for action in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER IF EXISTS item_trigram_{action}")
    else:
        for name in TEXTS:
            op.execute(f"DROP INDEX IF EXISTS ix_item_{name}_trigrams")


def _lined(text: str | None) -> str | None:
    """Return a search text with a line for each of its short words, and with line breaks around it."""
    if text is None:
        return None
    lines = dict.fromkeys(filter(None, text.split("\n")))
    return "\n".join(("", *lines, *sorted(_short_words("\n".join(lines)) - lines.keys()), ""))


def _short_words(text: str) -> set[str]:
    words = {word for word in WORD.findall(UNSPACED.sub(" ", text)) if len(word) <= SHORT}
    for run in UNSPACED.findall(text):
        words.update(run, map(operator.add, run, run[1:]))
    return words
