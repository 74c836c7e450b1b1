"""The app for a web server (`app`) and its queue (`huey`), with the instance folder and database up to date."""

from config import SettingError
from connector import create_app, logs
from connector.errors import ConnectorError
from connector.extensions import huey
from connector.storage import prepare
from connector.terminal import refuse

try:
    app = create_app()
    logs.configure(app.config["LOG"])
    prepare(app)
except (SettingError, ConnectorError) as error:
    refuse(str(error))

__all__ = ["app", "huey"]
