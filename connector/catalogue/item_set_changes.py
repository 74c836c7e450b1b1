"""Item sets that people make, change and delete, and the items that they put there."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Select, delete, exists, insert, literal, null, select

from ..accounts import audit
from ..errors import InvalidInputError
from ..extensions import count_rows, db, transaction
from ..i18n import gettext as _
from ..models.catalogue import MEMBER, MEMBERSHIP, ItemSet
from . import item_set_queries


class SetTexts(NamedTuple):
    """The texts of an item set."""

    name: str
    description: str = ""
    rights: str = ""
    license: str = ""


def create(texts: SetTexts) -> int:
    """Make an item set and return its id. Raise InvalidInputError if the name is taken."""
    with transaction():
        _check_name(texts.name)
        item_set = ItemSet(**texts._asdict())
        db.session.add(item_set)
        db.session.flush()
        audit.note("item set made", texts.name, item_set=item_set.id)
        return item_set.id


def change(item_set_id: int, texts: SetTexts) -> None:
    """Change the texts of an item set. Raise NotFoundError, or InvalidInputError if the new name is taken."""
    with transaction():
        item_set = item_set_queries.get(item_set_id)
        if texts.name != item_set.name:
            _check_name(texts.name)
        before = {name: getattr(item_set, name) for name in SetTexts._fields}
        for name, text in texts._asdict().items():
            setattr(item_set, name, text)
        audit.note("item set changed", texts.name, item_set=item_set_id, before=before)


def remove(item_set_id: int) -> None:
    """Delete an item set. Its items stay. Raise NotFoundError."""
    with transaction():
        item_set = item_set_queries.get(item_set_id)
        audit.note("item set deleted", item_set.name, item_set=item_set_id)
        db.session.delete(item_set)


def put_in(item_set_id: int, item_ids: Select[int]) -> int:
    """Put items into an item set and return how many were not there before. Raise NotFoundError.

    They stay there, also if an import finds that they left the collection of the set.
    """
    with transaction():
        item_set = item_set_queries.get(item_set_id)
        chosen = item_ids.subquery()
        here = MEMBERSHIP.c.item_set_id == item_set_id
        is_inside = exists().where(here, MEMBERSHIP.c.item_id == chosen.c[0])
        new = count_rows(chosen, ~is_inside)
        is_put = exists().where(here, MEMBERSHIP.c.item_id == chosen.c[0], MEMBERSHIP.c.source_id.is_(None))
        rows = select(literal(item_set_id), chosen.c[0], null()).where(~is_put)
        db.session.execute(insert(MEMBERSHIP).from_select(["item_set_id", "item_id", "source_id"], rows))
        removed = (MEMBER.c.item_set_id == item_set_id, MEMBER.c.item_id.in_(item_ids))
        db.session.execute(delete(MEMBER).where(*removed))
        audit.note("put into item set", item_set.name, item_set=item_set_id, items=new)
        return new


def take_out(item_set_id: int, item_ids: Select[int]) -> int:
    """Take items out of an item set and return how many were there. Raise NotFoundError.

    Imports do not put them back.
    """
    with transaction():
        item_set = item_set_queries.get(item_set_id)
        here = MEMBERSHIP.c.item_set_id == item_set_id
        inside = select(MEMBERSHIP.c.item_id).where(here, MEMBERSHIP.c.item_id.in_(item_ids)).distinct().subquery()
        removed = count_rows(inside)
        is_known = exists().where(MEMBER.c.item_set_id == item_set_id, MEMBER.c.item_id == inside.c[0])
        rows = select(literal(item_set_id), inside.c[0]).where(~is_known)
        db.session.execute(insert(MEMBER).from_select(["item_set_id", "item_id"], rows))
        db.session.execute(delete(MEMBERSHIP).where(here, MEMBERSHIP.c.item_id.in_(item_ids)))
        audit.note("taken out of item set", item_set.name, item_set=item_set_id, items=removed)
        return removed


def _check_name(name: str) -> None:
    if db.session.scalar(select(ItemSet.id).where(ItemSet.name == name).limit(1)) is not None:
        raise InvalidInputError(_("There is already an item set “%(name)s”. Choose another name.", name=name), "name")
