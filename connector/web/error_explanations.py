"""Explains errors on pages: one plain sentence, what to do next, and technical details for administrators."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from flask import current_app

from .. import durations
from ..errors import (
    BadResponseError,
    BotChallengeError,
    CertificateError,
    ConnectorError,
    RequestTimeoutError,
    RestrictedError,
    ServerError,
    TransientError,
    UnknownHostError,
    UnreachableError,
    XmlResponseError,
)
from ..i18n import gettext as _, lazy_gettext as _l

TRY_LATER = _l("Try again later. If this continues, ask the administrator of the repository.")
CHECK_ADDRESS = _l("Check the address. If it is right, try again later.")
FIREWALL = _l(
    "A firewall may block this app, or the repository may need a login. Ask the administrator of the repository to let "
    "this app through."
)
# The first class that fits the error counts. The sentences of the classes with None say themselves what to do.
ADVICE: tuple[tuple[type[ConnectorError], str | None], ...] = (
    (BotChallengeError, None),
    (XmlResponseError, None),
    (BadResponseError, TRY_LATER),
    (UnknownHostError, _l("Check the spelling of the address.")),
    (RequestTimeoutError, TRY_LATER),
    (UnreachableError, CHECK_ADDRESS),
    (ServerError, TRY_LATER),
    (CertificateError, _l("Ask the administrator of the repository to renew or correct the certificate.")),
)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a page says about an error. `advice`: what to do next, or ""."""

    sentence: str
    advice: str
    details: tuple[str, ...]

    @property
    def text(self) -> str:
        """Return the sentence and the advice."""
        return f"{self.sentence} {self.advice}".rstrip()


def explain(error: ConnectorError) -> Explanation:
    """Return the explanation of an error for a page."""
    return Explanation(error.in_short, str(_advice(error) or ""), error.technical_details)


def _advice(error: ConnectorError) -> str | None:
    if isinstance(error, TransientError) and error.retry_after:
        now = durations.utcnow()
        at = durations.local_time(now + timedelta(seconds=error.retry_after), now, current_app.config["TIMEZONE"])
        return _("Try again at %(time)s.", time=at)
    if isinstance(error, RestrictedError):
        return _refusal_advice(error)
    return next((advice for kind, advice in ADVICE if isinstance(error, kind)), None)


def _refusal_advice(error: RestrictedError) -> str | None:
    """Return what to do after a 401 or 403. Other refusals say it themselves."""
    if error.status is None:
        return None
    if error.signed_in:
        return _("Ask the administrator of the repository what this account may read.")
    if error.status == 403:
        return str(FIREWALL)
    return _("Ask the administrator of the repository to open its REST API to this app, or to give you a login.")
