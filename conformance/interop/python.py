#!/usr/bin/env python3
"""Python's `websockets` as the peer of timtow.

    python.py client URL PID             talks to the server `timtow serve` at URL, whose process is PID, and ends
                                         by draining it: the process is sent SIGTERM
    python.py server TIMTOW RUNTIME      lets `TIMTOW connect URL --runtime RUNTIME` talk to a server of its own

Prints the checks that fail and what was wrong; the last line counts. Exit status 0 if all passed, 1 if not.
"""
import asyncio
import os
import signal
import socket
import sys
import traceback

from websockets.asyncio.client import connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

# No check takes long: whoever is not done by now hangs.
DEADLINE = 30
# websockets drops the connection by itself when the peer does not: so late that the deadline is over before.
CLOSE_TIMEOUT = 4 * DEADLINE

# Whether timtow was told to compress. The peer always can.
DEFLATE = bool(os.environ.get("TIMTOW_DEFLATE"))

LIMIT = 1 << 20
SIZES = (0, 1, 125, 126, 65535, 65536, LIMIT)
UNICODE = "κόσμε ÿ 𝄞 🦀 \0 \r\n"


def equal(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: {shorten(got)} where {shorten(expected)} was due")


def shorten(value):
    text = repr(value)
    return text if len(text) < 80 else f"{text[:40]}... ({type(value).__name__} of {len(value)})"


def contains(what, text, part):
    if part not in text:
        raise AssertionError(f"{what}: no {part!r} in {text!r}")


# ---- the client of `timtow serve` ----------------------------------------------------------------------


def client(url, **options):
    return connect(
        url, proxy=None, max_size=None, max_queue=None, ping_interval=None, close_timeout=CLOSE_TIMEOUT, **options
    )


async def echo(ws, message):
    await ws.send(message)
    equal("echo", await ws.recv(), message)


async def closed(ws, code):
    """Waits for the connection's end: a closing handshake with this code from the server, then its end of TCP."""
    await ws.wait_closed()
    received = ws.protocol.close_rcvd
    equal("close code from the server", received and received.code, code)


async def opening_handshake_answers_what_is_offered(url):
    async with client(url, compression="deflate", subprotocols=["chat"]) as ws:
        contains("the request", ws.request.headers.get("Sec-WebSocket-Extensions", ""), "permessage-deflate")
        equal("status", ws.response.status_code, 101)
        answer = ["permessage-deflate"] if DEFLATE else []
        equal("extensions", ws.response.headers.get_all("Sec-WebSocket-Extensions"), answer)
        equal("subprotocol", ws.response.headers.get_all("Sec-WebSocket-Protocol"), [])
        await echo(ws, "hello")


async def text_of_every_size(url):
    async with client(url) as ws:
        for size in SIZES:
            await echo(ws, "x" * size)
        await echo(ws, UNICODE)
        await echo(ws, "é" * 40000)


async def binary_of_every_size(url):
    async with client(url) as ws:
        for size in SIZES:
            await echo(ws, (bytes(range(256)) * (size // 256 + 1))[:size])


async def small_messages_in_a_pipeline(url):
    async with client(url) as ws:
        messages = [str(n) if n % 2 else str(n).encode() for n in range(2000)]
        for message in messages:
            await ws.send(message)
        equal("echoes", [await ws.recv() for _ in messages], messages)


async def large_messages_in_a_pipeline(url):
    async with client(url) as ws:
        messages = [bytes([n]) * (LIMIT // 4) for n in range(32)]

        async def write():
            for message in messages:
                await ws.send(message)

        writer = asyncio.create_task(write())
        try:
            for message in messages:
                equal("echo", await ws.recv(), message)
            await writer
        finally:
            writer.cancel()


async def fragments(url):
    async with client(url) as ws:
        await ws.send(["one", "", " two ", "three"])
        equal("text", await ws.recv(), "one two three")
        await ws.send([bytes([byte]) for byte in UNICODE.encode()], text=True)
        equal("text cut within characters", await ws.recv(), UNICODE)
        await ws.send([bytes(1000)] * 1000)
        equal("binary", await ws.recv(), bytes(1000000))


async def ping_between_fragments(url):
    async with client(url) as ws:

        async def pieces():
            yield "one"
            await (await ws.ping(b"between"))
            yield " two"

        await ws.send(pieces())
        equal("text", await ws.recv(), "one two")


async def pings_are_answered(url):
    async with client(url) as ws:
        for payload in (b"", b"x", bytes(125)):
            await (await ws.ping(payload))
        for pong in [await ws.ping() for _ in range(20)]:
            await pong
        await echo(ws, "still there")


async def unsolicited_pong_is_ignored(url):
    async with client(url) as ws:
        await ws.pong(b"nobody asked")
        await echo(ws, "still there")


async def close_codes_come_back(url):
    for code, reason in ((1000, ""), (1000, "bye"), (1001, "grüß Gott"), (1011, ""), (3000, ""), (4999, "r" * 123)):
        async with client(url) as ws:
            await echo(ws, "x")
            await ws.close(code, reason)
            await closed(ws, code)


async def empty_close_comes_back_empty(url):
    async with client(url) as ws:
        async with ws.send_context():
            ws.protocol.send_close()
        await closed(ws, 1005)  # websockets' word for a close frame without a code


async def close_behind_messages_leaves_no_echo_out(url):
    async with client(url) as ws:
        for n in range(100):
            await ws.send(str(n))
        closing = asyncio.create_task(ws.close())
        equal("echoes", [message async for message in ws], [str(n) for n in range(100)])
        await closing
        await closed(ws, 1000)


async def message_over_the_limit_is_1009(url):
    async with client(url) as ws:
        try:
            await ws.send(bytes(LIMIT + 1))
        except ConnectionClosed:
            pass  # the server closes on the header already
        await closed(ws, 1009)


async def invalid_utf8_is_1007(url):
    async with client(url) as ws:
        await ws.send(b"\xce\xba\xff", text=True)
        await closed(ws, 1007)


async def draining_closes_with_1001(url):
    """The last check: it ends the server."""
    sockets = [await client(url) for _ in range(3)]
    await echo(sockets[0], "x")
    os.kill(SERVER, signal.SIGTERM)
    for ws in sockets:
        await closed(ws, 1001)


CLIENT_CHECKS = [
    opening_handshake_answers_what_is_offered,
    text_of_every_size,
    binary_of_every_size,
    small_messages_in_a_pipeline,
    large_messages_in_a_pipeline,
    fragments,
    ping_between_fragments,
    pings_are_answered,
    unsolicited_pong_is_ignored,
    close_codes_come_back,
    empty_close_comes_back_empty,
    close_behind_messages_leaves_no_echo_out,
    message_over_the_limit_is_1009,
    invalid_utf8_is_1007,
    draining_closes_with_1001,
]


# ---- the server of `timtow connect` --------------------------------------------------------------------


class Program:
    """A running `timtow connect`."""

    async def start(self, url):
        program, runtime = COMMAND
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            program, "connect", url, "--runtime", runtime, *(["--deflate"] if DEFLATE else []), stdin=pipe, stdout=pipe, stderr=pipe, limit=4 * LIMIT
        )
        return self

    async def write(self, text):
        self.process.stdin.write(text.encode())
        await self.process.stdin.drain()

    async def line(self):
        return (await self.process.stdout.readline()).decode()

    async def ended(self, status):
        """Waits for its end; everything it still had to say."""
        out, err = await asyncio.gather(self.process.stdout.read(), self.process.stderr.read())
        err = err.decode()
        got = await self.process.wait()
        if got != status:
            raise AssertionError(f"exit status {got} where {status} was due; stderr: {err!r}")
        return out.decode(), err

    async def kill(self):
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


class Meeting:
    """`timtow connect` and the server's side of its connection, as `ws` and `program`."""

    def __init__(self, **options):
        self.options = options

    async def __aenter__(self):
        arrival = asyncio.get_running_loop().create_future()

        async def handler(ws):
            arrival.set_result(ws)
            await ws.wait_closed()

        self.server = await serve(
            handler, "127.0.0.1", 0, max_size=None, ping_interval=None, close_timeout=CLOSE_TIMEOUT, **self.options
        )
        self.program = await Program().start(f"ws://127.0.0.1:{self.server.sockets[0].getsockname()[1]}/path?query")
        end = asyncio.create_task(self.program.process.wait())
        await asyncio.wait([arrival, end], return_when=asyncio.FIRST_COMPLETED)
        if arrival.done():
            return arrival.result(), self.program
        raise AssertionError(f"ended with status {end.result()}: {(await self.program.process.stderr.read()).decode()!r}")

    async def __aexit__(self, *_):
        await self.program.kill()
        self.server.close()


async def request_offers_what_it_should(_):
    async with Meeting() as (ws, program):
        equal("target", ws.request.path, "/path?query")
        equal("host", ws.request.headers["Host"], "%s:%s" % ws.local_address)
        equal("version", ws.request.headers["Sec-WebSocket-Version"], "13")
        offer = ["permessage-deflate; client_max_window_bits"] if DEFLATE else []
        equal("extensions", ws.request.headers.get_all("Sec-WebSocket-Extensions"), offer)
        equal("subprotocols", ws.request.headers.get_all("Sec-WebSocket-Protocol"), [])


async def lines_become_messages_and_messages_lines(_):
    async with Meeting() as (ws, program):
        for text in ("hello", "", "0", "κόσμε 🦀", "x" * 125, "x" * 126, "x" * 65535, "x" * 65536, "x" * LIMIT):
            await program.write(text + "\n")
            equal("message", await ws.recv(), text)
            await ws.send(text)
            equal("line", await program.line(), text + "\n")


async def lines_are_cut_at_line_ends_only(_):
    async with Meeting() as (ws, program):
        await program.write("one\ntwo\nthr")
        equal("messages", [await ws.recv(), await ws.recv()], ["one", "two"])
        await program.write("ee\nlast, without a line end")
        program.process.stdin.close()
        equal("messages", [await ws.recv(), await ws.recv()], ["three", "last, without a line end"])
        await program.ended(0)


async def fragments_become_one_line(_):
    async with Meeting() as (ws, program):
        await ws.send(["one", "", " two"])
        equal("line", await program.line(), "one two\n")


async def pings_are_answered_by_connect(_):
    async with Meeting() as (ws, program):
        for payload in (b"", b"x", bytes(125)):
            await (await ws.ping(payload))
        await ws.pong(b"nobody asked")
        await ws.send("still there")
        equal("line", await program.line(), "still there\n")


async def many_messages_then_close(_):
    async with Meeting() as (ws, program):
        for n in range(2000):
            await ws.send(str(n))
        await ws.close()
        out, _ = await program.ended(0)
        equal("lines", out.split(), [str(n) for n in range(2000)])


async def end_of_input_closes_with_1000(_):
    async with Meeting() as (ws, program):
        program.process.stdin.close()
        await closed(ws, 1000)
        await program.ended(0)


async def close_from_the_server_is_clean(_):
    async with Meeting() as (ws, program):
        await ws.close(1000, "bye")
        await closed(ws, 1000)
        _, err = await program.ended(0)
        contains("stderr", err, "1000")
        contains("stderr", err, "bye")


async def private_close_code_is_shown(_):
    async with Meeting() as (ws, program):
        await ws.close(4001, "our own")
        await closed(ws, 4001)
        await program.process.wait()
        err = (await program.process.stderr.read()).decode()
        contains("stderr", err, "4001")
        contains("stderr", err, "our own")


async def reset_is_unclean(_):
    async with Meeting() as (ws, program):
        ws.transport.abort()
        _, err = await program.ended(1)
        contains("stderr", err, "\n")


async def end_of_tcp_without_close_frame_is_unclean(_):
    async with Meeting() as (ws, program):
        ws.transport.write_eof()
        _, err = await program.ended(1)
        contains("stderr", err, "\n")


async def refused_handshake_shows_the_status(_):
    async with serve(None, "127.0.0.1", 0, process_request=lambda ws, _: ws.respond(404, "not here\n")) as server:
        program = await Program().start(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
        try:
            _, err = await program.ended(1)
            contains("stderr", err, "404")
        finally:
            await program.kill()


async def nobody_listens(_):
    with socket.socket() as bound:  # bound, but not listening: connections are refused, and nobody else gets the port
        bound.bind(("127.0.0.1", 0))
        program = await Program().start(f"ws://127.0.0.1:{bound.getsockname()[1]}/")
        try:
            _, err = await program.ended(1)
            contains("stderr", err, "\n")
        finally:
            await program.kill()


SERVER_CHECKS = [
    request_offers_what_it_should,
    lines_become_messages_and_messages_lines,
    lines_are_cut_at_line_ends_only,
    fragments_become_one_line,
    pings_are_answered_by_connect,
    many_messages_then_close,
    end_of_input_closes_with_1000,
    close_from_the_server_is_clean,
    private_close_code_is_shown,
    reset_is_unclean,
    end_of_tcp_without_close_frame_is_unclean,
    refused_handshake_shows_the_status,
    nobody_listens,
]


# ---- running -------------------------------------------------------------------------------------------


async def run(checks, url):
    failed = 0
    for check in checks:
        try:
            await asyncio.wait_for(check(url), DEADLINE)
        except Exception as error:
            failed += 1
            what = f"not done after {DEADLINE} s" if isinstance(error, TimeoutError) else f"{error}"
            kind = "" if isinstance(error, (AssertionError, TimeoutError)) else f"{type(error).__name__}: "
            lines = [str(f.lineno) for f in traceback.extract_tb(error.__traceback__) if f.filename == __file__]
            # The first is this function's, the second the check's.
            print(f"  {check.__name__}: {kind}{what} (line {', '.join(lines[1:2])})".replace(" (line )", ""))
    print(f"{len(checks) - failed} of {len(checks)} checks")
    return 1 if failed else 0


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["client", url, pid]:
            SERVER = int(pid)
            sys.exit(asyncio.run(run(CLIENT_CHECKS, url)))
        case ["server", program, runtime]:
            COMMAND = (program, runtime)
            sys.exit(asyncio.run(run(SERVER_CHECKS, None)))
        case _:
            sys.exit(__doc__)
