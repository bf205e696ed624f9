"""A debugger in a lab and the user's terminal: what one says, the other hears."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
from collections.abc import Iterator

import pytest

STDIN, STDOUT = 0, 1


@contextlib.contextmanager
def bridged(config: pytest.Config) -> Iterator[int]:
    """A descriptor for the lab's second console, which leads to this terminal while the block runs."""
    capture = config.pluginmanager.getplugin("capturemanager")
    if capture is not None:
        capture.suspend_global_capture(in_=True)
    ours, theirs = socket.socketpair()
    stop, stopped = os.pipe()
    thread = threading.Thread(target=_carry, args=(ours, stop), daemon=True)
    thread.start()
    try:
        yield theirs.fileno()
    finally:
        os.close(stopped)
        thread.join()
        os.close(stop)
        ours.close()
        theirs.close()
        if capture is not None:
            capture.resume_global_capture()


def _carry(ours: socket.socket, stop: int) -> None:
    """Both ways, until the other end of ``stop`` is closed."""
    with selectors.DefaultSelector() as selector:
        for source in (ours.fileno(), stop):
            selector.register(source, selectors.EVENT_READ)
        with contextlib.suppress(PermissionError):  # a file: nobody types there
            selector.register(STDIN, selectors.EVENT_READ)
        while True:
            ready = [key.fd for key, _ in selector.select()]
            if ours.fileno() in ready:
                os.write(STDOUT, ours.recv(1 << 12))
            if STDIN in ready:
                typed = os.read(STDIN, 1 << 10)  # less than a console of the guest holds
                if typed:
                    ours.sendall(typed)
                else:
                    selector.unregister(STDIN)
            if stop in ready:
                return
