"""The files of an item when the source lists them again."""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs
from sqlalchemy import event

from connector.catalogue import file_rows, store
from connector.catalogue.repository_context import RepositoryContext
from connector.catalogue.store import FILE
from connector.dspace.records import Bitstream, Item, MetadataValue
from connector.extensions import db, transaction
from connector.models.repositories import Repository


def test_files_with_the_same_name_keep_their_statuses_when_an_upgrade_changes_their_ids(app):
    files = [Bitstream(str(n), "ORIGINAL", "same.txt", None, "text/plain", n, f"{n:032x}", "MD5", n) for n in (1, 2)]
    item = Item("12", "1/2", "Two of a name", "then", (), tuple(files))
    statuses = {1: "stored", 2: "restricted"}
    with app.app_context():
        with transaction():
            address = {"address_key": "a", "site_url": "https://a.example", "api_url": "https://a.example/rest"}
            repository = Repository(**address, endpoint="rest", generation=5, version="5.x")
            db.session.add(repository)
            db.session.flush()
            place = RepositoryContext(repository.id, repository.server)
            store.save(place, [item])
            for size, status in statuses.items():
                db.session.execute(db.update(FILE).where(FILE.c.size == size).values(status=status))
        upgraded = replace(
            item, id="a-uuid", bitstreams=tuple(structs.replace(file, id=f"uuid-{file.id}") for file in files)
        )

        with transaction():
            [saved] = store.save(place, [upgraded])

        rows = file_rows.files_of([saved.item_id])[saved.item_id]
        assert {row["bitstream_id"]: row["status"] for row in rows} == {"uuid-1": "stored", "uuid-2": "restricted"}


def test_characters_that_databases_cannot_store_do_not_stop_an_item(app):
    broken = "a\ud800b\x00c"
    with app.app_context(), transaction():
        repository = Repository(address_key="r", site_url="http://r", api_url="http://r", endpoint="rest", generation=6)
        repository.version = "6.3"
        db.session.add(repository)
        db.session.flush()
        files = (Bitstream("b1", "ORIGINAL", broken, description=broken),)
        item = Item("u", "1/1", broken, None, (MetadataValue("dc.title", broken),), files)

        store.save(RepositoryContext(repository.id, repository.server), [item])

        [row] = db.session.execute(db.select(store.ITEM.c.title, store.ITEM.c.source_metadata)).all()
        assert row.title == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
        assert row.source_metadata[0]["value"] == broken
        assert db.session.scalar(db.select(FILE.c.name)) == row.title


def test_a_page_of_many_new_items_takes_as_many_statements_as_a_page_of_one(app):
    values = (MetadataValue("dc.title", "One of many"), MetadataValue("dc.type", "Text"))
    items = [Item(f"id-{number}", f"1/{number}", "One of many", None, values, ()) for number in range(30)]
    statements: list[str] = []
    with app.app_context():
        with transaction():
            repository = Repository(address_key="r", site_url="http://r", api_url="http://r", endpoint="rest")
            repository.generation, repository.version = 9, "9.3"
            db.session.add(repository)
        place = RepositoryContext(repository.id, repository.server)
        event.listen(db.engine, "before_cursor_execute", lambda *of: statements.append(of[2]))

        with transaction():
            store.save(place, items[:1])
        of_one = len(statements)
        with transaction():
            store.save(place, items[1:])

    assert len(statements) == 2 * of_one
    [values_of_all] = [each.partition(" VALUES ")[2] for each in statements[of_one:] if "INTO item (" in each]
    assert values_of_all.count("), (") == len(items[1:]) - 1  # a statement for each row is slower on SQLite
