"""Endpoints for monitoring: liveness, readiness and Prometheus metrics. They reveal no secrets."""

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
from ..i18n import gettext as _
from ..jobs import worker_heartbeat
from ..logs import log_throttled
from ..models.catalogue import CatalogueItem, FileStatus, StoredFile
from ..models.jobs import JOB, Job, JobCounter, State
from ..models.repositories import Repository
from ..proxy_headers import parse_address, peer
from ..storage import disk_space, virus_scan

log = logging.getLogger(__name__)
blueprint = Blueprint("health", __name__)
WORKER_SILENCE = 300  # seconds; workers look for jobs every minute
OUTCOMES = ("added", "updated", "unchanged", "failed", "vanished", "removed", "restored")


@blueprint.get("/healthz")
@allows(None, nameless=True)
def alive() -> Response:
    """Return 200 if the process responds. Check nothing else: a slow database must not cause a restart."""
    _only_for_monitors()
    return _text("alive\n")


@blueprint.get("/readyz")
@allows(None, nameless=True)
def ready() -> Response:
    """Return 200 if every check passes, else 503 with the names of the failed checks. Log each reason once a minute."""
    _only_for_monitors()
    lacking = [name for name, check in CHECKS.items() if not _holds(name, check)]
    return _text(f"not ready: {', '.join(lacking)}\n", 503) if lacking else _text("ready\n")


@blueprint.get("/metrics")
@allows(None, nameless=True)
def metrics() -> Response:
    """Return the metrics in the Prometheus text format. They are computed on request: all processes agree."""
    _only_for_monitors()
    registry = CollectorRegistry()
    registry.register(_Numbers())
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Numbers:
    """The Prometheus collector. Metric names are a public interface: dashboards use them."""

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics."""
        yield _jobs()
        sums = _counted()
        outcomes = {name: sums.get(name, 0) for name in OUTCOMES}
        yield _counters("connector_job_items", "Items that jobs have processed, by result.", "outcome", outcomes)
        files = {status.value: sums.get(f"files_{status.value}", 0) for status in FileStatus}
        yield _counters("connector_job_files", "Files that jobs have seen, by status.", "fate", files)
        yield _one("connector_items", "Items in the catalogue.", _scalar(func.count(CatalogueItem.id)))
        yield _one("connector_stored_files", "Files stored.", _scalar(func.count(StoredFile.sha256)))
        yield _one("connector_stored_bytes", "Bytes of stored files.", _scalar(func.sum(StoredFile.size)))
        with suppress(StorageError):  # /readyz reports this error; the metric is left out
            yield _one(
                "connector_free_bytes", "Bytes free on the disk.", disk_space.free(current_app.config["INSTANCE"])
            )
        with suppress(*error_translation.QUEUE):
            yield _one("connector_queue_length", "Queued jobs.", huey.pending_count())
        yield _answer_times()


def _jobs() -> Metric:
    """Return the number of jobs by state, with 0 for states without jobs."""
    family = GaugeMetricFamily("connector_jobs", "Jobs by state.", labels=["state"])
    rows = db.session.execute(select(JOB.c.state, func.count()).group_by(JOB.c.state))
    counts: dict[str, int] = {row[0]: row[1] for row in rows}
    for state in State:
        family.add_metric([state.value], counts.get(state.value, 0))
    return family


def _counted() -> dict[str, int]:
    """Return the sum of each counter over all jobs. Counting the rows of items and files would take too long."""
    query = select(JobCounter.name, func.sum(JobCounter.value)).group_by(JobCounter.name)
    return dict(db.session.execute(query).all())


def _counters(name: str, help_text: str, label: str, numbers: Mapping[str, int]) -> Metric:
    """Return a metric with a number for each value of the label."""
    family = CounterMetricFamily(name, help_text, labels=[label])
    for value, number in numbers.items():
        family.add_metric([value], number)
    return family


def _one(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


def _scalar(number: ColumnElement[int]) -> int:
    return db.session.scalar(select(number)) or 0


def _answer_times() -> Metric:
    """Return the number and total seconds of successful responses of each repository, over all jobs."""
    family = SummaryMetricFamily("connector_source_answer_seconds", "Responses of repositories.", labels=["repository"])
    answers, seconds = (func.sum(JOB.c.traffic[name].as_float()) for name in ("answers", "seconds"))
    query = select(Repository.site_url, answers, seconds).join(Job).where(JOB.c.traffic.is_not(None))
    for site, number, lasted in db.session.execute(query.group_by(Repository.id, Repository.site_url)):
        family.add_metric([site], count_value=int(number or 0), sum_value=lasted or 0.0)
    return family


def _has_database() -> None:
    db.session.scalar(select(func.count()).select_from(Repository))


def _has_room() -> None:
    if (sentence := disk_space.low_space_message()) is not None:
        raise StorageError(sentence)


def _has_workers() -> None:
    age = worker_heartbeat.age(current_app.config["INSTANCE"])
    if age is None or age >= WORKER_SILENCE:
        raise StorageError(_("No process has looked for jobs lately: flask up or flask worker does, each minute."))


# Each check raises an exception if it fails. Return values are ignored.
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
    except Exception as error:  # any error means not ready
        known = error_translation.translate(error)
        log_throttled(log, f"Not ready: {name}. {known or ''}".rstrip(), None if known else error)
        db.session.rollback()
        return False


def _only_for_monitors() -> None:
    """Abort with 403 unless the peer and the client are in CONNECTOR_METRICS_NETWORKS.

    Both are needed. A proxy on this machine would be an allowed peer for every client. A client that reaches the app
    directly can forge the address that a proxy forwards.
    """
    if not all(_is_monitor(address) for address in (peer(), request.remote_addr)):
        abort(403)


def _is_monitor(text: str | None) -> bool:
    address = parse_address(text)
    return address is not None and any(address in network for network in current_app.config["METRICS_NETWORKS"])


def _text(text: str, status: int = 200) -> Response:
    return Response(text, status, mimetype="text/plain", headers={"Cache-Control": "no-store"})
