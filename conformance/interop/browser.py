#!/usr/bin/env python3
"""Chromium as the peer of timtow.

    browser.py URL PID      opens browser.html, which talks to the server `timtow serve` at URL, whose process is PID,
                            and ends by draining it: the process is sent SIGTERM

The page comes from a little HTTP server here, and reports to it: so nothing depends on when the browser thinks that a
page is done, and the server under test sees an Origin. Prints the checks that fail and what was wrong; the last line
counts. Exit status 0 if all passed, 1 if not. $CHROMIUM names another browser than chromium.
"""
import json
import os
import signal
import subprocess
import sys
import tempfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, Queue
from threading import Thread

PAGE = Path(__file__).with_name("browser.html").read_bytes()
# Seconds; the page itself gives up, and says where, before this.
DEADLINE = 90

# No sandbox, because containers have none to offer; and nothing that reaches out to the network by itself.
FLAGS = """
    --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync --disable-default-apps
    --disable-extensions --no-default-browser-check --no-proxy-server --no-pings
""".split() + ["--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]


def site(results, server_pid):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.answer(200, PAGE) if self.path == "/" else self.answer(404, b"")

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"] or 0))
            if self.path == "/drain":
                os.kill(server_pid, signal.SIGTERM)
            self.answer(200, b"")
            if self.path == "/result":
                results.put(json.loads(body))

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def visit(page, results, home):
    """Runs the browser until the page has reported; None if it has not by the deadline, or the browser has ended."""
    log = open(f"{home}/log", "w+")
    browser = subprocess.Popen(
        [os.environ.get("CHROMIUM", "chromium"), *FLAGS, f"--user-data-dir={home}/profile", page],
        env={k: v for k, v in os.environ.items() if not k.startswith("XDG_")} | {"HOME": home},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    Thread(target=lambda: results.put(browser.wait() and None), daemon=True).start()
    try:
        result = results.get(timeout=DEADLINE)
    except Empty:
        result = None
    try:
        os.killpg(browser.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    browser.wait()
    if result is None:
        log.seek(0)
        print(f"the browser did not report; its last words:\n{log.read()[-2000:]}")
    return result


def main(url, pid):
    results = Queue()
    http = site(results, int(pid))
    Thread(target=http.serve_forever, daemon=True).start()
    # Some process of the browser may still be writing to its profile when it is killed.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        mode = "|deflate" if os.environ.get("TIMTOW_DEFLATE") else ""
        result = visit(f"http://127.0.0.1:{http.server_port}/#{url}{mode}", results, home)
    if result is None:
        return 1
    for failure in result["failed"]:
        print(f"  {failure}")
    print(f"{result['count'] - len(result['failed'])} of {result['count']} checks")
    return 1 if result["failed"] else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
