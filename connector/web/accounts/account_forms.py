"""The forms of accounts: sign-in, passwords, verification codes and invitations."""

from __future__ import annotations

from wtforms import HiddenField, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import EqualTo, Length

from ...accounts.names import LONGEST
from ...accounts.passwords import LEAST, MOST
from ...models.accounts import Role
from ..base_form import Form

ROLES = {
    Role.VIEWER: "Viewer: reads",
    Role.EDITOR: "Editor: imports, and undoes own imports",
    Role.ADMIN: "Admin: undoes all, manages users and settings",
}
ADVICE = f"At least {LEAST} characters. A few words together are strong and easy to remember."


class SignInForm(Form):
    """Name and password. Their lengths are limited so that a request cannot make the app hash a huge text."""

    name = StringField(
        "Name",
        [Length(max=LONGEST)],
        render_kw={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false", "required": True},
    )
    password = PasswordField(
        "Password", [Length(max=MOST)], render_kw={"autocomplete": "current-password", "required": True}
    )
    next = HiddenField()


class ChoosePasswordForm(Form):
    """A new password, typed twice."""

    password = PasswordField(
        "Password", description=ADVICE, render_kw={"autocomplete": "new-password", "required": True}
    )
    again = PasswordField(
        "Password again",
        [EqualTo("password", message="The passwords do not match.")],
        render_kw={"autocomplete": "new-password", "required": True},
    )


class FirstAdminForm(ChoosePasswordForm):
    """The name and the new password of the first admin."""

    blamed = "name"
    name = StringField(
        "Name",
        description="The name for signing in. It is shown beside your actions.",
        render_kw={"autocomplete": "username", "autocapitalize": "off", "spellcheck": "false", "required": True},
    )


class ChangePasswordForm(Form):
    """The current password, and a new one typed twice."""

    current = PasswordField(
        "Current password", [Length(max=MOST)], render_kw={"autocomplete": "current-password", "required": True}
    )
    new = PasswordField(
        "New password", description=ADVICE, render_kw={"autocomplete": "new-password", "required": True}
    )
    again = PasswordField(
        "New password again",
        [EqualTo("new", message="The passwords do not match.")],
        render_kw={"autocomplete": "new-password", "required": True},
    )


class PasswordAgainForm(Form):
    """The current password, to confirm a change to the account."""

    current = PasswordField(
        "Current password", [Length(max=MOST)], render_kw={"autocomplete": "current-password", "required": True}
    )


class CodeForm(Form):
    """A verification code or a recovery code."""

    code = StringField(
        "Code",
        [Length(max=LONGEST)],
        render_kw={"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "required": True},
    )


class MoveForm(PasswordAgainForm):
    """The password and a code, to move two-step sign-in to another phone."""

    code = StringField(
        "Code from the old phone, or a recovery code",
        [Length(max=LONGEST)],
        render_kw={"autocomplete": "one-time-code", "autocapitalize": "off", "spellcheck": "false", "required": True},
    )


class InviteForm(Form):
    """The name and the role of a new user."""

    name = StringField(
        "Name", description="The name for signing in.", render_kw={"autocapitalize": "off", "required": True}
    )
    role = SelectField("Role", choices=[SelectChoice(role.value, words) for role, words in ROLES.items()])
