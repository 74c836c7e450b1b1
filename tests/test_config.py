"""Settings are read from the environment, and invalid ones are refused. The secret key is made once."""

from __future__ import annotations

import ipaddress
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

import config
from config import SettingError, load
from connector.storage.secret_key import secret_key


def test_by_default_data_is_in_the_instance_folder_and_the_app_listens_locally():
    settings = load({})

    assert settings["INSTANCE"] == Path(config.ROOT) / "instance"
    assert settings["SQLALCHEMY_DATABASE_URI"] == f"sqlite:///{settings['INSTANCE']}/connector.db"
    assert (settings["HOST"], settings["PORT"], settings["ALLOWED_NETWORKS"]) == ("127.0.0.1", 5000, ())
    assert settings["MAX_OUTAGE_SECONDS"] is None


@pytest.mark.parametrize(("new", "old"), config.OLD_NAMES.items())
def test_a_setting_is_read_under_its_old_name_and_its_new_name_wins(new, old):
    old, new = f"CONNECTOR_{old}", f"CONNECTOR_{new}"

    with pytest.raises(SettingError, match=f"^{old} cannot be used"):
        load({old: "\x07ä"})
    with pytest.raises(SettingError, match=f"^{new} cannot be used"):
        load({old: "1", new: "\x07ä"})
    assert config.old_names_in_use({old: "1", new: "2"}) == {old: new}
    assert config.old_names_in_use({old: " ", new: "2"}) == {}


def test_the_value_of_an_old_name_counts_only_without_the_new_name():
    assert load({"CONNECTOR_PACE": "3"})["MAX_CONCURRENT_REQUESTS"] == 3
    assert load({"CONNECTOR_PACE": "3", "CONNECTOR_MAX_CONCURRENT_REQUESTS": "7"})["MAX_CONCURRENT_REQUESTS"] == 7


def test_settings_are_read_without_disk_access(tmp_path):
    load({"CONNECTOR_INSTANCE": str(tmp_path / "new")})

    assert list(tmp_path.iterdir()) == []


def test_the_default_concurrency_is_four():
    assert load({})["MAX_CONCURRENT_REQUESTS"] == 4
    assert load({"CONNECTOR_MAX_CONCURRENT_REQUESTS": "16"})["MAX_CONCURRENT_REQUESTS"] == 16


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 10**9), ("0", 0), ("20000", 20_000), ("500 MB", 5 * 10**8), ("2gb", 2 * 10**9), ("1 T", 10**12)],
)
def test_the_minimum_free_disk_space_is_a_size(text, size):
    assert load({"CONNECTOR_MIN_FREE_DISK": text})["MIN_FREE_DISK"] == size


def test_by_default_no_proxy_is_trusted_and_only_this_machine_may_monitor():
    settings = load({})

    assert settings["PROXY_HOPS"] == 0
    assert [str(network) for network in settings["METRICS_NETWORKS"]] == ["127.0.0.0/8", "::1/128"]


def test_networks_are_separated_by_commas():
    settings = load({"CONNECTOR_ALLOWED_NETWORKS": "10.1.0.0/16, 192.168.7.5,fd00::/8"})

    networks = ("10.1.0.0/16", "192.168.7.5/32", "fd00::/8")
    assert settings["ALLOWED_NETWORKS"] == tuple(map(ipaddress.ip_network, networks))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "0.0.0.0", "192.168.1.4", "::1", "::", "fe80::1%eth0", "::", "a.org", "3com.example"]
)
def test_any_listen_address_is_accepted(host):
    assert load({"CONNECTOR_HOST": host})["HOST"] == host


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HOST", "http://127.0.0.1/", "not an address"),
        ("HOST", "two words", "not an address"),
        ("HOST", "256.1.1.1", "not an address"),
        ("HOST", "1.2.3", "not an address"),
        ("HOST", ":::", "not an address"),
        ("HOST", "a..b", "not an address"),
        ("HOST", f"{'a' * 64}.example.org", "not an address"),
        ("PORT", "80a", "0 to 65535"),
        ("PORT", "70000", "0 to 65535"),
        ("MAX_OUTAGE_SECONDS", "-1", "whole number"),
        ("MAX_CONCURRENT_REQUESTS", "0", "from 1 to 16"),
        ("MAX_CONCURRENT_REQUESTS", "17", "from 1 to 16"),
        ("MAX_FILE_BYTES", "0", "whole number"),
        ("MAX_RESPONSE_BYTES", "10", "whole number"),
        ("MAX_MISSING_PERCENT", "101", "0 to 100"),
        ("RECHECK_RUNS", "366", "0 to 365"),
        ("UNDO_HISTORY_RUNS", "some", "whole number"),
        ("UNDO_HISTORY_DAYS", "-1", "whole number"),
        ("ALLOWED_NETWORKS", "10.0.0.0/99", "10.0.0.0/99"),
        ("ALLOWED_NETWORKS", "10.0.0.5/8", "the network itself is 10.0.0.0/8."),
        ("ALLOWED_NETWORKS", "intranet", "such as 10.1.0.0/16"),
        ("CONTACT", "line\nbreak", "header"),
        ("CA_BUNDLE", "/no/such/file", "no file"),
        ("CA_BUNDLE", __file__, "holds no certificates"),
        ("PROXY", "proxy.example.org:3128", "http://"),
        ("PROXY", "http://", "name a host"),
        ("PROXY", "http://me:secret@a:b", "name a host"),
        ("PROXY", "http://127.0.0.1:99999", "name a host"),
        ("PROXY", "http://127.0.0.1:0", "name a host"),
        ("PROXY", "http://[::1", "name a host"),
        ("URL", "https://www.example.org/connector/?b", "no ? or #"),
        ("URL", "https://www.example.org/connector#c", "no ? or #"),
        ("URL", "https://www.example.org:port/", "a full address that begins with"),
        ("NOTIFY_WEBHOOK", "https://www.example.org:99999/", "a full address that begins with"),
        ("CLAMD_URL", "tcp://127.0.0.1:99999", "it has the form"),
        ("SMTP", "smtp://mail.example.org:99999", "it has the form"),
        ("QUEUE_URL", "amqp://x", "redis://"),
        ("QUEUE_URL", "redis://", "redis://host"),
        ("QUEUE_URL", "redis://me:secret@host:port/0", "redis://host"),
        ("QUEUE_URL", "sqlite:///", "sqlite:///path"),
        ("QUEUE_URL", "sqlite:///:memory:", "sqlite:///path"),
        ("DATABASE_URL", "postgresql//me:secret@host/x", "postgresql://user"),
        ("DATABASE_URL", "postgresql://me:secret@host:port/x", "postgresql://user"),
        ("DATABASE_URL", "mysql://me:secret@host/x", "postgresql://user"),
        ("DATABASE_URL", "sqlite://", "sqlite:///path"),
        ("DATABASE_URL", "sqlite:///:memory:", "lost with the process"),
        ("DATABASE_URL", "sqlite:///file::memory:?uri=true", "lost with the process"),
        ("DATABASE_URL", "sqlite:///file:/srv/connector.db?uri=true", "by its path alone"),
        ("SECRET_KEY", "secret", "at least 32 characters"),
        ("MIN_FREE_DISK", "much", "no size"),
        ("MIN_FREE_DISK", "1.5 GB", "no size"),
        ("MIN_FREE_DISK", "-1", "no size"),
        ("PROXY_HOPS", "10", "0 to 9"),
        ("METRICS_NETWORKS", "monitor.example.org", "monitor.example.org"),
        ("LOG_FORMAT", "xml", "plain, json"),
    ],
)
def test_a_malformed_setting_is_refused_by_name(name, value, says):
    with pytest.raises(SettingError, match=f"CONNECTOR_{name}") as refused:
        load({f"CONNECTOR_{name}": value})

    assert says in str(refused.value)
    assert "me:secret" not in str(refused.value)


def test_certificate_file_and_proxy_settings_are_used_unchanged():
    bundle = requests.certs.where()
    settings = load({"CONNECTOR_CA_BUNDLE": bundle, "CONNECTOR_PROXY": "http://me:secret@proxy.example.org:3128"})

    assert (settings["CA_BUNDLE"], settings["PROXY"]) == (bundle, "http://me:secret@proxy.example.org:3128")


def test_concurrent_processes_create_one_secret_key_that_only_the_owner_may_read(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: secret_key(tmp_path), range(8)))

    assert keys == {secret_key(tmp_path)}
    assert len(keys.pop()) == 64
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_a_damaged_secret_key_is_refused(tmp_path):
    (tmp_path / "secret_key").write_text("short")

    with pytest.raises(SettingError, match="damaged"):
        secret_key(tmp_path)


@pytest.mark.parametrize("make", [Path.mkdir, lambda path: path.symlink_to("nowhere")])
def test_a_secret_key_that_is_no_file_is_refused(tmp_path, make):
    make(tmp_path / "secret_key")

    with pytest.raises(SettingError, match="secret_key is damaged: remove it"):
        secret_key(tmp_path)
