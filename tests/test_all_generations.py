"""An import through real HTTP for every generation: the catalogue holds the same data as the sample."""

from __future__ import annotations

import hashlib
import shutil

import pytest

from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.jobs import lifecycle
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.conftest import app_at, let_go
from tests.library import GENERATIONS, Library
from tests.sample import SampleRepository


@pytest.fixture(params=GENERATIONS)
def library(request, app):
    with SampleRepository(request.param) as sample:
        yield Library(app, sample)


@pytest.fixture(scope="module", params=GENERATIONS)
def imported(request, template, tmp_path_factory):
    """A library and the job that has imported all of it. Tests only read."""
    instance = tmp_path_factory.mktemp("imported") / "instance"
    shutil.copytree(template, instance)
    app = app_at(instance)
    with SampleRepository(request.param) as sample:
        library = Library(app, sample)
        yield library, library.run()
    let_go(app)


def spoken(value: str | None, generation: int) -> str | None:
    """A value as the API gives it: DSpace 7 and later trim it and make spaces of control characters."""
    if generation < 7 or value is None:
        return value
    return "".join(" " if ord(c) < 32 else c for c in value).strip()


def told(language: str | None, generation: int) -> str | None:
    """A language as the API gives it: not at all on 4; on 5 and 6 "" and none differ."""
    if generation == 4:
        return None
    return language if generation < 7 else language or None


def by_field(values) -> dict[str, list]:
    fields: dict[str, list] = {}
    for field, *rest in values:
        fields.setdefault(field, []).append(tuple(rest))
    return fields


def test_every_item_is_imported_with_every_value_and_file(imported):
    library, job = imported
    generation = library.sample.generation

    there, held = library.visible(), library.records()
    assert set(held) == set(there)
    assert (job.clean, job.counts["seen"], job.counts["added"], job.counts["failed"]) == (
        True,
        len(there),
        len(there),
        0,
    )
    assert job.expected - job.counts["not_visible"] == job.counts["seen"]
    for handle, item in there.items():
        record = held[handle]
        assert record["source_id"] == (str(item.number) if generation < 6 else item.uuid)
        got = by_field((v["field"], v["value"], v["language"]) for v in record["metadata"])
        want = by_field((v.field, v.value, told(v.language, generation)) for v in item.metadata)
        for field, values in want.items():
            heard = [(spoken(value, generation), language) for value, language in values]
            assert [(spoken(v, generation), lang) for v, lang in got.get(field, [])] == heard, (handle, field)
        assert set(got) <= set(want)


def test_every_file_is_imported_with_its_properties_and_public_files_are_downloaded(imported):
    library, _ = imported

    held = library.records()
    for handle, item in library.visible().items():
        files = {file["checksum"] or file["name"]: file for file in held[handle]["files"]}
        for bundle in item.bundles:
            for bitstream in bundle.bitstreams:
                if not bundle.readable or (library.sample.generation < 7 and not bitstream.readable):
                    continue
                file = files[bitstream.checksum or bitstream.name]
                assert (file["bundle"], file["description"]) == (bundle.name, bitstream.description)
                assert (file["size"], file["media_type"]) == (len(bitstream.content), bitstream.mimetype)
                if bundle.name != "ORIGINAL":
                    assert (file["fate"], file["path"]) == ("linked", None)
                elif not bitstream.readable:
                    assert file["fate"] == "restricted"
                else:
                    assert file["fate"] == ("stored" if bitstream.checksum else "unverified")
                    assert library.bytes_of(file) == bitstream.content
                    assert file["sha256"] == hashlib.sha256(bitstream.content).hexdigest()


def test_links_lead_back_and_item_sets_mirror_the_collections(imported):
    library, _ = imported

    url = library.sample.url
    held = library.records()
    for handle, item in library.visible().items():
        record = held[handle]
        uris = [v.value for v in item.metadata if v.field == "dc.identifier.uri" and v.value.endswith(f"/{handle}")]
        page = f"{url}/items/{item.uuid}" if library.sample.generation >= 7 else f"{url}/handle/{handle}"
        assert record["page_link"] == page
        assert record["link"] == (uris[0] if uris else page)
        shown = {item.collection} if library.sample.generation >= 7 else set(item.collections)
        assert {home.name for home in shown if home.readable} <= set(record["item_sets"])


def without_time(records: dict[str, dict]) -> dict[str, dict]:
    """A time stamp alone that moved makes no update, so there is nothing to undo (private items of DSpace 4)."""
    return {handle: record | {"last_modified": None} for handle, record in records.items()}


def changed(data) -> dict[str, str]:
    """Change the sample in every way that a listing shows; gives what became of each item, by handle."""
    gazette = data.named("Aldermouth Gazette")
    items = [item for item in data.items.values() if item.collection is gazette]
    edited, filed, withdrawn, private, restricted, deleted, replaced = items[:7]
    data.edit(edited, "dc.title", ["A new title", ("Ein neuer Titel", "de")])
    data.add_file(filed, "new.txt", b"new bytes")
    data.withdraw(withdrawn)
    data.make_private(private)
    data.restrict(restricted)
    data.delete(deleted)
    data.edit(replaced, "dc.subject", [])
    added = data.add_item(gazette, [("dc.title", ["Quite new"])])
    return {
        edited.handle: "updated",
        filed.handle: "updated",
        replaced.handle: "updated",
        added.handle: "added",
        withdrawn.handle: "withdrawn",
        private.handle: "hidden",
        restricted.handle: "hidden",
        deleted.handle: "vanished",
    }


def test_a_second_import_updates_and_marks_items_and_can_be_undone(library):
    first = library.run()
    before = library.records()
    statuses = changed(library.sample.data)
    generation = library.sample.generation

    second = library.run()

    after = library.records()
    states = {handle: after[handle]["source_state"] for handle in statuses}
    if generation == 4:  # private ones are listed as all others there; an unknown one answers as a closed one
        statuses = {
            h: "updated" if f == "hidden" and after[h]["source_state"] == "present" else f for h, f in statuses.items()
        }
        statuses = {handle: "hidden" if status == "vanished" else status for handle, status in statuses.items()}
    if generation < 7:  # a withdrawn item answers as a closed one
        statuses = {handle: "hidden" if status == "withdrawn" else status for handle, status in statuses.items()}
    marks = {handle: status for handle, status in statuses.items() if status not in ("updated", "added")}
    assert {handle: state for handle, state in states.items() if state != "present"} == marks
    assert (second.counts["added"], second.counts["vanished"], second.counts["failed"], second.clean) == (
        1,
        len(marks),
        0,
        True,
    )
    assert second.counts["updated"] == 3
    assert second.counts["unchanged"] == first.counts["seen"] - 3 - len(marks)
    edited = next(handle for handle, status in statuses.items() if status == "updated")
    assert after[edited]["title"] == "A new title"

    undone = library.undo(second.id)

    assert (undone.counts["removed"], undone.counts["restored"], undone.counts["kept"]) == (1, 3, 0)
    assert without_time(library.records()) == without_time(before)
    library.undo(first.id)
    assert library.records() == {}


def test_an_unreliable_repository_loses_and_duplicates_nothing(library, app):
    faults = library.sample.faults
    faults.add(lambda path: "/communities" in path, times=1, status=500)
    faults.add(lambda path: "tems" in path, times=2, status=503)
    faults.add(lambda path: "tems" in path, times=1, status=429, headers={"Retry-After": "1"})
    faults.add(lambda path: "tems" in path, times=1, cut=200)
    faults.add(
        lambda path: "tems" in path, times=1, body="<html>maintenance</html>", headers={"Content-Type": "text/html"}
    )
    faults.add(lambda path: "bitstreams" in path and ("content" in path or "retrieve" in path), times=1, cut=3)

    job = library.run()

    assert (job.clean, job.counts["seen"], job.counts["failed"]) == (True, len(library.visible()), 0)
    assert set(library.records()) == set(library.visible())
    assert job.files["damaged"] == job.files["failed"] == 0


def test_an_upgraded_repository_duplicates_no_item_and_downloads_no_file_again(app):
    with SampleRepository(5) as old:
        library = Library(app, old)
        first = library.run()
        port, data = int(old.url.rsplit(":", 1)[1]), old.data
    with SampleRepository(9, port=port, data=data) as new:
        library = Library(app, new)

        second = library.run()

        content = [path for _, path in new.requests if path.endswith("/content")]
        held = library.records()
        assert set(held) == set(library.visible())
        assert second.counts["added"] == 0
        assert second.counts["seen"] == first.counts["seen"]
        embargoed = [b for b in data.bitstreams.values() if b.item and not b.readable]
        assert len(content) <= len(embargoed) + 1
        assert {record["source_id"] for record in held.values()} == {i.uuid for i in library.visible().values()}


def test_a_deleted_scope_is_an_error_and_never_another_scope(library, app):
    with app.app_context():
        found = discovery.connect(library.sample.url, "rest", None)
        collection = library.sample.data.named("Aldermouth Gazette")
        scope = discovery.find(found.repository_id, ScopeKind.COLLECTION, collection.handle).scope
        source_id = service.source_for(found.repository_id, scope)
        del library.sample.data.collections[collection.uuid]
        library.sample.data.handles.pop(collection.handle)
        library.sample.data.numbered.pop(("collection", collection.number))
        job_id = queueing.create(source_id, ImportOptions())

        carry_out(job_id)

        job = lifecycle.get(job_id)
        assert (job.state, job.counts["seen"]) == ("failed", 0)
