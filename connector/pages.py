"""What all pages share: error pages, template filters."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Register them."""
