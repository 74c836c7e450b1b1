"""The app for a web server (`app`) and its queue (`huey`), with the instance folder and database up to date."""

from connector import create_app
from connector.extensions import huey
from connector.storage import prepare

app = create_app()
prepare(app)

__all__ = ["app", "huey"]
