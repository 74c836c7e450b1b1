"""A password given to the app cannot be read afterwards in its folder, logs, pages, exports or output."""

from __future__ import annotations

import base64
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from flask import Response
from flask.testing import FlaskClient

from connector.accounts import user_management
from connector.models.accounts import Role
from connector.tasks import carry_out
from tests import processes
from tests.sample import SampleRepository, login

ROOT = Path(__file__).parents[1]
CANARY = "cänary & söng?+"
WRONG = "wröng & bird?+"
TOKENS = re.compile(rb"Bearer e30|rest-dspace-token|JSESSIONID=S")


def spellings(text: str) -> list[bytes]:
    """How a text may look where somebody writes it down."""
    raw = text.encode()
    encoded = [base64.b64encode(raw), base64.urlsafe_b64encode(raw), base64.b64encode(f"{login.NAME}:{text}".encode())]
    words = [quote(text), quote(text, safe=""), quote_plus(text), text, repr(text)[1:-1]]
    words += [text.encode("ascii", how).decode() for how in ("backslashreplace", "xmlcharrefreplace")]
    words += [text.replace("&", "&amp;")]
    return list({*encoded, *(word.encode() for word in words), text.encode("latin-1"), text.encode("utf-16-le")})


class Life:
    """Commands in an instance of their own; `said` is all they wrote to stdout and stderr."""

    def __init__(self, instance: Path):
        self.instance, self.said = instance, b""
        self._environment = os.environ | {
            "CONNECTOR_INSTANCE": str(instance),
            "CONNECTOR_ALLOWED_NETWORKS": "127.0.0.0/8",
            "CONNECTOR_MAX_OUTAGE_SECONDS": "180",
        }

    def set(self, settings: dict[str, str]) -> None:
        """Settings for the commands to come, named without CONNECTOR_."""
        self._environment |= {f"CONNECTOR_{name}": value for name, value in settings.items()}

    def begin(self, *args: str) -> subprocess.Popen:
        """A command that goes on until it is told to end."""
        command = [sys.executable, "-m", "flask", *args]
        return subprocess.Popen(
            command, cwd=ROOT, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def python(self, code: str, *args: str, given: str = "") -> int:
        command = [sys.executable, "-c", code, *args]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, input=given.encode(), capture_output=True, timeout=120
        )
        self.said += done.stdout + done.stderr
        return done.returncode

    def flask(self, *args: str, given: str = "") -> int:
        """Run the command with a loud log. Return its exit code."""
        process = processes.start("tests.loud_flask", *args, environment=self._environment, typed=given)
        self.said += "".join(process.communicate(timeout=120)).encode()
        return process.returncode

    def everything(self) -> bytes:
        """All that is to be read by somebody who has the folder and has seen the output."""
        return self.said + contents(self.instance)


def contents(folder: Path) -> bytes:
    """Of all files below it, the database too."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def found(haystack: bytes) -> list[bytes]:
    return [word for text in (CANARY, WRONG) for word in spellings(text) if word in haystack]


def assert_silent(everything: bytes) -> None:
    given_away = found(everything) + TOKENS.findall(everything)
    assert given_away == []


@pytest.fixture(params=[5, 6, 9])
def sample(request):
    with SampleRepository(request.param) as sample:
        sample.logins.password = CANARY
        yield sample


@pytest.fixture
def life(tmp_path):
    return Life(tmp_path / "instance")


@pytest.mark.parametrize("sample", [9], indirect=True)
def test_the_command_line_prints_no_password(life, sample):
    handle = sample.data.named("Special files").handle
    life.flask("import", sample.url, "--collection", handle, "--test", "1")
    refused = life.flask("login", "1", login.NAME, "--json", given=f"{WRONG}\n")
    accepted = life.flask("login", "1", login.NAME, "--json", given=f"{CANARY}\n")
    imported = life.flask("import", sample.url, "--collection", handle, "--files", "--json")
    sample.faults.add(lambda target: target.endswith("/login"), times=None, status=401)
    locked_out = life.flask("rerun", "2", "--json")
    for args in (
        ["request-log", "2"],
        ["request-log", "3"],
        ["jobs", "--json"],
        ["export"],
        ["export", "--format", "csv"],
    ):
        assert life.flask(*args) == 0

    assert (refused, accepted, imported, locked_out) == (2, 0, 0, 2), life.said.decode()[-3000:]
    assert b"Restricted item" in life.said
    assert b"/login HTTP/1.1" in life.said  # the log was loud indeed
    assert_silent(life.everything())


def test_the_pages_contain_no_password(app, client, sample, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")  # which the app quiets
    shown = []

    def show(page):
        shown.append(page.get_data() + str(page.headers).encode())

    show(client.post("/repositories/", data={"url": sample.url, "endpoint": "rest", "limit": ""}))
    for given in (WRONG, CANARY):
        show(client.post("/repositories/1/login", data={"login_name": login.NAME, "password": given}))
    show(client.post("/repositories/1/login", data={"login_name": "", "password": CANARY}))
    chosen = {"scope": "repository:", "item_set": "", "files": "y"}
    show(client.post("/repositories/1/", data=chosen | {"estimate": "y"}))
    show(client.post("/repositories/1/", data=chosen))
    with app.app_context():
        carry_out(1)
    for path in ("/", "/repositories/1/", "/repositories/1/collections", "/jobs/", "/jobs/1/", "/items/?size=100"):
        show(client.get(path))

    said = b"\n".join([*shown, caplog.text.encode(), *(text.encode() for text in capfd.readouterr())])
    everything = said + contents(Path(app.config["INSTANCE"]))
    assert b"does not accept this name and password" in said
    assert b"Restricted item" in said
    assert b"/login HTTP/1.1" in said  # the log was loud indeed
    assert_silent(everything)


@pytest.mark.parametrize("say", ["print(said)", "open(folder / 'log', 'w').write(repr(said))", "print(quote(said))"])
def test_the_search_for_secrets_covers_output_and_files(life, say):
    life.instance.mkdir()
    setting = f"from pathlib import Path; from urllib.parse import quote; folder = Path({str(life.instance)!r})"

    life.python(f"{setting}; said = input(); {say}", given=CANARY)

    spelled = found(life.everything())
    assert spelled != []


def processes_of(pid: int) -> list[int]:
    """A process and all that it has begun, as the system lists them."""
    begun = [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]
    return [pid, *(one for child in begun for one in processes_of(child))]


SECRET = "canary8of7settings"
SETTINGS = {
    "SMTP": "smtp+starttls://127.0.0.1:1",
    "SMTP_USER": "library",
    "SMTP_PASSWORD": SECRET,
    "NOTIFY_FROM": "connector@example.org",
    "NOTIFY_TO": "library@example.org",
    "NOTIFY_WEBHOOK": f"http://127.0.0.1:1/hooks/{SECRET}",
    "PROXY": f"http://library:{SECRET}@127.0.0.1:1",
    "SECRET_KEY": f"{SECRET}-and-so-long-that-it-is-taken",
}
DATABASE_DOWN = {"DATABASE_URL": f"postgresql+psycopg://library:{SECRET}@127.0.0.1:1/connector"}
QUEUE_DOWN = {"QUEUE_URL": f"redis://:{SECRET}@127.0.0.1:1/0"}
ODD_ADDRESSES = {
    "QUEUE_URL": f"amqp://library:{SECRET}@127.0.0.1:1",
    "NOTIFY_WEBHOOK": f"hooks.example.org/{SECRET}",
    "PROXY": f"socks5://library:{SECRET}@127.0.0.1:1",
    "SMTP": f"smtps://library:{SECRET}@127.0.0.1",
}


@pytest.mark.parametrize(
    ("args", "more"),
    [
        (["notify", "--test"], {}),
        (["import", "http://127.0.0.1:1/", "--all", "--json"], {}),
        (["import", "http://127.0.0.1:1/", "--all", "--json"], QUEUE_DOWN),
        (["jobs"], DATABASE_DOWN),
    ],
)
def test_no_command_prints_secrets_of_the_settings(life, args, more):
    life.set(SETTINGS | more)

    assert life.flask(*args) != 0

    assert b"127.0.0.1" in life.said  # what could not be reached is told
    assert SECRET.encode() not in life.everything()


@pytest.mark.parametrize("name", ODD_ADDRESSES)
def test_an_invalid_setting_is_refused_without_showing_its_secret(life, name):
    life.set({name: ODD_ADDRESSES[name]})

    code = life.flask("up")

    assert (code, b"Error" in life.said) == (2, True), life.said.decode()[-2000:]
    assert SECRET.encode() not in life.everything()


def test_no_secret_is_in_the_list_of_processes(life):
    life.set(SETTINGS | {"PORT": "0"})
    server = life.begin("up")
    try:
        for line in server.stderr:
            life.said += line
            if b"DSpace Connector is at" in line:
                break
        commands = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in processes_of(server.pid)]
    finally:
        server.terminate()
        life.said += b"".join(server.communicate())

    assert b"up" in commands[0]
    assert SECRET.encode() not in b"".join(commands) + life.everything()


def test_no_output_contains_passwords_links_or_sessions_of_accounts(app, client, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    with app.app_context():
        link, reset = user_management.add("Anna", Role.ADMIN), user_management.first_link()
    browser = FlaskClient(app, Response)
    typed = {"password": CANARY, "again": CANARY}
    answers = [browser.get(f"/welcome/{link}"), browser.post(f"/welcome/{link}", data=typed | {"again": WRONG})]
    answers += [browser.post(f"/welcome/{link}", data=typed), browser.get(f"/welcome/{link}")]
    with browser.session_transaction() as kept:
        session = kept["_user_id"]
    new = {"current": WRONG, "new": CANARY, "again": CANARY}
    answers += [browser.post("/account/password", data=new), browser.get("/account/")]
    for given in (WRONG, CANARY):
        answers.append(FlaskClient(app, Response).post("/sign-in", data={"name": "Anna", "password": given}))
    answers += [client.get(path, buffered=True) for path in ("/users/", "/audit/", "/audit.csv", "/account/")]

    said = b"\n".join([answer.get_data() for answer in answers] + [caplog.text.encode()])
    said += "".join(capfd.readouterr()).encode() + contents(Path(app.config["INSTANCE"]))
    assert [answer.status_code for answer in answers[:8]] == [200, 422, 303, 410, 422, 200, 422, 303]
    assert b"password refused" in said  # the trail tells of it
    assert found(said) == []
    assert [token for token in (link, reset, session) if token.encode() in said] == []
