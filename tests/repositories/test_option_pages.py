"""The page Import options: its settings, its lists, and the job that Import starts."""

from __future__ import annotations

import gzip
import html
import re

import pytest

from connector.catalogue import crosswalk_rules
from connector.extensions import db
from connector.jobs import lifecycle
from connector.models.jobs import Job
from tests.pages import FRAGMENT, buttons, words
from tests.sample import SampleRepository

SETTINGS = {"files": "y", "item_set": "new", "item_set_name": "Harbour", "comment": "A <b>note</b>", "test": "3"}
SETTINGS |= {"file_limit": "1.5 GB", "files_limit": "20 GB", "hours": "22:00 – 6:00", "full": "y"}


@pytest.fixture
def connected(client, sample):
    """A client that has connected to the sample, which has forgotten what it was asked for that."""
    client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""})
    sample.reset()
    return client


def listed(client, name, query="", repository=1):
    return client.get(f"/repositories/{repository}/{name}{query}", headers=FRAGMENT)


def named(scopes, kind):
    return [scope for scope in scopes if scope.startswith(f"{kind}:")]


def ways(page):
    """What is not shown yet: the addresses of the rows below the closed communities, and of the further rows."""
    return [html.unescape(address) for address in re.findall(r'hx-get="(/repositories/1/[^"]*below=[^"]*)"', page.text)]


def test_opening_the_page_asks_the_repository_for_nothing(connected, sample):
    page = connected.get("/repositories/1/")

    for word in ("Basic import settings", "Collections", "Communities", "Entire repository", "Ignored fields"):
        assert word in words(page)
    assert buttons(page, "scope") == ["repository:"]
    assert sample.requests == []


def test_all_collections_are_listed_below_their_communities(connected, sample):
    page = listed(connected, "collections")

    scopes = buttons(page, "scope")
    assert (len(named(scopes, "collection")), len(named(scopes, "community"))) == (8, 8)
    assert f"collection:{sample.data.named('Harbour photographs').handle}" in scopes
    below = "Maps & Pictures Import whole community 2 collections : Maps & Pictures Harbour photographs Import"
    assert below in words(page)
    assert f"{sample.url}/handle/{sample.data.named('Harbour photographs').handle}".encode() in page.data


def test_communities_are_listed_as_a_tree(connected):
    page = listed(connected, "communities")

    assert len(buttons(page, "scope")) == 8
    text = words(page)
    assert "City Library of Aldermouth Import 3 communities below : City Library of Aldermouth Local history" in text
    assert "Local history Import 1 community below : Local history Newspapers Import" in text
    assert page.data.count(b"<ul") - page.data.count(b"</ul>") == 0


def test_a_filter_shows_matching_rows_without_another_request(connected, sample):
    listed(connected, "collections")
    sample.reset()

    page = listed(connected, "collections", "?q_collections=PHOTO+maps")

    assert len(named(buttons(page, "scope"), "collection")) == 1
    assert "1 of 8 collections" in words(page)
    assert sample.requests == []


def test_a_filtered_tree_shows_the_parents_of_matching_rows(connected):
    page = listed(connected, "communities", "?q_communities=newspapers")

    assert "City Library of Aldermouth Local history Import 1 community below : Local history Newspapers" in words(page)
    assert "Maps & Pictures" not in words(page)


def test_reload_asks_the_repository_again(connected, sample):
    listed(connected, "communities")
    sample.data.add_community("Brand new")

    assert "Brand new" not in words(listed(connected, "communities"))
    assert "Brand new" in words(listed(connected, "communities", "?reload=communities"))


def test_a_list_that_fails_says_why_and_can_be_tried_again_in_place(connected, sample):
    sample.faults.add("/server/api/", times=None, status=403)

    failed = listed(connected, "collections")
    sample.faults.clear()
    again = listed(connected, "collections")

    assert failed.status_code == 200
    assert "Try again" in words(failed)
    assert b'hx-target="#collections"' in failed.data
    assert len(named(buttons(again, "scope"), "collection")) == 8


@pytest.mark.parametrize("name", ["collections", "communities"])
def test_a_reload_that_fails_keeps_the_list_and_tells_its_age(connected, sample, name):
    listed(connected, name)
    sample.faults.add("/server/api/", times=None, status=403)

    failed = listed(connected, name, f"?reload={name}")
    filtered = listed(connected, name, f"?q_{name}=local")

    assert re.search(r"As of \d+ \w+ \d{4}, \d\d:\d\d ?\.", words(filtered))
    assert "A firewall may block this app" in words(failed)
    assert re.search(r"The list below is from \d+ \w+ \d{4}, \d\d:\d\d ?\.", words(failed))
    assert len(named(buttons(failed, "scope"), name.replace("ies", "y").rstrip("s"))) == 8


def test_long_lists_are_folded_and_a_filter_unfolds_them(connected, sample):
    for number in range(101):
        sample.data.add_collection(f"Collection {number}", sample.data.add_community(f"Department {number}"))

    lists = [listed(connected, name) for name in ("collections", "communities")]
    filtered = [listed(connected, name, f"?q_{name}=local") for name in ("collections", "communities")]

    assert [re.search(r"<details[^>]* open", page.text) for page in lists] == [None, None]
    for page in filtered:
        assert re.findall(r"<details[^>]*>", page.text) == re.findall(r"<details[^>]* open>", page.text) != []


def test_the_buttons_are_named_for_what_they_import(connected, sample):
    page = listed(connected, "collections")

    assert 'aria-label="Import Harbour photographs">Import</button>' in page.text


def test_the_spinner_stands_beside_the_button_that_loads_the_list(connected):
    page = connected.get("/repositories/1/")

    for name in ("collections", "communities"):
        beside = page.text.partition(f'id="busy-{name}"')[0].rpartition('<div class="filter">')[2]
        assert f'name="reload" value="{name}"' in beside
        assert "</div>" not in beside


SHAPES = {  # communities at the top, communities below each, collections below each of those
    "one deep community": (1, 250, 20),
    "few communities": (10, 25, 20),
    "many communities": (5000, 0, 1),
    "one flat community": (1, 0, 5000),
    "500 collections": (5, 5, 20),
}


def grow(data, top, below, leaves):
    for number in range(top):
        community = data.add_community(f"Faculty of very long and quite ordinary names of departments, number {number}")
        inner = [data.add_community(f"Department {number}.{step}", community) for step in range(below)]
        for home in inner or [community]:
            for step in range(leaves):
                data.add_collection(f"Theses and dissertations of the years {1900 + step} to {1901 + step}", home)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("name", ["collections", "communities"])
def test_pages_of_long_lists_stay_below_100_kb(connected, sample, shape, name):
    grow(sample.data, *shape)

    page = connected.get(f"/repositories/1/{name}")
    filtered = connected.get(f"/repositories/1/{name}?q_{name}=e")
    levels = [connected.get(address, headers=FRAGMENT) for address in ways(page)[:1] + ways(page)[-1:]]

    assert [len(one.data) < 100_000 for one in (page, filtered, *levels)] == [True] * (2 + len(levels))
    assert all(buttons(level, "scope") for level in levels)


def test_each_collection_of_a_long_list_is_reached_by_opening_what_is_closed(connected, sample):
    grow(sample.data, 3, 30, 3)
    grow(sample.data, 1, 0, 100)

    pages = [listed(connected, "collections")]
    for page in pages:
        pages += [connected.get(address, headers=FRAGMENT) for address in ways(page)]

    found = [scope for page in pages for scope in buttons(page, "scope")]
    assert {f"collection:{one.handle}" for one in sample.data.collections.values() if "Theses" in one.name} <= set(
        found
    )
    assert len(found) == len(set(found))


def test_an_opened_community_shows_what_the_filter_matches(connected, sample):
    grow(sample.data, 2, 2, 100)

    page = listed(connected, "collections", "?q_collections=dissertations+1900")
    long = listed(connected, "collections", "?q_collections=dissertations+19")
    below = connected.get(ways(long)[0], headers=FRAGMENT)

    assert "4 of 408 collections." in words(page)
    assert ways(page) == []
    assert "q_collections=dissertations+19" in ways(long)[0]
    assert len(named(buttons(below, "scope"), "collection")) == 80
    assert "years 1900 to" in words(below)


def test_a_list_is_compressed_for_browsers_that_accept_it(connected):
    page = listed(connected, "collections")
    packed = connected.get("/repositories/1/collections", headers=FRAGMENT | {"Accept-Encoding": "gzip"})

    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == page.data


def test_a_community_that_left_the_list_is_reported_in_its_place(connected):
    page = listed(connected, "collections", "?below=nowhere")

    assert "This community is no longer in the list. Reload the list." in words(page)


def test_without_script_a_closed_community_opens_and_the_typed_settings_stay(connected, sample):
    grow(sample.data, 2, 1, 100)
    page = connected.post("/repositories/1/", data={**SETTINGS, "show": "collections"})
    address = re.findall(r'formaction="(/repositories/1/\?below=[^"]*)"[^>]*>[^>]*>Department 1.0<', page.text)[0]

    opened = connected.post(html.unescape(address), data={**SETTINGS, "show": "collections"})

    assert len(named(buttons(opened, "scope"), "collection")) == 80
    assert "Show 20 more of 20" in words(opened)
    assert "number 1 › Department 1.0 Show the top of the list" in words(opened)
    assert b'value="Harbour"' in opened.data


def test_without_script_a_list_opens_in_the_page(connected):
    page = connected.get("/repositories/1/collections")

    assert len(named(buttons(page, "scope"), "collection")) == 8
    assert b'id="tab-collections" value="collections" checked' in page.data


def test_without_script_a_list_keeps_the_typed_settings(connected):
    data = {**SETTINGS, "show": "communities", "tab": "settings", "q_communities": "news"}

    page = connected.post("/repositories/1/", data=data)

    assert page.status_code == 200
    assert "Newspapers" in words(page)
    assert "Maps & Pictures" not in words(page)
    assert b'value="Harbour"' in page.data
    assert b"A &lt;b&gt;note&lt;/b&gt;" in page.data
    assert b'id="files" name="files" type="checkbox" value="y"' in page.data
    assert b'value="news"' in page.data


def test_import_starts_a_job_with_these_settings_and_shows_it(app, connected, sample):
    handle = sample.data.named("Harbour photographs").handle
    data = {**SETTINGS, "bundles": "ORIGINAL, TEXT", "ignored": "dc.rights\ndc.subject.*\n"}
    data["scope"] = f"collection:{handle}"

    answer = connected.post("/repositories/1/", data=data)

    assert (answer.status_code, answer.location) == (303, "/jobs/1/")
    with app.app_context():
        job = lifecycle.get(1)
        assert job.options == {
            "bundles": ["ORIGINAL", "TEXT"],
            "files": True,
            "item_set": "Harbour",
            "test": 3,
            "file_limit": 1_500_000_000,
            "files_limit": 20_000_000_000,
            "hours": ["22:00", "06:00"],
            "full": True,
        }
        assert (job.state, job.comment, job.source.name) == ("queued", "A <b>note</b>", "Harbour photographs")
        assert crosswalk_rules.in_use(job.source.repository).ignored == ("dc.rights", "dc.subject.*")


@pytest.mark.parametrize(
    ("scope", "kind"),
    [("repository:", "repository"), ("community:Newspapers", "community"), ("item:Winter sea", "item")],
)
def test_everything_that_can_be_imported_has_its_button(app, connected, sample, scope, kind):
    name = scope.partition(":")[2]
    scope = f"{kind}:{sample.data.named(name).handle}" if name else scope

    assert connected.post("/repositories/1/", data={"scope": scope, "item_set": ""}).status_code == 303
    with app.app_context():
        assert lifecycle.get(1).source.kind == kind


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"test": "some"}, "A test import takes a whole number of items"),
        ({"file_limit": "a lot"}, "Give a size such as 500 MB or 2 GB."),
        ({"file_limit": "0 MB"}, "Give a size such as 500 MB or 2 GB."),
        ({"hours": "at night"}, "Give the hours as 22:00-06:00."),
        ({"hours": "22:00-25:00"}, "Give a time from 00:00 to 23:59"),
        ({"hours": "22:00-22:00"}, "leave them out to allow all"),
        ({"files_limit": "all"}, "Give a size such as 500 MB or 2 GB."),
        ({"test": "0"}, "A test import takes a whole number of items"),
        ({"ignored": "dc.title\nno field!"}, "“no field!” is not a field. Examples: dc.rights"),
        ({"item_set_name": " "}, "Give the new item set a name."),
        ({"item_set": "set:99"}, "Not a valid choice"),
    ],
)
def test_invalid_settings_are_reported_and_no_import_starts(app, connected, typed, sentence):
    page = connected.post("/repositories/1/", data=SETTINGS | typed | {"scope": "repository:", "tab": "collections"})

    assert page.status_code == 422
    assert sentence in words(page)
    assert b'id="tab-settings" value="settings" checked' in page.data
    assert "No imports yet" in words(connected.get("/jobs/"))


def test_refused_ignored_fields_are_shown_as_typed(connected):
    typed = {"scope": "repository:", "item_set_name": "", "ignored": "dc.rights\ndc.subject.*"}

    page = connected.post("/repositories/1/", data=SETTINGS | typed)

    assert page.status_code == 422
    assert re.findall(r'<textarea[^>]*name="ignored"[^>]*>\s*(.*?)</textarea>', page.text, re.S) == [
        "dc.rights\ndc.subject.*"
    ]


@pytest.mark.parametrize("scope", ["collection:123456789/99999", "planet:1", "collection:"])
def test_an_unknown_object_is_reported_and_the_typed_text_is_kept(connected, scope):
    page = connected.post("/repositories/1/", data=SETTINGS | {"scope": scope})

    assert page.status_code == 422
    assert b'role="alert"' in page.data
    assert b'value="Harbour"' in page.data


def test_earlier_imports_are_shown_beside_the_name_and_give_the_settings(stocked_client, stocked_sample):
    handle = stocked_sample.data.named("Harbour photographs").handle

    page = listed(stocked_client, "collections")
    offered = stocked_client.get(f"/repositories/1/?offer=collection:{handle}&name=Harbour+photographs")

    assert "12 items, job 1" in words(page).partition("Harbour photographs")[2].partition("Town maps")[0]
    assert "12 items, job 1" in words(offered)
    assert b'<option selected value="collection">' in offered.data
    assert b'<input aria-describedby="files-help" checked id="files"' in offered.data


def test_a_moved_repository_is_proposed_and_merged_when_a_person_confirms(connected, sample):
    listed(connected, "communities")
    with SampleRepository(9, data=sample.data) as moved:
        connected.post("/repositories/", data={"url": moved.url, "endpoint": "rest", "limit": ""})
        proposal = listed(connected, "communities", repository=2)
        apart = listed(connected, "communities", "?apart=1", repository=2)

        answer = connected.post("/repositories/2/same-as", data={"same_as": "1"})

        assert f"This looks like {sample.data.name} ( {sample.url} )" in words(proposal).replace("(", "( ").replace(
            ")", " )"
        )
        assert buttons(proposal, "same_as") == ["1"]
        assert buttons(apart, "same_as") == []
        assert answer.location == "/repositories/1/"
        assert connected.get("/repositories/2/").status_code == 404
        assert moved.url in words(connected.get("/repositories/1/"))


def test_a_repository_that_was_imported_from_is_not_proposed_as_another(stocked_client, stocked_sample):
    with SampleRepository(9, data=stocked_sample.data) as moved:
        stocked_client.post("/repositories/", data={"url": moved.url, "endpoint": "rest", "limit": ""})
        listed(stocked_client, "communities", repository=2)

        assert buttons(listed(stocked_client, "communities"), "same_as") == []


def test_an_estimate_comes_first_and_the_import_starts_only_when_confirmed(app, connected, sample):
    harbour = sample.data.named("Harbour photographs")
    handle = harbour.handle
    data = {**SETTINGS, "estimate": "y", "scope": f"collection:{handle}"}

    page = connected.post("/repositories/1/", data=data)

    text = words(page)
    assert page.status_code == 200
    assert f"Items {len([item for item in sample.data.items.values() if harbour in item.collections])}" in text
    assert "Requests, about" in text
    assert re.search(r"Time\s(up\sto\s|\d+\ss\sto\s)?\d+\ss\s", text)
    with app.app_context():
        assert db.session.scalar(db.select(db.func.count()).select_from(Job)) == 0
    given = dict(re.findall(r'type="hidden" name="(?!csrf)([^"]+)" value="([^"]*)"', page.text))
    answer = connected.post("/repositories/1/", data=given | {"scope": f"collection:{handle}"})
    assert (answer.status_code, answer.location) == (303, "/jobs/1/")
    with app.app_context():
        assert lifecycle.get(1).options["test"] == 3
