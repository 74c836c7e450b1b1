"""The command line as other programs call it: a real process, real HTTP, exit codes, one JSON line."""

from __future__ import annotations

import itertools
import json
import re
import shutil
import signal
import socket
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from connector.cli.command import REFUSED
from tests.command_line import GAZETTE, CommandLine
from tests.crash.life import wait_until
from tests.processes import ROOT
from tests.sample import SampleRepository

IMPORT = [
    *("job", "state", "clean", "expected", "seen", "related"),
    *("added", "updated", "unchanged", "failed", "vanished", "hidden"),
    *("files", "bytes", "requests", "seconds", "problems", "message"),
]
FILE_STATUSES = [
    *("stored", "unverified", "differs", "linked", "restricted"),
    *("missing", "too_large", "damaged", "failed", "refused"),
]


@pytest.fixture
def flask(tmp_path, new_instance):
    return CommandLine(shutil.copytree(new_instance, tmp_path / "instance"))


@pytest.fixture(params=[9, 6, 4])
def sample(request):
    with SampleRepository(generation=request.param) as sample:
        yield sample


@pytest.fixture
def dspace9():
    with SampleRepository(generation=9) as sample:
        yield sample


def test_related_items_come_with_an_import_that_asks_for_them_from_dspace_7_or_later(flask, dspace9):
    data = dspace9.data
    issue, photograph = (
        next(one for one in data.items.values() if one.collection.name == name)
        for name in (GAZETTE, "Harbour photographs")
    )
    data.relate(issue, "relation.isPhotographOfIssue", [photograph], "dc.relation")
    command = ("--item", issue.handle, "--related-items")

    code, job = flask.json("import", dspace9.url, *command)
    with SampleRepository(generation=6) as older:
        refused, refusal = flask.json("import", older.url, *command)

    assert (code, job["seen"], job["related"], job["added"]) == (0, 1, 1, 2)
    assert (refused, refusal["message"]) == (2, "--related-items needs DSpace 7 or later.")


def test_the_command_line_imports_reruns_exports_and_undoes(flask, sample):
    handle = sample.data.named(GAZETTE).handle
    flask.environment["CONNECTOR_RECHECK_RUNS"] = "0"

    code, first = flask.json("import", sample.url, "--collection", handle, "--files", "--item-set", "Gazette")
    assert (code, sorted(first), sorted(first["files"])) == (0, sorted(IMPORT), sorted(FILE_STATUSES))
    assert (first["state"], first["clean"], first["expected"], first["seen"], first["added"]) == (
        "completed",
        True,
        45,
        45,
        45,
    )
    assert first["files"]["stored"] > 0

    code, again = flask.json("rerun", str(first["job"]))
    assert (code, again["unchanged"], again["bytes"]) == (0, 45, 0)
    assert again["requests"] <= 6

    code, out, _ = flask("export", "--item-set", "Gazette", "--format", "jsonl")
    lines = [json.loads(line) for line in out.splitlines()]
    assert (code, len(lines)) == (0, 45)
    assert {line["repository"] for line in lines} == {sample.url}
    assert all(line["jobs"] == [first["job"]] and line["item_sets"] == ["Gazette"] for line in lines)

    code, undone = flask.json("undo", str(first["job"]))
    assert (code, undone["job"], undone["removed"], undone["kept"]) == (0, first["job"], 45, 0)
    assert sorted(undone) == sorted(["job", "undo_job", "state", "removed", "restored", "kept", "message"])
    assert flask("export")[1] == ""
    assert len(json.loads(flask("jobs", "--json")[1])) == 3


def test_the_command_line_imports_an_item_by_the_address_of_its_page(flask, dspace9):
    item = next(iter(dspace9.data.items.values())) if isinstance(dspace9.data.items, dict) else dspace9.data.items[0]

    code, job = flask.json("import", f"{dspace9.url}/handle/{item.handle}")

    assert (code, job["seen"], job["added"]) == (0, 1, 1)


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("import", "not an address", "--all"), "Enter the address of the repository"),
        (("import", "http://10.0.0.1/", "--all"), "CONNECTOR_ALLOWED_NETWORKS"),
        (("import", "{url}"), "Say what to import"),
        (("import", "{url}", "--all", "--limit", "0"), "1 to 1,000"),
        (("import", "{url}", "--all", "--collection", "x"), "one of --collection"),
        (("import", "{url}", "--collection", "123456789/999999"), "nothing with the handle"),
        (("import", "{url}", "--all", "--nonsense"), "No such option"),
        (("import", "{url}", "--all", "--file-limit", "a lot"), "such as 500 MB"),
        (("retry", "77"), "no job 77"),
        (("import",), "Missing argument"),
        (("rerun", "77"), "no job 77"),
        (("undo", "77"), "no job 77"),
        (("stop", "77"), "not active"),
        (("resume", "77"), "no job 77"),
        (("undo", "x"), "not a valid integer"),
    ],
)
def test_a_refused_command_prints_one_json_line_and_exits_with_2(flask, dspace9, args, sentence):
    code, answer = flask.json(*(arg.format(url=dspace9.url) for arg in args))

    assert (code, answer["job"], answer["state"]) == (2, None, "failed")
    assert sentence in answer["message"]


@pytest.mark.parametrize(
    "args", [("user", "add", "kim"), ("files", "verify", "--nonsense"), ("jobs", "too", "many"), ("import",)]
)
def test_an_invalid_option_names_the_command_for_help(flask, args):
    err = refused_at_start(flask, *args)

    path = " ".join(args[: 2 if args[0] in ("user", "files") else 1])
    assert err.endswith(f" -m flask {path} --help.\n")


def test_an_invalid_setting_is_refused_with_a_sentence(flask):
    code, answer = flask.json("import", "http://127.0.0.1/", "--all", CONNECTOR_PORT="many")

    assert code == 2
    assert "CONNECTOR_PORT" in answer["message"]


def test_a_setting_with_an_old_name_causes_one_warning_with_the_new_name(flask):
    code, _, err = flask("jobs", CONNECTOR_PACE="3")

    assert code == 0
    assert err.count("CONNECTOR_PACE is now called CONNECTOR_MAX_CONCURRENT_REQUESTS.") == 1


def test_an_import_with_problems_exits_with_1_and_lists_them(flask, dspace9):
    item = dspace9.data.named(GAZETTE)
    dspace9.faults.add(lambda path: "/content" in path, times=None, status=404)

    code, job = flask.json("import", dspace9.url, "--collection", item.handle, "--files")

    assert (code, job["clean"]) == (1, False)
    assert job["files"]["failed"] == len(job["problems"]) > 0
    assert sorted(job["problems"][0]) == ["handle", "id", "reason", "technical_details", "title"]
    assert any("/content" in line for line in job["problems"][0]["technical_details"])


def test_files_of_the_chosen_bundles_are_downloaded(flask, dspace9):
    item = dspace9.data.add_item(dspace9.data.named(GAZETTE), [("dc.title", ["In three bundles"])])
    for bundle in ("ORIGINAL", "LICENSE", "TEXT"):
        dspace9.data.add_file(item, f"{bundle}.txt", bundle.encode(), bundle=bundle)

    _, job = flask.json(
        "import", dspace9.url, "--item", item.handle, "--files", "--bundle", "LICENSE", "--bundle", "TEXT"
    )

    (record,) = map(json.loads, flask("export", "--format", "jsonl")[1].splitlines())
    assert (job["clean"], job["files"]["stored"]) == (True, 2)
    stored = {file["bundle"]: file["path"] is not None for file in record["files"]}
    assert stored == {"ORIGINAL": False, "LICENSE": True, "TEXT": True}


def test_a_repository_that_goes_down_fails_the_job_which_can_be_resumed(flask, dspace9):
    handle = dspace9.data.named(GAZETTE).handle
    searches = itertools.count()
    dspace9.faults.add(lambda path: "dsoType=item" in path and next(searches) >= 4, times=None, status=503)
    code, job = flask.json("import", dspace9.url, "--collection", handle, CONNECTOR_MAX_OUTAGE_SECONDS="6")
    assert (code, job["state"]) == (2, "failed")
    assert 0 < job["seen"] < 45
    dspace9.faults.clear()

    code, job = flask.json("resume", str(job["job"]))

    assert (code, job["state"], job["added"], job["clean"]) == (0, "completed", 45, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_import_at_its_cursor_with_exit_code_130(flask, dspace9, number):
    dspace9.faults.add(lambda path: "page=2" in path, times=None, hang=True)
    process = flask.start("import", dspace9.url, "--collection", dspace9.data.named(GAZETTE).handle, "--json")
    wait_for_third_page(dspace9, process)
    process.send_signal(number)
    out, err = process.communicate()

    answer = json.loads(out)
    assert (process.returncode, answer["state"]) == (130, "stopped")
    assert "Traceback" not in err


def test_a_job_can_be_stopped_from_another_terminal(flask, dspace9):
    dspace9.faults.add(lambda path: "page=2" in path, times=None, hang=True)
    process = flask.start("import", dspace9.url, "--collection", dspace9.data.named(GAZETTE).handle, "--json")
    wait_for_third_page(dspace9, process)

    flask("stop", "1")
    process.communicate()

    assert process.returncode == 130


def test_an_export_to_a_closed_pipe_ends_without_traceback(flask, dspace9):
    flask("import", dspace9.url, "--all")
    process = flask.start("export")
    process.stdout.readline()
    process.stdout.close()

    err = process.stderr.read()
    process.stderr.close()

    assert (process.wait(), err) == (2, "")


def wait_for_third_page(dspace9, process) -> None:
    wait_until(lambda: any("page=2" in path for _, path in list(dspace9.requests)), process)


def killed_in_the_middle(flask, dspace9) -> None:
    """An import whose process was killed while it waited for its third page."""
    dspace9.faults.add(lambda path: "page=2" in path, times=None, hang=True)
    process = flask.start("import", dspace9.url, "--collection", dspace9.data.named(GAZETTE).handle, "--json")
    wait_for_third_page(dspace9, process)
    process.kill()
    process.communicate()
    assert json.loads(flask("jobs", "--json")[1])[0]["state"] == "running"
    dspace9.faults.clear()


@pytest.mark.parametrize("command", ["resume", "rerun"])
def test_a_killed_import_resumes_at_its_cursor(flask, dspace9, command):
    killed_in_the_middle(flask, dspace9)

    code, job = flask.json(command, "1")

    assert (code, job["state"], job["added"], job["seen"]) == (0, "completed", 45, 45)


def test_the_next_start_of_the_server_resumes_a_killed_job_and_ends_on_a_signal(flask, dspace9):
    killed_in_the_middle(flask, dspace9)

    server = flask.start("up", CONNECTOR_PORT="0")
    try:
        wait_until(lambda: json.loads(flask("jobs", "--json")[1])[0]["state"] == "completed", server)
    finally:
        server.terminate()
        _, err = server.communicate()

    assert server.returncode == 0, err
    [job] = json.loads(flask("jobs", "--json")[1])
    assert (job["state"], job["added"], job["seen"]) == ("completed", 45, 45)


def test_a_stopped_server_returns_its_job_to_the_queue_within_seconds(flask, dspace9):
    killed_in_the_middle(flask, dspace9)
    dspace9.faults.add(lambda path: "page=2" in path, times=None, hang=True)
    dspace9.reset()
    server = flask.start("up", CONNECTOR_PORT="0")
    wait_for_third_page(dspace9, server)

    server.terminate()
    _, err = server.communicate()

    assert server.returncode == 0, err
    [job] = json.loads(flask("jobs", "--json")[1])
    assert (job["state"], job["message"]) == ("queued", "")


def test_two_concurrent_commands_on_a_new_instance_both_work(flask):
    both = [flask.start("jobs", "--json") for _ in range(3)]

    assert [process.communicate()[0] for process in both] == ["[]\n"] * 3


def test_an_import_with_half_its_items_missing_asks_and_exits_with_2(flask, dspace9):
    gazette = dspace9.data.named(GAZETTE)
    flask.json("import", dspace9.url, "--collection", gazette.handle)
    for item in [item for item in dspace9.data.items.values() if gazette in item.collections][:20]:
        dspace9.data.delete(item)

    code, asking = flask.json("rerun", "1")
    unanswered, refusal = flask.json("resume", "2")
    _, _, unasked = flask("resume", "2")
    _, _, err = flask("resume", "2", "--accept-missing", "--leave-missing")
    answered, job = flask.json("resume", "2", "--accept-missing")

    assert (code, asking["state"], asking["vanished"]) == (2, "stopped", 0)
    assert asking["question"] == {"unseen": 20, "held": 45}
    assert "Are they really gone?" in asking["message"]
    assert (unanswered, refusal) == (2, asking)
    assert "flask resume 2 --accept-missing marks them" in unasked
    assert "Give one of the answers" in err
    assert (answered, job["state"], job["vanished"], job["clean"]) == (0, "completed", 20, True)


def test_a_database_failure_during_a_job_is_reported_with_its_number_and_the_job_can_resume(flask, dspace9):
    database = Path(flask.environment["CONNECTOR_INSTANCE"]) / "connector.db"

    def rename(before: str, after: str) -> None:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute(f"ALTER TABLE {before} RENAME TO {after}")

    searches = itertools.count()

    def fail(path: str) -> bool:
        if "/discover/search/objects" in path and next(searches) == 1:
            rename("job", "away")
        return False

    dspace9.faults.add(fail, times=None)
    code, out, err = flask("import", dspace9.url, "--all", "--limit", "10", "--json")
    rename("away", "job")
    again, job = flask.json("resume", "1")

    assert code == 2
    assert json.loads(out) | {"message": ""} == json.loads(out) | {"job": 1, "state": "unknown", "message": ""}
    assert "Job 1 is not lost: flask resume 1 goes on with it" in err
    assert (again, job["state"], job["clean"], job["seen"]) == (0, "completed", True, job["expected"])


def test_retry_downloads_only_failed_files(flask, dspace9):
    handle = dspace9.data.named(GAZETTE).handle
    lost: set[str] = set()

    def is_lost(path: str) -> bool:
        if "/content" in path and len(lost) < 2:
            lost.add(path)
        return path in lost

    dspace9.faults.add(is_lost, times=None, status=404)
    _, first = flask.json("import", dspace9.url, "--collection", handle, "--files")
    dspace9.faults.clear()
    dspace9.reset()

    code, job = flask.json("retry", str(first["job"]))

    assert first["files"]["missing"] > 0
    assert (code, job["state"], job["files"]["missing"]) == (0, "completed", 0)
    assert {path.partition("?")[0].rpartition("/")[2] for _, path in dspace9.requests} <= {"content"}
    assert flask.json("retry", str(job["job"]))[0] == 2


def test_a_file_larger_than_the_limit_is_listed_and_not_downloaded(flask, dspace9):
    handle = dspace9.data.named(GAZETTE).handle

    code, job = flask.json("import", dspace9.url, "--collection", handle, "--files", "--file-limit", "200 B")

    assert (code, job["clean"]) == (0, True)
    assert job["files"]["too_large"] > 0
    assert "more than the limit of 200 bytes" in job["problems"][0]["reason"]


def test_an_unchanged_repository_takes_three_requests_and_a_lost_file_is_still_noticed(flask, dspace9):
    gazette = dspace9.data.named(GAZETTE)
    items = [item for item in dspace9.data.items.values() if gazette in item.collections]
    for item in items:
        item.indexed_at = datetime(2020, 1, 1, tzinfo=UTC)  # long before the import
    flask.environment["CONNECTOR_RECHECK_RUNS"] = "0"  # what the rotating slice reads is told by its own tests
    flask.json("import", dspace9.url, "--collection", gazette.handle)

    _, unchanged = flask.json("rerun", "1")
    changed = next(item for item in items if item.bitstreams)
    dspace9.data.remove_file(changed, changed.bitstreams[0])
    code, job = flask.json("rerun", "1")

    assert (unchanged["requests"], unchanged["seen"], unchanged["unchanged"]) == (3, 45, 45)
    assert (code, job["updated"], job["unchanged"], job["clean"]) == (0, 1, 44, True)
    assert job["requests"] < 10


def test_an_unusable_database_is_reported_without_traceback(flask, tmp_path):
    flask("jobs")
    with closing(sqlite3.connect(tmp_path / "instance" / "connector.db")) as database:
        database.execute("DROP TABLE job")

    code, _, err = flask("jobs")

    assert code == 2
    assert err == "Error: The database cannot be used now: no such table: job.\n"


@pytest.mark.parametrize("command", ["up", "worker", "jobs"])
def test_an_unavailable_database_server_is_reported_with_a_retryable_exit_code(flask, command):
    code, _, err = flask(command, CONNECTOR_DATABASE_URL="postgresql://library:secret@127.0.0.1:1/connector")

    assert (code, err.count("\n")) == (75, 1)
    assert err.startswith("Error: The database cannot be used now: ")
    assert err.endswith("Start its server, or correct CONNECTOR_DATABASE_URL.\n")
    assert "secret" not in err


def test_the_service_restarts_after_the_retryable_exit_code_only():
    unit = (ROOT / "deploy" / "dspace-connector.service").read_text().splitlines()

    assert {"Restart=on-failure", f"RestartPreventExitStatus={REFUSED}"} <= set(unit)


def refused_at_start(flask: CommandLine, *args: str, **environment: str) -> str:
    """The one line with which a command refuses to begin, with code 2."""
    code, out, err = flask(*args, **environment)
    assert (code, out, err.count("\n")) == (REFUSED, "", 1), err
    return err


@pytest.mark.parametrize("instance", ["file", "file/below", "link"])
def test_an_instance_that_is_no_folder_is_reported_with_its_setting(flask, tmp_path, instance):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("link")

    err = refused_at_start(flask, "jobs", CONNECTOR_INSTANCE=str(tmp_path / instance))

    assert err.startswith(f"Error: {tmp_path / instance} cannot be used: ")
    assert err.endswith(" Set CONNECTOR_INSTANCE to a folder that is there or can be made.\n")


@pytest.mark.parametrize(
    ("file", "says"),
    [
        ("secret_key", "remove it, and everybody signs in again."),
        ("connector.db", "bring a backup back with flask restore."),
        ("queue.db", "Remove that file: no job is lost."),
    ],
)
def test_a_damaged_file_of_the_instance_is_reported_with_advice(flask, tmp_path, file, says):
    (tmp_path / "instance" / file).write_bytes(b"\xff is no text, no key and no database" * 9)

    err = refused_at_start(flask, "jobs")

    assert err.endswith(f" {says}\n")


@pytest.mark.parametrize("path", ["nowhere/queue.db", ""])
def test_a_queue_that_cannot_be_created_is_reported_with_its_name(flask, tmp_path, path):
    err = refused_at_start(flask, "worker", CONNECTOR_QUEUE_URL=f"sqlite:///{tmp_path / path}")

    assert err.startswith(f"Error: The queue {tmp_path / path} cannot be used now: unable to open database file.")


@pytest.mark.parametrize(
    ("command", "key", "begins"),
    [
        (("up",), "", "The disk cannot be used: "),
        (("jobs",), "", "The disk cannot be used: "),
        (("user", "list"), "k" * 32, "The database cannot be used now: "),
        (("export",), "k" * 32, "The database cannot be used now: "),
    ],
)
def test_a_full_disk_is_reported_without_traceback(flask, command, key, begins):
    process = flask.start(*command, limits={"RLIMIT_FSIZE": 0}, CONNECTOR_SECRET_KEY=key)

    out, err = process.communicate()

    assert (process.returncode, out, err.count("\n")) == (REFUSED, "", 1), err
    assert err.startswith(f"Error: {begins}")
    assert "See whether the disk is full, read-only or broken." in err


@pytest.mark.parametrize("args", [("up",), ("worker", "--threads", "1")])
def test_a_process_with_a_json_log_prints_only_json(flask, args):
    process = flask.start(*args, CONNECTOR_LOG_FORMAT="json", CONNECTOR_PORT="0", CONNECTOR_HOST="0.0.0.0")
    lines = []
    while "Ctrl-C ends it" not in "".join(lines):
        assert process.poll() is None
        lines.append(process.stderr.readline())
    process.terminate()
    lines += process.communicate()[1].splitlines()

    events = [json.loads(line) for line in lines]
    said = " ".join(event["message"] for event in events)
    assert {frozenset(event) for event in events} == {frozenset({"time", "level", "logger", "message"})}
    assert events[-1]["message"].startswith("Stopping. Running jobs pause")
    assert ("/welcome/" in said) == (args == ("up",))


@pytest.mark.parametrize(("args", "port"), [(("up",), "many"), (("up", "--nonsense"), "0"), (("stop", "77"), "0")])
def test_a_refusal_is_logged_as_json_with_a_json_log(flask, args, port):
    err = refused_at_start(flask, *args, CONNECTOR_LOG_FORMAT="json", CONNECTOR_PORT=port)

    event = json.loads(err)
    assert event["level"] == "ERROR"
    assert event["message"].startswith("Error: ")


def test_requests_that_briefly_wait_for_a_thread_cause_no_warning(flask):
    process = flask.start("up", CONNECTOR_PORT="0")
    lines = [process.stderr.readline() for _ in range(3)]
    address = re.search(r"http://127\.0\.0\.1:\d+/", lines[2])[0]

    with ThreadPoolExecutor(40) as pool:
        statuses = set(pool.map(lambda _: requests.get(f"{address}sign-in", timeout=60).status_code, range(200)))
    process.terminate()
    err = process.communicate()[1]

    assert statuses == {200}
    assert "queue depth" not in err


@pytest.mark.parametrize("host", ["::1%nope", "nowhere.invalid", "192.0.2.7"])
def test_an_address_of_another_machine_is_reported_with_its_setting(flask, host):
    err = refused_at_start(flask, "up", CONNECTOR_HOST=host, CONNECTOR_PORT="0")

    assert err.startswith(f"Error: Cannot listen on {host}:0: ")
    assert err.endswith(" Set CONNECTOR_HOST to an address of this machine.\n")


def test_a_used_port_is_reported_with_its_setting(flask):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        err = refused_at_start(flask, "up", CONNECTOR_PORT=str(taken.getsockname()[1]))

    assert err.endswith(" Set CONNECTOR_PORT to another.\n")
