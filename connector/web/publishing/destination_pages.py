"""The pages of destinations, for admins."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, url_for

from ...accounts.authorization import allows
from ...errors import ConnectorError
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.publishing import Destination
from ...publishing import connection_report, destinations
from ..flash_messages import flash
from .destination_forms import SaveDestinationForm

blueprint = Blueprint("destinations", __name__, url_prefix="/destinations")
blueprint.app_template_global("destinations")(destinations.every)
blueprint.app_template_global("destination_of")(destinations.of_job)
blueprint.app_template_global("published_places")(destinations.places_of)


@blueprint.get("/")
@allows(Role.ADMIN)
def index() -> str:
    """Show all destinations."""
    return render_template("publishing/destinations.html", rows=destinations.every(), count=destinations.item_count)


@blueprint.get("/new")
@allows(Role.ADMIN)
def new() -> str:
    """Show the form of a new destination. What the site offers is known after the first save."""
    form = SaveDestinationForm(formdata=None)
    form.is_public.data = True
    return _page(form, None)


@blueprint.post("/new")
@allows(Role.ADMIN)
def add() -> Any:
    """Check a site and save it as a destination."""
    form = SaveDestinationForm()
    try:
        if not form.validate():
            return _page(form, None), 422
        destination_id = destinations.add(
            form.address.data or "",
            (form.identity.data or "").strip(),
            (form.credential.data or "").strip(),
            form.settings(None),
        )
    except ConnectorError as error:
        form.refuse(error)
        return _page(form, None), 422
    flash(_("The destination was added. “More options” now offers what this site has."))
    return redirect(url_for(".edit", destination_id=destination_id), 303)


@blueprint.get("/<int:destination_id>/")
@allows(Role.ADMIN)
def edit(destination_id: int) -> str:
    """Show the form of a destination."""
    known = destinations.get(destination_id)
    form = SaveDestinationForm(formdata=None)
    form.fill(known)
    return _page(form, known)


@blueprint.post("/<int:destination_id>/")
@allows(Role.ADMIN)
def change(destination_id: int) -> Any:
    """Check and save other data of a destination."""
    form, known = SaveDestinationForm(), destinations.get(destination_id)
    try:
        if not form.validate():
            return _page(form, known), 422
        credential = (form.credential.data or "").strip() or None
        address, identity = form.address.data or "", (form.identity.data or "").strip()
        settings = form.settings(destinations.settings_of(known))
        destinations.change(destination_id, address, identity, credential, settings)
    except ConnectorError as error:
        form.refuse(error)
        return _page(form, destinations.get(destination_id)), 422
    flash(_("The destination was changed."))
    return redirect(url_for(".index"), 303)


@blueprint.post("/<int:destination_id>/test")
@allows(Role.ADMIN)
def test(destination_id: int) -> Any:
    """Check the connection and show in words what was found."""
    known = destinations.get(destination_id)
    name = known.name
    try:
        sentences, failure = connection_report.report_of(known).sentences, None
    except ConnectorError as error:
        sentences, failure = (), error
    status = 200 if failure is None else 502
    return render_template("publishing/check.html", name=name, findings=sentences, failure=failure), status


@blueprint.get("/<int:destination_id>/remove")
@allows(Role.ADMIN)
def confirm_removal(destination_id: int) -> str:
    """Ask whether to remove a destination."""
    known = destinations.get(destination_id)
    return render_template("publishing/remove.html", destination=known, items=destinations.item_count(destination_id))


@blueprint.post("/<int:destination_id>/remove")
@allows(Role.ADMIN)
def remove(destination_id: int) -> Any:
    """Remove a destination with its key. The items at the site stay."""
    destinations.remove(destination_id)
    flash(_("The destination was removed. Its items in Omeka S stay."))
    return redirect(url_for(".index"), 303)


def _page(form: SaveDestinationForm, known: Destination | None) -> str:
    """Return the page of the form. The site is asked what it offers. `known`: None for a new destination."""
    offers, failure = None, None
    try:
        offers = destinations.offers_of(known) if known else None
    except ConnectorError as error:
        failure = error
    form.offer(offers)
    if known:
        form.credential.description = _("Leave empty to keep the saved credential.")
    return render_template("publishing/destination.html", form=form, destination=known, failure=failure)
