"""The types of the JSON that the API returns, beside items (see `catalogue.item_record`). They are its schema."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from ...catalogue.item_record import ItemRecord
from ...models.jobs import State

Next = Annotated[str | None, Meta(description="The address of the next page, null on the last page.")]
Moment = Annotated[str, Meta(description="A time in UTC.", extra_json_schema={"format": "date-time"})]


class ItemPage(TypedDict):
    """A page of items."""

    items: list[ItemRecord]
    next: Next


class ItemSetRecord(TypedDict):
    """An item set."""

    id: int
    name: str
    description: str
    rights: str
    license: str
    link: Annotated[str | None, Meta(description="The address of its collection at the source.")]
    items: Annotated[int, Meta(description="The number of its items.")]


class ItemSetPage(TypedDict):
    """A page of item sets."""

    item_sets: list[ItemSetRecord]
    next: Next


class JobRecord(TypedDict):
    """A job."""

    id: int
    kind: Annotated[str, Meta(description="The kind of the job, such as import.")]
    state: State
    clean: Annotated[bool | None, Meta(description="Whether the job ended without problems, null before its end.")]
    owner: Annotated[str, Meta(description="Who started the job.")]
    repository: Annotated[str | None, Meta(description="The address of the repository, null for exports.")]
    source: Annotated[str | None, Meta(description="The name of the source, null for exports.")]
    undoes: Annotated[int | None, Meta(description="The job that this job undoes.")]
    undone_by: Annotated[list[int], Meta(description="The jobs that undo this job.")]
    created: Moment
    started: Moment | None
    ended: Moment | None
    expected: Annotated[int | None, Meta(description="How many items the job has to process, null if unknown.")]
    done: Annotated[int, Meta(description="How many items the job has processed.")]
    counts: Annotated[dict[str, int], Meta(description="What the job has counted, by name.")]
    message: Annotated[str | None, Meta(description="How the job ended. It is null if it may name restricted items.")]


class Problem(TypedDict):
    """An error, as problem details (RFC 9457)."""

    type: str
    title: Annotated[str, Meta(description="The HTTP status in words.")]
    status: int
    detail: Annotated[str, Meta(description="What is wrong and what to do, in the language of the request.")]
    request_id: Annotated[str, Meta(description="The id of the request in the log of the server.")]
