"""A password given to the app is nowhere to be read afterwards: not in its folder, logs, pages, exports or output."""

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

from connector.imports.tasks import carry_out
from tests.sample import SampleRepository, login

ROOT = Path(__file__).parents[1]
CANARY = "cänary & söng?+"
WRONG = "wröng & bird?+"
TOKENS = re.compile(rb"Bearer e30|rest-dspace-token|JSESSIONID=S")

# With all that any library has to say, whatever the app does to the log in general.
LOUD = """
import logging
import connector  # which quiets some of them
for name in ("urllib3", "requests", "connector", "werkzeug", "sqlalchemy.engine"):
    logging.getLogger(name).setLevel(logging.DEBUG)
    logging.getLogger(name).addHandler(logging.StreamHandler())
"""
COMMAND = f"{LOUD}\nimport flask.cli; flask.cli.main()"


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
            "CONNECTOR_ALLOW_NETWORKS": "127.0.0.0/8",
            "CONNECTOR_PATIENCE": "2",
        }

    def python(self, code: str, *args: str, given: str = "") -> int:
        command = [sys.executable, "-c", code, *args]
        done = subprocess.run(
            command, cwd=ROOT, env=self._environment, input=given.encode(), capture_output=True, timeout=120
        )
        self.said += done.stdout + done.stderr
        return done.returncode

    def flask(self, *args: str, given: str = "") -> int:
        return self.python(COMMAND, *args, given=given)

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
def test_the_command_line_gives_no_password_away(life, sample):
    handle = sample.data.named("Special files").handle
    life.flask("import", sample.url, "--collection", handle, "--test", "1")
    refused = life.flask("login", "1", login.NAME, "--json", given=f"{WRONG}\n")
    accepted = life.flask("login", "1", login.NAME, "--json", given=f"{CANARY}\n")
    imported = life.flask("import", sample.url, "--collection", handle, "--files", "--json")
    sample.faults.add(lambda target: target.endswith("/login"), times=None, status=401)
    locked_out = life.flask("rerun", "2", "--json")
    for args in (["diary", "2"], ["diary", "3"], ["jobs", "--json"], ["export"], ["export", "--format", "csv"]):
        assert life.flask(*args) == 0

    assert (refused, accepted, imported, locked_out) == (2, 0, 0, 2), life.said.decode()[-3000:]
    assert b"Restricted item" in life.said
    assert b"/login HTTP/1.1" in life.said  # the log was loud indeed
    assert_silent(life.everything())


def test_the_pages_give_no_password_away(app, client, sample, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")  # which the app quiets
    shown = []

    def show(page):
        shown.append(page.get_data() + str(page.headers).encode())

    show(client.post("/", data={"url": sample.url, "endpoint": "rest", "limit": ""}))
    for given in (WRONG, CANARY):
        show(client.post("/repositories/1/login", data={"login_name": login.NAME, "password": given}))
    show(client.post("/repositories/1/login", data={"login_name": "", "password": CANARY}))
    chosen = {"scope": "repository:", "item_set": "", "files": "y"}
    show(client.post("/repositories/1/", data=chosen | {"estimate": "y"}))
    show(client.post("/repositories/1/", data=chosen))
    with app.app_context():
        carry_out(1)
    for path in ("/", "/repositories/1/", "/repositories/1/collections", "/jobs/", "/jobs/1/", "/items/", "/items.csv"):
        show(client.get(path))

    said = b"\n".join([*shown, caplog.text.encode(), *(text.encode() for text in capfd.readouterr())])
    everything = said + contents(Path(app.config["INSTANCE"]))
    assert b"does not accept this name and password" in said
    assert b"Restricted item" in said
    assert b"/login HTTP/1.1" in said  # the log was loud indeed
    assert_silent(everything)


@pytest.mark.parametrize("say", ["print(said)", "open(folder / 'log', 'w').write(repr(said))", "print(quote(said))"])
def test_what_is_said_or_written_down_would_be_found(life, say):
    life.instance.mkdir()
    setting = f"from pathlib import Path; from urllib.parse import quote; folder = Path({str(life.instance)!r})"

    life.python(f"{setting}; said = input(); {say}", given=CANARY)

    spelled = found(life.everything())
    assert spelled != []
