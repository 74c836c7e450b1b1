"""The benchmark in its smallest form runs and compares its figures with their goals."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace

import pytest

from tests.sample import FREE, Repository, grow_large

from .__main__ import main
from .depth import server_seconds
from .goals import at_least, at_most


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (at_most(0.1, 0.1), "0.10 (goal: at most 0.1: yes)"),
        (at_most(3.5, 3, " s"), "3.50 s (goal: at most 3 s: NO)"),
        (at_least(0.8, 0.8), "0.80 (goal: at least 0.8: yes)"),
        (at_least(0.7, 0.8), "0.70 (goal: at least 0.8: NO)"),
    ],
)
def test_figures_are_shown_beside_their_goals(told, expected):
    assert told == expected


def test_imports_and_unchanged_runs_again_are_compared(capsys):
    main(["--quick", "--only", "again"])

    table = capsys.readouterr().out
    assert "100 items" in table
    assert "proven by two requests" in table
    assert "goal" not in table  # there are too few items


def test_reading_plans_are_compared_near_and_far(capsys):
    main(["--quick", "--only", "plans"])

    table = capsys.readouterr().out
    assert all(title in table for title in ("DSpace 9: 20 theses, 0 ms away", "DSpace 5: 20 articles, 60 ms away"))
    assert table.count("walk, at last the first plan") == 4


def test_imports_over_rest_alone_and_with_oai_give_equal_catalogues_and_are_compared(capsys):
    main(["--quick", "--only", "both-ways"])

    table = capsys.readouterr().out
    assert "520 items" in table
    assert "bare loop over OAI-PMH" in table
    runs = ("first import", "re-run, 1% changed")
    assert all(f"{run}, {way}" in table for run in runs for way in ("REST alone", "with OAI-PMH"))


def test_publishing_is_compared_with_a_bare_loop(capsys):
    main(["--quick", "--only", "publish"])

    table = capsys.readouterr().out
    assert all(run in table for run in ("bare loop", "unchanged", "1 changed", "50 looked up by identifier"))


def test_the_cost_of_an_item_is_the_same_in_large_lists():
    divided = [server_seconds(items, largest_list=300, per_skipped=0.001) for items in (310, 1_550)]
    undivided = server_seconds(1_550, largest_list=10_000, per_skipped=0.001)

    assert divided[1] / divided[0] == pytest.approx(5, rel=0.1)
    assert undivided > 1.2 * divided[1]


def test_large_files_differ_and_need_the_memory_of_one():
    data = Repository()

    grow_large(data, files=3, size=1000)

    contents = [file.content for file in data.bitstreams.values()]
    assert [len(content) for content in contents] == [1000] * 3
    assert {hashlib.md5(content).hexdigest() for content in contents} == {f.checksum for f in data.bitstreams.values()}
    assert len({bytes(content) for content in contents}) == 3
    assert len({id(content.obj) for content in contents}) == 1


def test_a_line_of_limited_rate_carries_no_more_than_that():
    line, began = replace(FREE, rate=1_000_000), time.monotonic()

    line.carry(30_000)
    line.carry(20_000)

    assert time.monotonic() - began >= 0.05
