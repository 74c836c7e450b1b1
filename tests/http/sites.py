"""A web server on the loopback address. Each test sets its response, byte for byte."""

import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CERTIFICATE = Path(__file__).parents[1] / "payloads" / "http" / "localhost.pem"


class Server(ThreadingHTTPServer):
    """A server that says nothing when a client hangs up on it, which is what many of these tests do."""

    def handle_error(self, request, client_address):
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Site:
    """A web server on a loopback port. `answer` is called with the handler of each request."""

    def __init__(self, answer, tls: bool = False):
        self.requests = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self):
                site.requests.append((self.path, self.headers))
                answer(self)

            do_CONNECT = do_POST = do_PATCH = do_DELETE = do_GET

            def log_message(self, *args):
                """Tests print nothing."""

        self.server = Server(("127.0.0.1", 0), Handler)
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(CERTIFICATE)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def reply(handler, body: bytes = b"", status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    headers = {"Content_Length": str(len(body)), **headers}
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def hang_up(handler) -> None:
    handler.close_connection = True
