"""What is closed to the signed-in account: the message does not say that it is closed to signed-out readers."""

from __future__ import annotations

import pytest

from connector.dspace.records import ScopeKind
from connector.errors import RestrictedError
from connector.repositories import credentials, discovery
from tests.sample import Repository, SampleRepository, grow
from tests.sample.login import NAME, PASSWORD


@pytest.mark.parametrize(("generation", "path"), [(5, "/rest/items/"), (6, "/rest/items/"), (9, "/core/items/")])
def test_a_refusal_names_the_login_that_has_no_access(app, generation, path):
    data = Repository()
    with SampleRepository(generation, data=data) as sample, app.app_context():
        grow(data, items=1)
        [item] = data.items.values()
        identifier = str(item.number) if generation == 5 else item.uuid
        repository_id = discovery.connect(sample.url, "rest", None).repository_id
        sample.faults.add(path, None, status=403, body="{}", headers={"Content-Type": "application/json"})

        with pytest.raises(RestrictedError, match="not open to the public"):
            discovery.find(repository_id, ScopeKind.ITEM, identifier)
        credentials.sign_in(repository_id, NAME, PASSWORD)
        with pytest.raises(RestrictedError, match="not open to the account that is signed in") as raised:
            discovery.find(repository_id, ScopeKind.ITEM, identifier)

    assert "without an account" not in str(raised.value.__cause__ or "")
