"""The promises of the whole: signals, deaths, reloads, exits; with stand-ins for web workers and codec processes."""

from __future__ import annotations

import os
import pty
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path

import pytest

MARKED = {"credentials": [{"secret_id": "new", "secret_key": "k"}]}


def gone(pid: int) -> bool:
    """Whether *pid* has ended (nobody may have reaped it: it is then a zombie)."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


def test_a_started_node_is_ready_and_serves(node):
    running = node().started()
    assert running.get()[0] == 200
    assert running.get("/readyz", admin=True) == (200, "ok\n")
    assert running.get("/livez", admin=True) == (200, "ok\n")
    assert running.metric("mogr_web_workers ") == 2
    assert running.metric('mogr_codec_restarts_total{reason="crashed"}') == 1
    assert running.metric('mogr_build_info{libvips="8.18.7"') == 1


def test_requests_are_counted_across_workers(node):
    running = node().started()
    for _ in range(12):
        running.get()
    assert running.metric('mogr_requests_total{kind="object",status="200"}') == 12


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_and_exits_0(node, eventually, number):
    running = node().started()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(running.get, "/slow")
        eventually(lambda: established(running.port))
        running.signal(number)
        assert slow.result()[0] == 200
    assert running.wait() == 0


def test_nothing_new_is_accepted_while_draining_and_readiness_says_so(node, eventually):
    running = node().started()
    with ThreadPoolExecutor() as pool:
        pool.submit(running.get, "/slow")
        eventually(lambda: established(running.port))
        running.signal(signal.SIGTERM)
        assert eventually(lambda: running.get("/readyz", admin=True)[0] == 503)
        assert running.get("/readyz", admin=True) == (503, "shutting down\n")
        eventually(lambda: refused(running.port))
    assert running.wait() == 0


def test_draining_ends_within_shutdown_s_whatever_clients_do(node, eventually):
    running = node({"server": {"port": 0, "workers": 1, "shutdown_s": 1.0}}).started()
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.sendall(b"GET /never HTTP/1.1\r\n\r\n")
        eventually(lambda: established(running.port))
        begun_s = time.monotonic()
        running.signal(signal.SIGTERM)
        assert running.wait() == 0
        assert time.monotonic() - begun_s < 8
    assert running.logged("killed before they had finished")["web_workers"] == 1


def test_a_second_signal_ends_everything_at_once(node, eventually):
    running = node().started()
    children = running.children()
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.sendall(b"GET /never HTTP/1.1\r\n\r\n")
        eventually(lambda: established(running.port))
        running.signal(signal.SIGTERM)
        running.logged("Shutting down")
        running.signal(signal.SIGTERM)
        assert running.wait(2) == 128 + signal.SIGTERM
    eventually(lambda: all(map(gone, children)))


def test_a_killed_worker_is_replaced_and_no_count_goes_backwards(node, eventually):
    running = node().started()
    for _ in range(20):
        running.get()
    before = running.metric("mogr_requests_total")
    assert before == 20
    victim = running.worker()["pid"]
    running.metric("mogr_requests_total")  # a scrape, so that this request is known too
    os.kill(victim, signal.SIGKILL)
    eventually(lambda: running.metric("mogr_web_worker_restarts_total") == 1)
    eventually(lambda: running.metric("mogr_web_workers ") == 2)
    assert victim not in running.children()
    assert running.metric("mogr_requests_total") == 21
    running.get()
    assert running.metric("mogr_requests_total") == 22
    assert "SIGKILL" in running.logged("A web worker died")["event"]


def test_readiness_is_lost_and_found_with_the_only_worker(node, eventually):
    running = node({"server": {"port": 0, "workers": 1}}).started()
    os.kill(running.children()[0], signal.SIGKILL)
    assert eventually(lambda: running.get("/readyz", admin=True) == (503, "no web worker accepts requests\n"))
    assert eventually(lambda: running.get("/readyz", admin=True)[0] == 200)
    assert running.get()[0] == 200


def test_the_admin_listener_answers_while_no_worker_does(node):
    running = node().started()
    for pid in running.children():
        os.kill(pid, signal.SIGSTOP)
    assert running.get("/livez", admin=True)[0] == 200
    assert running.get("/metrics", admin=True)[0] == 200
    for pid in running.children():
        os.kill(pid, signal.SIGCONT)


def test_a_reload_replaces_the_workers_and_refuses_nothing(node, eventually):
    running = node().started()
    old, stop, answers = set(running.children()), threading.Event(), []

    def client() -> None:
        while not stop.is_set():
            try:
                answers.append(running.get()[0])
            except (OSError, HTTPException) as error:
                answers.append(error)

    with ThreadPoolExecutor() as pool:
        clients = [pool.submit(client) for _ in range(4)]
        running.write(MARKED)
        running.signal(signal.SIGHUP)
        running.logged("was reloaded")
        running.logged("Replaced web workers have ended")
        stop.set()
    assert all(each.result() is None for each in clients)
    assert set(answers) == {200}
    assert running.worker()["marker"] == "new"
    assert not old & set(running.children())
    assert running.metric("mogr_requests_total") == len(answers) + 1


def test_requests_under_way_survive_a_reload(node, eventually):
    running = node().started()
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(running.get, "/slow")
        eventually(lambda: established(running.port))
        running.write(MARKED)
        running.signal(signal.SIGHUP)
        assert slow.result()[0] == 200


def test_a_reload_changes_the_number_of_workers(node, eventually):
    running = node().started()
    running.write({"server": {"port": 0, "workers": 3}})
    running.signal(signal.SIGHUP)
    eventually(lambda: len(running.children()) == 3)
    assert running.metric("mogr_web_workers ") == 3


def test_a_reload_replaces_the_codec_processes_if_their_settings_changed(node, eventually):
    running = node().started()
    running.write({"codec": {"workers": 5}})
    running.signal(signal.SIGHUP)
    eventually(lambda: running.metric("mogr_codec_processes") == 5)
    assert running.metric('mogr_codec_restarts_total{reason="crashed"}') == 2, "those of the old ones are kept"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"server": {"port": "x"}, "codec": {"workers": -1}}, "is not valid"),
        ({"credentials": [{"secret_id": "crash at start", "secret_key": ""}]}, "exit status 7"),
        ({"codec": {"workers": 13}}, "the codec processes ended at once"),
    ],
    ids=["invalid", "workers that cannot start", "codecs that cannot start"],
)
def test_a_bad_configuration_changes_nothing(node, settings, complaint):
    running = node().started()
    old = set(running.children())
    running.write(settings)
    running.signal(signal.SIGHUP)
    assert running.logged(complaint)["level"] == "error"
    assert set(running.children()) == old
    assert running.worker()["marker"] == ""
    assert running.get("/readyz", admin=True)[0] == 200


def test_every_problem_of_a_bad_configuration_is_logged(node, eventually):
    running = node().started()
    running.write({"server": {"port": "x"}, "codec": {"workers": -1}})
    running.signal(signal.SIGHUP)
    eventually(lambda: sum("problem" in line for line in running.log) == 2)


def test_what_cannot_be_reloaded_is_named(node):
    running = node().started()
    running.write({"server": {"port": 1, "workers": 2}, "admin": {"port": 0, "token": "t"}})
    running.signal(signal.SIGHUP)
    running.logged("was reloaded")
    assert [line["key"] for line in running.log if "key" in line] == ["server.port", "admin.token"]
    assert running.get()[0] == 200


@pytest.mark.parametrize("branch", ["server", "admin"])
def test_a_port_in_use_is_one_clear_line_and_exit_1(node, branch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        running = node({branch: {"port": port}})
        assert running.wait() == 1
    expected = f"mogr cannot start: {branch}: cannot listen on 127.0.0.1:{port}: address already in use."
    assert [line["event"] for line in running.log] == [expected]


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"credentials": [{"secret_id": "crash at start", "secret_key": ""}]}, "exit status 7"),
        ({"codec": {"workers": 13}}, "the codec processes ended at once"),
    ],
    ids=["web workers", "codecs"],
)
def test_children_that_cannot_start_are_one_clear_line_and_exit_1(node, settings, complaint):
    running = node(settings)
    assert running.wait() == 1
    assert complaint in running.logged("mogr cannot start")["event"]


def test_a_killed_supervisor_leaves_no_orphans(node, eventually):
    running = node().started()
    children = running.children()
    assert len(children) == 2
    os.kill(running.process.pid, signal.SIGKILL)
    eventually(lambda: all(map(gone, children)))
    eventually(lambda: refused(running.port))


def test_ctrl_c_in_a_terminal_reaches_only_the_supervisor(node):
    running = node().started()
    groups = {os.getpgid(pid) for pid in running.children()}
    assert os.getpgid(running.process.pid) not in groups


def test_a_terminal_that_goes_away_ends_the_node_instead_of_reloading_it(node):
    ours, theirs = pty.openpty()
    running = node(stderr=theirs).started()
    os.close(theirs)
    os.close(ours)
    running.signal(signal.SIGHUP)
    assert running.wait() == 0


def established(port: int) -> bool:
    """Whether the node has a connection on *port* whose request it has read."""
    wanted = f":{port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        # state 01 is established, and inode 0 means that nobody has accepted it yet
        if fields[1].endswith(wanted) and fields[3] == "01" and fields[9] != "0" and fields[4].endswith(":00000000"):
            return True
    return False


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except ConnectionError:
        return True
    return False
