"""The app for a web server (`app`) and its queue (`huey`), with the instance folder and database up to date."""

import gc
import logging
import os
import sys

import click
from sqlalchemy.exc import DBAPIError

from config import SettingError, log_style, old_names_in_use
from connector import create_app, logs
from connector.cli.command import give_up, refuse
from connector.cli.commands import MODULE_OF
from connector.errors import ConnectorError
from connector.extensions import huey
from connector.storage.instance import prepare

# A `flask` that only prints its help makes and upgrades nothing, and what is not there cannot be backed up.
context = click.get_current_context(silent=True)
root = context and context.find_root()
# Click takes the name off the context before the app is loaded.
command = root.command.make_parser(root).parse_args(sys.argv[1:])[1][:1] if root else []
is_help = root is not None and (not command or "--help" in sys.argv)
is_backup = command == ["backup"]
has_pages = root is None or not (is_help or command[0] in MODULE_OF)

os.umask(0o077)  # other users of this machine must not read the catalogue
# The objects of a page live until it is written. By default, visits of the collector take a fifth of an import.
gc.set_threshold(20_000, 10, 10)
try:
    logs.configure(log_style())
    for old, new in old_names_in_use().items():
        logging.getLogger("connector").warning("%s is now called %s. The old name works for one release.", old, new)
    app = create_app()
    if has_pages:
        from connector.web import pages  # here because commands start faster without

        pages.init_app(app)
    if not is_help:
        prepare(app, create=not is_backup)
except SettingError as error:
    refuse(str(error))
except (ConnectorError, DBAPIError, OSError) as error:
    give_up(error)

__all__ = ["app", "huey"]
