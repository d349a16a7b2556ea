#!/usr/bin/env python3
"""Writes src/generated/strace-*.txt: the system calls of one echo, for each runtime of the tour.

Usage: strace.py [RUNTIME...], after `cargo build --release`. Needs strace. The server serves one client, which sends
five small messages, each after the answer to the one before. What is shown lies between the answers to the third and
to the fourth: by then all that is done once has been done.
"""

import os
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

BOOK = Path(__file__).resolve().parent
PROGRAM = BOOK.parent / "target/release/timtow"
RUNTIMES = ["threads", "mio", "tokio", "tokio-current", "smol", "async-std"]
ECHOES = 5
SHOWN = 3


def main():
    for runtime in sys.argv[1:] or RUNTIMES:
        text = one_echo(trace(runtime))
        (BOOK / f"src/generated/strace-{runtime}.txt").write_text(text)
        print(f"--- {runtime}\n{text}", end="")


def trace(runtime):
    """The lines of strace while a client is served."""
    with tempfile.NamedTemporaryFile("r") as log:
        server = subprocess.Popen(
            ["strace", "-f", "-o", log.name, PROGRAM, "serve", runtime, "--listen", "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )
        try:
            address = re.search(r"ws://([\d.]+):(\d+)/", server.stdout.readline())
            converse(address[1], int(address[2]))
        finally:
            # strace passes no signal on; its one child is the server, which drains and exits.
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            for child in children:
                os.kill(int(child), signal.SIGINT)
            server.wait(60)
        return log.read().splitlines()


def converse(host, port):
    with socket.create_connection((host, port), timeout=60) as peer:
        peer.sendall(
            f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += peer.recv(4096)
        for n in range(ECHOES):
            # The server is asleep again when nothing has come for a while; a trace needs no more precision.
            select.select([peer], [], [], 0.3)
            # A mask of zeros leaves the text readable in the trace.
            peer.sendall(b"\x81\x86\x00\x00\x00\x00echo-%d" % n)
            expected = b"\x81\x06echo-%d" % n
            got = b""
            while len(got) < len(expected):
                got += peer.recv(4096)
            assert got == expected, got


def one_echo(lines):
    """The calls from behind one answer to the next, without what changes from run to run."""
    answers = [n for n, line in enumerate(lines) if re.search(r'(send|write).*\\201\\6', line)]
    shown, threads = [], []
    for line in lines[answers[SHOWN - 1] + 1 : answers[SHOWN] + 1]:
        thread, call = line.split(None, 1)
        if thread not in threads:
            threads.append(thread)
        call = re.sub(r"0x[0-9a-f]{6,}", "…", call)
        call = re.sub(r"\s+=", " =", call)
        shown.append((threads.index(thread) + 1, call))
    mark = (lambda thread: f"[{thread}] ") if len(threads) > 1 else (lambda _: "")
    return "".join(f"{mark(thread)}{call}\n" for thread, call in shown)


if __name__ == "__main__":
    main()
