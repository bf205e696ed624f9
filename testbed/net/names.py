"""How a program that runs in a node learns addresses by name: the files that its C library reads.

Without resolvers all nodes are in one ``/etc/hosts`` of the lab. With them each node sees files of its own, in a mount
namespace that begins with the program: names come from the resolver of its site, by DNS.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

from testbed.errors import Problem, RunError
from testbed.net.namespace import CLONE_NEWNS, MS_BIND, mount, unshare
from testbed.plan.names import hosts_file, resolv_conf
from testbed.plan.plan import Plan

ETC = Path("/etc")
HOSTS, RESOLV, SWITCH = FILES = ("hosts", "resolv.conf", "nsswitch.conf")
_HOSTS_LINE = re.compile(r"^hosts:.*$", re.MULTILINE)
_BY_DNS = "hosts: files dns"
"""nsswitch.conf(5): no daemon of the machine is asked for names."""


class Names:
    """The files of one lab, below its scratch folder."""

    def __init__(self, plan: Plan, scratch: Path, etc: Path = ETC) -> None:
        self._plan = plan
        self._folder = scratch / "names"
        self._etc = etc

    def write(self) -> None:
        """Make the files. Raises :class:`RunError` where this machine has no file that they can lie over."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._plan.resolvers:
            everybody = self._folder / HOSTS
            everybody.write_text(hosts_file(self._plan, ""), encoding="utf-8")
            with contextlib.suppress(OSError):  # a machine without the file does not look into it either
                mount(str(everybody), str(self._etc / HOSTS), "none", MS_BIND)
            return
        switch = self._switch()
        for node in self._plan.nodes:
            folder = self._folder / node.name
            folder.mkdir()
            (folder / HOSTS).write_text(hosts_file(self._plan, node.name), encoding="utf-8")
            (folder / RESOLV).write_text(resolv_conf(self._plan, node.name), encoding="utf-8")
            (folder / SWITCH).write_text(switch, encoding="utf-8")

    def see(self, node: str) -> None:
        """Let this process, which is about to become a program of a node, see the node's files."""
        if self._plan.resolvers:
            unshare(CLONE_NEWNS)
            for name in FILES:
                mount(str(self._folder / node / name), str(self._etc / name), "none", MS_BIND)

    def _switch(self) -> str:
        """The machine's own nsswitch.conf but for the line of hosts."""
        if lacking := [name for name in FILES if not (self._etc / name).exists()]:
            what = f"{', '.join(lacking)}: not on this machine, so no program of a lab can be told its resolver"
            raise RunError(Problem(str(self._etc), what, "make an empty one, or use --kernel guest"))
        text = (self._etc / SWITCH).read_text(encoding="utf-8")
        return _HOSTS_LINE.sub(_BY_DNS, text) if _HOSTS_LINE.search(text) else f"{text}{_BY_DNS}\n"
