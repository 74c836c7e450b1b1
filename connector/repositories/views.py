"""Pages."""

from flask import Blueprint

blueprint = Blueprint("repositories", __name__)
