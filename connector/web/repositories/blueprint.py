"""The blueprint of the pages of repositories. Each module of pages adds its own."""

from __future__ import annotations

from flask import Blueprint

from .listings import Listings

blueprint = Blueprint("repositories", __name__)
blueprint.record_once(lambda setup: setup.app.extensions.setdefault("listings", Listings()))
