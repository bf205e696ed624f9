"""strongSwan: one charon for each router that ends IPsec tunnels. IKEv2 is charon's, ESP is the kernel's.

Tunnels are route based: each has an XFRM interface, and its policies take everything that carries the interface's
``if_id``. Side b, the customer gateway, initiates; side a, the provider, only answers (VPN user guide, tunnel options:
the startup action defaults to Add).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

from testbed.daemons import charon_log, process
from testbed.daemons.base import Place, StateChange
from testbed.errors import RunError
from testbed.kernel.programs import ENVIRONMENT
from testbed.net import xfrm
from testbed.net.namespace import Namespaces
from testbed.plan.plan import Plan, PlannedTunnel
from testbed.presets import IPSEC_SUITES, VPN_REKEY_FUZZ, VPN_REKEY_MARGIN, VPN_REPLAY_WINDOW
from testbed.theory.dpd import dpd_delay, retransmission
from testbed.units import Duration

READY_TIMEOUT_S = 10.0
"""How long charon may take until it answers; arbitrary, on the lab's clock. It takes well under a second."""
PLUGINS = (
    "random", "nonce", "aes", "sha1", "sha2", "hmac", "kdf", "gmp", "openssl",
    "kernel-netlink", "socket-default", "updown", "vici",
)  # fmt: skip
"""All that charon may load. Left out on purpose: ``rdrand`` takes chance from the processor, past the seed, and
``kernel-libipsec`` takes ESP away from the kernel. ``openssl`` stands behind the others, for builds without them; what
is not there is skipped."""
LOG = "charon.log"
"""All that charon says, in the record."""
THREADS = 16
"""strongSwan's own; most of them only wait."""


def render_daemon(tunnels: tuple[PlannedTunnel, ...], socket: str) -> str:
    """strongswan.conf of one charon. Pure."""
    # One charon has one retransmission timeout: where its tunnels differ, the slowest decides.
    return "\n".join(_daemon_lines(max(tunnel.dpd for tunnel in tunnels), socket)) + "\n"


def _daemon_lines(dpd: Duration, socket: str) -> Iterator[str]:
    yield "charon-systemd {"
    yield f"  load = {' '.join(PLUGINS)}"
    yield f"  threads = {THREADS}"
    yield "  # Routes into tunnels are the routing daemon's; those of the kernel are no concern of charon's."
    yield "  install_routes = no"
    yield "  install_virtual_ip = no"
    yield "  routing_table = 0"
    yield "  process_route = no"
    yield f"  # A peer is dead {dpd} after a request that it did not answer."
    again = retransmission(dpd)
    yield f"  retransmit_timeout = {again.timeout.seconds:g}"
    yield f"  retransmit_base = {again.base:g}"
    yield f"  retransmit_tries = {again.tries}"
    yield f"  plugins {{ vici {{ socket = unix://{socket} }} }}"
    yield "  journal { default = -1 }"
    yield "  syslog { daemon { default = -1 } auth { default = -1 } }"
    yield "  filelog {"
    yield "    record {"
    yield "      # A file that it opened itself it would also chown, which goes another way for root than for a user."
    yield "      path = stderr"
    yield '      time_format = "%Y-%m-%dT%H:%M:%S"'
    yield "      time_add_ms = yes"
    yield "      # Takes the place of time_add_ms from 6.0 on."
    yield "      time_precision = us"
    yield "      ike_name = yes"
    yield "      flush_line = yes"
    yield "      default = 1"
    yield "      # The states of CHILD_SAs are told at level 2."
    yield "      chd = 2"
    yield "    }"
    yield "  }"
    yield "}"
    yield "swanctl { load = }"


def render_connections(node: str, tunnels: tuple[PlannedTunnel, ...]) -> str:
    """swanctl.conf of one router. Pure."""
    lines = ["connections {"]
    for tunnel in tunnels:
        lines += _connection(node, tunnel)
    lines += ["}", "secrets {"]
    for tunnel in tunnels:
        lines.append(f"  ike-{tunnel.name} {{")
        lines += [f"    id-a = {tunnel.outer_a}", f"    id-b = {tunnel.outer_b}"]
        lines += [f"    secret = 0x{tunnel.secret}", "  }"]
    return "\n".join([*lines, "}"]) + "\n"


def _connection(node: str, tunnel: PlannedTunnel) -> Iterator[str]:
    initiates = node == tunnel.b.node
    here, there = (tunnel.outer_b, tunnel.outer_a) if initiates else (tunnel.outer_a, tunnel.outer_b)
    margin = rekey_margin_s(tunnel.ike_lifetime)
    yield f"  {tunnel.name} {{"
    yield "    version = 2"
    yield f"    local_addrs = {here}"
    yield f"    remote_addrs = {there}"
    yield f"    proposals = {IPSEC_SUITES[tunnel.suite].ike}"
    yield f"    encap = {'yes' if tunnel.nat_traversal else 'no'}"
    yield "    mobike = no"
    # A new tunnel of the same two ends replaces the one before, which one side may still think is alive.
    yield "    unique = replace"
    yield f"    keyingtries = {0 if initiates else 1}"
    yield f"    dpd_delay = {_s(dpd_delay(tunnel.dpd))}s"
    yield f"    rekey_time = {_s(tunnel.ike_lifetime) - margin}s"
    yield f"    over_time = {margin}s"
    yield f"    rand_time = {_fuzz_s(margin)}s"
    for side, address in (("local", here), ("remote", there)):
        yield from (f"    {side} {{", "      auth = psk", f"      id = {address}", "    }")
    yield "    children {"
    yield from (f"      {line}" for line in _child(tunnel, initiates=initiates))
    yield "    }"
    yield "  }"


def _child(tunnel: PlannedTunnel, *, initiates: bool) -> Iterator[str]:
    margin = rekey_margin_s(tunnel.child_lifetime)
    yield f"{tunnel.name} {{"
    yield "  local_ts = 0.0.0.0/0, ::/0"
    yield "  remote_ts = 0.0.0.0/0, ::/0"
    yield f"  if_id_in = {tunnel.number}"
    yield f"  if_id_out = {tunnel.number}"
    yield f"  esp_proposals = {IPSEC_SUITES[tunnel.suite].esp}"
    yield f"  replay_window = {VPN_REPLAY_WINDOW.value}"
    yield f"  life_time = {_s(tunnel.child_lifetime)}s"
    yield f"  rekey_time = {_s(tunnel.child_lifetime) - margin}s"
    yield f"  rand_time = {_fuzz_s(margin)}s"
    yield f"  start_action = {'start' if initiates else 'none'}"
    yield f"  close_action = {'start' if initiates else 'none'}"
    yield f"  dpd_action = {'restart' if initiates else 'clear'}"
    if tunnel.follows_ike:
        end = tunnel.b if initiates else tunnel.a
        # A shell's words; the verb is up-client, down-client, up-client-v6 or down-client-v6.
        yield f'  updown = "ip link set dev {end.interface} ${{PLUTO_VERB%%-*}}"'
    yield "}"


def rekey_margin_s(lifetime: Duration) -> int:
    """How many seconds before its end an SA is renewed at the latest; at the earliest it is twice that.

    270 s, unless a lifetime, as only a lab has it, is so short that an SA would spend half its life in that window.
    """
    return min(_s(VPN_REKEY_MARGIN.value), _s(lifetime) // 4)


def _fuzz_s(margin: int) -> int:
    return round(margin * VPN_REKEY_FUZZ.value.fraction)


def _s(value: Duration) -> int:
    """Whole seconds, rounded up: strongSwan counts no finer."""
    return -(-value // 10**9)


class Strongswan:
    """One charon."""

    name = "charon"

    def __init__(self, node: str, tunnels: tuple[PlannedTunnel, ...]) -> None:
        self.node = node
        self.tunnels = tunnels
        self._place: Place | None = None
        self._program: process.Program | None = None

    @property
    def programs(self) -> dict[str, process.Program]:
        """The one program."""
        return {self.name: self._program} if self._program else {}

    def configs(self) -> dict[str, str]:
        """``strongswan.conf`` and ``swanctl.conf``."""
        return {
            "strongswan.conf": render_daemon(self.tunnels, "charon.vici"),
            "swanctl.conf": render_connections(self.node, self.tunnels),
        }

    def start(self, namespaces: Namespaces, place: Place) -> process.Program:
        """Start it, load the connections, and return when it has them; tunnels come up later."""
        self._place = place
        place.make()
        for name, text in self.configs().items():
            (place.record / name).write_text(text, encoding="utf-8")
        if self._program is not None:
            # Its predecessor was killed and left its tunnels in the kernel. They would go on to carry packets, so the
            # peer would not find out that nobody is there who knows of them.
            with namespaces.inside(self.node):
                xfrm.flush()
        socket = place.run / "charon.vici"
        socket.unlink(missing_ok=True)
        config = place.run / "strongswan.conf"
        config.write_text(render_daemon(self.tunnels, str(socket)), encoding="utf-8")
        self._program = process.start(
            namespaces, self.node, self.name, [process.find("charon-systemd") or "charon-systemd"],
            place.record / LOG, environment=self._environment(),
        )  # fmt: skip
        process.wait_until(self._program, socket.exists, "control socket", timeout_s=READY_TIMEOUT_S)
        self._swanctl("--load-all", "--file", str(place.record / "swanctl.conf"))
        return self._program

    def _environment(self) -> dict[str, str]:
        assert self._place is not None, "started before"
        run = str(self._place.run)
        return {"TZ": "UTC", "STRONGSWAN_CONF": f"{run}/strongswan.conf", "SWANCTL_DIR": run}

    def _swanctl(self, *words: str) -> str:
        """Run swanctl against this charon; raises :class:`RunError` with its words when it fails."""
        assert self._place is not None and self._program is not None, "started before"
        argv = [process.find("swanctl") or "swanctl", *words, "--uri", f"unix://{self._place.run / 'charon.vici'}"]
        done = subprocess.run(
            argv, env={**ENVIRONMENT, **self._environment()}, capture_output=True, text=True,
            timeout=READY_TIMEOUT_S, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RunError(self._program.problem(f"{' '.join(argv)} failed: {(done.stderr or done.stdout).strip()}"))
        return done.stdout

    def stop(self) -> None:
        """End it; it tells its peers."""
        if self._program is not None:
            self._program.stop()

    def command(self, *words: str) -> str:
        """What ``swanctl`` prints, such as ``command("--list-sas")``."""
        return self._swanctl(*words)

    def changes(self) -> list[StateChange]:
        """Every state change logged so far."""
        return charon_log.parse(self.node, self._log(), frozenset(t.name for t in self.tunnels))

    def established(self, tunnel: str) -> bool:
        """Whether a tunnel carries packets now, as its log says."""
        last = [change.state for change in self.changes() if change.session == tunnel]
        return bool(last) and last[-1] == "up"

    def _log(self) -> str:
        log = self._place.record / LOG if self._place else None
        return log.read_text(encoding="utf-8", errors="replace") if log is not None and log.exists() else ""


def charons(plan: Plan) -> tuple[Strongswan, ...]:
    """A charon for each router that ends IPsec tunnels, those that only answer first."""
    tunnels = [tunnel for tunnel in plan.tunnels if tunnel.kind == "ipsec"]
    initiators = {tunnel.b.node for tunnel in tunnels}
    ends = dict.fromkeys(end.node for tunnel in tunnels for end in (tunnel.a, tunnel.b))
    return tuple(
        Strongswan(node, tuple(t for t in tunnels if node in (t.a.node, t.b.node)))
        for node in sorted(ends, key=lambda name: (name in initiators, name))
    )
