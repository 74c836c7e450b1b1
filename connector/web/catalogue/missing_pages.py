"""The pages of items that are missing at source, of takedowns and of exclusions."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import Select, select
from sqlalchemy.orm import defer

from ...accounts.authorization import allows, require, sees_restricted
from ...catalogue import item_presentation, missing, takedown
from ...catalogue.missing import MissingSelection
from ...errors import InvalidInputError, NotFoundError
from ...extensions import db
from ...formatting import item_count
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.catalogue import ITEM, CatalogueItem
from ...models.repositories import Repository
from ...pagination import asked_place, page_of
from ...publishing import withdrawal_jobs
from ...repositories import service
from ...row_ids import row_id
from ...tasks import wake
from ..base_form import shows_again
from ..flash_messages import flash, job_links
from ..page_responses import download
from ..publishing import withdrawal_choices
from ..publishing.withdrawal_choices import WithdrawalChoices
from .item_lists import chosen_ids

TITLES = 20  # of the items that are about to be deleted

blueprint = Blueprint("missing", __name__)


@blueprint.get("/missing/")
@allows(Role.VIEWER)
def index() -> str:
    """Show the items that are missing at source or hidden, most recently noticed first."""
    return missing_page()


def missing_page(form_error: InvalidInputError | None = None) -> str:
    """Return a page of the list of missing items. `form_error`: the error of its form, which keeps its ticks."""
    repository_id = request.values.get("repository", type=row_id)
    found = missing.missing_items(MissingSelection(repository_id=repository_id))
    if not sees_restricted():
        found = found.where(CatalogueItem.is_restricted.is_(False))
    return render_template(
        "catalogue/missing.html",
        page=page_of(found, missing.LAST_NOTICED_FIRST, asked_place()),
        repositories=service.every(),
        repository_id=repository_id,
        place=asked_place().arguments,
        ticked=request.form.getlist("item", row_id),
        form_error=form_error,
        states=item_presentation.STATES,
        holders=withdrawal_jobs.holders(MissingSelection(repository_id=repository_id).ids()),
    )


@blueprint.post("/missing/")
@allows(Role.EDITOR)
@shows_again(missing_page)
def act() -> Any:
    """Hide, show again or remove the ticked items or the whole list. Ask for confirmation before removal."""
    chosen = chosen_missing()
    do = request.form.get("do")
    if do == "remove":
        require(Role.ADMIN)
        if "confirmed" not in request.form:
            will = missing.preview(chosen)
            if not will["items"]:
                raise InvalidInputError(
                    _("None of these items is missing at source. Only missing items can be removed.")
                )
            titles = first_titles(missing.removable(chosen))
            holders = withdrawal_jobs.holders(select(ITEM.c.id).where(*chosen.gone()))
            return render_template(
                "catalogue/missing_confirm.html", chosen=chosen, will=will, titles=titles, holders=holders
            )
    if do not in DONE:
        raise InvalidInputError(_("Choose an action: hide, show again or remove."))
    flash(DONE[do](chosen))
    return redirect(url_for(".index", repository=chosen.repository_id), 303)


@blueprint.get("/takedown/")
@allows(Role.ADMIN)
def ask() -> str:
    """Show the takedown form. With an item in the query string, show its confirmation page."""
    item_id = request.args.get("item", type=row_id)
    if item_id is None:
        return render_template("catalogue/takedown.html", repositories=service.every())
    item = db.session.get(CatalogueItem, item_id)
    if item is None:
        raise NotFoundError(_("There is no item %(item_id)s.", item_id=item_id))
    return _confirmation_page(item.repository, takedown.Named((item.id,)), item_id=item.id)


@blueprint.post("/takedown/")
@allows(Role.ADMIN)
def take_down() -> Any:
    """Take the named items down. First ask for confirmation, with the counts and the unknown names."""
    item_id = request.form.get("item", type=row_id)
    try:
        repository = _chosen_repository()
        names = request.form.get("names", "") + "\n" + _uploaded()
        what = takedown.find_items(repository.id, names.splitlines()) if item_id is None else takedown.Named((item_id,))
        if "confirmed" not in request.form:
            return _confirmation_page(repository, what, names)
        reason, also_unknown = request.form.get("reason", ""), "also_unknown" in request.form
        if not (what.item_ids or also_unknown):
            raise InvalidInputError(_("None of these items is in the catalogue, so nothing was taken down."))
        choices = WithdrawalChoices(_ids(what))
        removed = takedown.take_down(repository.id, what, reason, also_unknown, choices.queue)
    except InvalidInputError as error:
        if error.field in ("reason", "withdraw"):
            return _confirmation_page(repository, what, names, item_id, error), 422
        return render_template("catalogue/takedown.html", repositories=service.every(), refused=error), 422
    flash(_("Taken down: %(items)s.", items=item_count(removed)))
    if choices.job_ids:
        wake(*choices.job_ids)
        flash(_("Your choice for Omeka S is carried out by job %(jobs)s."), jobs=job_links(choices.job_ids))
    return redirect(url_for(".exclusions"), 303)


@blueprint.get("/excluded/")
@allows(Role.ADMIN)
def exclusions() -> str:
    """Show the items that takedowns exclude from imports, newest first."""
    return _exclusions_page()


def _exclusions_page(form_error: InvalidInputError | None = None) -> str:
    return render_template(
        "catalogue/excluded.html",
        page=page_of(takedown.exclusions(), takedown.NEWEST_FIRST, asked_place()),
        place=asked_place().arguments,
        form_error=form_error,
        left=[(one, withdrawal_jobs.left_at(one.destination.id, TITLES)) for one in withdrawal_jobs.holders(None)],
    )


@blueprint.get("/excluded.csv")
@allows(Role.ADMIN)
def exclusions_csv() -> Response:
    """Download all exclusions as CSV."""
    return download(takedown.as_csv(), "excluded.csv")


@blueprint.post("/excluded/")
@allows(Role.ADMIN)
@shows_again(_exclusions_page)
def allow() -> Any:
    """Allow the ticked items again, or the item whose button was pressed."""
    ids = request.form.getlist("one", row_id) or request.form.getlist("exclusion", row_id)
    if not ids:
        raise InvalidInputError(_("No item is ticked. Tick items first."))
    flash(_("Allowed again: %(items)s.", items=item_count(takedown.allow(ids))))
    return redirect(url_for(".exclusions"), 303)


def _confirmation_page(
    repository: Repository,
    what: takedown.Named,
    names: str = "",
    item_id: int | None = None,
    refused: InvalidInputError | None = None,
) -> str:
    """Return the confirmation page of a takedown. `item_id`: the item if it was chosen on its own page."""
    item_ids = _ids(what)
    will, places = missing.numbers(item_ids), withdrawal_choices.places(item_ids)
    return render_template(
        "catalogue/takedown_confirm.html",
        repository=repository,
        names=names,
        item_id=item_id,
        what=what,
        will=will,
        places=places,
        titles=first_titles(select(CatalogueItem).where(CatalogueItem.id.in_(item_ids)).order_by(CatalogueItem.id)),
        refused=refused,
    )


def _ids(what: takedown.Named) -> Select[int]:
    return select(CatalogueItem.id).where(CatalogueItem.id.in_(what.item_ids))


def first_titles(items: Select[Any]) -> list[str]:
    """Return the titles of the first items. Only editors and admins delete items, and they see all titles."""
    light = (defer(CatalogueItem.search_text), defer(CatalogueItem.source_metadata))
    return [item.title or _("Untitled") for item in db.session.scalars(items.options(*light).limit(TITLES))]


def _uploaded() -> str:
    """Return the text of the uploaded list, or "" if there is none. Raise InvalidInputError if it is not UTF-8."""
    sent = request.files.get("list")
    try:
        return sent.read().decode("utf-8-sig") if sent else ""
    except UnicodeDecodeError:
        raise InvalidInputError(_("The list is not plain text. Save it as UTF-8 text, one item per line.")) from None


def _chosen_repository() -> Repository:
    """Return the repository in the form. Raise InvalidInputError if none is chosen."""
    repository = db.session.get(Repository, request.form.get("repository", 0, row_id))
    if repository is None:
        raise InvalidInputError(_("Choose the repository that the items come from."))
    return repository


def chosen_missing() -> MissingSelection:
    """Return the ticked items of the list, or the whole list. Raise InvalidInputError if there is no tick."""
    ids = chosen_ids()
    return MissingSelection(None if ids is None else tuple(ids), request.form.get("repository", type=row_id))


DONE = {
    "hide": lambda chosen: _("Hidden: %(items)s.", items=item_count(missing.set_hidden(chosen, True))),
    "show": lambda chosen: _("Shown again: %(items)s.", items=item_count(missing.set_hidden(chosen, False))),
    "remove": lambda chosen: _("Removed: %(items)s.", items=item_count(missing.remove(chosen))),
}
