"""Errors that a person can act on. Each has a sentence that pages show.

They are raised, never returned. Any other exception is a bug: it is logged with its traceback, and pages show a general
sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from .i18n import gettext as _


class ConnectorError(Exception):
    """Base of all errors with a sentence for the pages. `str(error)` is that sentence."""

    @property
    def in_short(self) -> str:
        """Return the sentence without technical details."""
        return str(self)

    @property
    def technical_details(self) -> tuple[str, ...]:
        """Return the lines that a page shows below “Technical details”, for administrators."""
        return ()


class InvalidInputError(ConnectorError):
    """An input cannot be used. `field`: the name of the form field or option, if there is one."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


class ConflictError(ConnectorError):
    """A valid request that is not possible now: another job is active, or the job is in another state."""


class TooBusyError(ConnectorError):
    """Too many people request an expensive operation now. The sentence says when to try again."""


class PermissionDeniedError(ConnectorError):
    """The user may not do this. The sentence says who may."""


class InvalidLinkError(ConnectorError):
    """A one-time link that was used, replaced, or has expired."""


class AddressNotAllowedError(ConnectorError):
    """The address may not be reached. The sentence says which setting would allow it, if any."""


class LoginFailedError(ConnectorError):
    """The repository refuses the name and password, or ends the login again and again."""


class RepositoryError(ConnectorError):
    """The repository did not return the requested data.

    `url`: the requested address, without credentials. `status`: the HTTP status, if known. `details`: other facts for
    administrators.
    """

    status: int | None = None
    details: tuple[str, ...] = ()

    def __init__(self, sentence: str, url: str = ""):
        super().__init__(sentence)
        self.url = url

    @property
    def in_short(self) -> str:
        """Return the sentence with the host instead of the requested address."""
        return str(self).replace(self.url, urlsplit(self.url).hostname or self.url) if self.url else str(self)

    @property
    def technical_details(self) -> tuple[str, ...]:
        """Return the requested address, the status and the other details."""
        status = (_("Status %(status)s", status=self.status),) if self.status else ()
        return tuple(filter(None, (self.url, *status, *self.details)))


class TransientError(RepositoryError):
    """A retry may succeed. `retry_after`: the seconds to wait that the server asked for, or None."""

    def __init__(self, sentence: str, url: str = "", retry_after: float | None = None):
        super().__init__(sentence, url)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """No response: the connection was refused or broken. `was_sent`: whether the request may have been sent."""

    was_sent = True


class UnknownHostError(UnreachableError):
    """The host name cannot be resolved."""


class RequestTimeoutError(UnreachableError):
    """No response, or no further byte of it, within the time limit."""


class ServerError(TransientError):
    """Status 5xx, 408, 425 or 429: the server cannot answer now. `status`: the status, if known."""

    def __init__(self, sentence: str, url: str = "", retry_after: float | None = None, status: int | None = None):
        super().__init__(sentence, url, retry_after)
        self.status = status


class BadResponseError(TransientError):
    """A response that breaks the contract of the API: HTML with 200, truncated JSON, a missing member."""


class DamagedResponseError(BadResponseError):
    """A response that is cut short, or whose JSON or compression is damaged."""


class WebPageError(BadResponseError):
    """A web page, although data was requested."""


class BotChallengeError(BadResponseError):
    """A bot protection answered instead of the repository. Its response says nothing about the requested object."""


class MaintenanceError(TransientError):
    """A redirect to a page in place of the answer, such as one about maintenance. The request was not carried out."""


class CertificateError(RepositoryError):
    """The TLS certificate of the host is not trusted, has expired or is for another name."""


class NotFoundError(RepositoryError):
    """Status 404 or 410: the object does not exist."""


class RestrictedError(RepositoryError):
    """Status 401 or 403: we have no access to the object, which may or may not exist.

    `status`: the status, if known. `challenge`: the WWW-Authenticate header, or "". `signed_in`: whether the request
    was made with a login.
    """

    def __init__(
        self,
        sentence: str,
        url: str = "",
        status: int | None = None,
        challenge: str = "",
        signed_in: bool = False,
    ):
        super().__init__(sentence, url)
        self.status, self.challenge, self.signed_in = status, challenge, signed_in

    @property
    def reason(self) -> str:
        """Return a sentence that says to whom the object is not open."""
        if self.signed_in:
            return _("It is not open to the account that is signed in.")
        return _("It is not open to the public.")


class RequestRejectedError(RepositoryError):
    """Any other 4xx, or a redirect to a new address that may not be followed. A retry is useless.

    `answer`: the JSON of the response, if any.
    """

    def __init__(self, sentence: str, url: str = "", answer: Any = None):
        super().__init__(sentence, url)
        self.answer = answer


class OutcomeUnknownError(RepositoryError):
    """A request that changes data got no usable response. Check whether it was carried out before it is repeated."""

    def __init__(self, sentence: str, url: str = "", status: int | None = None):
        super().__init__(sentence, url)
        self.status = status


class RedirectLoopError(RequestRejectedError):
    """Too many redirects. `asked`: the requested addresses in order, of which the first is `url`."""

    def __init__(self, asked: Sequence[str]):
        if len(set(asked)) < len(asked):
            sentence = _(
                "%(url)s is redirected without an end. The administrator of the repository has to correct that.",
                url=asked[0],
            )
        else:
            sentence = _(
                "%(url)s is redirected more than %(times)s times in a row. "
                "The administrator of the repository has to correct that.",
                url=asked[0],
                times=len(asked) - 2,
            )
        super().__init__(sentence, asked[0])


class XmlResponseError(BadResponseError):
    """A response in XML, although JSON was requested."""


class InvalidAddressError(RequestRejectedError):
    """The requested address, or the target of a redirect, is malformed."""


class TooLargeError(RepositoryError):
    """The response or file is larger than the limit."""


class NotDSpaceError(RepositoryError):
    """There is a web server, but no supported DSpace REST API was found."""


class NotOmekaError(RepositoryError):
    """There is a web server, but no API of Omeka S was found."""


class OutageLimitError(RepositoryError):
    """No good response within the maximum outage (`CONNECTOR_MAX_OUTAGE_SECONDS`). The job can be resumed."""


class JobStoppedError(ConnectorError):
    """A stop of the job was requested. Ends every wait at once."""


class DecisionRequiredError(JobStoppedError):
    """The job cannot continue without a decision of a person. The sentence is the question."""


class AttemptSupersededError(ConnectorError):
    """Another worker has taken over the job. This worker must not write any more."""


class NotificationError(ConnectorError):
    """A notification could not be sent, because the mail server or the webhook refused it or did not answer."""


class StorageError(ConnectorError):
    """A folder, file or database cannot be used: the disk is full, read-only or missing, for example."""


class DatabaseUnavailableError(ConnectorError):
    """The database server does not answer. A retry may succeed later without any change here."""


class MalwareFoundError(ConnectorError):
    """The virus scanner rejected a file. The sentence says why ("It found …")."""


class ScannerUnavailableError(ConnectorError):
    """The virus scanner does not answer."""


class NewerVersionError(ConnectorError):
    """The data was written by a newer version of the app, which this version cannot read."""


# Errors that a retry does not solve. If one object of many causes such an error, only that object fails (design rule
# 18).
LASTING_ERRORS = (
    AddressNotAllowedError,
    CertificateError,
    NotFoundError,
    RestrictedError,
    RequestRejectedError,
    TooLargeError,
)
