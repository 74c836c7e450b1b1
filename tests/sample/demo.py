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
OLD_PORT = SITE_PORT and SITE_PORT + 1  # 0: any
FLASK = [sys.executable, "-m", "flask"]


def main() -> int:
    """Serve the sample as DSpace 9 and as DSpace 6, import from it, then serve the app until Ctrl-C."""
    instance, networks = {"CONNECTOR_INSTANCE": str(ROOT / "demo")}, {"CONNECTOR_ALLOWED_NETWORKS": "127.0.0.1/32"}
    environment = instance | os.environ | networks
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with SampleRepository(generation=9, port=SITE_PORT) as new, SampleRepository(6, port=OLD_PORT) as old:
            collection = new.data.named("Harbour photographs").handle
            print(f"A sample repository answers as DSpace 9 at {new.url} and as DSpace 6 at {old.url}.", flush=True)
            print(f"Importing its collection {collection} with all files:", flush=True)
            command = [*FLASK, "import", new.url, "--collection", collection, "--files", "--item-set-from-collection"]
            imported = _run([*command, "--comment", "make demo"], environment)
            if imported > 1:
                return imported
            return _run([*FLASK, "up"], environment)
    except OSError as error:
        sentence = f"The sample repository cannot listen on port {SITE_PORT}: {error.strerror}. Set DEMO_PORT."
        print(sentence, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run it to its end. Told to end, it has the time it needs: subprocess.run kills after a quarter of a second."""
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise


if __name__ == "__main__":
    sys.exit(main())
