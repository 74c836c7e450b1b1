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


class InvalidInput(ConnectorError):
    """What was typed cannot be used. `field` names the form field or option it concerns, where there is one."""

    def __init__(self, sentence: str, field: str | None = None):
        super().__init__(sentence)
        self.field = field


class Conflict(ConnectorError):
    """Well-formed, but cannot be carried out now: another job is active, or the job is not in that state."""


class Busy(ConnectorError):
    """Too many people ask for the same costly thing at this moment; the sentence says when to try again."""


class NotAllowed(ConnectorError):
    """Whoever is signed in may not do this; the sentence says who may."""


class LinkSpent(ConnectorError):
    """A one-time link that was used, replaced, or is too old."""


class AddressNotAllowed(ConnectorError):
    """The address may not be reached; the sentence says which setting would allow it."""


class LoginRefused(ConnectorError):
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


class Transient(RepositoryError):
    """May go better when repeated. `retry_after` is the wait the server asked for, in seconds, or None."""

    def __init__(self, sentence: str, url: str = "", retry_after: float | None = None):
        super().__init__(sentence, url)
        self.retry_after = retry_after


class Unreachable(Transient):
    """No answer at all: the connection was refused or broke."""


class UnknownHost(Unreachable):
    """The name of the host cannot be resolved."""


class TimedOut(Unreachable):
    """No answer, or no further byte of it, within the time limit."""


class ServerTrouble(Transient):
    """Status 5xx, 408 or 429: the server is there and cannot answer now. `status`: that number, where it is known."""

    def __init__(self, sentence: str, url: str = "", retry_after: float | None = None, status: int | None = None):
        super().__init__(sentence, url, retry_after)
        self.status = status

    @property
    def in_short(self) -> str:
        """The sentence without address and status."""
        return super().in_short.replace(f" ({self.status})", "")


class BadAnswer(Transient):
    """An answer, but not what the API promises: HTML with 200, truncated JSON, a missing member."""


class BotWall(BadAnswer):
    """A protection against robots answered instead of the repository: it says nothing of what was asked for."""


class CertificateTrouble(RepositoryError):
    """The TLS certificate of the host is not trusted, has expired or is for another name."""


class NotFound(RepositoryError):
    """Status 404 or 410: there is no such object."""


class Restricted(RepositoryError):
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


class Rejected(RepositoryError):
    """Any other 4xx, or a redirect that may not be followed: repeating it is of no use."""


class RedirectLoop(Rejected):
    """Redirects without an end. `asked`: the addresses asked one after the other, the first of which is `url`."""

    def __init__(self, asked: Sequence[str]):
        ends = "without an end" if len(set(asked)) < len(asked) else f"more than {len(asked) - 2} times in a row"
        correct = "The administrator of the repository has to correct that."
        super().__init__(f"{asked[0]} is redirected {ends}. {correct}", asked[0])


class XmlAnswer(BadAnswer):
    """An answer in XML, although JSON was asked for."""


class NoAddress(Rejected):
    """What was to be asked, or what a redirect leads to, is no address: no host can have such a name."""


class TooLarge(RepositoryError):
    """The answer or file is larger than the limit that is set."""


class NotDSpace(RepositoryError):
    """There is a web server, but no DSpace REST API that we can read was found."""


class RepositoryDown(RepositoryError):
    """Patience ended: no good answer for `CONNECTOR_PATIENCE` seconds. The job fails at its cursor and can go on."""


class Stopped(ConnectorError):
    """Somebody asked the job to stop. Ends every wait at once."""


class Undecided(Stopped):
    """The job cannot go on without the answer of a person; the sentence is the question."""


class Superseded(ConnectorError):
    """Another worker has taken the job over: this one must not write any more."""


class NoticeTrouble(ConnectorError):
    """A notice could not be sent: the mail server or the webhook does not take it."""


class StorageTrouble(ConnectorError):
    """The files folder cannot be written: the disk is full or read-only."""


class DatabaseAway(ConnectorError):
    """The server of the database does not answer. Nobody need mend anything here: trying again later may help."""


class Unsafe(ConnectorError):
    """The virus scanner does not let a file pass; the sentence says why ("It found …")."""


class ScannerTrouble(ConnectorError):
    """The virus scanner does not answer."""


class NewerVersion(ConnectorError):
    """What was found was written by a newer version of the app, which this one cannot read."""


# What does not pass when it is asked for again. Of one object among many it fails that object alone (design rule 18).
LASTING_ERRORS = (AddressNotAllowed, CertificateTrouble, NotFound, Restricted, Rejected, TooLarge)
