"""`--dry-run` with the sample repository: it describes exactly the changes of the next import."""

from __future__ import annotations

import json

import pytest

from tests.sample import SampleRepository

GAZETTE = "Aldermouth Gazette"
COUNTS = ("seen", "added", "updated", "unchanged", "vanished", "failed")


class CommandLine:
    """Runs commands in this process: what they print, and how they end."""

    def __init__(self, app):
        self._app, self._runner = app, app.test_cli_runner()

    def __call__(self, *args: str) -> tuple[int, str, str]:
        with self._app.app_context():
            result = self._runner.invoke(args=args)
        return result.exit_code, result.stdout, result.stderr

    def json(self, *args: str) -> tuple[int, dict]:
        code, out, _ = self(*args, "--json")
        return code, json.loads(out)


@pytest.fixture
def flask(app):
    app.config["RECHECK_RUNS"] = 1
    return CommandLine(app)


@pytest.fixture(params=[10, 9, 6, 4])
def sample(request):
    with SampleRepository(generation=request.param) as sample:
        yield sample


@pytest.fixture
def dspace9():
    with SampleRepository(generation=9) as sample:
        yield sample


def change_all_sorts(sample) -> None:
    """New, another title, a file less (which moves no time stamp), gone, withdrawn, moved to where nobody looks."""
    data, home = sample.data, sample.data.named(GAZETTE)
    items = [item for item in data.items.values() if home in item.collections and item.bitstreams]
    data.add_item(home, [("dc.title", ["A new issue"])])
    data.edit(items[0], "dc.title", ["Another title"])
    data.remove_file(items[1], items[1].bitstreams[0])
    data.delete(items[2])
    data.withdraw(items[3])
    data.move(items[4], next(one for one in data.collections.values() if one is not home))


def numbers(answer) -> dict[str, int]:
    return {name: answer[name] for name in COUNTS}


def test_the_import_after_a_dry_run_makes_the_announced_changes(flask, sample):
    collection = ("--collection", sample.data.named(GAZETTE).handle)
    code, all_new = flask.json("import", sample.url, *collection, "--dry-run")
    assert (code, all_new["kind"], all_new["added"]) == (0, "preview", 45)
    assert flask("export")[1] == ""
    code, job = flask.json("import", sample.url, *collection)
    assert (code, numbers(job)) == (0, numbers(all_new))
    before = flask("export")[1]
    change_all_sorts(sample)

    code, said = flask.json("rerun", str(job["job"]), "--dry-run")

    assert (code, said["clean"]) == (0, True)
    assert flask("export")[1] == before
    code, done = flask.json("rerun", str(job["job"]))
    assert (code, numbers(done)) == (0, numbers(said))
    told = {(change["action"], change["title"]) for change in said["changes"]}
    assert {("new", "A new issue"), ("changed", "Another title")} < told
    assert len(told) == done["added"] + done["updated"] + done["vanished"]
    changes = [json.loads(line)["title"] for line in flask("export", "--job", str(done["job"]))[1].splitlines()]
    assert sorted(changes) == sorted(title for action, title in told if action != "vanished")


def test_a_dry_run_with_samples_also_keeps_sample_items(flask, dspace9):
    code, _, err = flask(
        "import", dspace9.url, "--collection", dspace9.data.named(GAZETTE).handle, "--dry-run", "--samples", "3"
    )

    assert code == 0
    assert "45 would be new" in err
    assert "sample items: 3" in err


def test_samples_without_a_dry_run_are_refused(flask, dspace9):
    code, _, err = flask("import", dspace9.url, "--all", "--samples", "3")

    assert (code, err) == (2, "Error: Give --samples only with --dry-run.\n")


def test_a_dry_run_describes_changes_in_sentences(flask, dspace9):
    collection = ("--collection", dspace9.data.named(GAZETTE).handle)
    flask("import", dspace9.url, *collection)
    change_all_sorts(dspace9)

    code, out, err = flask("import", dspace9.url, *collection, "--dry-run")

    assert (code, out) == (0, "")
    assert "45 items" not in err
    assert "1 would be new, 2 would change, 40 unchanged, 0 failed, 3 missing at source" in err
    assert "A new issue: values: " in err
    assert "Another title: dc.title" in err
    assert "removed" in err
    assert ": No longer at the source." in err


def test_a_dry_run_shows_the_first_changes_and_counts_the_rest(flask, dspace9):
    code, _, err = flask("import", dspace9.url, "--collection", dspace9.data.named(GAZETTE).handle, "--dry-run")

    assert code == 0
    assert err.count("  New: ") == 10
    assert "  and 35 more: --json lists all." in err


def test_a_dry_run_with_problems_ends_with_1(flask, dspace9):
    collection = ("--collection", dspace9.data.named(GAZETTE).handle)
    flask("import", dspace9.url, *collection)
    home = dspace9.data.named(GAZETTE)
    for item in [item for item in dspace9.data.items.values() if home in item.collections]:
        dspace9.data.delete(item)

    code, said = flask.json("import", dspace9.url, *collection, "--dry-run")

    assert (code, said["clean"], said["changes"]) == (1, False, [])
    assert "The source lists none of the 45 items" in said["message"]


def test_a_dry_run_keeps_the_ignored_fields(flask, dspace9):
    collection = ("--collection", dspace9.data.named(GAZETTE).handle)
    flask("import", dspace9.url, *collection)
    before = flask("export")[1]

    code, _, _ = flask("import", dspace9.url, *collection, "--ignore", "dc.title", "--dry-run")

    assert code == 0
    assert flask("export")[1] == before
