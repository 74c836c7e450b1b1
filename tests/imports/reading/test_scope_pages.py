"""Changed items are read in full pages where most of a page has changed, otherwise one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tests.sample import FREE, SampleRepository, grow

from ..catalogue import titles
from ..steps import import_of


def edit(sample, items) -> None:
    for item in items:
        sample.data.edit(item, "dc.title", [f"New title of {item.number}"])


def grown(sample, number: int):
    home = grow(sample.data, items=number, files=1)
    return home, [item for item in sample.data.items.values() if item.collection is home]


def test_a_source_with_only_changed_items_takes_hardly_more_requests_than_a_full_check(app):
    with SampleRepository(9, costs=replace(FREE, bundles_request=0.02)) as sample, app.app_context():
        home, items = grown(sample, 330)
        run = import_of(sample, home)
        run()
        full = import_of(sample, home, full=True)().counts["requests"]
        edit(sample, items)

        job = run()

        assert (job.counts["updated"], job.clean) == (330, True)
        assert full < 100
        assert job.counts["requests"] <= full + 30


def test_light_pages_are_read_again_behind_the_items_that_changed(importer, dspace):
    dspace.page_size = 20
    for number in range(400):
        dspace.add(f"i{number:03}")
    importer.run()
    for number in range(100, 160):
        dspace.edit(f"i{number:03}", title="Changed")
    dspace.listings.clear()

    job = importer.run()

    assert (job.counts["seen"], job.counts["updated"], job.counts["unchanged"], job.clean) == (400, 60, 340, True)
    assert dspace.listings == ["light", "complete", "light"]
    assert dspace.details == []


def test_a_few_changed_items_are_read_one_by_one(importer, dspace):
    dspace.page_size = 100
    for number in range(100):
        dspace.add(f"i{number:03}")
    importer.run()
    for number in range(40):
        dspace.edit(f"i{number:03}", title="Changed")
    dspace.listings.clear()

    job = importer.run()

    assert (job.counts["updated"], dspace.listings, len(dspace.details)) == (40, ["light"], 40)


def test_an_import_that_stops_among_full_pages_resumes_with_them(importer, dspace):
    dspace.page_size = 80
    for number in range(400):
        dspace.add(f"i{number:03}")
    importer.run()
    for number in range(400):
        dspace.edit(f"i{number:03}", title=f"Title {number}")
    job_id = importer.create()
    dspace.before_page = stop_at(2, lambda: importer.stop(job_id))
    importer.work(job_id)
    stopped = importer.job(job_id)
    dspace.before_page = lambda number: None
    dspace.listings.clear()
    job = importer.resume(job_id)

    assert (stopped.state, 0 < stopped.counts["seen"] < 400) == ("stopped", True)
    assert (job.counts["updated"], job.counts["seen"], job.clean) == (400, 400, True)
    assert dspace.listings == ["complete"]
    assert titles(importer.app)["i399"] == "Title 399"


def stop_at(page: int, stop: Callable[[], None]) -> Callable[[int], None]:
    """Call `stop` before the page of this number."""
    return lambda number: stop() if number == page else None
