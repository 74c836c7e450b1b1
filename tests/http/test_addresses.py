"""Which addresses may be reached, and that connections go nowhere else."""

import ipaddress
import socket
import threading

import pytest
from urllib3 import PoolManager
from urllib3.exceptions import MaxRetryError, NameResolutionError

from connector.errors import AddressNotAllowedError, JobStoppedError
from connector.http.addresses import AddressRule
from connector.http.guarded_connections import pool_classes

PUBLIC_ONLY = AddressRule(())

PUBLIC = ["93.184.215.14", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]

NOT_PUBLIC = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "192.0.0.8",
    "198.18.0.1",
    "203.0.113.7",
    "240.0.0.1",
    "255.255.255.255",
    "::1",
    "::127.0.0.1",
    "fec0::1",
    "fd00::1",
    "2001:db8::1",
    "3fff::1",
    "2001::1",
    "64:ff9b:1::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::10.0.0.1",
    "2002:7f00:1::1",
]

NEVER = [
    "0.0.0.0",
    "0.1.2.3",
    "169.254.0.1",
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a9fe:a9fe",
    "168.63.129.16",
    "100.100.100.200",
    "192.0.0.192",
    "224.0.0.1",
    "::",
    "fe80::1",
    "fe80::1%1",
    "ff0e::1",
    "fd00:ec2::254",
]


def answers(*ips: str, port: int = 80):
    """A resolver that gives these addresses whatever it is asked."""
    families = {4: socket.AF_INET, 6: socket.AF_INET6}

    def resolve(host, asked_port, type):
        return [(families[ipaddress.ip_address(ip).version], type, 0, "", (ip, port)) for ip in ips]

    return resolve


@pytest.mark.parametrize("ip", PUBLIC)
def test_public_addresses_are_allowed(ip):
    assert PUBLIC_ONLY.check(ip) is None


@pytest.mark.parametrize("ip", NOT_PUBLIC)
def test_other_addresses_are_refused_by_name_with_the_setting_that_would_allow_them(ip):
    with pytest.raises(AddressNotAllowedError) as refusal:
        PUBLIC_ONLY.check(ip)

    assert ip in str(refusal.value)
    assert "CONNECTOR_ALLOWED_NETWORKS" in str(refusal.value)


@pytest.mark.parametrize("ip", NEVER)
def test_no_setting_opens_the_services_of_the_machine_and_its_cloud(ip):
    rule = AddressRule((ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))

    with pytest.raises(AddressNotAllowedError, match="never reached") as refusal:
        rule.check(ip)

    assert "CONNECTOR_ALLOWED_NETWORKS" not in str(refusal.value)


@pytest.mark.parametrize("ip", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00::17"])
def test_networks_allow_their_addresses_in_every_form(ip):
    rule = AddressRule((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/64")))

    assert rule.check(ip) is None


def test_networks_allow_no_other_address():
    rule = AddressRule((ipaddress.ip_network("10.0.0.0/8"),))

    with pytest.raises(AddressNotAllowedError):
        rule.check("127.0.0.1")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "127.1", "0x7f000001", "localhost", "::1"])
def test_the_loopback_address_is_refused_in_every_notation(host):
    with pytest.raises(AddressNotAllowedError):
        PUBLIC_ONLY.candidates(host, 80)


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "127.0.0.1", "::1", "fe80::1"])
def test_a_literal_is_checked_in_every_form(host):
    with pytest.raises(AddressNotAllowedError):
        PUBLIC_ONLY.check_literal(host)


@pytest.mark.parametrize("host", ["localhost", "example.org", "8.8.8.8", "a" * 64])
def test_names_and_public_literals_pass_the_check_of_literals(host):
    assert PUBLIC_ONLY.check_literal(host) is None


@pytest.mark.parametrize("ips", [("8.8.8.8", "10.0.0.1"), ("10.0.0.1", "8.8.8.8"), ("8.8.8.8", "::1")])
def test_a_host_is_refused_if_one_of_its_addresses_is_not_allowed(ips):
    rule = AddressRule((), resolve=answers(*ips))

    with pytest.raises(AddressNotAllowedError, match=r"dspace\.example\.org leads to the address (10\.0\.0\.1|::1)"):
        rule.candidates("dspace.example.org", 80)


@pytest.mark.parametrize("host", ["a" * 64 + ".org", "a..org"])
def test_an_invalid_host_name_cannot_be_resolved(host):
    with pytest.raises(socket.gaierror):
        PUBLIC_ONLY.candidates(host, 80)


class Listener:
    """A socket on a loopback port that answers every connection with 200 and the port it came in by."""

    def __init__(self, ip: str = "127.0.0.1"):
        self.socket = socket.create_server((ip, 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join()


@pytest.fixture
def listener():
    listener = Listener()
    yield listener
    listener.close()


def get(rule: AddressRule, url: str, next_timeout=lambda: 1.0) -> bytes:
    manager = PoolManager(retries=0, timeout=60)
    manager.pool_classes_by_scheme = pool_classes(rule, next_timeout)
    return manager.request("GET", url).data


LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


@pytest.mark.timing
def test_the_connection_goes_to_the_address_that_was_checked_and_the_name_is_resolved_once(listener):
    asked = []

    def rebinding(host, port, type):
        asked.append(host)
        ip = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(socket.AF_INET, type, 0, "", (ip, listener.port))]

    body = get(AddressRule(LOOPBACK, rebinding), "http://dspace.example.org/")

    assert body == b"ok"
    assert asked == ["dspace.example.org"]


def test_a_name_that_leads_to_a_private_address_is_never_connected_to(listener):
    with pytest.raises(AddressNotAllowedError):
        get(AddressRule((), answers("127.0.0.1", port=listener.port)), "http://dspace.example.org/")


@pytest.mark.timing
def test_the_addresses_are_tried_in_order_until_one_connects(listener):
    rule = AddressRule(LOOPBACK, answers("127.0.0.2", "127.0.0.1", port=listener.port))

    assert get(rule, "http://dspace.example.org/") == b"ok"


@pytest.mark.timing
def test_a_stop_request_ends_the_attempts_between_two_addresses(listener):
    looks = []

    def next_timeout():
        looks.append(1)
        if len(looks) == 2:
            raise JobStoppedError("The job was asked to stop.")
        return 1.0

    rule = AddressRule(LOOPBACK, answers("127.0.0.2", "127.0.0.1", port=listener.port))

    with pytest.raises(JobStoppedError):
        get(rule, "http://dspace.example.org/", next_timeout)


def test_a_name_that_cannot_be_resolved_raises_its_own_error():
    def unknown(host, port, type):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(MaxRetryError) as trouble:
        get(AddressRule((), unknown), "http://nowhere.example.org/")

    assert isinstance(trouble.value.reason, NameResolutionError)


class StopAfterOneLook:
    """Lets a connection wait a moment, ends it when it asks again, and says no more to what is left behind."""

    def __init__(self):
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        if self.looks == 2:
            raise JobStoppedError("Stopped.")
        return 0.01


@pytest.mark.timing
def test_a_stop_ends_the_wait_for_a_resolver_and_what_connects_later_is_closed():
    released = threading.Event()

    def resolve(host, port, type):
        released.wait(60)
        return answers("127.0.0.1", port=port)(host, port, type)

    with socket.create_server(("127.0.0.1", 0)) as there:
        there.settimeout(60)
        with pytest.raises(JobStoppedError):
            get(AddressRule(LOOPBACK, resolve), f"http://name.example:{there.getsockname()[1]}/", StopAfterOneLook())

        released.set()
        connection, _ = there.accept()
        with connection:
            assert connection.recv(1) == b""


@pytest.mark.timing
def test_a_stop_ends_a_tls_handshake_that_gets_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(JobStoppedError):
        get(AddressRule(LOOPBACK), f"https://127.0.0.1:{silent.getsockname()[1]}/", StopAfterOneLook())
