"""Only administrators move a repository that has a stored login. The page says what happens to the login."""

from __future__ import annotations

import pytest

from connector.accounts import audit
from connector.extensions import db
from connector.models.accounts import Role
from connector.repositories import credentials, discovery, service
from tests.pages import links, words
from tests.sample import SampleRepository
from tests.sample.login import NAME, PASSWORD


@pytest.fixture
def moved_repository(sample):
    """The same repository at another address."""
    with SampleRepository(9, data=sample.data) as repository:
        yield repository


@pytest.fixture
def repository_with_login(office, sample):
    """Repository 1, with a login."""
    with office.app.app_context():
        discovery.connect(sample.url, "rest", None)
        credentials.sign_in(1, NAME, PASSWORD)


def where(office) -> tuple[str, str | None]:
    """Where repository 1 is, and its login."""
    with office.app.app_context():
        repository = service.get(1)
        return repository.site_url, repository.login_name


def entries(office, what: str) -> list[tuple[str, dict]]:
    with office.app.app_context():
        return [(entry.about, entry.data) for entry in db.session.scalars(audit.entries(what=what))]


def typed(repository: SampleRepository) -> dict[str, str]:
    return {"url": repository.url, "endpoint": "rest", "limit": ""}


def browser_of(office, role: Role):
    office.add("Anna", role)
    return office.enter("Anna")


def test_an_editor_cannot_move_a_repository_with_a_login(office, repository_with_login, sample, moved_repository):
    anna = browser_of(office, Role.EDITOR)

    assert "/repositories/1/change" not in links(anna.get("/repositories/"))
    assert anna.get("/repositories/1/change").status_code == 403
    assert anna.post("/repositories/1/change", data=typed(moved_repository)).status_code == 403
    assert where(office) == (sample.url, NAME)


def test_an_editor_can_move_a_repository_without_login_and_both_addresses_are_recorded(
    office, repository_with_login, sample, moved_repository
):
    with office.app.app_context():
        credentials.sign_out(1)

    answer = browser_of(office, Role.EDITOR).post("/repositories/1/change", data=typed(moved_repository))

    assert answer.status_code == 303
    assert entries(office, "repository moved") == [
        (moved_repository.url, {"before": sample.url, "after": moved_repository.url})
    ]


def test_an_admin_is_told_before_and_after_a_move_that_the_login_is_deleted(
    office, repository_with_login, sample, moved_repository
):
    anna = browser_of(office, Role.ADMIN)

    form = anna.get("/repositories/1/change")
    page = anna.post("/repositories/1/change", data=typed(moved_repository), follow_redirects=True)

    assert "that login is deleted" in words(form)
    assert "The stored login was deleted" in words(page)
    assert where(office) == (moved_repository.url, None)
    assert entries(office, "login forgotten") == [(sample.url, {"name": NAME, "moved_to": moved_repository.url})]


def test_connecting_to_an_address_that_takes_a_login_away_is_refused_to_an_editor(
    office, repository_with_login, sample
):
    with office.app.app_context():
        safer = sample.url.replace("http://", "https://")
        db.session.execute(
            db.text("UPDATE repository SET api_url = replace(api_url, 'http:', 'https:'), site_url = :url"),
            {"url": safer},
        )
        db.session.commit()

    page = browser_of(office, Role.EDITOR).post("/repositories/", data=typed(sample))
    with office.app.app_context():
        asked = ["import", sample.url, "--all", "--estimate", "--as", "Anna"]
        told = office.app.test_cli_runner().invoke(args=asked)

    assert (page.status_code, told.exit_code) == (422, 2)
    assert "Only an administrator may move the repository there." in words(page)
    assert "Only an administrator may move the repository there." in told.stderr
    assert where(office) == (safer, NAME)
    assert entries(office, "repository moved") == []


@pytest.mark.parametrize("login_at", [1, 2])
@pytest.mark.parametrize(("role", "status"), [(Role.EDITOR, 403), (Role.ADMIN, 303)])
def test_only_an_admin_can_merge_repositories_if_one_has_a_login(
    office, sample, moved_repository, login_at, role, status
):
    with office.app.app_context():
        discovery.connect(sample.url, "rest", None)
        discovery.connect(moved_repository.url, "rest", None)
        credentials.sign_in(login_at, NAME, PASSWORD)
    anna = browser_of(office, role)

    offered = anna.get("/repositories/2/communities")
    answer = anna.post("/repositories/2/same-as", data={"same_as": 1})

    assert answer.status_code == status
    assert where(office)[0] == (moved_repository.url if status == 303 else sample.url)
    assert len(entries(office, "login forgotten")) == (status == 303)
    if status == 303:
        assert "The stored login was deleted" in words(anna.get(answer.location))
    else:
        anna.get("/repositories/1/communities")
        assert "Only an administrator can merge the two" in words(anna.get("/repositories/2/communities"))
    assert offered.status_code == 200
