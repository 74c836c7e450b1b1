"""The OpenAPI document of the API, from its routes, the types of its answers and the arguments of a search."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from apispec import APISpec
from flask import current_app, request
from werkzeug.routing import Rule

from ...catalogue.facet_values import DATE_PATTERN
from ...catalogue.item_order import Sort
from ...catalogue.property_search import Join, Operator
from ...dspace.records import SourceState
from ...models.item_facets import Facet
from ..catalogue.item_lists import SIZES
from .response_types import Problem
from .responses import PROBLEM

VERSION = "1.0.0"  # of the API
OPENAPI = "3.1.0"
SCHEMAS = "#/components/schemas/{name}"
TOKEN = "token"  # the name of the way to sign in
ANSWER = "answer"  # attribute of a view with its Answer
View = TypeVar("View", bound=Callable[..., Any])
Arguments = Mapping[str, tuple[str, dict[str, Any]]]
TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
DATE: dict[str, Any] = {"type": "string", "pattern": f"^{DATE_PATTERN}$"}


def _one_of(*values: object) -> dict[str, Any]:
    return {"enum": [str(value) for value in values]}


def _several(schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": schema}


AFTER = {"after": ("The place in the list, as in the address of the next page.", TEXT)}
SEARCH: dict[str, tuple[str, dict[str, Any]]] = {
    "q": ('Words that items have. "a phrase", -without and prefix* work as on the pages.', TEXT),
    "item_set": ("The number of an item set.", NUMBER),
    "repository": ("The number of a repository.", NUMBER),
    "job": ("The number of a job that added or updated the items.", NUMBER),
    "related": ("The number of an item to which the items are related.", NUMBER),
    "state": ("The state of the items at their source.", _one_of(*SourceState)),
    "from": ("The first date of issue, such as 1911, 1911-05 or 1911-05-17.", DATE),
    "to": ("The last date of issue.", DATE),
    "files": ("Whether the items have files.", _one_of("yes", "no")),
    "older": ("The number of an item. Only items imported before it are found.", NUMBER),
    **{facet.value: (f"Values that each item has ({facet.value}).", _several(TEXT)) for facet in Facet},
    "join": (
        "How a row of the search is combined with those before it. Give each row all of these.",
        _several(_one_of(*Join)),
    ),
    "term": ("The property of a row, such as dcterms:title. Empty for any property.", _several(TEXT)),
    "op": ("What a row asks of the value.", _several(_one_of(*Operator))),
    "value": ("The value of a row.", _several(TEXT)),
    "sort": (
        "The order. By default by relevance if words are searched, else the newest imports first.",
        _one_of(*Sort),
    ),
    "size": ("The number of items of a page.", _one_of(*SIZES) | {"default": str(SIZES[0])}),
}
ERRORS = {
    400: "The request has characters that cannot be read.",
    401: "The access token is missing or not valid.",
    403: "The token may not read this.",
    404: "There is nothing at this address.",
    422: "An argument cannot be used.",
    429: "Too many requests. Wait as long as Retry-After says.",
    503: "The database cannot be used now.",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view answers. `record`: the type of its JSON. `arguments`: description and schema of each, by name."""

    record: Any
    arguments: Arguments


def answers(record: Any, arguments: Arguments | None = None) -> Callable[[View], View]:
    """Declare the type of the JSON that a view returns, and the arguments that its query string may have."""

    def declare(view: View) -> View:
        setattr(view, ANSWER, Answer(record, arguments or {}))
        return view

    return declare


def answer_of(endpoint: str) -> Answer | None:
    """Return what the view of an endpoint declares, or None."""
    return getattr(current_app.view_functions[endpoint], ANSWER, None)


def document() -> dict[str, Any]:
    """Return the OpenAPI document of the API."""
    declared = [(rule, answer) for rule in current_app.url_map.iter_rules() if (answer := answer_of(rule.endpoint))]
    info = {"description": "Reads the catalogue. Send an access token of your account page with each request."}
    servers = [{"url": request.script_root or "/"}]
    spec = APISpec("DSpace Connector", VERSION, OPENAPI, info=info, servers=servers, security=[{TOKEN: []}])
    spec.components.security_scheme(TOKEN, {"type": "http", "scheme": "bearer"})
    types = [Problem, *(answer.record for _rule, answer in declared)]
    references, schemas = msgspec.json.schema_components(types, ref_template=SCHEMAS)
    for name, schema in schemas.items():
        spec.components.schema(name, schema)
    for status, sentence in ERRORS.items():
        spec.components.response(
            str(status), {"description": sentence, "content": {PROBLEM: {"schema": references[0]}}}
        )
    for (rule, answer), reference in zip(declared, references[1:], strict=True):
        spec.path(
            re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), operations={"get": _operation(rule, answer, reference)}
        )
    return spec.to_dict()


def _operation(rule: Rule, answer: Answer, reference: dict[str, Any]) -> dict[str, Any]:
    """Return the description of a route. Its summary is the docstring of its view."""
    found = {"description": "Found.", "content": {"application/json": {"schema": reference}}}
    return {
        "operationId": rule.endpoint.partition(".")[2],
        "summary": (current_app.view_functions[rule.endpoint].__doc__ or "").strip(),
        "parameters": [*_path_parameters(rule), *_query_parameters(answer.arguments)],
        "responses": {
            "200": found,
            "304": {"description": "The client has this version already (ETag or Last-Modified)."},
            **{str(status): str(status) for status in ERRORS},
        },
    }


def _path_parameters(rule: Rule) -> Iterator[dict[str, Any]]:
    for name in sorted(rule.arguments):
        yield {"name": name, "in": "path", "required": True, "schema": NUMBER}


def _query_parameters(arguments: Arguments) -> Iterator[dict[str, Any]]:
    for name, (description, schema) in arguments.items():
        yield {"name": name, "in": "query", "description": description, "schema": schema}
