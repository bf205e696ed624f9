"""Claims about ports that lead into a lab: through a real supervisor, and the agent's real end of the connections."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import yaml

from testbed.lab.client import Connection
from testbed.lab.forwarding import Carried
from testbed.lab.protocol import CHUNK, WINDOW, Message, unpack
from testbed.lab.state import LabFolder
from tests.lab.test_kubeconfig import kind
from tests.lab.test_supervisor import Fake, ask, lab, wait_up

__all__ = ["lab"]

AGENT = """
import tempfile
from functools import partial
from pathlib import Path
from testbed.clock import Waiter
from testbed.history import Recorder
from testbed.lab import kubeconfig
from testbed.lab.protocol import Decoder, encode
from testbed.lab.stream import Stream
waiter, decoder, served = Waiter(Recorder(Path(tempfile.mkdtemp()))), Decoder(), dict()
def send(number, message):
    data = encode(dict(id=number, **message))
    while data: data = data[os.write(line, data):]
def readable():
    data = os.read(line, 65536)
    if not data: sys.exit()
    send(0, dict(kind="read", bytes=len(data)))
    for message in decoder.feed(data):
        number = message["id"]
        if message["op"] == "connect":
            served[number] = Stream(waiter, ("127.0.0.1", PORT), partial(send, number), partial(served.pop, number))
        elif message["op"] == "served":
            send(number, dict(kind="result", served=len(served)))
        elif number in served:
            served[number].hang_up() if message["op"] == "gone" else served[number].handle(message)
waiter.watch(line, readable)
send(0, dict(kind="up", text="up", kubeconfigs={"prod": kubeconfig.of_cluster(KIND, "prod")}))
while True: waiter.turn(10**9)
"""


@contextmanager
def serving(behave: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server whose connections do so; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=behave, args=(connection,)))
            threads[-1].start()

    threads = [threading.Thread(target=accept)]
    threads[0].start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def echo(connection: socket.socket) -> None:
    """What comes goes back, until it ends."""
    with connection:
        while data := connection.recv(1 << 16):
            connection.sendall(data)


def say_all(connection: socket.socket, text: bytes) -> None:
    """Send, and send no more."""
    connection.sendall(text)
    connection.shutdown(socket.SHUT_WR)


def played(lab: LabFolder, port: int, client: Callable[[int], None]) -> None:
    """A lab with one cluster, whose API server is at a port of this machine; the client is told another."""

    def run() -> None:
        wait_up(lab)
        with lab.kubeconfig("prod").open() as file:
            server = yaml.safe_load(file)["clusters"][0]["cluster"]["server"]
        client(int(server.removeprefix("https://127.0.0.1:")))
        with Connection(lab) as connection:
            while connection.ask({"op": "served"})["served"]:
                pass
        ask(lab, {"op": "down"})

    Fake(lab, f"PORT, KIND = {port}, {kind('prod')!r}\n{AGENT}").serve_while(run)
    assert not lab.path.exists()


def test_any_amount_goes_both_ways_at_once_and_each_way_ends_by_itself(lab: LabFolder) -> None:
    text = os.urandom(5 * WINDOW)

    def client(port: int) -> None:
        assert stat.S_IMODE(lab.kubeconfig("prod").stat().st_mode) == 0o600
        with socket.create_connection(("127.0.0.1", port)) as one:
            sender = threading.Thread(target=say_all, args=(one, text))
            sender.start()
            with one.makefile("rb") as answers:
                assert answers.read() == text
            sender.join()

    with serving(echo) as port:
        played(lab, port, client)


def test_one_that_nobody_reads_holds_up_no_other(lab: LabFolder) -> None:
    done = threading.Event()

    def deaf(connection: socket.socket) -> None:
        with connection:
            if connection.recv(1) == b"!":
                connection.sendall(b"?")
                return
            done.wait(30)

    def client(port: int) -> None:
        stuck = socket.create_connection(("127.0.0.1", port))
        stuck.settimeout(1.0)
        with pytest.raises(TimeoutError):
            stuck.sendall(bytes(64 * WINDOW))
        with socket.create_connection(("127.0.0.1", port)) as other:
            other.sendall(b"!")
            assert other.recv(1) == b"?"
        done.set()
        stuck.close()

    with serving(deaf) as port:
        played(lab, port, client)


def test_a_server_that_is_not_there_ends_the_connection(lab: LabFolder) -> None:
    def client(port: int) -> None:
        with socket.create_connection(("127.0.0.1", port)) as one:
            assert one.recv(1) == b""

    with socket.create_server(("127.0.0.1", 0)) as nobody:
        port = nobody.getsockname()[1]
    played(lab, port, client)


def test_no_more_is_read_than_the_lab_has_taken() -> None:
    passed: list[Message] = []

    def count() -> int:
        return sum(len(unpack(message["data"])) for message in passed if "data" in message)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried = Carried(reader, writer, passed.append)
        running = asyncio.create_task(carried.run())
        while count() < WINDOW:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert count() < WINDOW + CHUNK
        taken = 0
        while {"op": "stdin", "eof": True} not in passed:
            carried.take({"kind": "took", "bytes": count() - taken})
            taken = count()
            await asyncio.sleep(0.01)
        assert taken == 4 * WINDOW
        carried.take({"kind": "eof"})
        await running
        writer.close()

    async def play() -> None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(bytes(4 * WINDOW))
        writer.write_eof()
        assert await reader.read() == b""
        writer.close()
        server.close()

    asyncio.run(play())
