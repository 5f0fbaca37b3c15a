"""A server on this machine that speaks enough of wandb's protocol to keep saved views and reports.

It knows one entity and one project, and is asked by wandb's own client, so that what it records is what would be sent.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import threading
from collections.abc import Iterator
from typing import Any

ENTITY, PROJECT = "physicists", "repro-povm"
KEY = "0123456789abcdef0123456789abcdef01234567"


class StandIn(http.server.ThreadingHTTPServer):
    """Views by id, as `upsertView` left them; every operation that was asked for, in order."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = status
        self.views: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def spec(self, kind: str) -> dict[str, Any]:
        """The one saved specification of a kind: "project-view" or "runs", a report."""
        [found] = [view for view in self.views.values() if view["type"] == kind]
        return json.loads(found["spec"])

    def answer(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        """The field `data` of the answer to an operation."""
        if "upsertView" in query:
            return {"upsertView": {"view": self._keep(given), "inserted": not given.get("id")}}
        if "reportId" in given:
            return {"view": self.views[given["reportId"].rstrip("=")]}
        if "allViews" in query:
            kind, name = given.get("viewType", "runs"), given.get("viewName")
            found = [view for view in self.views.values() if view["type"] == kind and name in (None, view["name"])]
            edges = [{"node": view, "cursor": view["id"]} for view in found]
            return {"project": {"allViews": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}}
        if "internalId" in query:
            return {"project": {"id": "UHJvamVjdDox", "internalId": "UHJvamVjdEludGVybmFsSWQ6MQ=="}}
        if "viewer" in query:
            viewer = {"id": "VXNlcjox", "entity": ENTITY, "username": "a", "name": "a", "email": "", "admin": False}
            teams = {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}
            return {"viewer": {**viewer, "flags": "{}", "teams": teams, "apiKeys": {"edges": []}}}
        if "models" in query or "projects" in query:
            node = {"id": "UHJvamVjdDox", "name": PROJECT, "entityName": ENTITY, "isBenchmark": False}
            node |= {"createdAt": "", "user": None}
            edges = [{"node": node, "cursor": "1"}]
            return {"models": {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}}
        return {}

    def _keep(self, given: dict[str, Any]) -> dict[str, Any]:
        key = given.get("id") or f"Vmlldzo{len(self.views)}"
        kept = {name: given.get(name) or "" for name in ("name", "displayName", "description", "type", "spec")}
        project = {"id": "UHJvamVjdDox", "name": given["projectName"], "entityName": given["entityName"]}
        dates = {"createdAt": "2026-01-01T00:00:00", "updatedAt": "2026-01-01T00:00:00"}
        self.views[key] = {"id": key, **kept, "project": project, "user": None, **dates}
        return self.views[key]


class _Handler(http.server.BaseHTTPRequestHandler):
    server: StandIn

    def do_GET(self) -> None:
        self._send({})

    def do_POST(self) -> None:
        text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != "/graphql":
            return self._send({})
        body = json.loads(text)
        self.server.asked.append(body["query"])
        if self.server.status != 200:
            return self._send({"errors": [{"message": "out of order"}]})
        return self._send({"data": self.server.answer(body["query"], body.get("variables") or {})})

    def _send(self, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(self.server.status if self.command == "POST" else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def stand_in(status: int = 200) -> Iterator[StandIn]:
    """A server for as long as a `with` block lasts."""
    with StandIn(status) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
