"""Steps and comparisons of tests that publish to the stand-in of Omeka S."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from datetime import timedelta
from subprocess import CompletedProcess
from typing import NamedTuple

from werkzeug import Request

from connector.extensions import db, utcnow
from connector.jobs import creation, lifecycle, report
from connector.models.catalogue import CatalogueItem, Holding
from connector.models.jobs import Job
from connector.models.publishing import FileUpload, PublishedItem, PublishedSet
from connector.models.repositories import Source
from connector.publishing import adoptions, publish_jobs
from connector.publishing.adoptions import Answer
from connector.publishing.publish_options import PublishUndoOptions
from connector.tasks import carry_out
from tests.command_line import CommandLine
from tests.omeka_server import Omeka
from tests.processes import Process
from tests.waiting import until


def source(name: str) -> int:
    return db.session.scalars(db.select(Source.id).where(Source.name == name)).one()


def publish(destination: int, name: str = "Odd metadata") -> Job:
    job_id = publish_jobs.create(source(name), destination)
    assert carry_out(job_id)
    return job_of(job_id)


def job_of(job_id: int) -> Job:
    db.session.expire_all()
    return lifecycle.get(job_id)


def counts(job: Job, *names: str) -> dict[str, int]:
    return {name: job.counts[name] for name in names or ("seen", "added", "updated", "unchanged", "failed")}


def held(name: str = "Odd metadata") -> int:
    return db.session.scalars(db.select(db.func.count(Holding.id)).where(Holding.source_id == source(name))).one()


def identifiers(omeka) -> list[str]:
    return [
        value["@value"]
        for item in omeka.all_of("items")
        for value in item["dcterms:identifier"]
        if value["@value"].startswith("dspace:")
    ]


def run_and_kill(
    flask: CommandLine, omeka: Omeka, is_write: Callable[[Request], bool], *command: str, number: int = 1
) -> CompletedProcess[str]:
    """Run a command, and kill its process after the n-th request to Omeka S that `is_write` names."""
    started, writes = Future[Process](), itertools.count(1)

    def kill(request: Request) -> None:
        if is_write(request) and next(writes) >= number:
            started.result().kill()

    omeka.faults.after = kill
    started.set_result(flask.start(*command))
    out, err = started.result().communicate()
    until(lambda: not omeka.running)
    omeka.faults.after = lambda request: None
    return CompletedProcess(command, started.result().wait(), out, err)


def begin_long_ago() -> None:
    """Move the start of all unanswered requests into the past, as if much time had passed."""
    begun, long_ago = PublishedItem.sending_since.is_not(None), utcnow() - timedelta(minutes=5)
    db.session.execute(db.update(PublishedItem).where(begun).values(sending_since=long_ago))
    db.session.execute(
        db.update(PublishedSet).where(PublishedSet.sending_since.is_not(None)).values(sending_since=long_ago)
    )
    db.session.execute(db.update(FileUpload).values(began_at=long_ago))
    db.session.commit()


def first_published(omeka) -> tuple[CatalogueItem, dict]:
    row = db.session.scalars(db.select(PublishedItem).order_by(PublishedItem.id)).first()
    return db.session.get_one(CatalogueItem, row.item_id), omeka.resources[row.omeka_id]


def change_title(item: CatalogueItem, title: str) -> None:
    item.mapped_values = item.mapped_values | {"dcterms:title": [{"value": title, "language": None}]}
    db.session.commit()


def literal(text: str, property_id: int = 1) -> dict:
    return {"type": "literal", "property_id": property_id, "@value": text, "is_public": True, "property_label": "Title"}


def link(address: str) -> dict:
    return {"type": "uri", "property_id": 121, "@id": address, "is_public": True, "property_label": "uri"}


def create(omeka, kind: str = "o:Item", **members) -> dict:
    """Create an item, or another resource, as a person or the module does."""
    number = max(omeka.resources, default=0) + 1
    raw = {"@id": f"{omeka.url}/api/items/{number}", "@type": kind, "o:id": number, "o:is_public": True}
    raw |= {"o:owner": {"o:id": 1}, "o:item_set": [], "o:site": [], "o:title": "Theirs"}
    raw |= {name: {"@value": "2026-11-29T00:00:00+00:00"} for name in ("o:created", "o:modified")}
    omeka.put(raw | {name.replace("__", ":"): value for name, value in members.items()})
    return omeka.resources[number]


def state(omeka) -> dict:
    """The site without times, and without titles, which follow from the values."""
    times = ("o:modified", "o:created", "o:title")
    return {
        number: {name: copy.deepcopy(value) for name, value in raw.items() if name not in times}
        for number, raw in omeka.resources.items()
    }


class Ended(NamedTuple):
    """A job as it ended. `problems`: reasons by item id."""

    id: int
    state: str
    clean: bool | None
    message: str
    counts: Counter[str]
    reasons: list[str]
    question: dict | None
    problems: dict[int, str]


def ended(job: Job) -> Ended:
    found = list(report.problems(job))
    reasons, problems = [one["reason"] for one in found], {one["item_id"]: one["reason"] for one in found}
    return Ended(job.id, job.state, job.clean, job.message, job.counts, reasons, job.question, problems)


def undo(job: Ended, **options) -> Ended:
    undo_id = creation.create_undo(job.id, PublishUndoOptions(**options))
    assert carry_out(undo_id)
    return ended(job_of(undo_id))


def answered(job: Ended, answer: Answer) -> Ended:
    """Answer the question of a job, and return it as it ended after that."""
    adoptions.answer(job.id, answer)
    assert carry_out(job.id)
    return ended(job_of(job.id))
