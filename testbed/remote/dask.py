"""Workers of a Dask scheduler as machines to do runs on. Needs Dask distributed: the extra ``dask``."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from distributed import Client
from distributed.security import Security

from testbed.boot.guest import signals_raise
from testbed.boot.machines import Play
from testbed.boot.means import kernel_for
from testbed.boot.pool import Task, Told
from testbed.errors import MachineError, Problem
from testbed.kernel.source import sha256
from testbed.load import Loaded
from testbed.remote.admission import Sent
from testbed.remote.orders import kernel_parcel, orders
from testbed.remote.session import Session
from testbed.remote.wanted import Edition

ANSWERS_S = 10.0
"""How long a scheduler may take to answer, and how long one that has gone is tried again; arbitrary."""
CLOSES_S = 2.0
CERTIFICATES = "set ca-file, client.cert and client.key of distributed.comm.tls, as docs.dask.org says (TLS/SSL)"


@dataclass(frozen=True)
class Dask:
    """The workers of the scheduler at ``where``, such as ``dask://10.0.0.1:8786``.

    Attributes:
        address: as Dask has it.
        at_once: at most so many runs on all of them together.
    """

    where: str
    address: str
    at_once: int | None

    @contextlib.contextmanager
    def ready(self, first: Loaded, tasks: Sequence[Task], told: Told) -> Iterator[Play]:
        """See :class:`testbed.boot.machines.Machines`: what runs need is looked for on each worker, and not here."""
        if not tasks:
            yield lambda tasks, told: []
            return
        kernel = kernel_for(told.said)
        sha = sha256(kernel)
        ordered, files = orders(tasks, sha)
        sent = Sent(Edition.here(sha), ordered[0], cache(lambda: kernel_parcel(kernel)), lambda: files)
        with signals_raise(), self._connected() as client:
            session = Session(client, self.where, sent, ordered, self.at_once)
            try:
                session.gather(told)
                yield session.play
            finally:
                session.close()

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Client]:
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told in the testbed's own words
        self._has_certificates()
        try:
            client = Client(self.address, timeout=ANSWERS_S, set_as_default=False)
        except (OSError, ValueError) as error:
            hint = "start one with: dask scheduler; and workers with: dask worker ADDRESS --nthreads 1"
            raise MachineError(Problem(f"--on {self.where}", f"no scheduler answers there: {error}", hint)) from error
        try:
            yield client
        finally:
            client.close(CLOSES_S)

    def _has_certificates(self) -> None:
        """Dask finds out that it has none when it is asked to connect, and then leaves threads behind."""
        if not self.address.startswith("tls://"):
            return
        try:
            missing = Security().get_connection_args("client")["ssl_context"] is None
        except (OSError, ValueError) as error:
            raise MachineError(Problem(f"--on {self.where}", f"Dask's certificates: {error}", CERTIFICATES)) from error
        if missing:
            raise MachineError(
                Problem(f"--on {self.where}", "Dask's configuration names no certificates", CERTIFICATES)
            )
