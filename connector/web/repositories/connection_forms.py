"""The forms that connect to a repository, change it, and log in to it."""

from __future__ import annotations

from wtforms import BooleanField, Field, PasswordField, StringField
from wtforms.validators import InputRequired, Length
from wtforms.widgets import URLInput

from ...dspace.typed_addresses import clean_address
from ...i18n import lazy_gettext as _l
from ...imports.input_checks import check_delay, check_endpoint, check_limit
from ...models.repositories import Repository
from ..base_form import Form
from .checked_fields import CheckedField, strip_text, validator_of


class ConnectForm(Form):
    """The address of a DSpace and limits for its requests.

    After validation `url` and `endpoint` are strings, `limit` an int or None, and `delay` a float in seconds.
    """

    url = CheckedField(
        _l("DSpace site URL"),
        [validator_of(clean_address)],
        widget=URLInput(),
        description=_l("Copy it from your browser. The address of a collection, item, file or handle works too."),
        render_kw={"required": True, "autocomplete": "url", "placeholder": "https://repository.example.edu"},
    )
    endpoint = CheckedField(
        _l("Endpoint"),
        [validator_of(check_endpoint)],
        default="rest",
        description=_l("The app tries this first, then the usual ones."),
        render_kw={"required": True, "autocapitalize": "off", "spellcheck": "false"},
    )
    limit = CheckedField(
        _l("Limit"),
        [validator_of(check_limit)],
        description=_l("Results per request, 1 to 1,000. Leave empty unless the repository has problems."),
        render_kw={"inputmode": "numeric"},
    )
    delay = CheckedField(
        _l("Pause"),
        [validator_of(check_delay)],
        description=_l(
            "Seconds between two requests. Leave empty unless the administrator of the repository asks for it."
        ),
        render_kw={"inputmode": "decimal"},
    )

    @property
    def always_shown(self) -> list[Field]:
        """Return the fields that are always visible."""
        return [self.url, self.endpoint, self.limit]

    @property
    def more(self) -> list[Field]:
        """Return the fields below “More options”."""
        return [self.delay]

    @property
    def opens_more(self) -> bool:
        """Return whether a field below “More options” is set or has an error."""
        return bool(self.delay.data or self.delay.errors)


class ChangeForm(ConnectForm):
    """The name, address and limits of a known repository."""

    blamed = "url"

    name = StringField(
        _l("Name"),
        [Length(max=250, message=_l("The name has at most 250 characters."))],
        filters=[strip_text],
        description=_l("Shown on all pages. Leave empty for the name that the repository gives itself."),
        render_kw={"class": "long-text"},
    )
    uses_oai = BooleanField(
        _l("Use OAI-PMH beside the REST API"),
        description=_l(
            "Makes imports of many items much faster. The app checks with the REST API that the result is the same."
        ),
    )

    @property
    def always_shown(self) -> list[Field]:
        """Return the fields that are always visible."""
        return [self.name, *super().always_shown]

    @property
    def more(self) -> list[Field]:
        """Return the fields below “More options”."""
        return [*super().more, *([self.uses_oai] if self.uses_oai is not None else [])]

    @property
    def opens_more(self) -> bool:
        """Return whether a field below “More options” has another value than usual, or an error."""
        return super().opens_more or (self.uses_oai is not None and not self.uses_oai.data)

    def offer(self, repository: Repository) -> None:
        """Offer OAI-PMH if the repository can be read in both ways."""
        if not repository.can_use_oai:
            del self.uses_oai

    def fill(self, repository: Repository) -> None:
        """Fill the form with the settings of a repository."""
        self.name.data = repository.given_name or repository.name or ""
        self.url.data, self.endpoint.data = repository.site_url, repository.endpoint
        self.limit.data = repository.limit
        self.uses_oai.data = repository.uses_oai
        self.delay.data = f"{repository.delay:g}" if repository.delay else ""

    def moves(self, repository: Repository) -> bool:
        """Return whether the submitted address is another one."""
        known = (repository.site_url, repository.endpoint)
        return (self.url.data.rstrip("/"), self.endpoint.data) != known


class LoginForm(Form):
    """A name and password for the repository. The page never shows the password again."""

    blamed = "password"

    login_name = StringField(
        _l("Name"),
        [InputRequired(_l("Type the name.")), Length(max=250, message=_l("The name has at most 250 characters."))],
        filters=[strip_text],
        description=_l("Your name at the repository, usually your e-mail address."),
        render_kw={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"},
    )
    password = PasswordField(
        _l("Password"),
        [
            InputRequired(_l("Type the password.")),
            Length(max=250, message=_l("The password has at most 250 characters.")),
        ],
        description=_l("The app tries it now and stores it encrypted. It is never shown again."),
        render_kw={"autocomplete": "new-password"},
    )
