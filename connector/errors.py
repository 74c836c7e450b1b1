"""The tree of errors a person can do something about. Each carries a sentence fit for the screen.

Raised, never returned. What is not in this tree is a fault of ours: logged with its trace, shown as one plain sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit


class ConnectorError(Exception):
    """Root of all errors with a sentence for the screen: `str(error)` is that sentence."""

    @property
    def in_short(self) -> str:
        """The sentence without technical details."""
        return str(self)


class InvalidInputError(ConnectorError):
    """What was typed cannot be used. `field` names the form field or option it concerns, where there is one."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


class ConflictError(ConnectorError):
    """Well-formed, but cannot be carried out now: another job is active, or the job is not in that state."""


class Busy(ConnectorError):
    """Too many people ask for the same costly thing at this moment; the sentence says when to try again."""


class PermissionDeniedError(ConnectorError):
    """Whoever is signed in may not do this; the sentence says who may."""


class InvalidLinkError(ConnectorError):
    """A one-time link that was used, replaced, or is too old."""


class AddressNotAllowedError(ConnectorError):
    """The address may not be reached; the sentence says which setting would allow it."""


class LoginFailedError(ConnectorError):
    """The repository does not take the name and password, or lets the login lapse again and again."""


class RepositoryError(ConnectorError):
    """The repository did not give what was asked for. `url` is what was asked, without credentials."""

    def __init__(self, sentence: str, url: str = ""):
        super().__init__(sentence)
        self.url = url

    @property
    def in_short(self) -> str:
        """The sentence with the host instead of the address that was asked."""
        return str(self).replace(self.url, urlsplit(self.url).hostname or self.url) if self.url else str(self)


class TransientError(RepositoryError):
    """May go better when repeated. `retry_after` is the wait the server asked for, in seconds, or None."""

    def __init__(self, sentence: str, url: str = "", retry_after: float | None = None):
        super().__init__(sentence, url)
        self.retry_after = retry_after


class UnreachableError(TransientError):
    """No answer at all: the connection was refused or broke."""


class UnknownHostError(UnreachableError):
    """The name of the host cannot be resolved."""


class RequestTimeoutError(UnreachableError):
    """No answer, or no further byte of it, within the time limit."""


class ServerError(TransientError):
    """Status 5xx, 408 or 429: the server is there and cannot answer now. `status`: that number, where it is known."""

    def __init__(self, sentence: str, url: str = "", retry_after: float | None = None, status: int | None = None):
        super().__init__(sentence, url, retry_after)
        self.status = status

    @property
    def in_short(self) -> str:
        """The sentence without address and status."""
        return super().in_short.replace(f" ({self.status})", "")


class BadResponseError(TransientError):
    """An answer, but not what the API promises: HTML with 200, truncated JSON, a missing member."""


class BotChallengeError(BadResponseError):
    """A protection against robots answered instead of the repository: it says nothing of what was asked for."""


class CertificateError(RepositoryError):
    """The TLS certificate of the host is not trusted, has expired or is for another name."""


class NotFoundError(RepositoryError):
    """Status 404 or 410: there is no such object."""


class RestrictedError(RepositoryError):
    """Status 401 or 403: the object is there, perhaps, but not for us.

    `status`: that number, where it is known. `challenge`: the header WWW-Authenticate, or "". `signed_in`: whether the
    request was made with a login.
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
    def reader(self) -> str:
        """Who may not read it, for a sentence such as "It is not open to …"."""
        return "the account that is signed in" if self.signed_in else "the public"


class RequestRejectedError(RepositoryError):
    """Any other 4xx, or a redirect that may not be followed: repeating it is of no use."""


class RedirectLoop(RequestRejectedError):
    """Redirects without an end. `asked`: the addresses asked one after the other, the first of which is `url`."""

    def __init__(self, asked: Sequence[str]):
        ends = "without an end" if len(set(asked)) < len(asked) else f"more than {len(asked) - 2} times in a row"
        correct = "The administrator of the repository has to correct that."
        super().__init__(f"{asked[0]} is redirected {ends}. {correct}", asked[0])


class XmlAnswer(BadResponseError):
    """An answer in XML, although JSON was asked for."""


class InvalidAddressError(RequestRejectedError):
    """What was to be asked, or what a redirect leads to, is no address: no host can have such a name."""


class TooLargeError(RepositoryError):
    """The answer or file is larger than the limit that is set."""


class NotDSpaceError(RepositoryError):
    """There is a web server, but no DSpace REST API that we can read was found."""


class OutageLimitError(RepositoryError):
    """Patience ended: no good answer for `CONNECTOR_PATIENCE` seconds. The job fails at its cursor and can go on."""


class JobStoppedError(ConnectorError):
    """Somebody asked the job to stop. Ends every wait at once."""


class DecisionRequiredError(JobStoppedError):
    """The job cannot go on without the answer of a person; the sentence is the question."""


class AttemptSupersededError(ConnectorError):
    """Another worker has taken the job over: this one must not write any more."""


class NotificationError(ConnectorError):
    """A notice could not be sent: the mail server or the webhook does not take it."""


class StorageError(ConnectorError):
    """The files folder cannot be written: the disk is full or read-only."""


class DatabaseUnavailableError(ConnectorError):
    """The server of the database does not answer. Nobody need mend anything here: trying again later may help."""


class MalwareFoundError(ConnectorError):
    """The virus scanner does not let a file pass; the sentence says why ("It found …")."""


class ScannerUnavailableError(ConnectorError):
    """The virus scanner does not answer."""


class NewerVersionError(ConnectorError):
    """What was found was written by a newer version of the app, which this one cannot read."""


# What does not pass when it is asked for again. Of one object among many it fails that object alone (design rule 18).
LASTING_ERRORS = (
    AddressNotAllowedError,
    CertificateError,
    NotFoundError,
    RestrictedError,
    RequestRejectedError,
    TooLargeError,
)
