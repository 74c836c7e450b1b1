"""A small real server that answers as Omeka S 4.2 does: its rules for keys, values, PATCH, files, searches and deletes.

tests/omeka/test_stand_in.py compares it with recorded answers of a real Omeka S.
"""

from __future__ import annotations

import copy
import hashlib
import json
import re
import socket
import threading
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

PAYLOADS = Path(__file__).parent / "payloads" / "omeka"
VERSION = "4.2.0"
PAGE = "<!DOCTYPE html><html><h1>Omeka S encountered an error</h1></html>"
VALUE_TYPES = ("literal", "uri", "resource", "resource:item", "resource:itemset", "resource:media")
MEDIA_TYPES = {"application/pdf", "image/jpeg", "image/png", "image/gif", "text/plain", "application/zip"}
EXTENSIONS = {"pdf", "jpg", "jpeg", "png", "gif", "txt", "zip", "docx", "doc", "mp4", "mp3", "tif", "tiff", ""}
KINDS = {"items": "o:Item", "item_sets": "o:ItemSet", "media": "o:Media"}
ENTITIES = {"items": "Item", "item_sets": "ItemSet", "media": "Media"}
NAMES = ("items", "item_sets", "media", "properties", "resource_classes", "resource_templates", "vocabularies")
NAMES += ("users", "sites")
ADMINS = ("global_admin", "site_admin")
EDITORS = (*ADMINS, "editor")
MAY_WRITE_ALL = (*EDITORS, "reviewer")
SEES_ALL = MAY_WRITE_ALL


class FailureError(Exception):
    """An answer other than 200. `errors`: the JSON of the errors; None for an HTML page."""

    def __init__(self, status: int, errors: Any = None):
        super().__init__(status, errors)
        self.status, self.errors = status, errors


@dataclass
class User:
    """A user with a key. `sites`: the ids of those to which the user may add items; admins may add to all."""

    id: int
    role: str
    identity: str
    credential: str
    sites: tuple[int, ...] = ()

    @property
    def key(self) -> dict[str, str]:
        """The key as query parameters."""
        return {"key_identity": self.identity, "key_credential": self.credential}


@dataclass
class Faults:
    """What goes wrong. `instead`: called with each request; answers in place of the site if it returns a response.

    `after`: called with each request that was carried out, before its answer is sent. `lost`: how many writes are
    carried out without an answer, because the connection breaks.
    """

    instead: Callable[[Request], Response | None] = lambda request: None
    after: Callable[[Request], object] = lambda request: None
    lost: int = 0


@cache
def _recording(number: int) -> str:
    (path,) = PAYLOADS.glob(f"{number:03}-*.json")
    return path.read_text()


def recorded(number: int) -> Any:
    """Return the body of a recorded answer."""
    return json.loads(_recording(number))["body"]


@dataclass
class Omeka:
    """An Omeka S site on a loopback port. `key_check`: called for each request with a key, as bcrypt costs time there.

    `limits`: upload_max_filesize and post_max_size of PHP, in bytes. `data_types`: more types of values.
    `version`: before 4.1, a search joins the table of values once for each condition. All else is as in 4.2.
    """

    limits: tuple[int, int] = (16 << 20, 20 << 20)
    key_check: Callable[[], object] = lambda: None
    resources: dict[int, dict[str, Any]] = field(default_factory=dict)
    files: dict[int, bytes] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    data_types: tuple[str, ...] = ()
    version: str = VERSION

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._next_id, self._clock = 1, 0
        self.running = 0  # requests that are being carried out
        self.sites: list[dict[str, Any]] = []
        self._linking: set[int] = set()  # the ids of all resources that have had links to others
        self.users: dict[str, User] = {}
        self.admin = self.add_user("global_admin")
        self.vocabularies = _unpacked(recorded(196))
        self.properties = [*_unpacked(recorded(192)), *_unpacked(recorded(193))]
        self.classes = _unpacked(recorded(194))
        self.templates = _unpacked(recorded(195))

    def __enter__(self) -> Omeka:
        self._server = make_server("127.0.0.1", 0, self._app, threaded=True, request_handler=_Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    # What tests ask and do

    def add_user(self, role: str) -> User:
        """Add a user with a key."""
        number = len(self.users) + 1
        user = User(number, role, f"identity{number}".ljust(32, "i"), f"credential{number}".ljust(32, "c"))
        self.users[user.identity] = user
        return user

    def add_site(self, title: str, *, assigns_new_items: bool = False) -> int:
        """Add a site and return its id. `assigns_new_items`: whether it shows new items that name no sites."""
        number = len(self.sites) + 1
        row = {"@type": "o:Site", "o:id": number, "o:slug": f"site-{number}", "o:title": title}
        self.sites.append(row | {"o:is_public": True, "o:assign_new_items": assigns_new_items})
        return number

    def all_of(self, kind: str) -> list[dict[str, Any]]:
        """Return all resources of a kind ("items", "item_sets", "media"), private ones too."""
        return [raw for raw in self.resources.values() if KINDS[kind] in _types(raw)]

    def put(self, raw: dict[str, Any]) -> None:
        """Put a resource there as it was read from a real site."""
        self.resources[raw["o:id"]] = copy.deepcopy(raw) | {"@owner": raw["o:owner"]["o:id"]}
        self._note_links(raw)
        self._next_id = max(self._next_id, raw["o:id"] + 1)

    def edit(self, number: int, **changes: Any) -> None:
        """Change a resource as a person does in the pages of Omeka. `changes`: members; None removes one."""
        with self._lock:
            raw = self.resources[number]
            raw["o:modified"] = self._now()
            for name, value in changes.items():
                name = name.replace("__", ":")
                raw.pop(name, None)
                if value is not None:
                    raw[name] = value
            self._note_links(raw)

    def _note_links(self, raw: dict[str, Any]) -> None:
        if any("value_resource_id" in value for value in _values(raw)):
            self._linking.add(raw["o:id"])

    def _now(self) -> dict[str, str]:
        """Return the time, which goes on by a second with each call."""
        self._clock += 1
        return _time(self._clock)

    def writes(self) -> list[tuple[str, str]]:
        """Return the requests that were not GET."""
        return [one for one in self.requests if one[0] != "GET"]

    # The server

    def _app(self, environ: dict[str, Any], start_response: Any) -> Any:
        with self._lock:
            self.running += 1
        try:
            return self._respond(environ, start_response)
        finally:
            with self._lock:
                self.running -= 1

    def _respond(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        body = request.get_data(cache=True, parse_form_data=False) if _is_json(request) else b""
        self.requests.append((request.method, request.path))
        response = self.faults.instead(request)
        if response is None:
            response = self._answer(request, body)
            self.faults.after(request)
            request.close()
            if request.method != "GET" and self.faults.lost:
                self.faults.lost -= 1
                environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
        return response(environ, start_response)

    def _answer(self, request: Request, body: bytes) -> Response:
        try:
            user = self._user(request)
            with self._lock:
                backup = (self._saved(request), dict(self.files), self._next_id)
                try:
                    value, headers = self._route(request, user, body)
                except FailureError as failure:
                    if not getattr(failure, "is_done", False):
                        self.resources, self.files, self._next_id = backup
                    raise
                text = json.dumps(value)
        except FailureError as failure:
            if failure.errors is None:
                return Response(PAGE, failure.status, content_type="text/html; charset=UTF-8")
            return self._json(json.dumps({"errors": failure.errors}), failure.status, {})
        return self._json(text, 200, headers)

    def _saved(self, request: Request) -> dict[int, dict[str, Any]]:
        """Return all resources, with copies of what a refused request may have changed: a resource and its media."""
        last = request.path.rpartition("/")[2]
        number = int(last) if request.method != "GET" and last.isdecimal() else 0
        near = {number, *(media["o:id"] for media in self._media_of(number))} if number in self.resources else set()
        return self.resources | {one: copy.deepcopy(self.resources[one]) for one in near}

    def _json(self, text: str, status: int, headers: dict[str, str]) -> Response:
        headers = {"Omeka-S-Version": self.version, **headers}
        return Response(text, status, headers, content_type="application/ld+json")

    def _user(self, request: Request) -> User | None:
        """Return the user of a key. A wrong key is no error: the request goes on as anonymous."""
        if "key_identity" not in request.args:
            return None
        self.key_check()
        user = self.users.get(request.args["key_identity"])
        return user if user and user.credential == request.args.get("key_credential") else None

    def _route(self, request: Request, user: User | None, body: bytes) -> tuple[Any, dict[str, str]]:
        found = re.fullmatch(r"/api/([a-z_]+)(?:/([^/]+))?", request.path)
        if found is None:
            raise FailureError(404)
        name, number = found.groups()
        if request.method == "GET" and number is None:
            return self._listing(request, name, user)
        if request.method == "GET":
            return self._shown(self._visible(name, number, user), user), {}
        if request.method == "POST":
            return self._create(name, self._content(request, body), request, user), {}
        if number is None or request.method not in ("PATCH", "PUT", "DELETE"):
            raise FailureError(405)
        if request.method == "DELETE":
            return self._delete(name, number, user), {}
        content = self._content(request, body) if _is_json(request) else {}
        return self._update(name, number, content, user, is_partial=request.method == "PATCH"), {}

    def _content(self, request: Request, body: bytes) -> Any:
        kind = request.mimetype
        if kind == "multipart/form-data":
            if (request.content_length or 0) > self.limits[1]:
                raise FailureError(500)  # PHP empties the request, and Omeka fails before its API answers
            try:
                text = request.form.get("data", "")
            except RequestEntityTooLarge:
                raise FailureError(500) from None
        elif _is_json(request):
            text = body.decode("utf-8", "replace")
        else:
            told = f'Invalid Content-Type header. Expecting "application/json", got "{kind or "none"}".'
            raise FailureError(415, {"error": told})
        try:
            content = json.loads(text)
        except ValueError:
            raise FailureError(400, {"error": "JSON: Syntax error"}) from None
        if "\\ud8" in text and re.search(r"\\ud[89ab]..(?!\\ud[c-f])", text):
            raise FailureError(400, {"error": "JSON: Single unpaired UTF-16 surrogate in unicode escape"})
        if not isinstance(content, dict | list):
            raise FailureError(400, {"error": "JSON: Content must be an object or array."})
        return content if isinstance(content, dict) else {}

    # Read

    def _listing(self, request: Request, name: str, user: User | None) -> tuple[Any, dict[str, str]]:
        args = request.args
        if name == "api_resources":
            return [{"@type": "o:ApiResource", "o:id": one} for one in NAMES], {}
        if name == "users":
            if user is None:
                raise _denied("search", "User")
            rows = [
                {"@type": "o:User", "o:id": one.id, "o:name": f"User {one.id}", "o:role": one.role}
                for one in self.users.values()
            ]
        elif name in ("properties", "resource_classes"):
            rows = self.properties if name == "properties" else self.classes
            if ":" in args.get("term", ""):
                rows = [row for row in rows if row["o:term"] == args["term"]]
            if args.get("vocabulary_id"):
                rows = [row for row in rows if row["o:vocabulary"]["o:id"] == int(args["vocabulary_id"])]
        elif name == "sites":
            rows = self.sites
        elif name in ("vocabularies", "resource_templates"):
            rows = self.vocabularies if name == "vocabularies" else self.templates
        elif name in KINDS:
            wanted = _Wanted.of(args)
            if self.version < "4.1" and len(wanted.rows) > 1:
                # Versions 3.2.3 and 4.0.4 refuse 61 conditions, and 8 take over 30 s at a site with 13 items.
                raise FailureError(500, {"error": "SQLSTATE[HY000]: General error: 1116 Too many tables"})
            rows = [
                raw for raw in self.all_of(name) if self._is_visible(raw, user) and self._matches(raw, wanted, user)
            ]
            rows.sort(key=lambda row: row["o:id"])
        else:
            raise FailureError(500, {"error": f'The API does not support the "{name}" resource.'})
        size, page = int(args.get("per_page") or 25), int(args.get("page") or 1)
        total = {"Omeka-S-Total-Results": str(len(rows)), "Link": f"<{request.url}>; rel=first"}
        rows = rows[(page - 1) * size : page * size]
        return [self._shown(row, user) for row in rows] if name in KINDS else rows, total

    def _matches(self, raw: dict[str, Any], wanted: _Wanted, user: User | None) -> bool:
        if wanted.ids and raw["o:id"] not in wanted.ids:
            return False
        if wanted.item_set and wanted.item_set not in _ids(raw.get("o:item_set")):
            return False
        if wanted.item and raw.get("o:item", {}).get("o:id") != wanted.item:
            return False
        result: bool | None = None
        texts = self._texts_of(raw, user) if wanted.rows else {}
        for property, text, is_or in wanted.rows:
            hit = text in texts.get(property, ())
            result = hit if result is None else (result or hit) if is_or else (result and hit)
        return result is not False

    def _texts_of(self, raw: dict[str, Any], user: User | None) -> dict[str, set[str]]:
        """Return the texts that a search compares, by the number and the name of their property. "" has all."""
        found: dict[str, set[str]] = {"": set()}
        sees_private = self._may_see_private(raw, user)
        for value in _values(raw):
            if value["is_public"] or sees_private:
                texts = (value.get("@value"), value.get("@id"), value.get("o:label"))
                folded = {_folded(text) for text in texts if isinstance(text, str)}
                for property in ("", str(value["property_id"]), self._term(value["property_id"])):
                    found.setdefault(property, set()).update(folded)
        return found

    def _may_see_private(self, raw: dict[str, Any], user: User | None) -> bool:
        return user is not None and (user.role in SEES_ALL or raw["@owner"] == user.id)

    def _is_visible(self, raw: dict[str, Any], user: User | None) -> bool:
        if "o:item" in raw and not self._is_visible(self.resources[raw["o:item"]["o:id"]], user):
            return False
        return raw["o:is_public"] or self._may_see_private(raw, user)

    def _visible(self, name: str, number: str, user: User | None) -> dict[str, Any]:
        raw = self.resources.get(int(number)) if number.isdecimal() else None
        if raw is None or KINDS.get(name) not in _types(raw) or not self._is_visible(raw, user):
            raise _missing(ENTITIES.get(name, name), number)
        return raw

    def _shown(self, raw: dict[str, Any], user: User | None) -> dict[str, Any]:
        """Return a resource without what the user may not see, with its media in order."""
        shown = {name: value for name, value in raw.items() if not name.startswith("@owner")}
        if not self._may_see_private(raw, user):
            for name, values in list(shown.items()):
                if isinstance(values, list) and values and all(map(_is_value, values)):
                    shown[name] = [value for value in values if value["is_public"]]
        if "o:Item" in _types(raw):
            media = sorted(self._media_of(raw["o:id"]), key=lambda one: (one.get("@owner_position") or 0, one["o:id"]))
            visible = [one for one in media if self._is_visible(one, user)]
            shown["o:media"] = [{"@id": one.get("@id"), "o:id": one["o:id"]} for one in visible]
            shown["o:primary_media"] = shown["o:media"][0] if visible else None
        linking = (self.resources[one] for one in sorted(self._linking & self.resources.keys()))
        if reverse := [one for one in linking if self._links_to(one, raw["o:id"])]:
            shown["@reverse"] = {
                "dcterms:relation": [{"@id": one["@id"], "o:title": one["o:title"]} for one in reverse]
            }
        return copy.deepcopy(shown)

    @staticmethod
    def _links_to(raw: dict[str, Any], number: int) -> bool:
        return any(value.get("value_resource_id") == number for value in _values(raw))

    def _media_of(self, item_id: int) -> list[dict[str, Any]]:
        return [raw for raw in self.resources.values() if raw.get("o:item", {}).get("o:id") == item_id]

    # Write

    def _create(self, name: str, content: dict[str, Any], request: Request, user: User | None) -> Any:
        if name == "properties":
            raise FailureError(422, {"o:vocabulary": ["A vocabulary must be set."]})
        if name not in (*KINDS, "vocabularies", "resource_templates", "sites"):
            raise FailureError(500, {"error": f'The API does not support the "{name}" resource.'})
        allowed = {"vocabularies": ADMINS, "sites": EDITORS}.get(name, (*MAY_WRITE_ALL, "author"))
        if user is None or user.role not in allowed:
            raise _denied("create", name)
        if name == "sites":
            raise FailureError(422, {"o:title": ["A site must have a title."], "o:slug": [], "o:theme": []})
        if name == "vocabularies":
            return self._create_vocabulary(content, user)
        if name == "resource_templates":
            self.templates.append({"o:id": len(self.templates) + 1, "@type": "o:ResourceTemplate", **content})
            return self.templates[-1]
        if name == "media":
            self._check_media(content)
        owner = self._owner(content, user)
        number, self._next_id = self._next_id, self._next_id + 1
        raw = self.resources[number] = {
            "@id": f"{self.url}/api/{name}/{number}",
            "@type": KINDS[name],
            "o:id": number,
            "o:owner": {"@id": f"{self.url}/api/users/{owner}", "o:id": owner},
            "@owner": owner,
            "o:created": self._now(),
        }
        if name == "items" and "o:site" not in content:
            content = content | {"o:site": [{"o:id": row["o:id"]} for row in self.sites if row["o:assign_new_items"]]}
        self._hydrate(raw, self._assignable(raw, content, user), is_partial=False)
        raw["o:modified"] = raw["o:created"]
        if name == "media":
            self._ingest(raw, content, request)
        return self._shown(raw, user)

    def _update(self, name: str, number: str, content: dict[str, Any], user: User | None, is_partial: bool) -> Any:
        if name == "vocabularies" and user is not None and user.role in ADMINS:
            return self._update_vocabulary(int(number), content)
        raw = self._visible(name, number, user)
        self._check_rights("update", raw, user, MAY_WRITE_ALL)
        before = self._shown(raw, user)
        self._hydrate(raw, self._assignable(raw, content, user), is_partial)
        shown = self._shown(raw, user)
        if "o:media" in content:
            left = [one for one in before["o:media"] if one["o:id"] in self.resources]  # in the old order
            shown |= {"o:media": left, "o:primary_media": left[0] if left else None}
        return shown

    def _delete(self, name: str, number: str, user: User | None) -> Any:
        if user is None and name in KINDS and number.isdecimal() and int(number) in self.resources:
            raise _denied("delete", ENTITIES[name])
        raw = self._visible(name, number, user)
        self._check_rights("delete", raw, user, EDITORS)
        shown = self._shown(raw, user) | {"o:id": None}
        del self.resources[int(number)]
        for other in self.resources.values():
            if self._links_to(other, int(number)):
                left = [value for value in _values(other) if value.get("value_resource_id") != int(number)]
                self._set_values(other, left)
        for media in self._media_of(int(number)):
            del self.resources[media["o:id"]]
        if name == "item_sets":
            members = [item for item in self.all_of("items") if int(number) in _ids(item["o:item_set"])]
            for item in members:
                item["o:item_set"] = [one for one in item["o:item_set"] if one["o:id"] != int(number)]
            failure = FailureError(500)
            failure.is_done = True  # type: ignore[attr-defined]
            raise failure
        return shown

    def _owner(self, content: dict[str, Any], user: User) -> int:
        """Return the id of the owner of a new resource. Only admins may name one, even themselves."""
        if "o:owner" not in content:
            return user.id
        if user.role not in ADMINS:
            raise _denied("change-owner", "Item")
        number: int = content["o:owner"]["o:id"]
        if number not in (one.id for one in self.users.values()):
            raise _missing("User", number)
        return number

    def _assignable(self, raw: dict[str, Any], content: dict[str, Any], user: User | None) -> dict[str, Any]:
        """Return the content without new sites to which the user may not add items. They are dropped without an error.

        Each user may add a new item to the sites that assign new items. Sites of others that show the resource stay,
        even if the content does not name them.
        """
        if "o:site" not in content or user is None or user.role in ADMINS:
            return content
        is_new = "o:modified" not in raw
        open_to_all = {row["o:id"] for row in self.sites if row["o:assign_new_items"]} if is_new else set()
        named = {one["o:id"] for one in content["o:site"]}
        kept = (named & {*user.sites, *open_to_all}) | (set(_ids(raw.get("o:site"))) - set(user.sites))
        return content | {"o:site": [{"o:id": number} for number in sorted(kept)]}

    def _check_rights(self, verb: str, raw: dict[str, Any], user: User | None, roles: tuple[str, ...]) -> None:
        may = user is not None and (
            user.role in roles or (user.role in ("author", "reviewer") and raw["@owner"] == user.id)
        )
        if not may:
            raise _denied(verb, "Item")

    def _hydrate(self, raw: dict[str, Any], content: dict[str, Any], is_partial: bool) -> None:
        def has(name: str) -> bool:
            return name in content or not is_partial

        if has("o:is_public"):
            raw["o:is_public"] = bool(content.get("o:is_public", True))
        for name, entity in (("o:resource_class", "ResourceClass"), ("o:resource_template", "ResourceTemplate")):
            if has(name):
                raw[name] = self._reference(content.get(name), entity)
        if "o:resource_class" in raw:
            kind = next(kind for kind in KINDS.values() if kind in _types(raw))
            row = next(
                (row for row in self.classes if row["o:id"] == (raw["o:resource_class"] or {}).get("o:id")), None
            )
            raw["@type"] = [kind, row["o:term"]] if row else kind
        if "o:Item" in _types(raw):
            for name, entity in (("o:item_set", "ItemSet"), ("o:site", "Site")):
                if has(name):
                    ids = [one["o:id"] if isinstance(one, dict) else int(one) for one in content.get(name) or ()]
                    raw[name] = [self._reference({"o:id": number}, entity) for number in ids]
            if "o:media" in content:
                self._keep_media(raw["o:id"], [one["o:id"] for one in content["o:media"] if "o:id" in one])
        if "o:ItemSet" in _types(raw) and has("o:is_open"):
            raw["o:is_open"] = bool(content.get("o:is_open", False))
        if "position" in content:
            raw["@owner_position"] = content["position"]
        for name in ("o:lang", "o:alt_text", "o:source"):
            if "o:Media" in _types(raw) and has(name):
                raw[name] = content.get(name)
        self._hydrate_values(raw, content, is_partial)
        raw["o:modified"] = self._now()
        raw["o:title"] = _title(raw)
        self._check_template(raw)

    def _hydrate_values(self, raw: dict[str, Any], content: dict[str, Any], is_partial: bool) -> None:
        sent = [
            (name, value)
            for name, values in content.items()
            if isinstance(values, list) and name != "o:media"
            for value in values
            if isinstance(value, dict) and "property_id" in value
        ]
        valid = [one for name, value in sent if (one := self._value(name, value)) is not None]
        cleared = set(content.get("clear_property_values", ()))
        old = list(_values(raw))
        if not valid and is_partial:
            self._set_values(raw, [value for value in old if value["property_id"] not in cleared])
            return
        for place, value in enumerate(valid):
            # Rows are used again by their position, so a value without a flag gets the one of the value before it.
            kept = old[place]["is_public"] if place < len(old) else True
            value.setdefault("is_public", kept)
        self._set_values(raw, valid)

    def _value(self, name: str, value: dict[str, Any]) -> dict[str, Any] | None:
        """Return a value as it is stored, or None if it is dropped without an error."""
        if value.get("type") is None:
            raise FailureError(500)
        number = value["property_id"]
        if number == "auto":
            number = next((row["o:id"] for row in self.properties if row["o:term"] == name), None)
            if number is None:
                raise FailureError(500)
        if not any(row["o:id"] == number for row in self.properties):
            raise FailureError(500, {"error": "An exception occurred while executing 'INSERT INTO `value` …"})
        language = value.get("@language", value.get("o:lang"))
        if language and len(language) > 255:
            raise FailureError(500, {"error": "Data too long for column 'lang'"})
        kept = {"type": value["type"], "property_id": number}
        kept |= {"is_public": value["is_public"]} if "is_public" in value else {}
        if "@annotation" in value:
            kept["@annotation"] = {
                term: [{"is_public": True, **one, "property_label": self._label(one["property_id"])} for one in values]
                for term, values in value["@annotation"].items()
            }
        if value["type"] not in (*VALUE_TYPES, *self.data_types):
            return None
        if value["type"].startswith("resource"):
            target = self.resources.get(value["value_resource_id"])
            if target is None:
                raise FailureError(404, {"error": "Resource not found"})
            return kept | {"value_resource_id": value["value_resource_id"], "@id": target["@id"]}
        text = value.get("@id" if value["type"] == "uri" else "@value")
        if not isinstance(text, str) or not text.strip() or text.startswith("javascript:"):
            return None
        if value["type"] == "uri":
            label = {"o:label": value["o:label"]} if value.get("o:label") else {}
            return kept | {"@id": text} | label | ({"o:lang": language} if language else {})
        return kept | {"@value": text} | ({"@language": language} if language else {})

    def _set_values(self, raw: dict[str, Any], values: list[dict[str, Any]]) -> None:
        for name in [name for name, old in raw.items() if isinstance(old, list) and any(map(_is_value, old))]:
            del raw[name]
        for value in values:
            term = self._term(value["property_id"])
            raw.setdefault(term, []).append(value | {"property_label": self._label(value["property_id"])})
        self._note_links(raw)

    def _term(self, number: int) -> str:
        return str(self._property(number)["o:term"])

    def _label(self, number: int) -> str:
        return str(self._property(number)["o:label"])

    def _property(self, number: int) -> dict[str, Any]:
        row = self.properties[number - 1] if number <= len(self.properties) else {}
        return row if row.get("o:id") == number else next(row for row in self.properties if row["o:id"] == number)

    def _reference(self, raw: Any, entity: str) -> dict[str, Any] | None:
        if not raw:
            return None
        number = raw["o:id"]
        rows: dict[str, list[Any]] = {
            "ResourceClass": self.classes,
            "ResourceTemplate": self.templates,
            "ItemSet": self.all_of("item_sets"),
            "Site": self.sites,
            "Item": self.all_of("items"),
        }
        if not any(row["o:id"] == number for row in rows[entity]):
            raise _missing(entity, number)
        return {"@id": f"{self.url}/api/x/{number}", "o:id": number}

    def _check_template(self, raw: dict[str, Any]) -> None:
        number = (raw.get("o:resource_template") or {}).get("o:id")
        template = next((row for row in self.templates if row["o:id"] == number), None)
        there = {value["property_id"] for value in _values(raw)}
        for row in (template or {}).get("o:resource_template_property", ()):
            if row.get("o:is_required") and row["o:property"]["o:id"] not in there:
                raise FailureError(422, {"o:resource_template_property": ["The template requires a value"]})

    def _create_vocabulary(self, content: dict[str, Any], user: User) -> Any:
        members = {"o:namespace_uri": "The namespace URI", "o:prefix": "The prefix", "o:label": "The label"}
        errors = {name: [f"{what} cannot be empty."] for name, what in members.items() if not content.get(name)}
        for name in ("o:namespace_uri", "o:prefix"):
            if name not in errors and content[name] in (row[name] for row in self.vocabularies):
                errors[name] = [f"{members[name]} is already taken."]
        if str(content.get("o:prefix")).startswith("o"):
            errors["o:prefix"] = ["The prefix is reserved."]
        if errors:
            raise FailureError(422, errors)
        number = max(row["o:id"] for row in self.vocabularies) + 1
        row = {"@type": "o:Vocabulary", "o:id": number, "o:comment": None, "o:owner": {"o:id": user.id}}
        row |= {name: content[name] for name in ("o:namespace_uri", "o:prefix", "o:label")}
        self.vocabularies.append(row)
        self._add_properties(row, content.get("o:property", ()))
        return row

    def _update_vocabulary(self, number: int, content: dict[str, Any]) -> Any:
        """Change the properties of a vocabulary. Those that the content does not name by id go, with their values."""
        row = next((row for row in self.vocabularies if row["o:id"] == number), None)
        if row is None:
            raise _missing("Vocabulary", number)
        if "o:property" in content:
            kept = {one["o:id"] for one in content["o:property"] if "o:id" in one}
            mine = {one["o:id"] for one in self.properties if one["o:vocabulary"]["o:id"] == number}
            for raw in self.resources.values():
                self._set_values(raw, [value for value in _values(raw) if value["property_id"] not in mine - kept])
            self.properties = [one for one in self.properties if one["o:id"] not in mine - kept]
            self._add_properties(row, [one for one in content["o:property"] if "o:id" not in one])
        return row

    def _add_properties(self, vocabulary: dict[str, Any], new: Iterable[dict[str, Any]]) -> None:
        for one in new:
            number, name = max(row["o:id"] for row in self.properties) + 1, one["o:local_name"]
            ids = {"o:id": number, "o:vocabulary": {"o:id": vocabulary["o:id"]}}
            names = {"o:local_name": name, "o:label": one["o:label"], "o:comment": None}
            term = {"@type": "o:Property", "o:term": f"{vocabulary['o:prefix']}:{name}"}
            self.properties.append(term | names | ids)

    # Files

    def _check_media(self, content: dict[str, Any]) -> None:
        ingester = content.get("o:ingester")
        if ingester is None:
            raise FailureError(422, {"o:ingester": ["Media must set an ingester."]})
        errors = {}
        if ingester not in ("upload", "html", "url"):
            errors["o:ingester"] = ["Media must set a valid ingester."]
        item = content.get("o:item")
        if item and not errors and int(item["o:id"]) not in self.resources:
            raise _missing("Item", item["o:id"])
        if not item or int(item["o:id"]) not in self.resources:
            errors["o:item"] = ["Media must belong to an item."]
        if errors:
            raise FailureError(422, errors)

    def _ingest(self, raw: dict[str, Any], content: dict[str, Any], request: Request) -> None:
        ingester = content["o:ingester"]
        raw |= {"o:ingester": ingester, "o:item": {"o:id": int(content["o:item"]["o:id"])}}
        raw |= {"o:media_type": None, "o:sha256": None, "o:size": None}
        if ingester != "upload":
            return
        files = {name: request.files[name] for name in request.files if name.startswith("file[")}
        if not files:
            raise FailureError(422, {"error": ["No files were uploaded"]})
        file = files.get(f"file[{content.get('file_index')}]")
        if file is None:
            raise FailureError(422, {"error": ["No file uploaded for the specified index"]})
        data, name = file.read(), file.filename or ""
        if len(data) > self.limits[0]:
            raise FailureError(
                422, {"upload": ["The uploaded file exceeds the upload_max_filesize directive in php.ini"]}
            )
        kind = _sniffed(data)
        extension = name.rpartition(".")[2].lower() if "." in name else ""
        problems = [kind] if kind not in MEDIA_TYPES else []
        problems += [extension] if extension not in EXTENSIONS else []
        if problems:
            raise FailureError(422, {"file": [f'Error validating "{name}". Cannot store {one}.' for one in problems]})
        digest = hashlib.sha256(data).hexdigest()
        raw |= {"o:media_type": kind, "o:sha256": digest, "o:size": len(data), "o:source": raw["o:source"] or name}
        self.files[raw["o:id"]] = data

    def _keep_media(self, item_id: int, ids: list[int]) -> None:
        for media in self._media_of(item_id):
            if media["o:id"] not in ids:
                del self.resources[media["o:id"]]
            else:
                media["@owner_position"] = ids.index(media["o:id"]) + 1


@dataclass
class _Wanted:
    """What a search asks for. `rows`: property, text and whether it is joined by or."""

    ids: set[int]
    item_set: int
    item: int
    rows: list[tuple[str, str, bool]]

    @classmethod
    def of(cls, args: Any) -> _Wanted:
        ids = {int(one) for name in ("id", "id[]") for text in args.getlist(name) for one in text.split(",") if one}
        rows: dict[str, dict[str, str]] = {}
        for name, text in args.items():
            if found := re.fullmatch(r"property\[(\d+)\]\[(\w+)\]", name):
                rows.setdefault(found[1], {})[found[2]] = text
        # A row without a usable text or with an unknown type is skipped, so that the search finds everything.
        usable = [
            (row["property"], _folded(row["text"]), row.get("joiner") == "or")
            for row in rows.values()
            if row.get("text", "") not in ("", "0") and row.get("type") == "eq" and "property" in row
        ]
        return cls(ids, int(args.get("item_set_id") or 0), int(args.get("item_id") or 0), usable)


class _Handler(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, *args: object) -> None:
        """Tests print nothing."""


def _unpacked(body: Any) -> list[dict[str, Any]]:
    return json.loads(body) if isinstance(body, str) else body


def _is_json(request: Request) -> bool:
    return request.mimetype in ("application/json", "application/ld+json")


def _types(raw: dict[str, Any]) -> list[str]:
    """Return the types of a resource. A medium with text has a type of its own."""
    types = raw["@type"] if isinstance(raw["@type"], list) else [raw["@type"]]
    return ["o:Media"] if "o:ingester" in raw else types


def _is_value(value: Any) -> bool:
    return isinstance(value, dict) and "property_id" in value


def _values(raw: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for values in raw.values():
        if isinstance(values, list):
            yield from filter(_is_value, values)


def _ids(raw: Any) -> list[int]:
    return [one["o:id"] for one in raw or ()]


def _title(raw: dict[str, Any]) -> str | None:
    for value in raw.get("dcterms:title", ()):
        if text := (value.get("@value") or value.get("o:label") or "").strip():
            return text
    return None


@cache
def _folded(text: str) -> str:
    """Return the text as MySQL compares it: without case, accents and spaces at the end."""
    plain = unicodedata.normalize("NFD", text.rstrip(" ").casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))


def _sniffed(data: bytes) -> str:
    starts = {b"%PDF": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif"}
    starts |= {b"PK\x03\x04": "application/zip", b"<?xml": "text/xml", b"<html": "text/html", b"<?php": "text/x-php"}
    starts |= {b"<!DOCTYPE html": "text/html", b"{": "application/json"}
    if not data:
        return "application/x-empty"
    for start, kind in starts.items():
        if data.startswith(start):
            return kind
    return "application/octet-stream" if b"\x00" in data else "text/plain"


def _time(seconds: int) -> dict[str, str]:
    clock = f"{seconds // 3600 % 24:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return {"@value": f"2026-11-30T{clock}+00:00", "@type": "http://www.w3.org/2001/XMLSchema#dateTime"}


def _denied(verb: str, what: str) -> FailureError:
    return FailureError(403, {"error": f"Permission denied for the current user to {verb} the {what} resource."})


def _missing(entity: str, number: object) -> FailureError:
    return FailureError(404, {"error": f'Omeka\\Entity\\{entity} entity with criteria {{"id":"{number}"}} not found'})
