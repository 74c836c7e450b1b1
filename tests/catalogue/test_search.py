"""Which item set a person means by a number or a name."""

from __future__ import annotations

import pytest

from connector.catalogue.search import item_set_named
from connector.errors import InvalidInputError
from connector.extensions import db, transaction
from connector.models.catalogue import ItemSet


@pytest.fixture
def item_sets(app):
    """The ids of two item sets, by name: Maps, and one whose name is a number that none has as its id."""
    with app.app_context():
        with transaction():
            made = [ItemSet(name=name) for name in ("Maps", "1848")]
            db.session.add_all(made)
            db.session.flush()
            ids = {one.name: one.id for one in made}
        yield ids


def test_an_item_set_is_meant_by_its_number_or_name(item_sets):
    assert item_set_named("Maps") == item_set_named(str(item_sets["Maps"])) == item_sets["Maps"]
    assert item_set_named("1848") == item_sets["1848"]


@pytest.mark.parametrize("text", ["Charts", "99", "²", "٣²", "9" * 20, "9" * 5000, "-1", ""])
def test_a_search_in_an_unknown_item_set_is_refused_with_a_sentence(item_sets, text):
    with pytest.raises(InvalidInputError, match="names no item set"):
        item_set_named(text)


@pytest.mark.parametrize("text", ["²", "9" * 20])
def test_an_export_of_no_item_set_ends_with_a_sentence(app, text):
    with app.app_context():
        told = app.test_cli_runner().invoke(args=["export", "--item-set", text])

    assert (told.exit_code, told.output) == (2, f"Error: “{text}” names no item set.\n")
