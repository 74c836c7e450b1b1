"""`flask up` is killed during a job: the next start continues the job."""

from __future__ import annotations

from tests.sample import SampleRepository

from .databases import InTheFolder
from .life import REQUEST, STAGES, Life, Source, kill_after_requests, wait_until

IMPORT = STAGES[0]


def test_a_repeatedly_killed_server_ends_its_job_like_an_undisturbed_one(tmp_path):
    with SampleRepository(9) as sample:
        source = Source(sample)
        source.at(IMPORT)
        alone, life = (Life(tmp_path / name, source, InTheFolder()) for name in ("alone", "killed"))
        alone.go_on(IMPORT)
        assert life.go_on(IMPORT, REQUEST, 20).was_killed
        for requests in (30, 60):
            server = life.flask.start("up", CONNECTOR_PORT="0")
            kill_after_requests(server, sample, requests)
            server.communicate()
            assert server.returncode == -9
            assert life.state(IMPORT) == "running"
            sample.faults.clear()

        server = life.flask.start("up", CONNECTOR_PORT="0")
        try:
            wait_until(lambda: life.is_done(IMPORT), server)
        finally:
            server.terminate()
            server.communicate()

        assert server.returncode == 0
        assert life.outcome() == alone.outcome()
