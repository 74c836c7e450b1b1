"""The Flask extensions of the sign-in. Only pages import them."""

from __future__ import annotations

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager

login = LoginManager()
limiter = Limiter(key_func=get_remote_address)
