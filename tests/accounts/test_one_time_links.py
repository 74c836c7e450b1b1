"""One-time links: 256 bits, a limited time, one use, kept as a hash."""

from __future__ import annotations

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from connector.accounts import one_time_links, user_management
from connector.errors import InvalidInputError, InvalidLinkError
from connector.extensions import db, transaction, utcnow
from connector.models.accounts import Account, Invitation, Purpose, Role

from .conftest import OTHER, PASSWORD


def test_a_token_has_256_bits_and_only_its_hash_is_stored(office):
    with office.app.app_context():
        token = user_management.add("Anna", Role.EDITOR)
        kept = db.session.scalars(db.select(Invitation.token_hash)).all()

    assert len(base64.urlsafe_b64decode(token + "=")) == 32
    assert kept == [one_time_links.fingerprint(token)]
    assert token not in kept


def test_a_one_time_link_works_once(office):
    with office.app.app_context():
        token = user_management.add("Anna", Role.EDITOR)
        user_management.redeem_link(token, PASSWORD)

        with pytest.raises(InvalidLinkError):
            user_management.redeem_link(token, OTHER)


def test_only_one_of_many_concurrent_requests_can_use_a_link(office):
    with office.app.app_context():
        token = user_management.add("Anna", Role.EDITOR)

    def follow(number: int) -> bool:
        with office.app.app_context():
            try:
                user_management.redeem_link(token, f"{PASSWORD} {number}")
            except InvalidLinkError:
                return False
            return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(follow, range(4))) == [False, False, False, True]


def pass_time(**ago):
    """Move the expiry of the only link nearer."""
    with transaction():
        db.session.scalar(db.select(Invitation)).expires -= timedelta(**ago)


def test_an_invitation_ends_after_seven_days_unless_the_admin_chooses_others(office):
    with office.app.app_context():
        for name, days, chosen in (("Anna", 7, {}), ("Bert", 30, {"days": 30})):
            token = user_management.add(name, Role.EDITOR, **chosen)
            pass_time(days=days, minutes=-1)
            one_time_links.look_up(token)
            db.session.rollback()
            pass_time(minutes=1)

            with pytest.raises(InvalidLinkError, match="has expired"):
                user_management.redeem_link(token, PASSWORD)
            with transaction():
                db.session.execute(db.delete(Invitation))


def test_a_link_for_a_new_password_ends_after_an_hour(office):
    anna = office.add("Anna")
    with office.app.app_context():
        with transaction():
            db.session.execute(db.delete(Invitation))
        token = user_management.new_link(anna)
        pass_time(minutes=59)
        one_time_links.look_up(token)
        db.session.rollback()
        pass_time(minutes=1)

        with pytest.raises(InvalidLinkError, match="has expired"):
            user_management.redeem_link(token, PASSWORD)


def test_a_new_link_for_an_invited_person_lasts_as_long_as_an_invitation(office):
    with office.app.app_context():
        user_management.add("Anna", Role.EDITOR)
        token = user_management.new_link(user_management.find_account("Anna").id)

        assert one_time_links.expires_at(token) > utcnow() + timedelta(days=6)


def test_without_an_admin_the_page_of_an_expired_link_says_how_to_get_a_new_one(office):
    with office.app.app_context():
        address = f"/welcome/{user_management.first_link()}"
        pass_time(hours=1)

    assert "Restart the app. It prints a new link." in office.browser().get(address).text
    office.add("Boss", Role.ADMIN)
    assert "Ask for a new one." in office.browser().get(address).text


def test_a_newer_link_replaces_the_earlier_one(office):
    with office.app.app_context():
        earlier = user_management.add("Anna", Role.EDITOR)
        newer = user_management.new_link(user_management.find_account("Anna").id)

        with pytest.raises(InvalidLinkError):
            user_management.redeem_link(earlier, PASSWORD)
        user_management.redeem_link(newer, PASSWORD)


def test_a_refused_password_does_not_use_up_the_link(office):
    with office.app.app_context():
        token = user_management.add("Anna", Role.EDITOR)
        with pytest.raises(InvalidInputError):
            user_management.redeem_link(token, "short")

        user_management.redeem_link(token, PASSWORD)


def test_an_unknown_token_is_refused(office):
    with office.app.app_context(), pytest.raises(InvalidLinkError):
        user_management.redeem_link(one_time_links.new_token(), PASSWORD)


def test_the_first_link_creates_one_admin_only(office):
    with office.app.app_context():
        assert user_management.needs_first_admin()
        first = user_management.first_link()
        user_management.redeem_link(first, PASSWORD, "Anna")

        assert not user_management.needs_first_admin()
        assert user_management.find_account("anna").role == Role.ADMIN


def test_the_first_link_is_invalid_once_an_admin_exists(office):
    with office.app.app_context():
        first = user_management.first_link()
        user_management.redeem_link(user_management.add("Anna", Role.ADMIN), PASSWORD)

        with pytest.raises(InvalidLinkError):
            user_management.redeem_link(first, PASSWORD, "Intruder")
        assert db.session.scalars(db.select(Account.name)).all() == ["Anna"]


def test_an_admin_who_has_not_chosen_a_password_yet_is_not_the_first_admin(office):
    with office.app.app_context():
        user_management.add("Anna", Role.ADMIN)

        assert user_management.needs_first_admin()


def test_the_purpose_of_a_link_distinguishes_invitations_and_lost_passwords(office):
    office.add("Anna", Role.EDITOR)
    with office.app.app_context():
        user_management.new_link(user_management.find_account("Anna").id)
        user_management.add("Bert", Role.VIEWER)

        purposes = db.session.scalars(db.select(Invitation.purpose).where(Invitation.used.is_(None))).all()
    assert sorted(purposes) == [Purpose.INVITE, Purpose.RESET]
