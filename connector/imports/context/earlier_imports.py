"""What the catalogue knows of earlier imports of the same source, and whether its scope still exists."""

from __future__ import annotations

from sqlalchemy import select

from ...errors import NotFoundError, RestrictedError
from ...extensions import db
from ...models.catalogue import Holding
from ...models.jobs import JOB, Job, Kind, State
from ..import_options import ImportOptions
from .import_context import ImportContext

LAST = 50  # jobs in which to look for the last import of the whole scope


def was_completed(context: ImportContext) -> bool:
    """Return whether an earlier import of this source was completed, so that only changes are read in full."""
    done = select(JOB.c.id).where(JOB.c.source_id == context.source_id, JOB.c.kind == Kind.IMPORT)
    done = done.where(JOB.c.state == State.COMPLETED, JOB.c.id != context.job_id)
    return db.session.scalar(done.limit(1)) is not None and holds_items(context)


def holds_items(context: ImportContext) -> bool:
    """Return whether the source holds any items, including those missing at the source."""
    holding = select(Holding.id).where(Holding.source_id == context.source_id)
    found = db.session.scalar(holding.limit(1)) is not None
    db.session.rollback()
    return found


def had_other_login(context: ImportContext) -> bool:
    """Return whether the last whole import used another login, or none, and so saw other items and files."""
    done = select(Job).where(Job.source_id == context.source_id, Job.kind == Kind.IMPORT)
    done = done.where(Job.state == State.COMPLETED, Job.id != context.job_id).order_by(Job.id.desc()).limit(LAST)
    whole = (job.login for job in db.session.scalars(done) if not ImportOptions.of(job).is_partial)
    login = next(whole, None)
    db.session.rollback()
    return login != context.access.name


def is_lost(context: ImportContext, error: NotFoundError | RestrictedError) -> bool:
    """Return whether this error of a listing means that the scope of an earlier import no longer exists.

    A partial import does not judge this.
    """
    if context.options.is_partial or not _may_be_gone(context, error):
        return False
    return holds_items(context) and _is_denied(context)


def _is_denied(context: ImportContext) -> bool:
    """Return whether the repository is available and says that the scope no longer exists."""
    scope = context.scope
    try:
        context.access.read_with_valid_login(lambda: context.client.find(scope.kind, scope.handle or scope.id))
    except (NotFoundError, RestrictedError) as error:
        return _may_be_gone(context, error) and context.repository_answers("page")
    return False


def _may_be_gone(context: ImportContext, error: NotFoundError | RestrictedError) -> bool:
    """Return whether an error may mean that an object is missing. DSpace 4 answers the same for closed objects."""
    return isinstance(error, NotFoundError) or not context.client.tells_unknown
