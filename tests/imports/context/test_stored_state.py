"""The JSON that an import stores: options, cursor and proof. Later versions read that of earlier ones."""

from types import SimpleNamespace

from connector.catalogue.earlier_states import data_group
from connector.catalogue.file_rows import FILE_DATA
from connector.catalogue.item_rows import DATA
from connector.dspace.records import Page
from connector.imports.context.completeness_proof import Circumstances, CompletenessProof
from connector.imports.context.import_progress import MIXED, ImportProgress, Listing
from connector.imports.import_options import ImportOptions
from connector.jobs.schedule import parse_window

OPTIONS = {
    "files": True,
    "bundles": ["ORIGINAL", "TEXT"],
    "file_limit": 1_000,
    "files_limit": 2_000,
    "item_set": "Harbour",
    "item_set_id": 4,
    "test": 3,
    "full": True,
    "hours": ["22:00", "06:00"],
    "related_items": True,
}
CURSOR = {
    "walk": {"at": {"page": 2}, "light": False},
    "changes": {"at": {"page": 3}},
    "slice": {"at": {"page": 4}, "part": [0, 7]},
    "again": {"at": {"page": 5}},
    "named": {"at": {"page": 6}},
    "hidden": {"7": 2},
    "unlisted": {"8": 3},
    "overcounted": {"9": 4},
    "totals": [10, 12],
    "began": "2026-11-24T09:30:15+00:00",
    "recent": 1,
    "trusted": True,
    "excluded": ["123/4"],
    "absent": ["5"],
    "login": "ada",
}
PROOF = {
    "since": "2026-11-24T09:30:15+00:00",
    "recent": 1,
    "server": ["https://example.org/server/api", "9.3"],
    "shelves": ["Harbour", 4, None],
    "login": None,
    "private": False,
    "plan": {"plan": "items with files by 20"},
}


def test_files_in_earlier_states_keep_their_keys():
    row = dict.fromkeys(FILE_DATA) | {"status": "restricted", "embargo_ends_on": "2027-01-31"}
    row |= {"content_is_restricted": True, "last_tried_job_id": 2, "status_since_job_id": 1}
    item = SimpleNamespace(**dict.fromkeys(DATA))

    [stored] = data_group(item, [row])["files"]

    names = ("fate", "until", "by_login", "tried_by", "first_met_by")
    assert [stored[name] for name in names] == ["restricted", "2027-01-31", True, 2, 1]
    assert not stored.keys() & {"status", "embargo_ends_on", "content_is_restricted"}


def test_options_keep_their_keys():
    options = ImportOptions.from_json(OPTIONS)

    assert options.to_json() == OPTIONS
    assert (options.bundles, options.hours) == (("ORIGINAL", "TEXT"), parse_window("22:00-06:00"))


def test_options_that_were_stored_empty_have_their_defaults():
    assert ImportOptions.from_json({"files": False, "bundles": None, "test": None, "comment": "x"}) == ImportOptions()


def test_an_import_of_the_whole_scope_drops_the_limits_of_the_job():
    options = ImportOptions(files=True, full=True, test=3, retry=1, only=2)

    assert options.for_whole_scope() == ImportOptions(files=True, full=True)
    assert options.is_partial and not options.for_whole_scope().is_partial


def test_a_cursor_keeps_its_keys():
    assert ImportProgress.from_json(CURSOR, "ada").to_json() == CURSOR


def test_a_cursor_drops_the_places_of_listings_when_all_are_read():
    progress = ImportProgress.from_json(CURSOR, "ada")
    progress.has_walked, progress.scope_is_gone = True, True

    stored = progress.to_json()

    assert (stored["walked"], stored["scope_is_gone"]) == (True, True)
    assert stored.keys().isdisjoint(Listing)
    resumed = ImportProgress.from_json(stored, "ada")
    assert (resumed.has_walked, resumed.scope_is_gone, resumed.places) == (True, True, {})


def test_attempts_with_different_logins_are_mixed_for_good():
    signed_out = ImportProgress.from_json(CURSOR, None)

    assert signed_out.login is MIXED
    assert ImportProgress.from_json(signed_out.to_json(), "ada").login is MIXED


def test_a_job_without_cursor_starts_at_the_beginning():
    progress = ImportProgress.from_json(None, "ada")

    assert (progress.places, progress.is_stored, progress.login) == ({}, False, "ada")
    assert ImportProgress.from_json(CURSOR, "ada").places.keys() == set(Listing)


def test_only_the_smallest_and_the_largest_total_are_kept():
    progress = ImportProgress()
    for total in (5, None, 3, 4):
        progress.note_total(total)

    assert progress.totals == {3, 5}


def test_a_collection_without_hidden_items_is_noted_only_if_it_had_some():
    progress = ImportProgress()

    progress.note_counts(Page((), {}, not_visible={"known": 0, "new": 0, "other": 2}), {"known": 1})

    assert progress.not_visible == {"known": 0, "other": 2}


def test_a_proof_keeps_its_keys():
    proof = CompletenessProof.from_json(PROOF)

    assert proof.to_json() == PROOF
    expected = Circumstances(("https://example.org/server/api", "9.3"), ("Harbour", 4, False), None, False)
    assert proof.circumstances == expected


def test_a_proof_that_an_older_version_stored_without_private_items_is_not_used():
    old = {name: value for name, value in PROOF.items() if name != "private"}

    assert CompletenessProof.from_json(old) is None
    assert CompletenessProof.from_json(None) is None
