"""The words for what the audit trail stores as fixed names: kinds of actions, names of details, and their values."""

from __future__ import annotations

import re
from typing import Any

from ...actor import LOCAL, NOBODY, SCHEDULE
from ...extensions import db
from ...i18n import gettext as _, lazy_gettext as _l, ngettext
from ...models.accounts import AuditEntry, Purpose, Role
from ...models.job_kinds import KINDS
from ...models.repositories import Repository

MOST_VALUES = 20  # values of a list that the page shows; the CSV has all
ACTORS = {NOBODY: _l("Not signed in"), SCHEDULE: _l("Schedule"), LOCAL: _l("Command line")}
ACTIONS = {
    "access token made": _l("Access token created"),
    "access token revoked": _l("Access token revoked"),
    "account made": _l("Account created"),
    "allow again": _l("Import allowed again after a takedown"),
    "backup": _l("Backup"),
    "code refused": _l("Verification code refused"),
    "connect": _l("Repository connected"),
    "crosswalk": _l("Crosswalk changed"),
    "destination added": _l("Destination added"),
    "destination changed": _l("Destination changed"),
    "destination removed": _l("Destination removed"),
    "disable": _l("Account disabled"),
    "enable": _l("Account enabled"),
    "forget": _l("Repository forgotten"),
    "hide": _l("Items hidden"),
    "ignored fields": _l("Ignored fields changed"),
    "invite": _l("User invited"),
    "item set changed": _l("Item set changed"),
    "item set chosen": _l("Item set in Omeka S chosen"),
    "item set deleted": _l("Item set deleted"),
    "item set made": _l("Item set created"),
    "login at the source": _l("Login at the repository stored"),
    "login forgotten": _l("Login at the repository deleted"),
    "new link": _l("One-time link created"),
    "password changed": _l("Password changed"),
    "password refused": _l("Password refused"),
    "password set": _l("Password set by one-time link"),
    "put into item set": _l("Items put into an item set"),
    "recovery code used": _l("Recovery code used"),
    "recovery codes made": _l("Recovery codes created"),
    "refused": _l("Request refused"),
    "remove": _l("Items removed"),
    "remove what was found": _l("Result of a preview deleted"),
    "repository moved": _l("Repository moved"),
    "repository named": _l("Repository renamed"),
    "restore": _l("Restore of a backup"),
    "resume": _l("Job resumed"),
    "repair of files": _l("Stored files repaired"),
    "role": _l("Role changed"),
    "same repository": _l("Repositories merged"),
    "schedule": _l("Schedule changed"),
    "second factor off": _l("Two-step sign-in turned off"),  # by an earlier version
    "second factor on": _l("Two-step sign-in turned on"),  # by an earlier version
    "session ended": _l("Session ended"),
    "sessions ended": _l("All sessions ended"),
    "show again": _l("Items shown again"),
    "sign-in": _l("Sign-in"),
    "sign-in refused": _l("Sign-in refused"),
    "sign-out": _l("Sign-out"),
    "spelling": _l("Spelling of a name changed"),
    "stop": _l("Job stopped"),
    "taken out of item set": _l("Items taken out of an item set"),
    "takedown": _l("Takedown"),
    "two-step sign-in moved": _l("Two-step sign-in moved to another phone"),
    "two-step sign-in off": _l("Two-step sign-in turned off"),
    "two-step sign-in on": _l("Two-step sign-in turned on"),
}
DETAILS = {
    "access_tokens": _l("Access tokens"),
    "after": _l("After"),
    "answer": _l("Answer"),
    "before": _l("Before"),
    "by": _l("By"),
    "description": _l("Description"),
    "found": _l("Found"),
    "item_set": _l("Item set"),
    "items": _l("Items"),
    "job": _l("Job"),
    "known_as": _l("Known as"),
    "license": _l("License"),
    "moved_to": _l("Moved to"),
    "name": _l("Name"),
    "not_held": _l("Not in the catalogue"),
    "purpose": _l("Purpose"),
    "repaired": _l("Problems repaired"),
    "repository": _l("Repository"),
    "rights": _l("Rights"),
    "role": _l("Role"),
    "set": _l("Set to"),
    "source": _l("Source"),
    "status": _l("Status"),
    "undoes": _l("Undoes job"),
}
ROLES = {Role.VIEWER: _l("Viewer"), Role.EDITOR: _l("Editor"), Role.ADMIN: _l("Admin")}
LINKS = {Purpose.FIRST: _l("First admin"), Purpose.INVITE: _l("Invitation"), Purpose.RESET: _l("New password")}
ANSWERS = {
    "all": _l("Adopt all"),
    "leave": _l("Change nothing"),
    "mark": _l("Mark as missing"),
    "none": _l("Adopt none"),
    "ticked": _l("Adopt the ticked items"),
}
VALUES: dict[str, dict[Any, str]] = {  # by the name of the detail
    "answer": ANSWERS,
    "by": LINKS | {"proxy": _l("Sign-in by a proxy")},
    "purpose": LINKS,
    "role": ROLES,
    "set": {"never": _l("Never")},
}
OF_A_JOB = re.compile(r"job (\d+)", re.ASCII)
GONE = "gone at the source"


def actor_label(name: str) -> str:
    """Return the words for an actor that is not a user, else the name of the user."""
    return str(ACTORS.get(name, name))


def action_label(what: str) -> str:
    """Return the words for a kind of action. A kind that only an earlier version knew is returned as it is."""
    return str(KINDS[what].title if what in KINDS else ACTIONS.get(what, what))


def about(entry: AuditEntry) -> str:
    """Return what the action was about."""
    if job := OF_A_JOB.fullmatch(entry.about):
        return _("Job %(id)s", id=job[1])
    if entry.what == "takedown":
        return _("Reason: %(reason)s", reason=entry.about)
    return _("No longer at the source") if entry.about == GONE else entry.about


def origin(entry: AuditEntry) -> str:
    """Return the address from which the action came, or words for the command line."""
    return _("Command line") if entry.address == "command line" else entry.address


def details(entry: AuditEntry) -> list[tuple[str, str]]:
    """Return the details of an action as pairs of label and value."""
    values = VALUES | ({"before": ROLES, "after": ROLES} if entry.what == "role" else {})
    if repository := db.session.get(Repository, entry.data.get("repository", 0)):
        values["repository"] = {repository.id: repository.label}
    return _in_words(entry.data, values)


def _in_words(data: dict[str, Any], values: dict[str, dict[Any, str]]) -> list[tuple[str, str]]:
    return [(str(DETAILS.get(name, name)), _value(value, values.get(name, {}))) for name, value in data.items()]


def _value(value: Any, words: dict[Any, str]) -> str:
    if isinstance(value, dict):
        texts = {name: text for name, text in value.items() if text}
        return "; ".join(f"{label}: {text}" for label, text in _in_words(texts, {})) or _("None")
    if isinstance(value, list):
        return _list(value)
    return str(words.get(value, value)) if value not in (None, "") else _("None")


def _list(values: list[Any]) -> str:
    shown = ", ".join(map(str, values[:MOST_VALUES])) or _("None")
    more = len(values) - MOST_VALUES
    return (
        shown if more <= 0 else ngettext("%(shown)s and %(num)s more", "%(shown)s and %(num)s more", more, shown=shown)
    )
