"""The forms of accounts: sign-in, passwords, verification codes and invitations."""

from __future__ import annotations

from wtforms import HiddenField, PasswordField, SelectField, StringField
from wtforms.validators import EqualTo, Length

from ...accounts.names import MAX_NAME_CHARACTERS
from ...accounts.one_time_links import INVITATION_DAYS, MOST_DAYS
from ...accounts.passwords import LEAST, MOST
from ...i18n import lazy_gettext as _l
from ...models.accounts import Role
from ..base_form import Form, choices_of

ROLES = {
    Role.VIEWER: _l("Viewer: reads"),
    Role.EDITOR: _l("Editor: imports, and undoes own imports"),
    Role.ADMIN: _l("Admin: undoes all, manages users and settings"),
}
ADVICE = _l("At least %(least)s characters. A few words together are strong and easy to remember.", least=LEAST)


_REQUIRED = {"required": True}
_TYPED_AS_IT_IS = {"autocapitalize": "off", "spellcheck": "false"} | _REQUIRED
_NAME_INPUT = {"autocomplete": "username"} | _TYPED_AS_IT_IS
_NEW_PASSWORD = {"autocomplete": "new-password"} | _REQUIRED
_CURRENT_PASSWORD = {"autocomplete": "current-password"} | _REQUIRED


def _code_field(label: str) -> StringField:
    """Return the field of a verification code or a recovery code."""
    code = {"autocomplete": "one-time-code"} | _TYPED_AS_IT_IS
    return StringField(label, [Length(max=MAX_NAME_CHARACTERS)], render_kw=code)


class SignInForm(Form):
    """Name and password. Their lengths are limited so that a request cannot make the app hash a huge text."""

    name = StringField(_l("Name"), [Length(max=MAX_NAME_CHARACTERS)], render_kw=_NAME_INPUT)
    password = PasswordField(_l("Password"), [Length(max=MOST)], render_kw=_CURRENT_PASSWORD)
    next = HiddenField()


class ChoosePasswordForm(Form):
    """A new password, typed twice."""

    password = PasswordField(_l("Password"), description=ADVICE, render_kw=_NEW_PASSWORD)
    again = PasswordField(
        _l("Password again"),
        [EqualTo("password", message=_l("The passwords do not match."))],
        render_kw=_NEW_PASSWORD,
    )


class FirstAdminForm(ChoosePasswordForm):
    """The name and the new password of the first admin."""

    blamed = "name"
    name = StringField(
        _l("Name"),
        description=_l("The name for signing in. It is shown beside your actions."),
        render_kw=_NAME_INPUT,
    )


class PasswordAgainForm(Form):
    """The current password, to confirm a change to the account."""

    current = PasswordField(_l("Current password"), [Length(max=MOST)], render_kw=_CURRENT_PASSWORD)


class ChangePasswordForm(PasswordAgainForm):
    """The current password, and a new one typed twice."""

    new = PasswordField(_l("New password"), description=ADVICE, render_kw=_NEW_PASSWORD)
    again = PasswordField(
        _l("New password again"), [EqualTo("new", message=_l("The passwords do not match."))], render_kw=_NEW_PASSWORD
    )


class AccessTokenForm(PasswordAgainForm):
    """The name of a new access token. The current password confirms it."""

    name = StringField(
        _l("Name"),
        description=_l("What the token is for, for example “Library website”."),
        render_kw={"autocomplete": "off", "maxlength": MAX_NAME_CHARACTERS, "required": True},
    )


class CodeForm(Form):
    """A verification code or a recovery code."""

    code = _code_field(_l("Code"))


class MoveForm(PasswordAgainForm):
    """The password and a code, to move two-step sign-in to another phone."""

    code = _code_field(_l("Code from the old phone, or a recovery code"))


class InviteForm(Form):
    """The name and the role of a new user, and for how many days the link is valid."""

    name = StringField(
        _l("Name"), description=_l("The name for signing in."), render_kw={"autocapitalize": "off", "required": True}
    )
    role = SelectField(_l("Role"), choices=choices_of({role.value: words for role, words in ROLES.items()}))
    days = StringField(
        _l("Valid for (days)"),
        description=_l("How long the link works, 1 to %(most)s days.", most=MOST_DAYS),
        default=str(INVITATION_DAYS),
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )
