"""Destinations: checked before they are saved, with a key that is encrypted at rest."""

from __future__ import annotations

import json

import pytest

from connector.encryption import KeyPurpose, unseal
from connector.errors import AddressNotAllowedError, InvalidInputError, NotFoundError, NotOmekaError
from connector.extensions import db
from connector.models.publishing import Destination, FileMode
from connector.omeka.resources import BIBO
from connector.publishing import connection_report, destinations
from connector.publishing.destinations import DestinationSettings
from tests.http.sites import Site, reply

from .conftest import added

SETTINGS = DestinationSettings("Library")


@pytest.fixture(autouse=True)
def context(app):
    with app.app_context():
        yield


def saved(number: int = 1) -> Destination:
    db.session.expire_all()
    return destinations.get(number)


def test_a_site_is_saved_with_its_api_version_and_an_encrypted_key(app, omeka):
    number = added(omeka, is_public=False, files=FileMode.UPLOAD, template_id=1)

    destination = saved(number)
    assert (destination.name, destination.api_url, destination.version) == ("Library", f"{omeka.url}/api", "4.2.0")
    assert (destination.is_public, destination.files, destination.template_id) == (False, FileMode.UPLOAD, 1)
    assert omeka.admin.credential not in destination.key_secret
    secret_key = app.config["SECRET_KEY"]
    assert unseal(destination.key_secret, secret_key, "", KeyPurpose.API_KEY) == omeka.admin.credential


def test_adding_a_destination_changes_nothing_at_the_site(omeka):
    added(omeka)

    assert omeka.resources == {}


@pytest.mark.parametrize(
    ("role", "credential", "sentence"),
    [("researcher", None, "may only read"), ("editor", "w" * 32, "does not know this key")],
)
def test_a_key_that_may_not_write_is_refused_with_the_reason(omeka, role, credential, sentence):
    user = omeka.add_user(role)

    with pytest.raises(InvalidInputError, match=sentence) as caught:
        destinations.add(omeka.url, user.identity, credential or user.credential, SETTINGS)

    assert (caught.value.field, destinations.every()) == ("identity", [])


@pytest.mark.parametrize(
    ("identity", "credential", "field"), [("short", "c" * 32, "identity"), ("i" * 32, "c" * 31 + "é", "credential")]
)
def test_a_key_of_another_form_is_refused_before_a_request(omeka, identity, credential, field):
    with pytest.raises(InvalidInputError, match="32 letters and digits") as caught:
        destinations.add(omeka.url, identity, credential, SETTINGS)

    assert (caught.value.field, omeka.requests) == (field, [])


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        (DestinationSettings("Library", template_id=9), "template"),
        (DestinationSettings("Library", classes={"thesis": "http://example.org/x"}), "classes"),
        (DestinationSettings("  "), "name"),
    ],
)
def test_settings_that_the_site_cannot_follow_are_refused(omeka, settings, field):
    with pytest.raises(InvalidInputError) as caught:
        destinations.add(omeka.url, omeka.admin.identity, omeka.admin.credential, settings)

    assert caught.value.field == field


def test_a_website_that_is_no_omeka_s_is_refused(omeka, site):
    with pytest.raises(NotOmekaError):
        destinations.add(site, "i" * 32, "c" * 32, SETTINGS)


@pytest.fixture
def site():
    there = Site(lambda handler: reply(handler, b"<html>Welcome</html>"))
    yield there.url
    there.close()


def test_an_address_that_is_not_allowed_is_refused(app, omeka):
    app.config["ALLOWED_NETWORKS"] = ()

    with pytest.raises(AddressNotAllowedError):
        added(omeka)


def test_name_and_address_are_unique(omeka):
    added(omeka)

    with pytest.raises(InvalidInputError) as caught:
        added(omeka)
    assert caught.value.field == "name"
    with pytest.raises(InvalidInputError) as caught:
        added(omeka, "Other")
    assert caught.value.field == "address"


def test_a_change_without_a_credential_keeps_the_saved_one_and_never_sends_it_elsewhere(omeka):
    number = added(omeka)
    secret = saved(number).key_secret
    changed = DestinationSettings("Archive", is_public=False)

    destinations.change(number, omeka.url, omeka.admin.identity, None, changed)

    assert (saved(number).name, saved(number).is_public, saved(number).key_secret) == ("Archive", False, secret)
    with pytest.raises(InvalidInputError, match="Enter the key credential again"):
        destinations.change(number, "https://evil.example.org", omeka.admin.identity, None, changed)


def test_a_new_key_is_checked_and_saved(app, omeka):
    number, editor = added(omeka), omeka.add_user("editor")

    destinations.change(number, omeka.url, editor.identity, editor.credential, SETTINGS)

    destination = saved(number)
    assert destination.key_identity == editor.identity
    opened = unseal(destination.key_secret, app.config["SECRET_KEY"], "", KeyPurpose.API_KEY)
    assert opened == editor.credential


def test_the_check_says_in_words_what_the_key_may_do(omeka):
    number = added(omeka)
    omeka.users[omeka.admin.identity].role = "researcher"

    assert report(number)[:4] == (
        f"Omeka S 4.2.0 answers at {omeka.url}.",
        f"Its API is at {omeka.url}/api.",
        "The connection is not encrypted, so others in the network can read the key. Use https.",
        "The user of this key may only read. Choose a key of a user with the role Editor or higher.",
    )


def report(number: int) -> tuple[str, ...]:
    return connection_report.report_of(destinations.get(number)).sentences


@pytest.mark.parametrize(("role", "may"), [("global_admin", "may also choose"), ("editor", "may not choose")])
def test_the_check_says_whether_the_key_may_choose_owners(omeka, role, may):
    number = added(omeka)
    omeka.users[omeka.admin.identity].role = role

    assert f"The key may create items and files. It {may}" in " ".join(report(number))
    assert omeka.resources == {}


@pytest.mark.parametrize("role", ["global_admin", "editor", "reviewer", "author"])
def test_the_check_warns_of_a_key_that_does_not_reach_all_items_of_others(omeka, role):
    number = added(omeka)
    omeka.users[omeka.admin.identity].role = role

    is_warned = "may not see, change or delete all items of others" in " ".join(report(number))

    assert is_warned == (role in ("reviewer", "author"))


def test_the_check_names_vocabularies_classes_and_templates(omeka):
    told = report(added(omeka))

    assert f"It has {len(omeka.classes)} resource classes." in told
    assert "Resource templates: Base Resource." in told
    assert any(one.startswith("Vocabularies: Bibliographic Ontology, Dublin Core") for one in told)


def test_the_check_names_choices_that_the_site_no_longer_has(omeka):
    number = added(omeka, template_id=1, classes={"thesis": f"{BIBO}Thesis"})
    omeka.templates.clear()
    omeka.classes = [one for one in omeka.classes if one["o:term"] != "bibo:Thesis"]

    assert report(number)[-2:] == (
        "The chosen resource template is no longer there. Choose another one.",
        f"The class {BIBO}Thesis is not there. Items of this type get no class.",
    )


def test_a_removed_destination_leaves_no_key(omeka):
    number = added(omeka)

    destinations.remove(number)

    assert db.session.scalars(db.select(Destination)).all() == []
    with pytest.raises(NotFoundError):
        destinations.get(number)


@pytest.mark.parametrize("text", ["1", "Library", "address", "page"])
def test_a_destination_is_found_by_number_name_or_address(omeka, text):
    added(omeka)
    text = {"address": omeka.url, "page": f"{omeka.url}/admin/item"}.get(text, text)

    assert destinations.find(text).id == 1


def test_an_unknown_destination_is_named(omeka):
    with pytest.raises(InvalidInputError, match="“Elsewhere” names no destination"):
        destinations.find("Elsewhere")


def test_the_commands_add_list_test_and_remove_a_destination(app, omeka):
    runner, key = app.test_cli_runner(), omeka.admin

    def run(*args, **given):
        return runner.invoke(args=["destination", *args], **given)

    new = run("add", "Library", omeka.url, key.identity, "--files", "upload", "--json", input=f"{key.credential}\n")
    listed, tested = run("list", "--json"), run("test", "Library")
    removed = run("remove", "Library")

    expected = {"destination": 1, "name": "Library", "url": omeka.url, "version": "4.2.0", "public": True}
    assert json.loads(new.stdout) == expected | {"files": "upload", "all_fields": False, "template": None, "items": 0}
    assert json.loads(listed.stdout) == [json.loads(new.stdout)]
    assert (tested.exit_code, tested.stdout.splitlines()[1]) == (0, f"Its API is at {omeka.url}/api.")
    assert (removed.exit_code, json.loads(run("list", "--json").stdout)) == (0, [])
    assert key.credential not in new.output + listed.output + tested.output + removed.output


def test_the_test_command_fails_for_a_key_that_may_not_write(app, omeka):
    added(omeka)
    omeka.users.clear()

    tested = app.test_cli_runner().invoke(args=["destination", "test", "1"])

    assert (tested.exit_code, "does not know this key" in tested.stdout) == (1, True)
