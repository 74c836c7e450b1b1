"""Use cases: look up known repositories and sources, save what imports learn about them, and delete them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC

from sqlalchemy import exists, select

from ..accounts import audit
from ..catalogue import crosswalk_rules
from ..catalogue.source_links import scope_link
from ..dspace.endpoint_candidates import base_key
from ..dspace.oai_beside_rest import OaiBesideRest
from ..dspace.records import Community, Scope, Server
from ..errors import ConflictError, InvalidInputError, NotFoundError
from ..extensions import db, transaction, utcnow
from ..i18n import gettext as _
from ..models.catalogue import CatalogueItem
from ..models.repositories import Repository, Source


def get(repository_id: int) -> Repository:
    """Return the repository. Raise NotFoundError if there is none."""
    repository = db.session.get(Repository, repository_id)
    if repository is None:
        raise NotFoundError(_("There is no repository %(repository_id)s.", repository_id=repository_id))
    return repository


def every() -> Sequence[Repository]:
    """Return all repositories, oldest first."""
    return db.session.scalars(select(Repository).order_by(Repository.id)).all()


def get_source(source_id: int) -> Source:
    """Return the source. Raise NotFoundError if there is none."""
    source = db.session.get(Source, source_id)
    if source is None:
        raise NotFoundError(_("There is no source %(source_id)s.", source_id=source_id))
    return source


def find_repository(text: str) -> Repository:
    """Return the repository with this number, name or address.

    Raise InvalidInputError if there is none, or more than one.
    """
    known = every()
    found = [r for r in known if text in (str(r.id), r.name, r.given_name)] or _at_address(known, text)
    if not found:
        raise InvalidInputError(_("“%(text)s” names no repository.", text=text), "url")
    if len(found) > 1:
        raise InvalidInputError(_("“%(text)s” names more than one repository.", text=text), "url")
    return found[0]


def _at_address(every: Iterable[Repository], text: str) -> list[Repository]:
    """Return the repositories with this address. Empty if the text is not an address."""
    try:
        key = base_key(text if "://" in text else f"https://{text}")
    except ValueError:
        return []
    return [r for r in every if key in _keys(r)]


def find_by_api(bases: Iterable[str]) -> Repository | None:
    """Return the first repository whose API has one of these addresses, in the order of the addresses, or None."""
    for base in bases:
        known = db.session.scalar(select(Repository).where(Repository.address_key == base_key(base)))
        if known is not None:
            return known
    return None


def before_upgrade(server: Server) -> Repository | None:
    """Return the repository with the other API at the same site, or None.

    An upgrade from DSpace 6 to 7 leaves such a repository, and a REST API that was opened or closed.
    """
    site = base_key(server.site_url)
    return next((r for r in every() if base_key(r.site_url) == site and _api_of(r) != _api_of(server)), None)


def _api_of(server: Server | Repository) -> str:
    return "oai" if server.speaks_oai else "legacy" if server.generation < 7 else "hal"


def _keys(repository: Repository) -> set[str]:
    return {repository.address_key, base_key(repository.site_url), base_key(repository.api_url)}


def source_for(repository_id: int, scope: Scope) -> int:
    """Return the id of the source of this scope. Create the source if it is new.

    Sources are found by their handle, so that an upgrade does not change them.
    """
    with transaction():
        repository = get(repository_id)
        key = scope.handle or scope.id
        query = select(Source).where(Source.repository_id == repository_id, Source.kind == scope.kind)
        source = db.session.scalar(query.where(Source.scope_key == key))
        if source is None:
            source = Source(
                repository_id=repository_id, kind=scope.kind.value, scope_key=key, options={}, not_visible={}
            )
            db.session.add(source)
        source.scope_id, source.handle, source.name = scope.id, scope.handle, scope.name or repository.label
        source.link = scope_link(repository.server, scope.kind, scope.id, scope.handle)
        db.session.flush()
        return source.id


def change(repository_id: int, *, name: str, limit: int | None, delay: float, uses_oai: bool) -> None:
    """Set the name, the limits and the use of OAI-PMH of a repository.

    An empty name, or the one that the repository gives itself, is not stored.
    """
    with transaction():
        repository = get(repository_id)
        given = None if name in ("", repository.name) else name
        if given != repository.given_name:
            audit.note("repository named", repository.site_url, before=repository.label, after=given or repository.name)
        repository.given_name, repository.limit, repository.delay = given, limit, delay
        repository.uses_oai = uses_oai


def ignore_fields(repository_id: int, fields: Sequence[str]) -> bool:
    """Set the ignored fields of a repository. Return whether they changed.

    A job maps the stored items again (see `remapping`, design rule 5).
    """
    with transaction():
        repository = get(repository_id)
        before = repository.crosswalk_id
        crosswalk_rules.replace(repository, crosswalk_rules.in_use(repository).terms, fields)
        return repository.crosswalk_id != before


def remember_communities(repository_id: int, communities: Sequence[Community]) -> Repository | None:
    """Save the handles and names of the top communities. Return another repository that has the same ones, or None."""
    top = sorted([c.handle or "", c.name] for c in communities if c.parent_id is None)
    with transaction():
        get(repository_id).communities = top
    others = db.session.scalars(select(Repository).where(Repository.id != repository_id)).all()
    return next((other for other in others if top and other.communities == top), None)


def note_unanswered(repository_id: int, questions: Collection[str]) -> None:
    """Save which optional queries a repository did not answer today. Call it in a transaction."""
    known = get(repository_id)
    new = {name: utcnow().date().isoformat() for name in questions if name not in known.unanswered_on(utcnow().date())}
    if new:
        known.unanswered = known.unanswered | new


def note_oai(repository_id: int, oai: OaiBesideRest | None) -> None:
    """Save where OAI-PMH answers beside REST, its newest record, and if it was disproved. Call it in a transaction."""
    if oai is not None and oai.url is not None:
        known = get(repository_id)
        known.oai_url, known.uses_oai = oai.url, known.uses_oai and not oai.is_disproved
        if oai.newest is not None:
            known.oai_newest = oai.newest.astimezone(UTC).replace(tzinfo=None)


def forget(repository_id: int) -> None:
    """Delete a repository, its sources and jobs. Raise ConflictError while the catalogue has items of it."""
    with transaction():
        repository = get(repository_id)
        if db.session.scalar(select(exists().where(CatalogueItem.repository_id == repository_id))):
            raise ConflictError(
                _(
                    "The catalogue holds items of %(label)s. Undo its imports first, then it can be forgotten.",
                    label=repository.label,
                )
            )
        audit.note("forget", repository.site_url)
        db.session.delete(repository)
