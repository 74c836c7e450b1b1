"""Commands for repositories: store or delete a login."""

from __future__ import annotations

import click

from ..dspace.typed_addresses import clean_address
from ..errors import InvalidInputError
from ..i18n import gettext as _, lazy_gettext as _l
from ..models.repositories import Repository
from ..repositories import credentials, discovery, service
from .command import answer, command, json_option, option, read_secret

DEFAULT_ENDPOINT = "rest"


@command(
    "login",
    help=_l(
        "Store a login for REPOSITORY. Imports then sign in as NAME, which also brings restricted items.\n\n"
        "REPOSITORY is a number, name or address. An unknown repository is connected by its address. The "
        "password is read from the first line of stdin. In a terminal you are asked for it. It is checked at "
        "once."
    ),
)
@click.argument("repository")
@click.argument("name", required=False)
@option("--forget", is_flag=True, help=_l("Only delete the stored name and password."))
@json_option
def _login(repository: str, name: str | None, forget: bool, as_json: bool) -> None:
    known = _known(repository)
    if forget == (name is not None):
        raise InvalidInputError(_("Give a name to sign in with, or --forget."), "name")
    label = known.label
    if name is None:
        credentials.sign_out(known.id)
    else:
        password = read_secret(_("Password"), _("Give the password as the first line of stdin."), "password")
        credentials.sign_in(known.id, name, password)
    sentence = (
        _("Imports sign in at %(label)s as %(name)s.", label=label, name=name)
        if name
        else _("The login at %(label)s was forgotten.", label=label)
    )
    answer(as_json, {"login": name}, sentence)


def _known(text: str) -> Repository:
    """Return the repository with this number, name or address. Connect to an unknown address first."""
    try:
        return service.find_repository(text)
    except InvalidInputError:
        if "://" not in text:
            raise
    return service.get(discovery.connect(clean_address(text), DEFAULT_ENDPOINT, None).repository_id)


COMMANDS: tuple[click.Command, ...] = (_login,)
