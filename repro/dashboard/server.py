"""The page of this machine: a small web server on the loopback interface, which reads and never writes.

It has two addresses, the page and its data, and none that leads to a file. A request whose Host header is not this
machine's is refused: a page of somebody else's that has its name point here (DNS rebinding) reads nothing.
"""

from __future__ import annotations

import json
import secrets
from functools import cached_property
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from repro.dashboard.feed import Feed
from repro.utils.errors import InputError

LOOPBACK = "127.0.0.1"
NAMES = (LOOPBACK, "localhost")
"""What a browser on this machine calls it, through a tunnel (`ssh -L`) at any port."""
REFRESH_SECONDS = 2.0
"""How often a page asks."""
PAGE, DATA = "/", "/data.json"


class Dashboard(ThreadingHTTPServer):
    """A server of one folder of runs; a context manager.

    Args:
        runs: the folder.
        port: 0 takes a free one.

    Raises:
        InputError: there is no such folder, or the port cannot be had.
    """

    daemon_threads = True

    def __init__(self, runs: Path, port: int = 0) -> None:
        if not runs.is_dir():
            raise InputError(f"no folder '{runs}': start a run first, such as repro run fig4 --profile smoke")
        self.feed = Feed(runs)
        try:
            super().__init__((LOOPBACK, port), _Request)
        except OSError as error:
            raise InputError(f"port {port} cannot be had: {error.strerror or error}; 0 takes a free one") from error

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{LOOPBACK}:{self.server_port}/"

    @cached_property
    def nonce(self) -> str:
        """What the page's own script and style are known by: nothing else runs in it."""
        return secrets.token_urlsafe(12)

    @cached_property
    def page(self) -> bytes:
        """The page, whole: script and style are in it, and it asks nobody but this server."""
        import jinja2

        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("repro.dashboard"), autoescape=True, undefined=jinja2.StrictUndefined
        )
        page = environment.get_template("page.html.j2")
        return page.render(nonce=self.nonce, refresh=REFRESH_SECONDS, data=DATA).encode()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that goes away in the middle of an answer is no event."""


class _Request(BaseHTTPRequestHandler):
    server: Dashboard

    def do_GET(self) -> None:
        """Answer with the page, its data or a refusal."""
        address = urlsplit(self.path)
        if self.headers.get("Host", "").rpartition(":")[0] not in NAMES and self.headers.get("Host") not in NAMES:
            self._send(HTTPStatus.FORBIDDEN, b"this server answers to 127.0.0.1 and localhost alone\n", "text/plain")
        elif address.path == PAGE:
            self._send(HTTPStatus.OK, self.server.page, "text/html")
        elif address.path == DATA:
            self._send(*self._data(address.query), "application/json")
        else:
            self._send(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain")

    do_HEAD = do_GET

    def _data(self, query: str) -> tuple[HTTPStatus, bytes]:
        asked = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
        since = asked.get("since", "0")
        try:
            found = self.server.feed.answer(
                asked.get("session", ""), int(since) if since.isdecimal() else 0, asked.get("figure")
            )
        except (InputError, OSError) as error:
            return HTTPStatus.INTERNAL_SERVER_ERROR, json.dumps({"error": str(error)}).encode()
        return HTTPStatus.OK, json.dumps(found, allow_nan=False, separators=(",", ":")).encode()

    def _send(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        allowed = f"'nonce-{self.server.nonce}'"
        for name, value in {
            "Content-Type": f"{kind}; charset=utf-8",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Content-Security-Policy": f"default-src 'none'; connect-src 'self'; img-src data:; script-src {allowed}; "
            f"style-src {allowed}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        }.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Requests are not printed."""
