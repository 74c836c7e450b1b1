"""`flask user …` and `--as`, in real processes; and the link that `flask up` prints on a new instance."""

from __future__ import annotations

import json
import re
import shutil
import socket

import pytest

from tests.accounts.conftest import link_in
from tests.command_line import CommandLine
from tests.sample import SampleRepository


@pytest.fixture
def flask(tmp_path, new_instance):
    return CommandLine(shutil.copytree(new_instance, tmp_path / "instance"))


def test_commands_create_list_change_and_disable_an_account(flask):
    code, link, err = flask("user", "add", "Anna Berg", "--role", "editor")
    assert (code, re.sub(r"[-0-9]{10} [0-9:]{5}", "DATE", err)) == (0, "It works once, until DATE.\n")
    assert (
        "Enter a whole number of days from 1 to 90."
        in flask("user", "add", "Bert", "--role", "viewer", "--days", "0")[2]
    )
    assert re.fullmatch(r"http://127\.0\.0\.1:5000/welcome/[A-Za-z0-9_-]{43}\n", link)
    assert flask("user", "role", "anna berg", "admin")[0] == 0
    assert link_in(flask("user", "password", "ANNA BERG")[1]) not in link

    [account] = json.loads(flask("user", "list", "--json")[1])
    known = {"name": "Anna Berg", "role": "admin", "state": "invited", "signed_in": None, "second_factor": False}
    assert account == known
    assert flask("user", "disable", "Anna Berg")[0] == 0
    assert flask("user", "list")[1] == "Anna Berg\tadmin\tdisabled\tnever\tpassword only\n"
    assert flask("user", "enable", "Anna Berg")[0] == 0
    assert flask("user", "respell", "ANNA BERG")[0] == 0
    assert flask("user", "respell", "Anna Berg")[0] == 0
    by_proxy = {"CONNECTOR_AUTH": "proxy", "CONNECTOR_TRUSTED_PROXIES": "127.0.0.1"}
    assert flask("user", "list", **by_proxy)[1] == "Anna Berg\tadmin\tinvited\tnever\tby the proxy\n"


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("add", "Anna"), "--role"),
        (("add", "Anna", "--role", "owner"), "viewer"),
        (("add", "local operator", "--role", "admin"), "is a reserved name"),
        (("role", "Nobody", "admin"), "no account “Nobody”"),
        (("password", "Nobody"), "no account"),
        (("disable", "Nobody"), "no account"),
        (("respell", "Somebody"), "no account"),
    ],
)
def test_invalid_user_commands_print_a_sentence_and_exit_with_2(flask, args, says):
    code, _, err = flask("user", *args)

    assert code == 2
    assert says in err
    assert "Traceback" not in err


def test_an_import_belongs_to_the_given_user_or_the_operator(flask):
    flask("user", "add", "Anna", "--role", "editor")
    with SampleRepository(9) as sample:
        where = ("import", sample.url, "--collection", sample.data.named("Harbour photographs").handle)
        code, first = flask.json(*where, "--as", "anna")
        assert flask.json("rerun", str(first["job"]))[0] == code == 0
        refused, answer = flask.json(*where, "--as", "Nobody")

        for name, role, says in (("Reader", "viewer", "is only a viewer"), ("Gone", "admin", "is disabled")):
            flask("user", "add", name, "--role", role)
            flask("user", "disable", name) if name == "Gone" else None
            code, message = flask.json(*where, "--as", name)
            assert (code, says in message["message"]) == (2, True)

    assert (refused, "no account “Nobody”" in answer["message"]) == (2, True)
    listed = flask("jobs")[1]
    assert [line.partition("Owner: ")[2] for line in listed.splitlines()] == ["local operator.", "Anna."]
    assert [job["owner"] for job in json.loads(flask("jobs", "--json")[1])] == ["local operator", "Anna"]


def test_a_new_instance_prints_a_link_for_the_first_admin_until_one_exists(flask):
    server = flask.start("up", CONNECTOR_PORT="0")
    try:
        lines = [server.stderr.readline() for _ in range(3)]
    finally:
        server.terminate()
        server.communicate()

    assert "There is no admin yet" in lines[0]
    link = re.search(r"http://127\.0\.0\.1:\d+/welcome/\S{43}", lines[1])[0]
    assert f"DSpace Connector is at {link.partition('/welcome')[0]}/" in lines[2]


def test_serving_the_network_without_https_warns_and_the_link_names_the_machine(flask):
    server = flask.start("up", CONNECTOR_PORT="0", CONNECTOR_HOST="0.0.0.0")
    try:
        lines = [server.stderr.readline() for _ in range(4)]
    finally:
        server.terminate()
        server.communicate()

    assert "Listening on 0.0.0.0 without https" in lines[0]
    assert f"http://{socket.gethostname()}:" in lines[2]
