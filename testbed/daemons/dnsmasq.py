"""dnsmasq: the DNS server of a site. It answers for its own names, and forwards questions for those of other sites."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

from testbed.daemons import process
from testbed.daemons.base import Place, StateChange
from testbed.daemons.process import Program
from testbed.errors import MachineError, Problem
from testbed.kernel.programs import PROGRAMS, install_line
from testbed.net.namespace import Namespaces
from testbed.plan.expect import OWN_PORTS
from testbed.plan.names import FAMILY_OF_FORWARDING, records, resolver_on
from testbed.plan.paths import seen
from testbed.plan.plan import Plan
from testbed.plan.resolvers import PlannedResolver

CONFIG, LOG = "dnsmasq.conf", "dnsmasq.log"
READY_S = 10.0
"""How long it may take to answer; arbitrary, on the lab's clock. It takes well under a second."""
CACHE = 10_000
"""Names that are kept: dnsmasq(8), --cache-size, beyond which it gets no faster. Its default is 150."""


def render(plan: Plan, resolver: PlannedResolver) -> str:
    """dnsmasq.conf of one resolver. Pure."""
    return "\n".join(_lines(plan, resolver)) + "\n"


def _lines(plan: Plan, resolver: PlannedResolver) -> Iterator[str]:
    node = plan.node(resolver.node)
    yield "# Nothing from the machine: no hosts file, no servers, no file of its own number, no other user."
    yield from ("no-hosts", "no-resolv", "no-poll", "pid-file", "user", "group")
    yield from ("bind-interfaces", f"listen-address={node.address}", f"listen-address={node.address6}")
    # As the kernel has it, so that a network ACL which lets answers to other programs in lets them in here.
    yield from (f"min-port={OWN_PORTS[0]}", f"max-port={OWN_PORTS[1]}")
    yield f"cache-size={CACHE}"
    yield "log-facility=-"
    yield "log-queries"
    yield ""
    yield f"# Names of site {resolver.site}, and nobody else is asked for them."
    yield f"local=/{resolver.domain}/"
    yield from (f"rev-server={range_}" for range_ in resolver.ranges)
    yield f"local-ttl={resolver.ttl // 10**9}"
    for name, known in records(plan, resolver):
        yield f"host-record={name},{known.address},{known.address6}"
    for other in resolver.forwards_to:
        yield ""
        yield from _forwarding(plan, resolver, resolver_on(plan, other))


def _forwarding(plan: Plan, resolver: PlannedResolver, there: PlannedResolver) -> Iterator[str]:
    server = seen(plan, plan.node(resolver.node), plan.node(there.node), FAMILY_OF_FORWARDING)
    mapping = next((mapping for mapping in plan.mappings if mapping.site == there.site), None)
    yield f"# Names of site {there.site}: its own resolver is asked."
    yield f"server=/{there.domain}/{server}"
    if mapping is None:
        yield from (f"rev-server={range_},{server}" for range_ in there.ranges)
        return
    yield f"rev-server={there.ranges[1]},{server}"
    yield f"# It answers with addresses of {mapping.real}, which are reached here as {mapping.seen_as}."
    real, known_as = ip_network(mapping.real), ip_network(mapping.seen_as)
    yield f"alias={real.network_address},{known_as.network_address},{real.netmask}"


class Dnsmasq:
    """The DNS server on one node."""

    name = "dnsmasq"

    def __init__(self, plan: Plan, resolver: PlannedResolver) -> None:
        self._plan = plan
        self.resolver = resolver
        self.node = resolver.node
        self._program: Program | None = None

    @property
    def programs(self) -> dict[str, Program]:
        """Dnsmasq alone."""
        return {} if self._program is None else {self.name: self._program}

    def configs(self) -> dict[str, str]:
        """Its one file."""
        return {CONFIG: render(self._plan, self.resolver)}

    def start(self, namespaces: Namespaces, place: Place) -> Program:
        """Start it, and wait until it answers for its own name. Raises RunError, or MachineError: not installed."""
        found = process.find(self.name)
        if found is None:
            raise MachineError(Problem(self.name, "not installed", install_line([PROGRAMS[self.name]])))
        place.record.mkdir(parents=True, exist_ok=True)
        for name, text in self.configs().items():
            (place.record / name).write_text(text, encoding="utf-8")
        argv = [found, "--keep-in-foreground", f"--conf-file={place.record / CONFIG}"]
        program = process.start(namespaces, self.node, self.name, argv, place.record / LOG)
        self._program = program
        process.wait_until(program, lambda: self._answers(namespaces), "answer to a question", timeout_s=READY_S)
        return program

    def _answers(self, namespaces: Namespaces) -> bool:
        """Whether it answers for its own name, asked on its own node."""
        from testbed.daemons.dns_question import Question, ask  # late: the library is read where a lab has names only

        node = self._plan.node(self.node)
        question = Question(f"{self.node}.{self.resolver.domain}", 4)
        with namespaces.inside(self.node):
            return ask(question, node.address, wait_s=process.POLL_S).addresses == (node.address,)

    def stop(self) -> None:
        """End it."""
        if self._program is not None:
            self._program.stop()

    def changes(self) -> list[StateChange]:
        """None: it has no sessions."""
        return []
