"""The pages of item sets, on which editors make, change and delete them and choose their items."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import select

from ...accounts.authorization import allows, sees_restricted
from ...catalogue import item_set_changes, item_set_queries
from ...catalogue.item_set_queries import labels
from ...errors import InvalidInputError
from ...formatting import item_count
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.catalogue import ItemSet
from ...pagination import Order, asked_place, page_of
from ...row_ids import row_id
from ..base_form import shows_again
from ..flash_messages import flash, link
from .item_lists import chosen_items
from .item_set_forms import ItemSetForm
from .list_pages import item_set_page, list_address_of_form, list_of_form

blueprint = Blueprint("item_sets", __name__, url_prefix="/item-sets")


@blueprint.get("/")
@allows(Role.VIEWER)
def index() -> str:
    """Show all item sets, sorted by name."""
    page = page_of(select(ItemSet), Order((ItemSet.name, ItemSet.id)), asked_place())
    counts = item_set_queries.counts([s.id for s in page.rows], with_restricted=sees_restricted())
    return render_template("catalogue/item_sets.html", page=page, counts=counts, set_labels=labels(page.rows))


@blueprint.get("/<int:item_set_id>/")
@allows(Role.VIEWER)
def show(item_set_id: int) -> str:
    """Show an item set with its items."""
    return item_set_page(item_set_id)


@blueprint.route("/new", methods=["GET", "POST"])
@allows(Role.EDITOR)
def create() -> Any:
    """Make an item set."""
    form = ItemSetForm()
    if request.method == "POST" and form.validate():
        try:
            item_set_id = item_set_changes.create(form.texts)
        except InvalidInputError as error:
            form.refuse(error)
        else:
            flash(_("Item set created."))
            return redirect(url_for(".show", item_set_id=item_set_id), 303)
    return _form_page(form, None)


@blueprint.route("/<int:item_set_id>/edit", methods=["GET", "POST"])
@allows(Role.EDITOR)
def edit(item_set_id: int) -> Any:
    """Change the texts of an item set."""
    item_set = item_set_queries.get(item_set_id)
    form = ItemSetForm(obj=item_set)
    if request.method == "POST" and form.validate():
        try:
            item_set_changes.change(item_set_id, form.texts)
        except InvalidInputError as error:
            form.refuse(error)
        else:
            flash(_("Item set saved."))
            return redirect(url_for(".show", item_set_id=item_set_id), 303)
    return _form_page(form, item_set)


@blueprint.route("/<int:item_set_id>/delete", methods=["GET", "POST"])
@allows(Role.EDITOR)
def delete(item_set_id: int) -> Any:
    """Delete an item set, after a question that names it."""
    item_set = item_set_queries.get(item_set_id)
    if request.method == "POST":
        name = item_set.name
        item_set_changes.remove(item_set_id)
        flash(_("Item set “%(name)s” deleted. Its items are still in the catalogue."), name=name)
        return redirect(url_for(".index"), 303)
    count = item_set_queries.counts([item_set_id], with_restricted=True).get(item_set_id, 0)
    return render_template("catalogue/item_set_delete.html", item_set=item_set, count=count)


@blueprint.post("/items")
@allows(Role.EDITOR)
@shows_again(list_of_form)
def put_in() -> Any:
    """Put the chosen items into an item set, which may be a new one."""
    items = chosen_items()
    if new_name := request.form.get("new_set", "").strip():
        item_set_id: int | None = item_set_changes.create(item_set_changes.SetTexts(new_name))
    else:
        item_set_id = request.form.get("target", type=row_id)
    if item_set_id is None:
        raise InvalidInputError(_("Choose an item set, or type the name of a new one."))
    count = item_set_changes.put_in(item_set_id, items)
    flash(_("Put into %(item_set)s: %(items)s."), item_set=_link(item_set_id), items=item_count(count))
    return redirect(list_address_of_form(), 303)


@blueprint.post("/<int:item_set_id>/take-out")
@allows(Role.EDITOR)
@shows_again(list_of_form)
def take_out(item_set_id: int) -> Any:
    """Take the chosen items out of an item set."""
    count = item_set_changes.take_out(item_set_id, chosen_items())
    flash(_("Taken out of %(item_set)s: %(items)s."), item_set=_link(item_set_id), items=item_count(count))
    return redirect(list_address_of_form(), 303)


def _form_page(form: ItemSetForm, item_set: ItemSet | None) -> Any:
    return render_template("catalogue/item_set_form.html", form=form, item_set=item_set), 422 if form.errors else 200


def _link(item_set_id: int) -> Any:
    return link(url_for(".show", item_set_id=item_set_id), item_set_queries.get(item_set_id).name)
