"""The concurrency of requests: slots shared by threads and processes, and a limit that adapts to the server."""

import os
import subprocess
import sys
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest

from connector.errors import JobStoppedError, RequestTimeoutError, StorageError
from connector.http import abandoned
from connector.http.concurrency import ConcurrencyLimit

pytestmark = pytest.mark.timing

ROOT = Path(__file__).parents[2]

HOLD_ALL = """
import sys, threading
from contextlib import ExitStack
from pathlib import Path
from connector.http.concurrency import ConcurrencyLimit

pace = ConcurrencyLimit(Path(sys.argv[1]), "https://example.org", most=2)
for _ in range(3):
    pace.record_success(1.0, "page")
with ExitStack() as held:
    for _ in range(2):
        held.enter_context(pace.slot(threading.Event()))
    print("held", flush=True)
    sys.stdin.readline()
"""


class StopAfterLooks(threading.Event):
    """A stop that is set once it has been looked at `looks` times."""

    def __init__(self, looks: int):
        super().__init__()
        self.looks = looks

    def is_set(self) -> bool:
        self.looks -= 1
        return self.looks < 0


def never() -> threading.Event:
    return threading.Event()


def new_pace(folder: Path, key: str = "https://example.org", most: int = 2) -> ConcurrencyLimit:
    """As wide as it may be, after the good answers that takes."""
    pace = ConcurrencyLimit(folder, key, most)
    answer(pace, most - 1, seconds=1.0, kind="first")
    return pace


def take(pace: ConcurrencyLimit, count: int) -> ExitStack:
    held = ExitStack()
    for _ in range(count):
        held.enter_context(pace.slot(StopAfterLooks(2)))
    return held


def trouble(pace: ConcurrencyLimit) -> None:
    with pace.slot(never()) as turn:
        pace.record_failure(turn)


def is_full(pace: ConcurrencyLimit) -> bool:
    try:
        with pace.slot(StopAfterLooks(2)):
            return False
    except JobStoppedError:
        return True


@pytest.fixture
def process_with_all_slots(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD_ALL, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    with process:
        yield process
        process.kill()


def test_a_limit_gives_at_most_its_number_of_slots(tmp_path):
    pace = new_pace(tmp_path)

    with take(pace, 2):
        assert is_full(pace)

    assert not is_full(pace)


def test_limits_of_the_same_repository_share_their_slots(tmp_path):
    mine, yours = new_pace(tmp_path), new_pace(tmp_path)

    with take(mine, 1), take(yours, 1):
        assert is_full(mine)
        assert is_full(yours)


def test_repositories_do_not_share_slots(tmp_path):
    mine, other = new_pace(tmp_path), new_pace(tmp_path, key="https://example.com")

    with take(mine, 2):
        assert not is_full(other)


def test_a_slot_is_given_back_when_the_request_fails(tmp_path):
    pace = new_pace(tmp_path, most=1)

    with pytest.raises(ZeroDivisionError), pace.slot(never()):
        raise ZeroDivisionError

    assert not is_full(pace)


def time_out(pace: ConcurrencyLimit, runs_on: float) -> None:
    with pytest.raises(RequestTimeoutError), pace.slot(never(), runs_on):
        raise RequestTimeoutError("no answer")


def test_a_request_that_timed_out_keeps_its_slot_for_as_long_as_the_server_may_run_it(tmp_path):
    now = [0.0]
    pace = ConcurrencyLimit(tmp_path, "https://example.org", most=3, elapsed=lambda: now[0])
    answer(pace, 6, seconds=1.0)
    time_out(pace, runs_on=300)

    with take(pace, 2):
        assert is_full(pace)
        now[0] = 299.0
        assert is_full(pace)
        now[0] = 300.0
        assert not is_full(pace)


def test_a_request_that_timed_out_counts_in_the_next_job_for_as_long_as_the_server_may_run_it(tmp_path):
    now = [1_000.0]
    first = ConcurrencyLimit(tmp_path, "https://example.org", most=3, clock=lambda: now[0])
    time_out(first, runs_on=300)
    del first  # its job has ended, and its locks are free
    now[0] = 1_100.0
    seconds = [0.0]
    following = ConcurrencyLimit(
        tmp_path, "https://example.org", most=3, clock=lambda: now[0], elapsed=lambda: seconds[0]
    )
    answer(following, 6, seconds=1.0)

    with take(following, 2):
        assert is_full(following)
        seconds[0] = 200.0
        assert not is_full(following)


def test_requests_that_timed_out_leave_one_slot_to_the_next_job(tmp_path):
    first = new_pace(tmp_path, most=2)
    for _ in range(3):
        time_out(first, runs_on=300)
    del first

    following = new_pace(tmp_path, most=2)

    with take(following, 1):
        assert is_full(following)


@pytest.mark.parametrize("note", ["", "0.0", "5000.0 6000.0", "0.0 900.0", "a b"], ids=repr)
def test_outdated_invalid_and_future_notes_hold_no_slot(tmp_path, note):
    pace = ConcurrencyLimit(tmp_path, "https://example.org", most=2, clock=lambda: 1_000.0)
    answer(pace, 3, seconds=1.0)
    for file in tmp_path.iterdir():
        file.write_text(note)

    with take(pace, 1):
        assert not is_full(pace)


def test_a_shorter_note_of_an_abandoned_request_replaces_a_longer_one(tmp_path):
    with (tmp_path / "note").open("w+b") as file:
        abandoned.note(file.fileno(), 1_000.125, 300.125)
        abandoned.note(file.fileno(), 2_000.0, 5.0)

        assert abandoned.seconds_left(file.fileno(), 2_001.0) == 4.0


def test_a_request_that_timed_out_counts_as_concurrent(tmp_path):
    pace = ConcurrencyLimit(tmp_path, "https://example.org", most=4)
    answer(pace, 1, seconds=1.0)
    time_out(pace, runs_on=300)

    with take(pace, 1):
        assert (pace.width, is_full(pace)) == (2, True)


def test_a_request_may_run_beside_requests_that_timed_out(tmp_path):
    pace = new_pace(tmp_path, most=2)
    for _ in range(3):
        time_out(pace, runs_on=300)

    with take(pace, 1):
        assert is_full(pace)


def test_a_request_that_the_server_ends_with_us_keeps_no_slot(tmp_path):
    pace = new_pace(tmp_path, most=2)
    time_out(pace, runs_on=0)

    with take(pace, 2):
        assert is_full(pace)


def test_another_process_keeps_its_slots_until_it_frees_them(tmp_path, process_with_all_slots):
    pace = new_pace(tmp_path)
    assert is_full(pace)

    process_with_all_slots.communicate("go\n")

    assert not is_full(pace)


def test_a_killed_process_holds_no_slot(tmp_path, process_with_all_slots):
    pace = new_pace(tmp_path)
    assert is_full(pace)

    process_with_all_slots.kill()
    process_with_all_slots.wait()

    with take(pace, 2):
        assert is_full(pace)


def test_a_waiting_thread_gets_the_slot_that_becomes_free(tmp_path):
    pace = new_pace(tmp_path, most=1)
    served = threading.Event()

    def work():
        with pace.slot(never()):
            served.set()

    with take(pace, 1):
        thread = threading.Thread(target=work)
        thread.start()
        assert not served.is_set()
    thread.join()

    assert served.is_set()


def test_eight_threads_never_run_more_than_the_most_at_once(tmp_path):
    paces = [new_pace(tmp_path, most=3) for _ in range(2)]
    running, peaks, lock = [], [], threading.Lock()

    def work(number: int):
        for _ in range(20):
            with paces[number % 2].slot(never()):
                with lock:
                    running.append(number)
                    peaks.append(len(running))
                with lock:
                    running.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(peaks) == 8 * 20
    assert max(peaks) <= 3


def test_a_stop_that_is_set_already_gets_no_slot(tmp_path):
    stop = threading.Event()
    stop.set()

    with pytest.raises(JobStoppedError), new_pace(tmp_path).slot(stop):
        pytest.fail("a slot was given")


def test_a_folder_that_cannot_be_created_raises_storage_error(tmp_path):
    (tmp_path / "file").touch()

    with pytest.raises(StorageError, match="cannot be written"):
        new_pace(tmp_path / "file" / "locks")


def test_an_unused_concurrency_limit_keeps_no_file_open(tmp_path):
    open_before = os.listdir("/proc/self/fd")

    pace = new_pace(tmp_path)
    with pace.slot(never()):
        open_between = os.listdir("/proc/self/fd")
    del pace

    assert len(open_between) == len(open_before) + 2
    assert os.listdir("/proc/self/fd") == open_before


def answer(pace: ConcurrencyLimit, count: int, seconds: float, kind: str = "page") -> None:
    for _ in range(count):
        pace.record_success(seconds, kind)


def test_the_width_starts_at_one_and_is_four_after_three_good_answers(tmp_path):
    pace = ConcurrencyLimit(tmp_path, "https://example.org", most=4)

    widths = [pace.width]
    for _ in range(5):
        answer(pace, 1, seconds=1.0)
        widths.append(pace.width)

    assert widths == [1, 2, 3, 4, 4, 4]


def test_the_concurrency_limit_may_be_sixteen(tmp_path):
    assert new_pace(tmp_path, most=16).width == 16


def test_a_failure_at_the_start_ends_the_quick_growth(tmp_path):
    pace = ConcurrencyLimit(tmp_path, "https://example.org", most=4)
    for _ in range(8):
        trouble(pace)

    answer(pace, 19, seconds=1.0)
    before = pace.width
    answer(pace, 1, seconds=1.0)

    assert (before, pace.width, pace.halvings) == (1, 2, 0)


def test_the_width_halves_when_the_last_ten_took_three_times_the_first_ten(tmp_path):
    pace = new_pace(tmp_path, most=4)
    answer(pace, 10, seconds=1.0)

    answer(pace, 9, seconds=3.0)
    before = pace.width
    answer(pace, 1, seconds=3.0)

    assert (before, pace.width) == (4, 2)


def test_answers_that_take_less_than_three_times_as_long_are_not_slow(tmp_path):
    pace = new_pace(tmp_path, most=4)

    answer(pace, 10, seconds=1.0)
    answer(pace, 30, seconds=2.9)

    assert pace.width == 4


def test_a_few_slow_answers_do_not_move_the_median(tmp_path):
    pace = new_pace(tmp_path, most=4)
    answer(pace, 10, seconds=1.0)

    for _ in range(5):
        answer(pace, 4, seconds=100.0)
        answer(pace, 6, seconds=1.0)

    assert pace.width == 4


def test_a_slow_phase_halves_once_per_ten_answers_and_never_below_one(tmp_path):
    pace = new_pace(tmp_path, most=4)
    answer(pace, 10, seconds=1.0)

    widths = []
    for _ in range(3):
        answer(pace, 9, seconds=5.0)
        widths.append(pace.width)
        answer(pace, 1, seconds=5.0)
        widths.append(pace.width)

    assert widths == [4, 2, 2, 1, 1, 1]


def test_files_are_not_compared_with_pages(tmp_path):
    pace = new_pace(tmp_path, most=4)

    answer(pace, 10, seconds=0.1, kind="page")
    answer(pace, 30, seconds=9.0, kind="file")

    assert pace.width == 4


def test_a_failure_halves_the_width_and_never_below_one(tmp_path):
    pace = new_pace(tmp_path, most=4)

    widths = []
    for _ in range(3):
        trouble(pace)
        widths.append(pace.width)

    assert widths == [2, 1, 1]


def test_requests_that_fail_together_halve_the_width_once(tmp_path):
    pace = new_pace(tmp_path, most=4)

    with ExitStack() as held:
        turns = [held.enter_context(pace.slot(never())) for _ in range(4)]
        for turn in turns:
            pace.record_failure(turn)

    assert pace.width == 2


def test_twenty_good_answers_in_a_row_widen_by_one_up_to_the_most(tmp_path):
    pace = new_pace(tmp_path, most=3)
    trouble(pace)

    widths = []
    for _ in range(3):
        answer(pace, 19, seconds=1.0)
        widths.append(pace.width)
        answer(pace, 1, seconds=1.0)
        widths.append(pace.width)

    assert widths == [1, 2, 2, 3, 3, 3]


def test_a_failure_ends_a_series_of_good_responses(tmp_path):
    pace = new_pace(tmp_path, most=4)
    trouble(pace)

    answer(pace, 19, seconds=1.0)
    trouble(pace)
    answer(pace, 19, seconds=1.0)

    assert pace.width == 1


def test_a_narrowed_object_gives_fewer_slots_and_leaves_the_rest_to_others(tmp_path):
    narrow, other = new_pace(tmp_path, most=4), new_pace(tmp_path, most=4)
    trouble(narrow)

    with take(narrow, 2):
        assert is_full(narrow)
        with take(other, 2):
            assert is_full(other)
