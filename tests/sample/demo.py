"""`make demo`: a sample repository on this machine, one of its collections imported, and the app left running."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from . import SampleRepository

ROOT = Path(__file__).resolve().parents[2]
SITE_PORT = int(os.environ.get("DEMO_PORT", "8765"))
FLASK = [sys.executable, "-m", "flask"]


def main() -> int:
    """Serve the sample as DSpace 9 and as DSpace 6, import from it, then serve the app until it is ended."""
    environment = {"CONNECTOR_INSTANCE": str(ROOT / "demo")} | os.environ | {"CONNECTOR_ALLOW_NETWORKS": "127.0.0.1/32"}
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with SampleRepository(generation=9, port=SITE_PORT) as new, SampleRepository(6, port=SITE_PORT + 1) as old:
            collection = new.data.named("Harbour photographs").handle
            print(f"A sample repository answers as DSpace 9 at {new.url} and as DSpace 6 at {old.url}.", flush=True)
            print(f"Importing its collection {collection} with all files:", flush=True)
            command = [*FLASK, "import", new.url, "--collection", collection, "--files", "--item-set-from-collection"]
            imported = subprocess.run([*command, "--comment", "make demo"], cwd=ROOT, env=environment).returncode
            if imported > 1:
                return imported
            return subprocess.run([*FLASK, "up"], cwd=ROOT, env=environment).returncode
    except OSError as error:
        sentence = f"The sample repository cannot listen on port {SITE_PORT}: {error.strerror}. Set DEMO_PORT."
        print(sentence, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
