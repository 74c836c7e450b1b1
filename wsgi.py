"""The app for a web server (`app`) and its queue (`huey`), with the instance folder and database up to date."""

import os
import sys

import click
from sqlalchemy.exc import DBAPIError

from config import SettingError, log_style
from connector import create_app, logs
from connector.errors import ConnectorError
from connector.extensions import huey
from connector.storage import prepare
from connector.terminal import give_up, refuse

# A `flask` that only prints its help makes and upgrades nothing, and what is not there cannot be backed up.
is_command = click.get_current_context(silent=True) is not None
is_help = is_command and (len(sys.argv) == 1 or "--help" in sys.argv)
is_backup = is_command and sys.argv[1:2] == ["backup"]

os.umask(0o077)  # the catalogue is nobody else's on this machine
try:
    logs.configure(log_style())
    app = create_app()
    if not is_help:
        prepare(app, anew=not is_backup)
except SettingError as error:
    refuse(str(error))
except (ConnectorError, DBAPIError, OSError) as error:
    give_up(error)

__all__ = ["app", "huey"]
