"""With fewer forwarded values than CONNECTOR_PROXY_HOPS says, the address of a proxy is not used as the client."""

from __future__ import annotations

import pytest

from connector.proxy_headers import init_app


@pytest.mark.parametrize(
    ("hops", "headers", "status"),
    [
        (2, {"X-Forwarded-For": "192.0.2.7"}, 403),
        (2, {"X-Forwarded-For": "127.0.0.1, 192.0.2.7"}, 200),
        (1, {"X-Forwarded-Proto": "https"}, 403),
        (2, {}, 200),  # past the proxy, from this machine
    ],
)
def test_a_proxy_that_does_not_name_its_client_is_no_monitor(app, client, hops, headers, status):
    app.config["PROXY_HOPS"] = hops
    init_app(app)

    assert client.get("/healthz", headers=headers).status_code == status


def test_too_few_forwarded_values_cause_one_warning_with_the_setting(app, client, caplog):
    app.config["PROXY_HOPS"] = 2
    init_app(app)

    for _ in range(2):
        client.get("/healthz", headers={"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https, https"})

    assert caplog.text.count("CONNECTOR_PROXY_HOPS is 2, but fewer values came in X-Forwarded-For (1)") == 1
