"""What a hit costs here, in nginx's ``proxy_cache`` and in Varnish, side by side in one run.

    make bench-hits
    make bench-hits BENCH="--rounds 9 --seconds 3"

All three answer the same picture to the same requests: a URL that is negotiated (``Vary: Accept``), with the twelve header
fields that a browser sends, over 32 connections that are kept alive.  nginx and Varnish hold it in their caches, filled by the
very server they are compared with; each is configured as a site would that wants speed, with one worker, and no access log.
What is measured is CPU: user and system time of the whole process tree over the number of answers, so that the load
generator and a busy machine hardly matter; requests per second on two shared cores mean little.  Contenders take turns in
rotating order, and ratios are taken within a round.

Scenarios: a picture of about 20 KB and one of about 200 KB; 304 (the browser has it); and 20 KB with another Referer and
Cookie in every request, as a CDN sends them on, where no two header sections are alike; and an object of 20 KB that is no
picture, which mogr, too, passes through from the same origin as the others (``pass_through``).

Needs wrk; nginx and varnishd are left out, loudly, where they are not installed.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from process_tree import cpu_s
from running import ROOT, free_port, server

OBJECT = "object.bin"
ACCEPT = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
    "Accept": ACCEPT,
    "Accept-Encoding": "gzip, deflate, br, zstd",
    "Accept-Language": "en-GB,en;q=0.9,de;q=0.8",
    "Referer": "https://www.example.com/articles/2026/11/a-walk-in-the-canyon",
    "Sec-Fetch-Dest": "image",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Site": "cross-site",
    "sec-ch-ua": '"Chromium";v="142", "Not/A)Brand";v="8"',
    "sec-ch-ua-mobile": "?0",
    "sec-ch-ua-platform": '"Linux"',
    "Connection": "keep-alive",
}
NGINX = """
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log warn;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 75s;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/temp; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  proxy_cache_path {folder}/cache levels=1:2 keys_zone=hits:10m max_size=1g inactive=1h use_temp_path=off;
  open_file_cache max=1000 inactive=60s;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass {origin}; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $http_host;
      proxy_cache hits; proxy_cache_key $http_host$request_uri; add_header X-Cache $upstream_cache_status;
    }}
  }}
}}
"""
VCL = """vcl 4.1;
backend default {{ .host = "{host}"; .port = "{port}"; }}
sub vcl_recv {{ unset req.http.Cookie; }}
sub vcl_deliver {{ set resp.http.X-Cache = obj.hits; }}
"""


@dataclass(frozen=True)
class Contender:
    name: str
    base: str
    pid: int
    is_hit: Callable[[httpx.Response], bool]


@dataclass(frozen=True)
class Scenario:
    name: str
    target: str
    fields: dict[str, str]
    status: int = 200
    all_different: bool = False
    passed: bool = False
    """Of an origin: what answers is the contender of that name there."""


@contextlib.contextmanager
def running(command: list[str], base: str) -> Iterator[int]:
    """*command*, once it answers at *base*; its process id."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(200):
                with contextlib.suppress(httpx.TransportError):
                    httpx.get(base, trust_env=False)
                    break
                if process.poll() is not None:
                    sys.exit(f"{command[0]} does not start")
                time.sleep(0.05)
            yield process.pid
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
            process.kill()


@contextlib.contextmanager
def nginx(origin: str, folder: Path) -> Iterator[Contender]:
    folder.mkdir()
    port = free_port()
    configuration = folder / "nginx.conf"
    configuration.write_text(NGINX.format(folder=folder, port=port, origin=origin))
    base = f"http://127.0.0.1:{port}"
    with running(["nginx", "-c", str(configuration), "-p", str(folder)], base) as pid:
        yield Contender("nginx proxy_cache", base, pid, lambda answer: answer.headers.get("x-cache") == "HIT")


@contextlib.contextmanager
def varnish(origin: str, folder: Path) -> Iterator[Contender]:
    folder.mkdir()
    port, (host, origin_port) = free_port(), origin.removeprefix("http://").split(":")
    vcl = folder / "hits.vcl"
    vcl.write_text(VCL.format(host=host, port=origin_port))
    base = f"http://127.0.0.1:{port}"
    command = ["varnishd", "-F", "-n", str(folder / "work"), "-f", str(vcl), "-a", f"127.0.0.1:{port}"]
    with running([*command, "-s", "malloc,256m"], base) as pid:
        yield Contender("Varnish", base, pid, lambda answer: answer.headers.get("x-cache", "0") != "0")


def is_from_memory(answer: httpx.Response) -> bool:
    return re.search(r"mogr; hit; (ttl=\d+; )?detail=memory", answer.headers["cache-status"]) is not None


def scenarios(base: str) -> list[Scenario]:
    """With pictures of the sizes that are wanted, found among the widths of one photograph."""
    small, large = (target_of(base, size_bytes) for size_bytes in (20_480, 204_800))
    tag = httpx.get(base + small, headers=BROWSER, trust_env=False).headers["etag"]
    return [
        Scenario("20 KB", small, BROWSER),
        Scenario("200 KB", large, BROWSER),
        Scenario("304", small, {**BROWSER, "If-None-Match": tag}, status=304),
        Scenario("20 KB, no two requests alike", small, BROWSER, all_different=True),
        Scenario("20 KB, passed through", f"/{OBJECT}", BROWSER, passed=True),
        Scenario("20 KB, passed through, no two alike", f"/{OBJECT}", BROWSER, all_different=True, passed=True),
    ]


def target_of(base: str, size_bytes: int) -> str:
    """A picture of *size_bytes*, within some percent."""
    fewest, most = 16, 1600
    while fewest < most:
        width = (fewest + most) // 2
        target = f"/canyon.jpg?imageMogr2/thumbnail/{width}x/format/webp/quality/85"
        answer = httpx.get(base + target, headers=BROWSER, timeout=120, trust_env=False)
        if answer.status_code != 200 or "accept" not in answer.headers["vary"].lower():
            sys.exit(f"{target} answered {answer.status_code}")
        if abs(len(answer.content) - size_bytes) < size_bytes * 0.02:
            break
        fewest, most = (width + 1, most) if len(answer.content) < size_bytes else (fewest, width)
    return target


def check(contender: Contender, scenario: Scenario, body: bytes | None) -> bytes:
    """Warm *contender*, and end the run if its answer is not the hit that is to be measured; the whole body."""
    for _ in range(4):
        whole = httpx.get(contender.base + scenario.target, headers=BROWSER, trust_env=False)
        answer = httpx.get(contender.base + scenario.target, headers=scenario.fields, trust_env=False)
    if answer.status_code != scenario.status or not contender.is_hit(answer) or body not in (None, whole.content):
        sys.exit(f"{contender.name}: {scenario.name} answered {answer.status_code} with {dict(answer.headers)}")
    return whole.content


def script(scenario: Scenario) -> str:
    """For wrk."""
    lines = [f"wrk.headers[{quoted(name)}] = {quoted(value)}" for name, value in scenario.fields.items()]
    if scenario.all_different:
        lines += [
            "local n = 0",
            "request = function()",
            "  n = n + 1",
            '  wrk.headers["Referer"] = "https://www.example.com/articles/2026/11/page-" .. n',
            '  wrk.headers["Cookie"] = "session=" .. n * 7919',
            "  return wrk.format()",
            "end",
        ]
    return "\n".join(lines)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def measure(
    contender: Contender, scenario: Scenario, lua: Path, *, seconds: int, connections: int
) -> tuple[float, float]:
    """CPU microseconds per answer, and answers per second."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "-s", str(lua), contender.base + scenario.target]
    before_s, started_s = cpu_s(contender.pid), time.perf_counter()
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    used_s, seconds_passed = cpu_s(contender.pid) - before_s, time.perf_counter() - started_s
    counted = re.search(r"(\d+) requests in", said)
    if counted is None or "Non-2xx" in said or "Socket errors" in said:
        sys.exit(f"{contender.name}: wrk met errors:\n{said}")
    return used_s * 1e6 / int(counted[1]), int(counted[1]) / seconds_passed


def table(samples: dict[tuple[str, str], list[tuple[float, float]]], names: list[str], first: str) -> str:
    lines = [f"{'':30} {'':18} {'CPU us/answer':>14} {'spread':>16} {'x ' + first:>20} {'answers/s':>10}"]
    for (scenario, name), rounds in samples.items():
        cpu_us = sorted(us for us, _ in rounds)
        others = [us for us, _ in samples.get((scenario, first), rounds)]
        ratio = statistics.median(us / other for (us, _), other in zip(rounds, others, strict=True))
        lines.append(
            f"{scenario if name == names[0] else '':30} {name:18} {statistics.median(cpu_us):14.1f} "
            f"{f'{cpu_us[0]:.1f}..{cpu_us[-1]:.1f}':>16} {ratio:20.2f} {statistics.median(r for _, r in rounds):10,.0f}"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare the cost of hits with nginx and Varnish on this machine.")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (default %(default)s)")
    parser.add_argument("--seconds", type=int, default=3, help="length of one measurement (default %(default)s)")
    parser.add_argument("--connections", type=int, default=32, help="kept alive at once (default %(default)s)")
    given = parser.parse_args()
    if not shutil.which("wrk"):
        sys.exit("wrk is needed: apt install wrk")
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mogr-hits-")))
        folder.chmod(0o755)  # nginx and varnishd may change their user
        bucket = folder / "bucket"
        shutil.copytree(ROOT / "photos", bucket)
        (bucket / OBJECT).write_bytes(os.urandom(20_480))
        base, pid = stack.enter_context(server(workers=1, codecs=1, store=f"file:{bucket}"))
        passing_base, passing_pid = stack.enter_context(server(workers=1, codecs=1, store=base + "/", passing=True))
        every = scenarios(base)
        contenders = [Contender("mogr", base, pid, is_from_memory)]
        passing = Contender("mogr", passing_base, passing_pid, is_from_memory)
        for program, begin in (("nginx", nginx), ("varnishd", varnish)):
            if shutil.which(program):
                contenders.append(stack.enter_context(begin(base, folder / program)))
            else:
                print(f"!!! {program} IS NOT INSTALLED AND LEFT OUT: apt install {program.removesuffix('d')}\n")
        samples: dict[tuple[str, str], list[tuple[float, float]]] = {}
        sizes = []
        for scenario in every:
            lua = folder / "script.lua"
            lua.write_text(script(scenario))
            body: bytes | None = None
            if scenario.passed:
                contenders[0] = passing
            for contender in contenders:
                body = check(contender, scenario, body)
                samples[scenario.name, contender.name] = []
            sizes.append(len(body or b""))
            for round_ in range(given.rounds):
                at = round_ % len(contenders)
                for contender in contenders[at:] + contenders[:at]:
                    found = measure(contender, scenario, lua, seconds=given.seconds, connections=given.connections)
                    samples[scenario.name, contender.name].append(found)
    names = [contender.name for contender in contenders]
    print(
        f"{os.cpu_count()} cores; {given.connections} connections; medians of {given.rounds} rounds of {given.seconds} s; "
        f"bodies of {sizes[0]:,} and {sizes[1]:,} bytes; load {os.getloadavg()[0]:.1f}\n"
    )
    print(table(samples, names, names[1] if len(names) > 1 else names[0]))


if __name__ == "__main__":
    main()
