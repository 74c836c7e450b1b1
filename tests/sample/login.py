"""Logins of the sample repository, as measured on real servers: a token on 5, a cookie on 6, a JWT on 7 and later.

A request with an unknown or expired key counts as signed out. That is no error on any of them.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs

from .answers import Answer, Request, dumps
from .records import signed_in

NAME, PASSWORD = "reader@example.org", "open & sesame"
TOKEN = "2ff4a2a5-1d0f-4f3a-9d15-3a5d1c1e9a77"


class Logins:
    """Who is signed in. One account, `NAME` with the `password`, to whom nothing is closed.

    `is_administrator`: whether the searches of DSpace 7 and later show it private and withdrawn items on request.

    `made`: how many logins there were, `asked`: how many were tried, `renewed`: how many JWTs were exchanged. `lives`:
    after this many requests each the next sessions end by themselves; those that follow last. `life`: seconds of a JWT.
    4 has no login.
    """

    def __init__(self, generation: int):
        self._generation, self.password = generation, PASSWORD
        self.made = self.asked = self.renewed = 0
        self.lives: list[int] = []
        self.life = 1800
        self.is_administrator = True
        self.keys: dict[str, float] = {}

    @contextmanager
    def reading(self, request: Request) -> Iterator[None]:
        """Open closed objects to signed-in readers while this request is answered."""
        key = next((key for key in _shown(request) if key in self.keys), None)
        if key is not None:
            self.keys[key] -= 1
            if self.keys[key] < 0:
                del self.keys[key]
        before = signed_in.set(key in self.keys)
        try:
            yield
        finally:
            signed_in.reset(before)

    def lapse(self) -> None:
        """End all sessions, as a restart does."""
        self.keys.clear()

    def answer(self, request: Request) -> Answer | None:
        """Return the answer to a login or to a check of one, or None for other requests."""
        if self._generation >= 7:
            return self._modern(request)
        if self._generation == 4 or (request.method, request.path) != ("POST", "/rest/login"):
            return None
        if self._generation == 5:
            given = json.loads(request.body)
            ok = self._lets_in(given["email"], given["password"])
            return Answer(200, self._key(TOKEN).encode()) if ok else Answer(403)
        form = parse_qs(request.body)
        if not self._lets_in(form.get("email", [""])[0], form.get("password", [""])[0]):
            return Answer(401)
        return Answer(200, headers={"Set-Cookie": f"{self._key(f'JSESSIONID=S{self.made}')}; Path=/rest"})

    def _modern(self, request: Request) -> Answer | None:
        if request.path == "/server/api/authn/status":
            told = {"okay": True, "authenticated": signed_in.get(), "type": "status"}
            return Answer(200, dumps(told), {"Content-Type": "application/hal+json", **self._csrf()})
        if (request.method, request.path) != ("POST", "/server/api/authn/login"):
            return None
        if f"DSPACE-XSRF-COOKIE={request.headers.get('x-xsrf-token')}" not in request.headers.get("cookie", ""):
            return Answer(403)
        form = parse_qs(request.body)
        renewed = signed_in.get() and not form
        if not renewed and not self._lets_in(form.get("user", [""])[0], form.get("password", [""])[0]):
            return Answer(401, headers={"WWW-Authenticate": 'password realm="DSpace REST API"'})
        self.renewed += renewed
        return Answer(200, headers={"Authorization": self._key(self._jwt()), **self._csrf()})

    def _lets_in(self, name: str, password: str) -> bool:
        self.asked += 1
        is_right = (name, password) == (NAME, self.password)
        self.made += is_right
        return is_right

    def _key(self, key: str) -> str:
        self.keys[key] = self.lives.pop(0) if self.lives else float("inf")
        return key

    def _jwt(self) -> str:
        claims = dumps({"exp": int(time.time() + self.life), "number": self.asked + self.renewed, "of": len(self.keys)})
        return f"Bearer e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"

    def _csrf(self) -> dict[str, str]:
        return {"Set-Cookie": f"DSPACE-XSRF-COOKIE=c{self.made}.{self.renewed}; Path=/server"}


def _shown(request: Request) -> list[str]:
    """Return what may be a key in a request."""
    headers = request.headers
    return [
        headers.get("rest-dspace-token", ""),
        headers.get("authorization", ""),
        *headers.get("cookie", "").split("; "),
    ]
