"""The logins of DSpace 5, 6 and 7 to 10 on a loopback port, as measured on real servers."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

NAME, PASSWORD = "reader@example.org", "canary & secret"
TOKEN = "2ff4a2a5-1d0f-4f3a-9d15-3a5d1c1e9a77"


class FakeLogin:
    """`life`: seconds of a JWT. `logins`, `refreshes`: how many there were. `lapse` ends all sessions, as a restart.

    A token or cookie that is not known acts as anonymous. `/items` shows two items to who is signed in, else one.
    """

    def __init__(self, generation: int, life: float = 1800):
        self.generation, self.life = generation, life
        self.logins = self.refreshes = 0
        self.keys: set[str] = set()
        self.lapses_at_once = False
        self.sent: list[tuple[str, str, dict[str, str]]] = []
        handler = type("Handler", (_Handler,), {"fake": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    def __enter__(self) -> FakeLogin:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def lapse(self) -> None:
        self.keys.clear()

    def new_key(self) -> str:
        if self.generation == 5:
            key = TOKEN
        elif self.generation == 6:
            key = f"JSESSIONID=S{self.logins}"
        else:
            claims = json.dumps({"exp": int(time.time() + self.life), "number": self.logins + self.refreshes}).encode()
            key = f"Bearer e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"
        if not self.lapses_at_once:
            self.keys.add(key)
        return key


class _Handler(BaseHTTPRequestHandler):
    fake: FakeLogin
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._note()
        cookies = {} if "XSRF" in self.headers.get("Cookie", "") else self._csrf("first")
        if self.path.endswith("/status"):
            self._send(200, {"authenticated": self._signed_in()}, cookies)
        else:
            self._send(200, ["open", "closed"] if self._signed_in() else ["open"], cookies)

    def do_POST(self) -> None:
        self._note()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        modern = self.fake.generation >= 7
        if modern and f"DSPACE-XSRF-COOKIE={self.headers.get('X-XSRF-TOKEN')}" not in self.headers.get("Cookie", ""):
            self._send(403, {"message": "Invalid CSRF token"}, {})
        elif modern and not body and self._signed_in():
            self.fake.refreshes += 1
            self._let_in()
        elif self._given(body) == (NAME, PASSWORD):
            self.fake.logins += 1
            self._let_in()
        else:
            self._send(403 if self.fake.generation == 5 else 401, {"message": "no"}, {})

    def _given(self, body: str) -> tuple[str | None, str | None]:
        if self.fake.generation == 5:
            told = json.loads(body)
            return told["email"], told["password"]
        told = {name: values[0] for name, values in parse_qs(body).items()}
        return told.get("user" if self.fake.generation >= 7 else "email"), told.get("password")

    def _let_in(self) -> None:
        key = self.fake.new_key()
        if self.fake.generation == 5:
            self._send(200, key, {})
        elif self.fake.generation == 6:
            self._send(200, "", {"Set-Cookie": f"{key}; Path=/"})
        else:
            self._send(200, "", {"Authorization": key} | self._csrf(f"after{self.fake.logins}{self.fake.refreshes}"))

    def _csrf(self, value: str) -> dict[str, str]:
        return {"Set-Cookie": f"DSPACE-XSRF-COOKIE={value}; Path=/"} if self.fake.generation >= 7 else {}

    def _signed_in(self) -> bool:
        shown = {self.headers.get("rest-dspace-token"), self.headers.get("Authorization")}
        return bool(self.fake.keys & (shown | set(self.headers.get("Cookie", "").split("; "))))

    def _note(self) -> None:
        self.fake.sent.append((self.command, self.path, dict(self.headers)))

    def _send(self, status: int, value: object, headers: dict[str, str]) -> None:
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        for name, text in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""
