"""While a bot challenge protects the files of a repository, the job waits and no file fails."""

from __future__ import annotations

import pytest

from connector.errors import BotChallengeError

WALL = BotChallengeError("A protection against robots answers instead of DSpace.")


def wall_in_front_of(dspace, files, until: float) -> None:
    """A wall in front of these files for this many seconds, whether they are read or only asked for."""

    def walled(ask):
        def asked(id, *args, **options):
            if id in files and dspace.now < until:
                dspace.requests_made += 1
                raise WALL
            return ask(id, *args, **options)

        return asked

    dspace.download, dspace.is_open = walled(dspace.download), walled(dspace.is_open)


def test_a_bot_challenge_that_ends_after_an_hour_fails_no_file(importer, dspace, files):
    wall_in_front_of(dspace, files, until=3600)

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["files_stored"], job.counts["files_failed"]) == ("completed", True, 4, 0)
    assert dspace.now >= 3600


def test_a_permanent_bot_challenge_fails_the_job_and_no_file_and_the_job_can_resume(importer, dspace, files):
    importer.app.config["MAX_OUTAGE_SECONDS"] = 600
    wall_in_front_of(dspace, files, until=10_000)

    job_id = importer.run(files=True).id
    failed, waited, dspace.now = importer.job(job_id), dspace.now, 10_000
    importer.resume(job_id)

    assert (failed.state, failed.counts["files_failed"]) == ("failed", 0)
    assert "protection against robots" in failed.message
    assert 590 < waited <= 600
    assert (importer.job(job_id).state, importer.job(job_id).counts["files_stored"]) == ("completed", 4)


@pytest.mark.parametrize("number", range(4))
def test_a_bot_challenge_for_one_file_delays_no_other_file(importer, dspace, files, number):
    wall_in_front_of(dspace, files[number : number + 1], until=10**9)

    job = importer.run(files=True)

    assert (job.state, job.counts["files_stored"], job.counts["files_failed"]) == ("completed", 3, 1)
    assert dspace.now == 0
