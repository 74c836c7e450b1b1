"""What a monitor asks: is the process alive, is all that it needs ready, and numbers for Prometheus. No secrets."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

from flask import Blueprint, Response, abort, current_app, request
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from sqlalchemy import ColumnElement, func, select

from .. import error_translation
from ..accounts.authorization import allows
from ..errors import StorageError
from ..extensions import db, huey
from ..imports import worker_heartbeat
from ..logs import log_throttled
from ..models.catalogue import CatalogueItem, FileStatus, StoredFile
from ..models.jobs import ImportJob, State
from ..models.repositories import Repository
from ..proxy_headers import parsed, peer
from ..storage import disk_space, virus_scan

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)
LATELY = 300  # seconds; it is due every minute
OUTCOMES = ("added", "updated", "unchanged", "failed", "vanished", "removed", "restored")
JOB = ImportJob.__table__.c


@blueprint.get("/healthz")
@allows(None, nameless=True)
def alive() -> Response:
    """The process answers. Asks nothing else, so that a slow database does not get it restarted."""
    _only_for_monitors()
    return _text("alive\n")


@blueprint.get("/readyz")
@allows(None, nameless=True)
def ready() -> Response:
    """200 when all is well, else 503 with the names of what is not. The log says why, once a minute."""
    _only_for_monitors()
    lacking = [name for name, check in CHECKS.items() if not _holds(name, check)]
    return _text(f"not ready: {', '.join(lacking)}\n", 503) if lacking else _text("ready\n")


@blueprint.get("/metrics")
@allows(None, nameless=True)
def metrics() -> Response:
    """Numbers in the text format of Prometheus, counted as they are asked for: the same from every process."""
    _only_for_monitors()
    registry = CollectorRegistry()
    registry.register(_Numbers())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Numbers:
    """What Prometheus collects; the names are a promise to those who draw it."""

    def collect(self) -> Iterator[Metric]:
        """All numbers."""
        yield _jobs()
        yield _sums("connector_job_items", "What jobs did with items.", "outcome", {name: name for name in OUTCOMES})
        fates = {fate.value: f"files_{fate.value}" for fate in FileStatus}
        yield _sums("connector_job_files", "What became of the files that jobs met.", "fate", fates)
        yield _one("connector_items", "Items in the catalogue.", _scalar(func.count(CatalogueItem.id)))
        yield _one("connector_stored_files", "Files stored.", _scalar(func.count(StoredFile.sha256)))
        yield _one("connector_stored_bytes", "Bytes of stored files.", _scalar(func.sum(StoredFile.size)))
        with suppress(StorageError):  # which /readyz tells: there is no number then, nor of a queue that is away
            yield _one(
                "connector_free_bytes", "Bytes free on the disk.", disk_space.free(current_app.config["INSTANCE"])
            )
        with suppress(*error_translation.QUEUE):
            yield _one("connector_queue_length", "Jobs that wait to be taken up.", huey.pending_count())
        yield _answer_times()


def _jobs() -> Metric:
    """A line for each state, also for those in which there is none."""
    family = GaugeMetricFamily("connector_jobs", "Jobs by state.", labels=["state"])
    counts = dict(db.session.execute(select(JOB.state, func.count()).group_by(JOB.state)).all())
    for state in State:
        family.add_metric([state.value], counts.get(state.value, 0))
    return family


def _sums(name: str, told: str, label: str, columns: Mapping[str, str]) -> Metric:
    """Counts of all jobs that are kept, added up: the rows of items and files are too many to be counted each time."""
    family = CounterMetricFamily(name, told, labels=[label])
    sums = db.session.execute(select(*(func.sum(JOB[column]) for column in columns.values()))).one()
    for value, number in zip(columns, sums, strict=True):
        family.add_metric([value], number or 0)
    return family


def _one(name: str, told: str, value: float) -> Metric:
    return GaugeMetricFamily(name, told, value=value)


def _scalar(number: ColumnElement[int]) -> int:
    return db.session.scalar(select(number)) or 0


def _answer_times() -> Metric:
    """How long good answers of each repository took, over all jobs that are kept."""
    family = SummaryMetricFamily("connector_source_answer_seconds", "Answers of repositories.", labels=["repository"])
    answers, seconds = (func.sum(JOB.traffic[name].as_float()) for name in ("answers", "seconds"))
    query = select(Repository.site_url, answers, seconds).join(ImportJob).where(JOB.traffic.is_not(None))
    for site, number, lasted in db.session.execute(query.group_by(Repository.id, Repository.site_url)):
        family.add_metric([site], count_value=int(number or 0), sum_value=lasted or 0.0)
    return family


def _has_database() -> None:
    db.session.scalar(select(func.count()).select_from(Repository))


def _has_room() -> None:
    if (sentence := disk_space.shortage()) is not None:
        raise StorageError(sentence)


def _has_workers() -> None:
    age = worker_heartbeat.age(current_app.config["INSTANCE"])
    if age is None or age >= LATELY:
        raise StorageError("No process has looked for jobs lately: flask up or flask worker does, each minute.")


# Each raises where it does not hold; what it gives is of no matter.
CHECKS: dict[str, Callable[[], object]] = {
    "database": _has_database,
    "queue": lambda: huey.pending_count(),
    "disk": _has_room,
    "virus scanner": virus_scan.check,
    "workers": _has_workers,
}


def _holds(name: str, check: Callable[[], object]) -> bool:
    try:
        check()
        return True
    except Exception as error:  # whatever it is, it is not ready
        told = error_translation.translate(error)
        log_throttled(log, f"Not ready: {name}. {told or ''}".rstrip(), None if told else error)
        db.session.rollback()
        return False


def _only_for_monitors() -> None:
    """403 unless every address that the request came through is in CONNECTOR_METRICS_NETWORKS.

    That of the peer alone would let everybody in through a proxy on this machine; that which a proxy tells, whoever
    reaches the app past it.
    """
    if not all(_is_monitor(address) for address in (peer(), request.remote_addr)):
        abort(403)


def _is_monitor(text: str | None) -> bool:
    address = parsed(text)
    return address is not None and any(address in network for network in current_app.config["METRICS_NETWORKS"])


def _text(text: str, status: int = 200) -> Response:
    return Response(text, status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
