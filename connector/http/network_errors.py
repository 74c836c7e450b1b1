"""Turns exceptions of requests and urllib3 into one of `connector.errors`, with a sentence that names the host."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

import requests
from urllib3 import exceptions as urllib3_errors

from ..errors import (
    CertificateError,
    DamagedResponseError,
    RepositoryError,
    RequestTimeoutError,
    UnknownHostError,
    UnreachableError,
)
from ..i18n import lazy_gettext as _l

# After these errors, the server has not seen the request.
_NOT_SENT = (urllib3_errors.NewConnectionError, urllib3_errors.ConnectTimeoutError, ssl.SSLCertVerificationError)
# The first row that matches the error or one of its causes counts, so the more specific rows come first.
_TROUBLES: tuple[tuple[type[BaseException], type[RepositoryError], str], ...] = (
    (
        urllib3_errors.ProxyError,
        UnreachableError,
        _l("The proxy set in CONNECTOR_PROXY did not pass on the request to %(host)s."),
    ),
    (
        urllib3_errors.NameResolutionError,
        UnknownHostError,
        _l("There is no host named %(host)s, or its name cannot be resolved now."),
    ),
    (ssl.SSLCertVerificationError, CertificateError, _l("The certificate of %(host)s is not accepted: %(cause)s.")),
    (ConnectionRefusedError, UnreachableError, _l("%(host)s refused the connection: no web server answers there.")),
    (ConnectionResetError, UnreachableError, _l("%(host)s broke off the connection.")),
    (urllib3_errors.NewConnectionError, UnreachableError, _l("%(host)s cannot be reached.")),
    (urllib3_errors.TimeoutError, RequestTimeoutError, _l("%(host)s did not answer in time.")),
    (requests.Timeout, RequestTimeoutError, _l("%(host)s did not answer in time.")),
    (
        ssl.SSLError,
        UnreachableError,
        _l("No secure connection to %(host)s is possible. It may not support https."),
    ),
    (requests.exceptions.ChunkedEncodingError, DamagedResponseError, _l("The answer of %(host)s ended too early.")),
    (
        requests.exceptions.ContentDecodingError,
        DamagedResponseError,
        _l("The answer of %(host)s is damaged: it cannot be unpacked."),
    ),
    (Exception, UnreachableError, _l("The connection to %(host)s broke.")),
)


def network_error(error: Exception, url: str) -> RepositoryError:
    """Return the error of `connector.errors` for an exception of requests or urllib3."""
    causes = list(_causes(error))
    for sign, kind, sentence in _TROUBLES:
        for cause in causes:
            if isinstance(cause, sign):
                reason = getattr(cause, "verify_message", "").rstrip(".")
                translated = kind(sentence % {"host": host_of(url), "cause": reason}, url)
                if isinstance(translated, UnreachableError):
                    translated.was_sent = not any(isinstance(cause, _NOT_SENT) for cause in causes)
                return translated
    raise AssertionError("the last row fits every exception")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and its causes. `__context__` is left out, because it may be an unrelated error of the caller."""
    yield error
    for inner in (*error.args, getattr(error, "reason", None), error.__cause__):
        if isinstance(inner, BaseException):
            yield from _causes(inner)


def host_of(url: str) -> str:
    """Return the host of a URL, or the URL itself if it names none."""
    return urlsplit(url).hostname or url
