"""The page's server and its command: this machine alone, two addresses, nothing of the disk, an end by Ctrl-C."""

from __future__ import annotations

import http.client
import json
import signal
import socket
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from pathlib import Path

import pytest

from repro.cli import dashboard as command
from repro.cli.main import main
from repro.dashboard.server import Dashboard
from repro.utils.errors import InputError
from tests.helpers.points import EVOLVED, run
from tests.helpers.waiting import send_when

SHOWN = EVOLVED.change(figure="figX", panel="a", profile="smoke", name="decay")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    run(SHOWN, folder)
    return folder


@pytest.fixture
def server(runs: Path) -> Iterator[Dashboard]:
    with Dashboard(runs) as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def ask(server: Dashboard, path: str, host: str = "", method: str = "GET") -> tuple[HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    connection.putrequest(method, path, skip_host=True)
    connection.putheader("Host", host or f"127.0.0.1:{server.server_port}")
    connection.endheaders()
    response = connection.getresponse()
    return response, response.read()


def test_the_page_is_whole_and_asks_nobody_else(server: Dashboard) -> None:
    response, body = ask(server, "/")
    text = body.decode()
    assert response.status == 200 and response.getheader("Content-Type") == "text/html; charset=utf-8"
    assert server.nonce in text and server.nonce in str(response.getheader("Content-Security-Policy"))
    assert not [word for word in ("src=", "@import", "//cdn", "https://") if word in text]
    assert [word for word in text.split() if "http://" in word and "www.w3.org/2000/svg" not in word] == []


def test_its_data(server: Dashboard) -> None:
    response, body = ask(server, "/data.json?figure=figX")
    told = json.loads(body)
    assert response.status == 200 and response.getheader("Cache-Control") == "no-store"
    assert [point["label"] for point in told["points"]] == ["decay"]
    assert len(told["curves"][SHOWN.point_id]["rows"]) == 5
    again = json.loads(ask(server, f"/data.json?session={told['session']}&since={told['revision']}&figure=figX")[1])
    assert again["curves"] == {}
    assert json.loads(ask(server, "/data.json?since=-1&figure=nothing&session=%00")[1])["curves"] == {}
    assert ask(server, "/data.json", method="HEAD")[1] == b""


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example:1", "10.0.0.1:1", ":1"])
@pytest.mark.parametrize("path", ["/", "/data.json"])
def test_another_hosts_name_is_refused(server: Dashboard, host: str, path: str) -> None:
    response, body = ask(server, path, host)
    assert response.status == 403 and b"decay" not in body


@pytest.mark.parametrize("host", ["localhost:9000", "127.0.0.1", "localhost"])
def test_a_tunnel_is_not(server: Dashboard, host: str) -> None:
    assert ask(server, "/data.json", host)[0].status == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/../pyproject.toml", "/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/page.js"),
        *("/templates/page.css", "/data.json/../x", "/points", "file:///etc/passwd"),
    ],
)
def test_no_address_leads_to_a_file(server: Dashboard, path: str) -> None:
    response, body = ask(server, path)
    assert (response.status, body) == (404, b"not found\n")


def test_nothing_but_reading(server: Dashboard) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(server, "/data.json", method=method)[0].status == 501


def test_it_listens_on_this_machine_alone(server: Dashboard) -> None:
    assert server.server_address[0] == "127.0.0.1"
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)} - {"127.0.0.1"}
    for address in (other for other in others if not str(other).startswith("127.")):
        with pytest.raises(OSError), socket.create_connection((address, server.server_port), timeout=2):
            pass


def test_a_port_that_is_taken_is_one_line(server: Dashboard, runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dashboard", "--local", "--runs", str(runs), "--port", str(server.server_port)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"repro: port {server.server_port} cannot be had: ") and len(told.splitlines()) == 1


def test_refusals_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    for options, words in (
        (["--runs", str(tmp_path / "none")], "none': start a run first"),
        (["--runs", str(tmp_path / "file")], "is a file, expected a folder"),
        (["--runs", str(tmp_path), "--port", "70000"], "port = 70000: expected"),
    ):
        assert main(["dashboard", "--local", *options]) == 2
        told = capsys.readouterr().err
        assert words in told and len(told.splitlines()) == 1
    with pytest.raises(InputError):
        Dashboard(tmp_path / "none")


@pytest.mark.parametrize("empty", [False, True])
def test_ctrl_c_closes_it(
    empty: bool, runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(command.webbrowser, "open", opened.append)
    monkeypatch.setattr(command, "_has_display", lambda: True)
    ready = threading.Event()
    serve = Dashboard.serve_forever

    def serving(self: Dashboard, poll_interval: float = 0.5) -> None:
        ready.set()
        serve(self, poll_interval)

    monkeypatch.setattr(Dashboard, "serve_forever", serving)
    send_when(ready.is_set, signal.SIGINT)
    folder = tmp_path if empty else runs
    assert main(["dashboard", "--local", "--runs", str(folder)]) == 130
    said = capsys.readouterr()
    assert said.out.startswith("no runs yet" if empty else f"runs of '{folder}': http://127.0.0.1:")
    assert len(said.out.splitlines()) == 1 and "stopped" in said.err and "Traceback" not in said.err
    [url] = opened
    assert url in said.out
    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", int(url.rsplit(":", 1)[1].strip("/"))), 2):
        pass


def test_no_browser_where_nobody_would_see_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(command.sys, "platform", "linux")
    assert not command._has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert command._has_display()
    monkeypatch.setattr(command.sys, "platform", "darwin")
    assert command._has_display()
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    assert not command._has_display()
