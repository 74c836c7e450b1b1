"""The steps of tests that publish at the stand-in of Omeka S, and what they compare."""

from __future__ import annotations

from datetime import timedelta

from connector.extensions import db, utcnow
from connector.jobs import lifecycle
from connector.models.catalogue import CatalogueItem, Holding
from connector.models.jobs import Job
from connector.models.publishing import PublishedItem
from connector.models.repositories import Source
from connector.publishing import publish_jobs
from connector.tasks import carry_out


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


def begin_long_ago() -> None:
    """Move the start of all unanswered requests into the past, as if much time had passed."""
    begun = PublishedItem.sending_since.is_not(None)
    db.session.execute(db.update(PublishedItem).where(begun).values(sending_since=utcnow() - timedelta(minutes=5)))
    db.session.commit()


def first_published(omeka) -> tuple[CatalogueItem, dict]:
    row = db.session.scalars(db.select(PublishedItem).order_by(PublishedItem.id)).first()
    return db.session.get_one(CatalogueItem, row.item_id), omeka.resources[row.omeka_id]


def change_title(item: CatalogueItem, title: str) -> None:
    item.mapped_values = item.mapped_values | {"dcterms:title": [{"value": title, "language": None}]}
    db.session.commit()


def literal(text: str) -> dict:
    return {"type": "literal", "property_id": 1, "@value": text, "is_public": True, "property_label": "Title"}
