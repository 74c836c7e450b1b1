"""No page and no poll of a job does more work in a larger instance."""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import app_at, let_go

from .large import make
from .work import steps_of

JOBS = ("/jobs/1/", "/jobs/2/", "/jobs/3/", "/jobs/3/live", "/jobs/3/row", "/jobs/4/", "/jobs/")


@pytest.fixture(scope="module")
def instances(template, tmp_path_factory):
    """Two apps, of which the second has four times as many items in its catalogue."""
    apps = []
    for items in (1000, 4000):
        folder = tmp_path_factory.mktemp("large") / "instance"
        shutil.copytree(template, folder)
        apps.append(app_at(folder))
        make(apps[-1], items)
    yield apps
    for app in apps:
        let_go(app)


@pytest.mark.parametrize("address", JOBS)
def test_the_work_of_a_page_does_not_grow_with_the_number_of_items(instances, address):
    steps = []
    for app in instances:
        browser = app.test_client()
        assert browser.get(address).status_code == 200
        steps.append(steps_of(app, lambda browser=browser: browser.get(address)))

    assert steps[1] <= 1.1 * steps[0] + 1000, f"{steps} steps of SQLite"
