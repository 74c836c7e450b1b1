"""Numbers that cannot be the id of a row."""

import pytest

from connector.row_ids import MOST, row_id


@pytest.mark.parametrize("text", ["-1", str(MOST + 1), "9" * 40, "one", ""])
def test_an_impossible_row_number_raises_value_error(text):
    with pytest.raises(ValueError):
        row_id(text)


def test_a_valid_row_number_is_accepted():
    assert [row_id(text) for text in ("0", "7", str(MOST))] == [0, 7, MOST]


@pytest.mark.parametrize("path", ["/items/{}/", "/jobs/{}/", "/repositories/{}/", "/files/{}/name", "/item-sets/{}/"])
def test_an_address_with_an_impossible_row_number_is_not_found(client, path):
    assert client.get(path.format("9" * 30)).status_code == 404


def test_a_search_ignores_an_impossible_row_number(client):
    assert client.get(f"/items/?item_set={'9' * 30}").status_code == 200


def test_a_command_refuses_an_impossible_row_number_with_a_sentence(app):
    told = app.test_cli_runner().invoke(args=["stop", "9" * 30])

    assert told.exit_code == 2
    assert "is not in the range" in told.output
