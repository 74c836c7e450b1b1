"""Use cases: add, change, check and remove destinations. Their keys are encrypted with the secret key of this app."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from flask import current_app
from sqlalchemy import delete, func, select

from ..accounts import audit
from ..encryption import KeyPurpose, seal
from ..errors import ConflictError, InvalidInputError, NotFoundError, RequestRejectedError
from ..extensions import count_rows, db, transaction
from ..i18n import gettext as _
from ..models.jobs import ACTIVE, Job
from ..models.publishing import PUBLISHED_ITEM, Destination, FileMode, PublishedItem, RefusedFile
from ..omeka.omeka_client import OmekaClient, api_url_of
from ..omeka.resources import Offers, Site
from ..repositories.http_factory import page_outage
from .connection_report import read_only_key, unknown_key
from .destination_connections import connected_to, open_site
from .field_vocabulary import needs_admin
from .publish_options import DestinationOptions

MAX_NAME_CHARACTERS = 200
KEY_CHARACTERS = 32


@dataclass(frozen=True, slots=True)
class DestinationSettings:
    """What a person chooses for a destination (see `Destination`)."""

    name: str
    is_public: bool = True
    files: FileMode = FileMode.NONE
    template_id: int | None = None
    owner_id: int | None = None
    site_ids: Sequence[int] = ()
    has_all_fields: bool = False
    classes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Place:
    """Where an item is published. `url`: its page for people who work at that site. `changed_at`: by us, in UTC."""

    name: str
    url: str
    changed_at: datetime | None


def get(destination_id: int) -> Destination:
    """Return the destination. Raise NotFoundError if there is none."""
    destination = db.session.get(Destination, destination_id)
    if destination is None:
        raise NotFoundError(_("There is no destination %(destination_id)s.", destination_id=destination_id))
    return destination


def every() -> list[Destination]:
    """Return all destinations by name."""
    return list(db.session.scalars(select(Destination).order_by(func.lower(Destination.name), Destination.id)))


def find(text: str) -> Destination:
    """Return the destination with this number, name or address. Raise InvalidInputError if there is none."""
    known = every()
    named = [one for one in known if text in (str(one.id), one.name)]
    try:
        address = api_url_of(text)
    except RequestRejectedError:
        address = ""
    found = named or [one for one in known if one.api_url == address]
    if not found:
        raise InvalidInputError(_("“%(text)s” names no destination.", text=text), "destination")
    return found[0]


def add(address: str, identity: str, credential: str, settings: DestinationSettings) -> int:
    """Check a site and its key, save both, and return the id of the new destination.

    Raise InvalidInputError, with the field, for a key that may not write, and the errors of `OmekaClient.check`.
    """
    api_url = _checked_address(address)
    _check_key(identity, credential)
    site = _checked(api_url, identity, credential, settings)
    with transaction():
        _refuse_twin(settings.name, api_url)
        destination = Destination(api_url=api_url, version=site.version, key_identity=identity)
        _apply(destination, settings)
        destination.key_secret = _sealed(credential)
        db.session.add(destination)
        db.session.flush()
        audit.note("destination added", api_url, name=settings.name)
        return destination.id


def change(
    destination_id: int, address: str, identity: str, credential: str | None, settings: DestinationSettings
) -> None:
    """Check and save other data of a destination. The next job tries the files again that the site refused.

    No `credential`: the saved one stays.
    A saved credential is never sent to another address. Raise the errors of `add`, and InvalidInputError if the address
    changes without a new credential.
    """
    api_url = _checked_address(address)
    known = get(destination_id)
    if credential is None and (api_url, identity) != (known.api_url, known.key_identity):
        raise InvalidInputError(_("Enter the key credential again for another address or key."), "credential")
    if credential is None:
        with connected_to(known) as connection:
            site = _usable(connection.client, settings)
    else:
        _check_key(identity, credential)
        site = _checked(api_url, identity, credential, settings)
    with transaction():
        _refuse_twin(settings.name, api_url, destination_id)
        destination = get(destination_id)
        destination.api_url, destination.version, destination.key_identity = api_url, site.version, identity
        if credential is not None:
            destination.key_secret = _sealed(credential)
        _apply(destination, settings)
        items = select(PublishedItem.id).where(PublishedItem.destination_id == destination_id)
        db.session.execute(delete(RefusedFile).where(RefusedFile.published_item_id.in_(items)))
        audit.note("destination changed", api_url, name=settings.name)


def offers_of(destination: Destination) -> Offers:
    """Return what can be chosen for the items at a destination. Raise the errors of `OmekaClient`."""
    with connected_to(destination) as connection:
        return connection.client.offers()


def settings_of(destination: Destination) -> DestinationSettings:
    """Return what a person chose for a destination."""
    return DestinationSettings(
        destination.name,
        destination.is_public,
        FileMode(destination.files),
        destination.template_id,
        destination.owner_id,
        tuple(destination.site_ids),
        destination.has_all_fields,
        dict(destination.classes),
    )


def remove(destination_id: int) -> None:
    """Delete a destination with its key, and what we know of the items there. The site itself is not changed.

    Raise ConflictError while a job of the destination is active.
    """
    with transaction():
        destination = get(destination_id)
        active = select(Job.id).where(Job.resource == destination.resource, Job.state.in_(ACTIVE))
        if (job_id := db.session.scalar(active.limit(1))) is not None:
            raise ConflictError(_("Job %(job)s of this destination is active. Stop it first.", job=job_id))
        audit.note("destination removed", destination.api_url, name=destination.name)
        db.session.delete(destination)


def item_count(destination_id: int) -> int:
    """Return how many items are published at a destination."""
    mine = (PUBLISHED_ITEM.c.destination_id == destination_id, PUBLISHED_ITEM.c.omeka_id.is_not(None))
    return count_rows(PUBLISHED_ITEM, *mine)


def name_of(destination_id: int) -> str:
    """Return the name of a destination, or its number if it has been removed."""
    known = db.session.get(Destination, destination_id)
    return known.name if known else str(destination_id)


def of_job(job: Job) -> Destination | None:
    """Return the destination of a publishing job or of its undo, or None for other jobs and if it has been removed."""
    options = (job.undoes or job).parsed_options
    return db.session.get(Destination, options.destination) if isinstance(options, DestinationOptions) else None


def places_of(item_id: int | None) -> list[Place]:
    """Return where an item is published, by name of the destination. An item that is not stored has no id."""
    if item_id is None:
        return []
    mine = (PublishedItem.item_id == item_id, PublishedItem.omeka_id.is_not(None))
    query = select(Destination, PublishedItem).join(PublishedItem, PublishedItem.destination_id == Destination.id)
    rows = db.session.execute(query.where(*mine).order_by(Destination.name)).all()
    return [Place(one.name, f"{one.site_url}/admin/item/{item.omeka_id}", item.changed_at) for one, item in rows]


def _checked_address(address: str) -> str:
    try:
        return api_url_of(address)
    except RequestRejectedError as error:
        raise InvalidInputError(str(error), "address") from error


def _check_key(identity: str, credential: str) -> None:
    """Raise InvalidInputError for a part of a key that Omeka S cannot have made."""
    for name, text in (("identity", identity), ("credential", credential)):
        if len(text) != KEY_CHARACTERS or not text.isalnum() or not text.isascii():
            raise InvalidInputError(_("Each part of a key has 32 letters and digits. Copy it from Omeka S."), name)


def _checked(api_url: str, identity: str, credential: str, settings: DestinationSettings) -> Site:
    """Return what a site offers to a key. Raise InvalidInputError if the key may not write."""
    db.session.rollback()  # no transaction may be open during a request
    connection = open_site(api_url, identity, credential, page_outage())
    try:
        return _usable(connection.client, settings)
    finally:
        connection.close()


def _usable(client: OmekaClient, settings: DestinationSettings) -> Site:
    """Return what a site offers. Raise InvalidInputError if the key may not write, or if the site lacks something."""
    site = client.check()
    if not site.knows_key:
        raise InvalidInputError(unknown_key(), "identity")
    if not site.may_write:
        raise InvalidInputError(read_only_key(), "identity")
    if settings.template_id not in (None, *(template.id for template in site.templates)):
        raise InvalidInputError(_("The site has no such resource template."), "template")
    if unknown := sorted(set(settings.classes.values()) - site.classes):
        raise InvalidInputError(_("The site has no class %(name)s.", name=unknown[0]), "classes")
    if settings.owner_id is not None or settings.site_ids:
        _refuse_unknown(client.offers(), settings)
    if (settings.owner_id is not None or settings.has_all_fields) and not client.is_admin():
        if settings.has_all_fields:
            raise InvalidInputError(needs_admin(), "has_all_fields")
        raise InvalidInputError(
            _("Only the key of an administrator of the Omeka S site may choose another owner."), "owner"
        )
    return site


def _refuse_unknown(offers: Offers, settings: DestinationSettings) -> None:
    if settings.owner_id not in (None, *(user.id for user in offers.users)):
        raise InvalidInputError(_("The site has no such user."), "owner")
    if not set(settings.site_ids) <= {site.id for site in offers.sites}:
        raise InvalidInputError(_("There is no such site in Omeka S."), "sites")


def _refuse_twin(name: str, api_url: str, own_id: int | None = None) -> None:
    """Raise ConflictError if another destination has this name or address."""
    if not name.strip() or len(name) > MAX_NAME_CHARACTERS:
        raise InvalidInputError(_("Enter a name of at most %(most)s characters.", most=MAX_NAME_CHARACTERS), "name")
    for column, value, sentence in (
        (Destination.name, name, _("There is already a destination with this name.")),
        (Destination.api_url, api_url, _("There is already a destination with this address.")),
    ):
        twin = db.session.scalar(select(Destination.id).where(column == value))
        if twin not in (None, own_id):
            raise InvalidInputError(sentence, "name" if column is Destination.name else "address")


def _apply(destination: Destination, settings: DestinationSettings) -> None:
    destination.name, destination.is_public = settings.name, settings.is_public
    destination.files, destination.template_id = settings.files.value, settings.template_id
    destination.owner_id, destination.site_ids = settings.owner_id, list(settings.site_ids)
    destination.has_all_fields, destination.classes = settings.has_all_fields, dict(settings.classes)


def _sealed(credential: str) -> str:
    return seal(credential, current_app.config["SECRET_KEY"], KeyPurpose.API_KEY)
