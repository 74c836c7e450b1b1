"""Response headers, error pages, and the filters and globals of the templates."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, redirect, render_template, request, url_for
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError, TimeoutError
from werkzeug.exceptions import HTTPException

from .. import error_translation, formatting
from ..accounts import audit
from ..catalogue.crosswalk import term_label
from ..catalogue.source_links import safe_href
from ..characters import encodable
from ..errors import (
    ConflictError,
    ConnectorError,
    InvalidInputError,
    InvalidLinkError,
    LoginFailedError,
    NotFoundError,
    PermissionDeniedError,
    RepositoryError,
    StorageError,
    TooBusyError,
)
from ..extensions import db
from ..i18n import lazy_gettext as _l
from ..storage import disk_space, instance
from ..text import clean_html, human_size, size_range
from ..version import __version__
from .access_guard import is_api
from .api.responses import problem_response
from .error_explanations import explain

log = logging.getLogger(__name__)
PRODUCT = "DSpace Connector"

# Pico uses data: URLs for the arrows and ticks of its controls.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# For URLs with a one-time token. With the usual policy, a proxy would log the URL as the Referer of the style sheet.
# The origin must be sent: the CSRF check of a form over https requires it.
OF_A_SECRET = "strict-origin"
A_YEAR = 31_536_000  # seconds
SENTENCES = {
    400: _l("The request could not be read. Go back, reload the page and try again."),
    401: _l("The access token is missing, was revoked or is wrong. Your account page makes a new one."),
    403: _l("You do not have access to this page."),
    404: _l("This page does not exist. It may have been removed."),
    405: _l("This address does not accept this kind of request."),
    413: _l("The submitted data is too large."),
    429: _l("Too many requests. Wait a minute, then try again. After many failed attempts, wait longer."),
    500: _l("Something went wrong in this app. The server log has the details."),
}
EXPIRED = _l(
    "The form has expired, because you signed in or out or the server was restarted. Reload the page and try again."
)
DATABASE_UNAVAILABLE = _l(
    "The database cannot be used now: perhaps it is just being started, or its disk is full. Wait a "
    "moment, then try again. The log of the server says more."
)
STATUSES: dict[type[ConnectorError], int] = {
    NotFoundError: 404,
    InvalidInputError: 422,
    LoginFailedError: 422,
    PermissionDeniedError: 403,
    InvalidLinkError: 410,
    ConflictError: 409,
    TooBusyError: 503,
    RepositoryError: 502,
    StorageError: 503,
}


class PageResponse(Response):
    """A response whose text may contain lone surrogates. They are replaced by U+FFFD."""

    def set_data(self, value: bytes | str) -> None:
        """Set the body. Text is encoded as UTF-8."""
        super().set_data(encodable(value) if isinstance(value, str) else value)


def init_app(app: Flask) -> None:
    """Register the filters, globals, headers and error handlers."""
    app.response_class = PageResponse
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        bcp47=formatting.bcp47,
        clean_html=clean_html,
        duration=formatting.duration,
        human_size=human_size,
        size_range=size_range,
        time_range=formatting.time_range,
        number=formatting.number,
        file_count=formatting.file_count,
        item_count=formatting.item_count,
        value_count=formatting.value_count,
        safe_href=safe_href,
        source_time=formatting.source_time,
        term_label=term_label,
        when=formatting.when,
    )
    app.jinja_env.globals.update(product=PRODUCT, version=__version__, items_in_words=formatting.items_in_words)
    app.jinja_env.globals.update(explain=explain)
    app.jinja_env.globals.update(
        database_moved_message=instance.database_moved_message, low_space_message=disk_space.low_space_message
    )
    app.after_request(_with_headers)
    app.after_request(_on_this_site)
    app.register_error_handler(ConnectorError, _refused)
    app.register_error_handler(CSRFError, _not_our_form)
    app.register_error_handler(OperationalError, _without_database)
    app.register_error_handler(TimeoutError, _without_database)
    app.register_error_handler(HTTPException, _failed)


def wants_fragment() -> bool:
    """Return whether htmx requested a part of a page. A boosted form or link requests a whole page."""
    return request.headers.get("HX-Request-Type") == "partial"


def _with_headers(response: Response) -> Response:
    if "token" in (request.view_args or {}):
        response.headers["Referrer-Policy"] = OF_A_SECRET
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.is_secure:
        # An app below a path of a site must not set a policy for its subdomains (ASVS 5.0, 3.4.1).
        others = "" if request.script_root else "; includeSubDomains"
        response.headers.setdefault("Strict-Transport-Security", f"max-age={A_YEAR}{others}")
    if request.endpoint != "static":  # after the sign-out, neither the Back button nor a proxy may show the page
        response.headers.setdefault("Cache-Control", "no-store")
    return response


def _on_this_site(response: Response) -> Response:
    """Remove the host from a redirect.

    The router takes the host from the request, where a client can forge it. No redirect of this app leaves the site.
    """
    parts = urlsplit(response.location or "")
    if parts.scheme or parts.netloc:
        response.location = "/" + parts._replace(scheme="", netloc="", path=parts.path.lstrip("/")).geturl()
    return response


def _refused(error: ConnectorError) -> tuple[Any, int]:
    if isinstance(error, PermissionDeniedError):
        audit.note_refusal(403)
    status = next((status for kind, status in STATUSES.items() if isinstance(error, kind)), 500)
    explanation = explain(error)
    return _error_page(status, explanation.text, explanation.details)


def _without_database(error: OperationalError | TimeoutError) -> tuple[Any, int]:
    """Return the 503 page if the database is unavailable, locked or on a full disk. Only the log has the details.

    Raises the error again if a retry cannot help.
    """
    if isinstance(error, OperationalError) and not error_translation.may_pass(error):
        raise error
    log.error("%s", error_translation.translate(error) or error)
    db.session.rollback()
    return _error_page(503, DATABASE_UNAVAILABLE)


def _not_our_form(error: CSRFError) -> Any:
    """Return the error page of an invalid CSRF token. Record it in the log and the audit trail.

    The usual cause is an outdated page, but another site may have forged the request. If the user has signed in
    in another tab, an outdated sign-in form redirects to the sign-in page, which redirects signed-in users onwards.
    """
    if request.endpoint == "accounts.sign_in_now" and g.person:
        return redirect(url_for("accounts.sign_in", next=request.form.get("next")), 303)
    audit.note_refusal(400)
    return _error_page(400, EXPIRED)


def _failed(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:  # a redirect that Werkzeug raises
        return error
    if error.code == audit.TOO_MANY:
        audit.note_refusal(error.code)
    page, status = _error_page(error.code, SENTENCES.get(error.code, error.description or SENTENCES[500]))
    return page, status, [header for header in error.get_headers() if header[0] != "Content-Type"]


def _error_page(status: int, sentence: str, details: tuple[str, ...] = ()) -> tuple[Any, int]:
    if is_api():
        return problem_response(status, sentence)
    template = "_error.html" if wants_fragment() else "error.html"
    number = g.request_id if status == 500 else None
    return render_template(template, status=status, sentence=sentence, details=details, number=number), status
