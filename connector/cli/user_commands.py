"""`flask user …`: commands for accounts. A person who can run commands here needs no account."""

from __future__ import annotations

import click
from sqlalchemy import select

from .. import formatting
from ..accounts import one_time_links, two_step, user_management
from ..extensions import db
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.accounts import Account, Role
from .command import CommandGroup, answer, json_option, option

ROLES = click.Choice([role.value for role in Role])
SECOND = {True: _l("two-step sign-in"), False: _l("password only")}
user = CommandGroup("user", help=_l("Accounts: who may sign in, and what they may do."))


@user.command("add", help=_l("Create an account NAME and print a link with which its owner chooses a password."))
@click.argument("name")
@option("--role", type=ROLES, required=True, help=_l("What the person may do."))
@option(
    "--days",
    default=str(one_time_links.INVITATION_DAYS),
    show_default=True,
    help=_l("For how many days the link is valid, 1 to %(most)s.", most=one_time_links.MOST_DAYS),
)
def _add(name: str, role: str, days: str) -> None:
    _print_link(user_management.add(name, Role(role), one_time_links.days_of(days)))


@user.command("list", help=_l("Print the accounts: name, role, state, when last signed in (UTC), how they sign in."))
@json_option
def _list(as_json: bool) -> None:
    accounts = db.session.scalars(select(Account).order_by(Account.name_key)).all()
    answer(as_json, [_as_dict(account) for account in accounts], *map(_line, accounts))


@user.command("role", help=_l("Give the account NAME another ROLE."))
@click.argument("name")
@click.argument("role", type=ROLES)
def _role(name: str, role: str) -> None:
    user_management.set_role(user_management.find_account(name).id, Role(role))


@user.command(
    "respell",
    help=_l("Change the spelling of an account's name to NAME: capital or wide letters, or ß for ss."),
)
@click.argument("name")
def _respell(name: str) -> None:
    user_management.respell(name)


@user.command("password", help=_l("Print a link with which the owner of the account NAME chooses a new password."))
@click.argument("name")
def _password(name: str) -> None:
    _print_link(user_management.new_link(user_management.find_account(name).id))


@user.command("disable", help=_l("Disable the account NAME and end its sessions at once."))
@click.argument("name")
def _disable(name: str) -> None:
    user_management.disable(user_management.find_account(name).id)


@user.command("enable", help=_l("Enable the account NAME again."))
@click.argument("name")
def _enable(name: str) -> None:
    user_management.enable(user_management.find_account(name).id)


@user.command(
    "two-step",
    help=_l("Turn off two-step sign-in of the account NAME, for an owner without phone and recovery codes."),
)
@click.argument("name")
@option("--remove", is_flag=True, required=True, help=_l("Turn it off and end the sessions of the account at once."))
def _two_step(name: str, remove: bool) -> None:
    two_step.remove(user_management.find_account(name).id)


def _print_link(token: str) -> None:
    if user_management.is_by_proxy():
        click.echo(_("The proxy signs people in, so they need no password and no link."), err=True)
        return
    click.echo(one_time_links.link_to(token))
    expires = formatting.since(one_time_links.expires_at(token))
    click.echo(_("It works once, until %(time)s.", time=expires), err=True)


def _line(account: Account) -> str:
    way = _("by the proxy") if user_management.is_by_proxy() else str(SECOND[account.two_step_secret is not None])
    return "\t".join([account.name, account.role, account.state, _signed_in(account) or _("never"), way])


def _signed_in(account: Account) -> str | None:
    return f"{account.signed_in:%Y-%m-%dT%H:%M:%S}Z" if account.signed_in else None


def _as_dict(account: Account) -> dict[str, str | bool | None]:
    return {
        "name": account.name,
        "role": account.role,
        "state": account.state,
        "signed_in": _signed_in(account),
        "second_factor": account.two_step_secret is not None,
    }


COMMANDS: list[click.Command] = [user]
