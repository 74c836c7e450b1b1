"""A repository sends a NUL or half of a surrogate pair: identifiers fail alone, labels and pages show U+FFFD."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from connector.dspace.records import ScopeKind
from connector.imports.import_options import ImportOptions
from connector.imports.start import queueing
from connector.models.jobs import Kind
from connector.repositories import discovery, service
from connector.tasks import carry_out
from tests.imports.sample_importer import SampleImporter
from tests.sample import SampleRepository, laboratory

TITLE = "An item of its own"
ODD = [rb"\u0000", rb"\ud800"]
SHOWN = "\N{REPLACEMENT CHARACTER}"


def put(sample: SampleRepository, after: str, odd: bytes) -> None:
    """From now on all answers hold odd characters behind this text."""
    text = after.encode()

    def changed(answer):
        body = (
            answer.body.replace(text, text + odd) if b"json" in answer.headers["Content-Type"].encode() else answer.body
        )
        return replace(answer, body=body)

    sample.faults.add("", times=None, change=changed)


@pytest.mark.parametrize("what", ["handle", "uuid", "lastModified", "file"])
@pytest.mark.parametrize(("generation", "odd"), [(6, ODD[0]), (9, ODD[1])])
def test_only_the_item_with_an_identifier_that_cannot_be_stored_fails(app, generation, what, odd):
    with SampleRepository(generation, content=laboratory) as sample:
        item = sample.data.add_item(sample.data.named("Special files"), [("dc.title", [TITLE])], "123456789/oddone")
        file = sample.data.add_file(item, "thesis.pdf", b"%PDF", "application/pdf")
        item.last_modified = datetime(1987, 6, 5, tzinfo=UTC)
        importer = SampleImporter(app, sample)
        after = {"handle": item.handle, "uuid": item.uuid, "lastModified": "1987-06-05", "file": file.uuid}[what]
        put(sample, f'"{after}' if what != "handle" else f'"handle":"{after}', odd)

        job = importer.run(files=False)

        # An item whose files cannot be read keeps its metadata; it is a problem, too.
        failed = 0 if what == "file" else 1
        assert (job.state, job.clean, job.counts["failed"]) == ("completed", False, failed), job.message
        assert [record["files"] for title, record in importer.records().items() if title == TITLE] == [[]] * (
            1 - failed
        )
        assert len(importer.records()) > 20


@pytest.mark.parametrize(("generation", "odd"), [(6, ODD[1]), (9, ODD[0]), (9, ODD[1])])
def test_names_that_cannot_be_stored_are_shown_with_a_replacement_character(app, generation, odd):
    with SampleRepository(generation, content=laboratory) as sample:
        collection = sample.data.named("Special files")
        put(sample, '"Special files', odd)
        put(sample, f'"handle":"{collection.handle}', odd)
        put(sample, '"dspaceName":"', odd)
        importer = SampleImporter(app, sample)

        job = importer.run(files=False, item_set_from_collection=True)

        assert (job.state, job.counts["failed"]) == ("completed", 0)
        client = app.test_client()
        assert f"Special files{SHOWN}" in client.get("/item-sets/").text
        for page in ("", "collections", "communities"):
            assert client.get(f"/repositories/{importer.repository_id}/{page}").status_code == 200


@pytest.mark.parametrize("generation", [6, 9])
def test_a_value_with_half_a_surrogate_pair_is_kept_exactly_and_shown_with_a_replacement_character(app, generation):
    with SampleRepository(generation, content=laboratory) as sample:
        home = sample.data.named("Special files")
        sample.data.add_item(home, [("dc.title", [TITLE]), ("dc.description", ["A value of its own"])])
        put(sample, "A value of its own", rb"\ud800")
        importer = SampleImporter(app, sample)

        importer.run(files=False)

        record = importer.records()[TITLE]
        assert "A value of its own\ud800" in [entry["value"] for entry in record["metadata"]]
        client = app.test_client()
        assert f"A value of its own{SHOWN}" in client.get(f"/items/{record['id']}/").text
        assert TITLE in client.get(f"/items/?q=%22A+value+of+its+own{SHOWN}%22").text


def test_a_sample_item_with_half_a_surrogate_pair_can_be_looked_at(app):
    with SampleRepository(9, content=laboratory) as sample:
        put(sample, '"value":"', rb"\ud800")
        importer = SampleImporter(app, sample)
        with app.app_context():
            scope = discovery.find(importer.repository_id, ScopeKind.REPOSITORY, "").scope
            source_id = service.source_for(importer.repository_id, scope)
            job_id = queueing.create(source_id, ImportOptions(rehearse=2, samples_only=True), kind=Kind.PREVIEW)
            assert carry_out(job_id)

        page = app.test_client().get(f"/jobs/{job_id}/samples/1/")

        assert (page.status_code, SHOWN in page.text) == (200, True)
