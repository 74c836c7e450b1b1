"""Firefox for tests. It speaks Marionette, the protocol below WebDriver, which needs no other program.

Playwright drives only its own build of Firefox, or one that knows newer commands of WebDriver BiDi than Debian's.
"""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from tests.tools import path_of
from tests.waiting import until

WAIT = 60_000  # milliseconds
TAB, ENTER = "\ue004", "\ue007"
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # how WebDriver names the key of an element


class Firefox:
    """A window of Firefox. Elements are found by XPath, and waited for."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=2 * WAIT / 1000)
        self._numbers = count(1)
        self._read()
        self._send("WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        self._send("WebDriver:SetTimeouts", implicit=WAIT, pageLoad=WAIT, script=WAIT)

    def open(self, url: str) -> None:
        """Load a page."""
        self._send("WebDriver:Navigate", url=url)

    def reload(self) -> None:
        """Load the page again."""
        self._send("WebDriver:Refresh")

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return str(self._send("WebDriver:GetCurrentURL")["value"])

    @property
    def source(self) -> str:
        """Return the page as HTML."""
        return str(self._send("WebDriver:GetPageSource")["value"])

    def add_cookie(self, name: str, value: str) -> None:
        """Add a cookie for the site of the page."""
        self._send("WebDriver:AddCookie", cookie={"name": name, "value": value, "path": "/"})

    def find(self, xpath: str) -> str:
        """Return the id of the first element, as soon as it is there."""
        return str(self._send("WebDriver:FindElement", using="xpath", value=xpath)["value"][ELEMENT])

    def click(self, xpath: str) -> None:
        """Click on an element."""
        self._send("WebDriver:ElementClick", id=self.find(xpath))

    def type(self, xpath: str, text: str) -> None:
        """Type a text into a field."""
        self._send("WebDriver:ElementSendKeys", id=self.find(xpath), text=text)

    def press(self, keys: str) -> None:
        """Press keys wherever the focus is."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._send("WebDriver:PerformActions", actions=[{"type": "key", "id": "keyboard", "actions": actions}])

    def press_until_focused(self, xpath: str) -> None:
        """Press Tab until this element has the focus."""
        wanted = self.find(xpath)
        for _ in range(60):
            self.press(TAB)
            if self._send("WebDriver:GetActiveElement")["value"][ELEMENT] == wanted:
                return
        raise AssertionError(f"Tab does not come to {xpath}")

    def _send(self, command: str, **parameters: Any) -> Any:
        text = json.dumps([0, next(self._numbers), command, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _kind, _number, error, result = self._read()
        assert error is None, error
        return result

    def _read(self) -> Any:
        """Return a message: its length in bytes, a colon, and JSON."""
        length = b""
        while (sign := self._socket.recv(1)) != b":":
            assert sign, "Firefox ended"
            length += sign
        text = b""
        while len(text) < int(length):
            text += self._socket.recv(int(length) - len(text))
        return json.loads(text)

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


@contextmanager
def launched(profile: Path, scripted: bool = True) -> Iterator[Firefox]:
    """Start Firefox with an empty profile, and end it with the block."""
    preferences = {"javascript.enabled": scripted, "marionette.port": 0, "app.update.auto": False}
    preferences |= {
        "datareporting.policy.dataSubmissionEnabled": False,
        "network.captive-portal-service.enabled": False,
    }
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
    (profile / "user.js").write_text("".join(lines))
    command = [path_of("firefox"), "--headless", "--marionette", "--no-remote", "--profile", str(profile)]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={"HOME": str(profile)}
    ) as process:
        try:
            port = profile / "MarionetteActivePort"
            until(lambda: port.exists() and port.read_text())
            firefox = Firefox(int(port.read_text()))
            yield firefox
            firefox.close()
        finally:
            process.terminate()
            process.wait()
