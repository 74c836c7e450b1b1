"""The served app, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from waitress import create_server


@contextmanager
def serve(app: Flask, threads: int = 4) -> Iterator[str]:
    """Serve the app on a free port of the loopback address. Yield its URL."""
    server = create_server(app, host="127.0.0.1", port=0, threads=threads, asyncore_use_poll=True)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.task_dispatcher.shutdown()  # requests that are still being answered need the loop that `close` ends

        def close() -> None:
            """Close in the thread of the loop. Requests that arrive now wait in a queue without workers."""
            for channel in list(server.active_channels.values()):
                channel.handle_close()
            server.close()

        server.trigger.pull_trigger(close)
        thread.join()
