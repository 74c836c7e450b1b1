"""The virus scanner checks every file before it is kept: with the clamd of Debian, and with fake servers."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import SettingError, load
from connector.errors import JobStoppedError, MalwareFoundError, ScannerUnavailableError
from connector.jobs.attempt import stop_here
from connector.models.jobs import WaitReason
from connector.storage import virus_scan
from tests.imports.catalogue import records
from tests.imports.fake_repository_importer import FakeRepositoryImporter
from tests.imports.fakes import FakeDSpace
from tests.imports.steps import can_retry, retry
from tests.ports import free_port
from tests.tools import needs, path_of
from tests.waiting import until, working

MARK = b"the bytes by which the test's scanner knows a virus"
MOST = 2**20  # bytes that the test's scanner takes


class Clamd:
    """A real clamd with a signature of one virus, which can be started again and again."""

    def __init__(self, folder: Path):
        signatures = folder / "signatures"
        signatures.mkdir()
        (signatures / "test.ndb").write_text(f"Test.Marked:0:*:{MARK.hex()}\n")
        self.path, self.port, self._settings = folder / "clamd.ctl", free_port(), folder / "clamd.conf"
        self._settings.write_text(
            f"Foreground yes\nDatabaseDirectory {signatures}\nTemporaryDirectory {folder}\nLocalSocket {self.path}\n"
            f"TCPAddr 127.0.0.1\nTCPSocket {self.port}\nStreamMaxLength {MOST}\nFixStaleSocket yes\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def addresses(self) -> list[virus_scan.Address]:
        return [str(self.path), ("127.0.0.1", self.port)]

    def start(self) -> None:
        command = [path_of("clamd"), "--config-file", str(self._settings)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(self._answers)

    def end(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            for address in self.addresses:
                virus_scan.ping(address)
        except ScannerUnavailableError:
            return False
        return True


@pytest.fixture(scope="module")
def clamd(tmp_path_factory) -> Iterator[Clamd]:
    clamd = Clamd(tmp_path_factory.mktemp("clamd"))
    clamd.start()
    yield clamd
    clamd.end()


@pytest.fixture(params=["in the file system", "of a port"])
def importer(request, app, clamd) -> FakeRepositoryImporter:
    """An importer with a scanner, by either kind of socket."""
    app.config["CLAMD_URL"] = clamd.addresses[request.param == "of a port"]
    return FakeRepositoryImporter(app, FakeDSpace())


@pytest.fixture
def importer_without_scanner(app) -> FakeRepositoryImporter:
    return FakeRepositoryImporter(app, FakeDSpace())


def files(importer: FakeRepositoryImporter) -> dict[str, dict]:
    """Each file by its name, as exports tell it."""
    return {file["name"]: file for record in records(importer.app) for file in record["files"]}


def stored(importer: FakeRepositoryImporter) -> list[Path]:
    """Whatever bytes lie in the files folder."""
    return [path for path in (importer.app.config["INSTANCE"] / "files").rglob("*") if path.is_file()]


def test_infected_files_are_reported_and_not_stored_and_others_are(importer, client, caplog):
    importer.dspace.add("i1", files={"bad.exe": b"before " + MARK + b" after", "good.txt": b"good"})
    importer.dspace.add("i2", files={"empty.txt": b"", "also good.txt": bytes(MOST // 2)})

    job = importer.run(files=True)

    assert (job.state, job.clean, job.counts["files_refused"], job.counts["files_stored"]) == ("completed", True, 1, 3)
    assert files(importer)["bad.exe"]["fate"] == "refused"
    assert len(stored(importer)) == 3
    assert not any(MARK in path.read_bytes() for path in stored(importer))
    told = "It found Test.Marked.UNOFFICIAL."
    assert files(importer)["bad.exe"]["reason"] == told
    assert f"File “bad.exe”: infected. {told}" in client.get(f"/jobs/{job.id}/").text
    assert told in caplog.text


def test_a_file_that_is_too_large_for_the_scanner_is_not_stored(importer):
    importer.dspace.add("i1", files={"large.bin": bytes(4 * MOST), "good.txt": b"good"})

    job = importer.run(files=True)

    assert (job.counts["files_refused"], job.counts["files_stored"], len(stored(importer))) == (1, 1, 1)
    assert "StreamMaxLength" in files(importer)["large.bin"]["reason"]


def test_an_infected_file_is_downloaded_again_only_after_a_change_or_on_request(importer):
    importer.dspace.add("i1", files={"bad.exe": MARK})
    first = importer.run(files=True)

    second = importer.run(files=True)
    assert (len(importer.dspace.downloads), second.counts["files_refused"], second.counts["unchanged"]) == (1, 1, 1)

    assert can_retry(importer, second.id)
    assert not can_retry(importer, first.id)
    retry(importer, second.id)
    assert len(importer.dspace.downloads) == 2

    importer.dspace.items["i1"].files["bad.exe"] = b"cleaned"
    importer.dspace.items["i1"].version += 1
    assert (importer.run(files=True).counts["files_stored"], len(stored(importer))) == (1, 1)


@pytest.mark.timing
@needs("clamd")
def test_a_job_waits_for_an_unavailable_scanner_and_continues_automatically(app, importer_without_scanner, tmp_path):
    clamd = Clamd(tmp_path)
    app.config["CLAMD_URL"] = str(clamd.path)
    importer_without_scanner.dspace.add("i1", files={"good.txt": b"good", "bad.exe": MARK})
    job_id = importer_without_scanner.create(files=True)

    try:
        with working(importer_without_scanner, job_id):
            until(lambda: importer_without_scanner.job(job_id).wait_reason == WaitReason.VIRUS_SCANNER)
            assert f"It does not answer at {clamd.path}" in importer_without_scanner.job(job_id).wait_detail
            clamd.start()
    finally:
        clamd.end()

    job = importer_without_scanner.job(job_id)
    assert (job.state, job.counts["files_stored"], job.counts["files_refused"]) == ("completed", 1, 1)


@pytest.mark.timing
def test_a_job_that_waits_for_the_scanner_can_be_stopped_and_resumed(app, importer_without_scanner, clamd, tmp_path):
    app.config["CLAMD_URL"] = str(tmp_path / "nobody.ctl")
    importer_without_scanner.dspace.add("i1", files={"good.txt": b"good"})
    job_id = importer_without_scanner.create(files=True)

    with working(importer_without_scanner, job_id):
        until(lambda: importer_without_scanner.job(job_id).wait_reason == WaitReason.VIRUS_SCANNER)
        importer_without_scanner.stop(job_id)

    assert (importer_without_scanner.job(job_id).state, stored(importer_without_scanner)) == ("stopped", [])


class Doing:
    """What a scanner needs of a run."""

    def __init__(self) -> None:
        self.stop = threading.Event()

    def check(self) -> None:
        if self.stop.is_set():
            raise JobStoppedError("Stopped.")

    def waiting(self, reason: WaitReason, detail: str) -> None:
        pass


def part_of(folder: Path, content: bytes) -> virus_scan.Part:
    part = virus_scan.Part(folder)
    part.write(content)
    part.finish()
    return part


def is_ping(came: bytes) -> bool:
    return came == b"zPING\0"


def request_of(connection: socket.socket) -> bytes:
    """Return a whole request. A connection that is closed before would lose the answer."""
    came = b""
    while not is_ping(came) and not came.endswith(bytes(4)) and (piece := connection.recv(2**16)):
        came += piece
    return came


class Impostor:
    """What listens where clamd should. `answers`: given what came, what it says; None: nothing, and it hangs up."""

    def __init__(self, answers: Callable[[bytes], bytes | None]):
        self._answers, self._server = answers, socket.create_server(("127.0.0.1", 0))
        self.address = self._server.getsockname()[:2]
        self.asked: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(60)
                came = request_of(connection)
                self.asked.append(came)
                if (answer := self._answers(came)) is not None:
                    connection.sendall(answer)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()


@pytest.fixture
def impostor() -> Iterator[Callable[..., Impostor]]:
    made: list[Impostor] = []

    def make(answers: Callable[[bytes], bytes | None]) -> Impostor:
        made.append(Impostor(answers))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"stream: Can't allocate memory ERROR\0", "the file: stream: Can't allocate memory ERROR."),
        (None, "It closed the connection 3 times while it scanned the file."),
        (b"", "It closed the connection 3 times while it scanned the file."),
        (b"stream: not whole", "It closed the connection 3 times while it scanned the file."),
        (b"stream: \xff\xfe FOUND\0", "found \ufffd\ufffd."),
        (b"OK\0", "It could not scan the file: OK."),
    ],
)
def test_no_file_is_stored_if_the_scanner_reports_an_error(app, importer_without_scanner, impostor, answer, reason):
    app.config["CLAMD_URL"] = impostor(lambda came: b"PONG\0" if is_ping(came) else answer).address
    importer_without_scanner.dspace.add("i1", files={"some.txt": b"some"})

    job = importer_without_scanner.run(files=True)

    assert (job.state, job.counts["files_refused"], stored(importer_without_scanner)) == ("completed", 1, [])
    assert reason in files(importer_without_scanner)["some.txt"]["reason"]


class Epidemic:
    """A scanner that scans the first two files together and dies of one of them. `together`: who were scanned later."""

    DEADLY = b"deadly"

    def __init__(self) -> None:
        self._both_scanned, self._died, self.together = threading.Barrier(2), threading.Event(), []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = self._server.getsockname()[:2]
        self._shown: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Epidemic:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        came = connection.recv(2**16)
        if is_ping(came):
            connection.sendall(b"PONG\0")
            connection.close()
            return
        self._shown.append(connection)
        while not came.endswith(b"\0\0\0\0") and (piece := connection.recv(2**16)):
            came += piece
        is_again = self._died.is_set()
        if is_again:
            self.together.append(len(self._shown))
        else:
            self._both_scanned.wait(60)
        if self.DEADLY in came:
            self._die()
        elif is_again:
            self._shown.remove(connection)
            connection.sendall(b"stream: OK\0")
        self._died.wait(60)
        connection.close()

    def _die(self) -> None:
        self._died.set()
        broken_off, self._shown = self._shown, []
        for one in broken_off:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


class Mortal:
    """Answers of a scanner that a file ends; each time it is away for a moment before it is there again."""

    def __init__(self, dies: int):
        self.dies, self.showings, self._away = dies, 0, 0

    def __call__(self, came: bytes) -> bytes | None:
        if is_ping(came):
            self._away -= 1
            return None if self._away >= 0 else b"PONG\0"
        self.showings += 1
        if self.showings > self.dies:
            return b"stream: OK\0"
        self._away = 2
        return None


@pytest.mark.timing
def test_a_file_that_crashes_the_scanner_three_times_is_refused_and_the_job_continues(
    app, importer_without_scanner, impostor, client
):
    scanner = Mortal(dies=3)
    app.config["CLAMD_URL"] = impostor(scanner).address
    importer_without_scanner.dspace.add("i1", files={"deadly.zip": b"deadly"})

    job = importer_without_scanner.run(files=True)

    assert (job.state, job.counts["files_refused"], job.counts["files_stored"]) == ("completed", 1, 0)
    assert scanner.showings == 3
    told = "It closed the connection 3 times while it scanned the file."
    assert told in client.get(f"/jobs/{job.id}/").text
    assert told in [file["reason"] for file in files(importer_without_scanner).values()]


@pytest.mark.timing
def test_a_file_is_stored_after_the_scanner_restarted_twice_during_its_scan(app, importer_without_scanner, impostor):
    app.config["CLAMD_URL"] = impostor(Mortal(dies=2)).address
    importer_without_scanner.dspace.add("i1", files={"good.txt": b"good"})

    job = importer_without_scanner.run(files=True)

    assert (job.state, job.counts["files_refused"], job.counts["files_stored"]) == ("completed", 0, 1)


@pytest.mark.timing
def test_an_unavailable_scanner_is_waited_for_after_any_number_of_attempts(impostor, tmp_path, monkeypatch):
    monkeypatch.setattr(virus_scan, "CHECK_SECONDS", 0.01)
    asked = []

    def answers(came: bytes) -> bytes | None:
        asked.append(came)
        if is_ping(came):
            return b"PONG\0" if len(asked) > 20 else None
        return b"stream: OK\0" if len(asked) > 20 else None

    virus_scan.Scanner(impostor(answers).address, Doing()).approve(part_of(tmp_path, b"some"))

    assert [is_ping(came) for came in asked] == [False] + 20 * [True] + [False]


@pytest.mark.timing
def test_a_file_scanned_beside_one_that_crashes_the_scanner_is_stored(tmp_path):
    with Epidemic() as scanner:
        scans = virus_scan.Scanner(scanner.address, Doing())
        ends: dict[bytes, str] = {}

        def approve(content: bytes) -> None:
            try:
                scans.approve(part_of(tmp_path, content))
                ends[content] = "passed"
            except MalwareFoundError:
                ends[content] = "refused"

        threads = [threading.Thread(target=approve, args=(content,)) for content in (b"good", Epidemic.DEADLY)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    assert ends == {b"good": "passed", Epidemic.DEADLY: "refused"}
    assert set(scanner.together) == {1}


@pytest.mark.timing
def test_no_file_is_stored_if_another_service_answers_as_scanner_and_the_job_waits(
    app, importer_without_scanner, impostor, client
):
    web = impostor(lambda came: b"HTTP/1.1 400 Bad Request\r\n\r\n")
    app.config["CLAMD_URL"] = web.address
    importer_without_scanner.dspace.add("i1", files={"some.txt": b"some"})
    job_id = importer_without_scanner.create(files=True)

    with working(importer_without_scanner, job_id):
        until(lambda: "is not clamd" in importer_without_scanner.job(job_id).wait_detail)
        stop_here(job_id)

    assert stored(importer_without_scanner) == []
    assert "virus scanner" in client.get("/readyz").text


@pytest.mark.timing
def test_a_stop_request_ends_a_long_scan(app, impostor, tmp_path):
    def never(came: bytes) -> None:
        doing.stop.set()
        over.wait(60)

    doing, over = Doing(), threading.Event()

    try:
        with pytest.raises(JobStoppedError):
            virus_scan.Scanner(impostor(never).address, doing).approve(part_of(tmp_path, b"some"))
    finally:
        over.set()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("unix:///run/clamav/clamd.ctl", "/run/clamav/clamd.ctl"),
        ("tcp://127.0.0.1:3310", ("127.0.0.1", 3310)),
        ("tcp://scanner.example.org", ("scanner.example.org", 3310)),
        ("tcp://[::1]:33", ("::1", 33)),
    ],
)
def test_the_setting_names_a_socket_or_a_port(text, address):
    assert load({"CONNECTOR_CLAMD_URL": text})["CLAMD_URL"] == address


@pytest.mark.parametrize(
    "text",
    ["/run/clamd.ctl", "unix://run/clamd.ctl", f"unix:///{'x' * 120}", "http://host:3310", "tcp://host:0", "tcp://:1",
     "tcp://host:port", "tcp://user@host", "tcp://[host", "unix:clamd.ctl", "unix:"],
)  # fmt: skip
def test_a_scanner_setting_without_socket_or_port_is_refused(text):
    with pytest.raises(SettingError, match="CONNECTOR_CLAMD_URL cannot be used"):
        load({"CONNECTOR_CLAMD_URL": text})
