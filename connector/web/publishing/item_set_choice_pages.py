"""The page on which editors choose the item set at a destination that gets the items of a source."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for

from ...accounts.authorization import allows
from ...errors import ConnectorError, InvalidInputError
from ...extensions import db
from ...i18n import gettext as _
from ...models.accounts import Role
from ...models.repositories import Source
from ...publishing import destinations, item_set_choices
from ...row_ids import row_id
from ..flash_messages import flash

OWN, NONE = "own", "none"

blueprint = Blueprint("item_set", __name__, url_prefix="/destinations/<int:destination_id>/sources/<int:source_id>")
blueprint.app_template_global("item_set_choice")(item_set_choices.get)


@blueprint.get("/item-set")
@allows(Role.EDITOR)
def show(destination_id: int, source_id: int) -> str:
    """Show the choice, and the item sets at the destination whose title contains the words of the search."""
    choice, words = item_set_choices.get(destination_id, source_id), request.args.get("q", "")
    chosen_id = choice.omeka_id if choice else None
    try:
        matches, failure = item_set_choices.matches(destination_id, words), None
    except ConnectorError as error:
        matches, failure = item_set_choices.Matches((), 0), error
    return render_template(
        "publishing/item_set.html",
        destination=destinations.get(destination_id),
        source=db.session.get_one(Source, source_id),
        choice=item_set_choices.get(destination_id, source_id),
        is_listed=any(item_set.id == chosen_id for item_set in matches.shown),
        matches=matches,
        words=words,
        failure=failure,
    )


@blueprint.post("/item-set")
@allows(Role.EDITOR)
def choose(destination_id: int, source_id: int) -> Any:
    """Store the choice."""
    chosen = request.form.get("item_set")
    number = request.form.get("item_set", type=row_id)
    if chosen == OWN:
        item_set_choices.choose_own(destination_id, source_id)
    elif chosen == NONE:
        item_set_choices.choose_none(destination_id, source_id)
    elif number is not None:
        item_set_choices.choose(destination_id, source_id, number)
    else:
        raise InvalidInputError(_("Choose an item set."))
    flash(_("The item set was changed. The next publishing job adds the items of this source to it."))
    return redirect(url_for("sources.source", source_id=source_id), 303)
