"""The option `--as`, with which a command acts as an account."""

from __future__ import annotations

import click
from flask import g

from ..accounts import user_management
from ..accounts.sessions import Person
from ..errors import InvalidInputError
from ..extensions import db
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.accounts import Role
from .command import option


def _become(context: click.Context, option: click.Parameter, name: str | None) -> None:
    """Run the command as this account, with its permissions.

    Raises click.BadParameter if the account is missing, disabled or only a viewer.
    """
    if name is None:
        return
    try:
        account = user_management.find_account(name)
    except InvalidInputError as error:
        raise click.BadParameter(str(error)) from error
    person, disabled = Person(account.id, account.name, Role(account.role)), account.disabled
    db.session.rollback()
    if disabled:
        raise click.BadParameter(_("The account %(name)s is disabled.", name=person.name))
    if not person.may(Role.EDITOR):
        raise click.BadParameter(_("%(name)s is only a viewer. Editors and admins may do this.", name=person.name))
    g.person = person


as_option = option(
    "--as",
    metavar="NAME",
    expose_value=False,
    callback=_become,
    help=_l("Act as this account, with the rights of its role. By default, act as the operator."),
)
