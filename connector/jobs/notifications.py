"""Sends notifications about ended scheduled jobs by e-mail and webhook.

Each notification is sent at least once. It counts as sent when one of the channels has accepted it. Until then it is
retried. A process that is killed between the two steps sends the notification a second time, with the same Message-ID.
If only one of two channels fails, the error is logged. Errors in this module never change the job.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import select, update

from .. import mail
from ..catalogue.source_labels import source_label
from ..errors import ConnectorError, InvalidInputError, NotificationError
from ..extensions import db, execute_counted, transaction, utcnow
from ..formatting import item_count
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.jobs import JOB, Job, State
from ..repositories.http_factory import open_http, page_outage
from . import job_presentation, report

log = logging.getLogger(__name__)
ENDED = (State.COMPLETED, State.FAILED, State.STOPPED)
AGAIN = timedelta(minutes=5)  # longer than the sum of all timeouts of one try
GIVE_UP = timedelta(days=1)
APP_NAME = "DSpace Connector"
SHOWN = 20
ANSWER_SECONDS = 30


class Outcome(NamedTuple):
    """How a job ended: the subject of its notification, and its first sentence."""

    subject: str
    sentence: str


ASKS = Outcome(
    _l("%(product)s: %(source)s, waiting for your answer"),
    _l("%(job)s from %(repository)s, started by its schedule: waiting for your answer."),
)
FAILED = Outcome(
    _l("%(product)s: %(source)s, failed"), _l("%(job)s from %(repository)s, started by its schedule: failed.")
)
HAS_PROBLEMS = Outcome(
    _l("%(product)s: %(source)s, completed with problems"),
    _l("%(job)s from %(repository)s, started by its schedule: completed with problems."),
)
NOTEWORTHY = Outcome(
    _l("%(product)s: %(source)s, completed, %(counts)s"),
    _l("%(job)s from %(repository)s, started by its schedule: completed, %(counts)s."),
)
COMPLETED = Outcome(
    _l("%(product)s: %(source)s, completed"), _l("%(job)s from %(repository)s, started by its schedule: completed.")
)


def is_due(job: Job) -> bool:
    """Return whether a notification about the end of this job is wanted and not yet sent."""
    if job.notified_at is not None or job.ended_at is None or job.ended_at < utcnow() - GIVE_UP:
        return False
    return job.scheduled and not job.is_active and bool(_channels()) and _is_wanted(job)


def _is_wanted(job: Job) -> bool:
    wanted = current_app.config["NOTIFY"]
    if wanted == "never":
        return False
    if job.state == State.STOPPED:  # stopped by a person or by the permitted hours: no notification needed
        return job.asks
    return wanted == "always" or not job.clean or bool(job_presentation.noteworthy(job))


def send_due() -> None:
    """Send the notifications that are due, each by one of the workers. Log failures and retry them later."""
    wanted = (JOB.c.scheduled, JOB.c.notified_at.is_(None), JOB.c.ended_at > utcnow() - GIVE_UP)
    for job in db.session.scalars(select(Job).where(*wanted).order_by(Job.id)).all():
        if is_due(job) and _claim(job.id, job.attempt) and _deliver(job.id):
            with transaction():
                db.session.execute(_update_if_ended(job.id, job.attempt).values(notified_at=utcnow()))


def _claim(job_id: int, attempt: int) -> bool:
    """Claim the notification for the time AGAIN and return whether this succeeded."""
    free = JOB.c.notification_attempted_at.is_(None) | (JOB.c.notification_attempted_at < utcnow() - AGAIN)
    with transaction():
        claim = (
            _update_if_ended(job_id, attempt)
            .where(JOB.c.notified_at.is_(None), free)
            .values(notification_attempted_at=utcnow())
        )
        return bool(execute_counted(claim))


def _update_if_ended(job_id: int, attempt: int) -> Any:
    """Return an UPDATE of the job that matches only while it has ended with this attempt."""
    return update(JOB).where(JOB.c.id == job_id, JOB.c.attempt == attempt, JOB.c.state.in_(ENDED))


def _deliver(job_id: int) -> bool:
    """Send the notification by each channel. Return whether any channel accepted it."""
    notification = _JobNotification(db.session.get_one(Job, job_id))
    db.session.rollback()  # no transaction is open while the network is used
    is_taken = False
    for setting in _channels():
        try:
            CHANNELS[setting].send(notification)
            is_taken = True
        except NotificationError as error:
            log.warning("The notification of job %s could not be sent by CONNECTOR_%s: %s", job_id, setting, error)
    return is_taken


def send_trial() -> list[str]:
    """Send a test notification by each channel and return a sentence for each.

    Raises InvalidInputError if no channel is configured, and NotificationError if a channel fails.
    """
    channels = _channels()
    if not channels:
        raise InvalidInputError(_("Notifications are not set up. Set CONNECTOR_SMTP or CONNECTOR_NOTIFY_WEBHOOK."))
    for setting in channels:
        CHANNELS[setting].send(_TestNotification())
    return [str(CHANNELS[setting].sent) for setting in channels]


def _channels() -> list[str]:
    """Return the settings of the channels that are set up."""
    return [setting for setting in CHANNELS if current_app.config[setting]]


class _JobNotification:
    """A notification about a job: `subject` and `text` of an e-mail, and `data` for the webhook."""

    def __init__(self, job: Job):
        self.name = f"{job.created_at:%Y%m%d%H%M%S%f}.{job.id}.{job.attempt}"
        label = source_label(job.source, with_restricted=False)
        values = {"product": APP_NAME, "source": label, "counts": job_presentation.noteworthy(job)}
        self.subject = _outcome(job).subject % values
        self.text = _text(job, label)
        source = {"source": label, "repository": job.source.repository.label, "link": _link(job)}
        self.data = report.as_dict(job, with_restricted=False) | source


class _TestNotification:
    """A test notification."""

    def __init__(self) -> None:
        self.name = f"{utcnow():%Y%m%d%H%M%S%f}.trial"
        self.subject = _("%(product)s: test notification", product=APP_NAME)
        self.text = _("This is a test. Notifications about scheduled jobs will be sent like this one.\n")
        self.data = {"trial": True, "message": self.text.strip()}


def _by_mail(notification: _JobNotification | _TestNotification) -> None:
    mail.send(mail.message(notification.subject, notification.text, notification.name))


def _by_webhook(notification: _JobNotification | _TestNotification) -> None:
    """POST the data as JSON to the webhook.

    Error messages name only the host, because the address is usually a secret. Raises NotificationError.
    """
    url = current_app.config["NOTIFY_WEBHOOK"]
    http = open_http(url, page_outage(), connect_timeout=10, read_timeout=ANSWER_SECONDS, deadline=ANSWER_SECONDS)
    try:
        http.post(url, json=notification.data, headers={})
    except ConnectorError as error:
        sentence = re.sub(r"https?://\S+", urlsplit(url).hostname or "", str(error))
        raise NotificationError(_("The webhook refused the notification. %(error)s", error=sentence)) from None
    finally:
        http.close()


class Channel(NamedTuple):
    """A function that sends a notification, and the sentence that a test notification was sent."""

    send: Callable[[_JobNotification | _TestNotification], None]
    sent: str


CHANNELS = {
    "SMTP": Channel(_by_mail, _l("A test was sent by e-mail.")),
    "NOTIFY_WEBHOOK": Channel(_by_webhook, _l("A test was sent to the webhook.")),
}


def _outcome(job: Job) -> Outcome:
    if job.asks:
        return ASKS
    if job.state == State.FAILED:
        return FAILED
    if not job.clean:
        return HAS_PROBLEMS
    return NOTEWORTHY if job_presentation.noteworthy(job) else COMPLETED


def _text(job: Job, label: str) -> str:
    link = _link(job)
    parts = [
        _outcome(job).sentence
        % {
            "job": job_presentation.heading(job, label),
            "repository": job.source.repository.label,
            "counts": job_presentation.noteworthy(job),
        },
        _("%(items)s seen: %(counts)s.", items=item_count(job.done), counts=job_presentation.counts_in_words(job)),
        job.message,
        _problems(job),
        _("The page of the job: %(link)s", link=link) if link else "",
        _("The repository: %(link)s", link=job.source.link),
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _problems(job: Job) -> str:
    found = list(islice(report.problems(job, SHOWN + 1, with_restricted=False), SHOWN + 1))
    lines = [f"- {one['handle'] or one['id']}, {one['title'] or _('Untitled')}: {one['reason']}" for one in found]
    more = [_("- and more: the page of the job lists all.")] if len(found) > SHOWN else []
    return "\n".join([_("Problems:"), *lines[:SHOWN], *more]) if found else ""


def _link(job: Job) -> str | None:
    """Return the URL of the job's page, or None if CONNECTOR_URL is not set."""
    url = current_app.config["URL"]
    return f"{url.rstrip('/')}/jobs/{job.id}/" if url else None
