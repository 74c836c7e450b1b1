"""Accounts: their names, roles and passwords. At least one administrator always remains."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from connector.accounts import user_management
from connector.errors import ConflictError, InvalidInputError
from connector.models.accounts import Role

from .conftest import OTHER, PASSWORD


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.VIEWER, [Role.VIEWER]),
        (Role.EDITOR, [Role.VIEWER, Role.EDITOR]),
        (Role.ADMIN, [Role.VIEWER, Role.EDITOR, Role.ADMIN]),
    ],
)
def test_a_role_includes_lower_roles(role, may):
    assert [other for other in Role if role.includes(other)] == may


def test_upper_and_lower_case_are_the_same_name(office):
    office.add("Anna Weiß")
    with office.app.app_context():
        assert user_management.find_account("  ANNA WEISS ").name == "Anna Weiß"
        with pytest.raises(ConflictError, match="already"):
            user_management.add("anna weiß", Role.VIEWER)


def test_an_account_can_only_be_respelt_as_an_equivalent_name(office):
    account_id = office.add("Anna Weiß")
    with office.app.app_context():
        user_management.respell("anna WEISS")
        assert user_management.get(account_id).name == "anna WEISS"
        with pytest.raises(InvalidInputError, match="no account “Anna Weis”"):
            user_management.respell("Anna Weis")


RESERVED = ["Local Operator", "local\u00a0operator", "nobody", "schedule", "An unknown name"]
UNSEEN = [
    "\u3164",
    "nobody\u3164",
    "Anna\uffa0",
    "\u115f\u1160",
    "a\u200bb",
    "a\u00adb",
    "a\u2800",
    "Anna\ufe0f",
    "no\u034fbody",
]
MISLEADING = ["", "  ", "a" * 101, "two\nlines", "nul\0", "one, two", *RESERVED, *UNSEEN]


@pytest.mark.parametrize("name", MISLEADING)
def test_a_name_that_would_mislead_is_refused(office, name):
    with office.app.app_context(), pytest.raises(InvalidInputError):
        user_management.add(name, Role.VIEWER)


@pytest.mark.parametrize("name", ["Anna-Lena O’Brien", "김민수", "अनन्या", "Zoë", "محمد", "葛󠄀城", "x"])
def test_names_of_all_scripts_are_kept(office, name):
    with office.app.app_context():
        user_management.add(name, Role.VIEWER)

        assert user_management.find(name)


def test_the_last_admin_cannot_be_demoted_or_disabled(office):
    last = office.add("Anna", Role.ADMIN)
    office.add("Bert", Role.EDITOR)
    with office.app.app_context():
        user_management.add("Not here yet", Role.ADMIN)
        for act in (lambda: user_management.disable(last), lambda: user_management.set_role(last, Role.EDITOR)):
            with pytest.raises(ConflictError, match="last active admin"):
                act()
    assert (office.account("Anna").role, office.account("Anna").disabled) == (Role.ADMIN, None)


def test_an_admin_can_be_removed_if_another_exists(office):
    first, second = office.add("Anna", Role.ADMIN), office.add("Bert", Role.ADMIN)
    with office.app.app_context():
        user_management.set_role(first, Role.VIEWER)
        with pytest.raises(ConflictError):
            user_management.disable(second)

    assert office.account("Anna").role == Role.VIEWER


def test_two_admins_who_disable_each_other_at_the_same_moment_leave_one(office):
    both = [office.add("Anna", Role.ADMIN), office.add("Bert", Role.ADMIN)]
    ready = Barrier(2)

    def disable(account_id: int) -> bool:
        with office.app.app_context():
            ready.wait(60)
            try:
                user_management.disable(account_id)
            except ConflictError:
                return False
            return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(disable, both)) == [False, True]


def test_a_disabled_account_gets_no_link_until_it_is_enabled(office):
    office.add("Anna", Role.ADMIN)
    bert = office.add("Bert")
    with office.app.app_context():
        user_management.disable(bert)
        with pytest.raises(ConflictError, match="disabled"):
            user_management.new_link(bert)
        user_management.enable(bert)

        assert user_management.new_link(bert)


def test_a_password_change_needs_the_current_password(office):
    anna = office.add("Anna")
    with office.app.app_context():
        with pytest.raises(InvalidInputError) as refused:
            user_management.change_password(anna, "not this one", OTHER)
        user_management.change_password(anna, PASSWORD, OTHER)

    assert refused.value.field == "current"
    assert [entry[1] for entry in office.trail()] == ["invite", "password set", "password refused", "password changed"]


def test_a_new_password_must_meet_the_same_rules(office):
    anna = office.add("Anna")
    with office.app.app_context(), pytest.raises(InvalidInputError) as refused:
        user_management.change_password(anna, PASSWORD, "password1234")

    assert refused.value.field == "new"
