#!/usr/bin/env python3
"""Writes src/generated/strace-*.txt: the system calls of one echo, for each program of the tour.

Usage: strace.py [LOOP...], after `cargo build --examples --all-features`. Needs strace. The server serves one client, which
sends five small messages, each after the answer to the one before. What is shown lies between the answers to the third and
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
PROGRAMS = BOOK.parent / "target/debug/examples"
LOOPS = ["threads", "mio", "tokio", "smol", "async-std"]
ECHOES = 5
SHOWN = 3


def main():
    for loop in sys.argv[1:] or LOOPS:
        text = one_echo(trace(PROGRAMS / f"echo_{loop.replace('-', '_')}"))
        (BOOK / f"src/generated/strace-{loop}.txt").write_text(text)
        print(f"--- {loop}\n{text}", end="")


def trace(program):
    """The lines of strace while a client is served."""
    with tempfile.NamedTemporaryFile("r") as log:
        server = subprocess.Popen(
            ["strace", "-f", "-o", log.name, program, "127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True, preexec_fn=on_one_cpu,
        )
        try:
            address = re.search(r"ws://([\d.]+):(\d+)/", server.stdout.readline())
            converse(address[1], int(address[2]))
        finally:
            # strace passes no signal on; its one child is the server.
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
            for child in children:
                os.kill(int(child), signal.SIGINT)
            server.wait(60)
        return log.read().splitlines()


def on_one_cpu():
    """As the comparison is measured: a runtime with a thread for each CPU has one."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


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
    """The calls from behind one answer to the next, in the order in which they ended, without what changes from run to run."""
    calls = list(whole(lines))
    answers = [n for n, (_, call) in enumerate(calls) if re.match(r'(send|write).*\\201\\6', call)]
    shown = calls[answers[SHOWN - 1] + 1 : answers[SHOWN] + 1]
    # The one that answers is the first.
    threads = list(dict.fromkeys(thread for thread, _ in reversed(shown)))
    mark = (lambda thread: f"[{threads.index(thread) + 1}] ") if len(threads) > 1 else (lambda _: "")
    return "".join(f"{mark(thread)}{shortened(call)}\n" for thread, call in shown)


def whole(lines):
    """(thread, call) of each call, also where strace printed it in two parts because of what another thread did."""
    begun = {}
    for line in lines:
        thread, call = line.split(None, 1)
        if call.endswith(" <unfinished ...>"):
            begun[thread] = call.removesuffix(" <unfinished ...>")
        elif resumed := re.match(r"<\.\.\. \w+ resumed>(.*)", call):
            yield thread, begun.pop(thread) + resumed[1]
        else:
            yield thread, call


def shortened(call):
    call = re.sub(r"data=\{[^}]*\}", "…", call)
    call = re.sub(r"\{tv_sec[^}]*\}|\{it_interval=\{[^}]*\}, it_value=\{[^}]*\}\}", "{…}", call)
    call = re.sub(r"0x[0-9a-f]{6,}", "…", call)
    return re.sub(r"\s+=", " =", call)


if __name__ == "__main__":
    main()
