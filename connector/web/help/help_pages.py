"""The pages of the guide."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for

from ...accounts.authorization import allows
from ...models.accounts import Role
from . import guide

blueprint = Blueprint("help", __name__, url_prefix="/help")


@blueprint.get("/")
@allows(Role.VIEWER)
def index() -> str:
    """Show the list of all parts."""
    return render_template("help/index.html", parts=guide.parts())


@blueprint.get("/<name>/")
@allows(Role.VIEWER)
def part(name: str) -> str:
    """Show a part of the guide. Raise NotFoundError if there is no such part."""
    shown = guide.part(name)
    return render_template("help/part.html", part=shown, html=shown.html(url_for(".index")), parts=guide.parts())
