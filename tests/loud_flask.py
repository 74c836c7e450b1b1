"""`python -m tests.loud_flask …`: `flask …`, with all that any library has to say, whatever the app does to the log."""

from __future__ import annotations

import logging

import flask.cli

import connector  # noqa: F401  # which quiets some libraries

LOUD = ("urllib3", "requests", "connector", "werkzeug", "sqlalchemy.engine")

if __name__ == "__main__":
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.DEBUG)
        logging.getLogger(name).addHandler(logging.StreamHandler())
    flask.cli.main()
