"""`python -m tests.http.measured_reader URL FOLDER SECONDS`: reads an answer and prints the outcome and the memory."""

from __future__ import annotations

import ipaddress
import json
import re
import sys
from pathlib import Path

from connector.errors import RepositoryError
from connector.http import AddressRule, ConcurrencyLimit, HttpClient, HttpSettings


def main(url: str, folder: str, deadline: str) -> None:
    """Read the JSON at this address. Print a list: what came of it, and the peak memory of this process in MB."""
    rule = AddressRule((ipaddress.ip_network("127.0.0.0/8"),))
    settings = HttpSettings("test", rule, deadline=float(deadline))
    http = HttpClient(settings, ConcurrencyLimit(Path(folder), "repository", 1))
    try:
        http.get_json(url, tries=1)
        outcome = "read"
    except RepositoryError as error:
        outcome = type(error).__name__
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())  # of this process, unlike ru_maxrss
    print(json.dumps([outcome, int(peak[1]) // 1024]))


if __name__ == "__main__":
    main(*sys.argv[1:])
