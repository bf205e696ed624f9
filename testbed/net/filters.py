"""Packet filters: clamp the MSS of TCP through tunnels, drop what path MTU discovery needs, guard hosts.

AWS's VPN does no path MTU discovery, and its security groups drop ICMP unless told otherwise (VPN user guide, quotas;
EC2 user guide, network MTU); so a tunnel clamps the MSS, and without that there is a black hole to be shown.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any

from testbed.errors import MachineError, Problem, RunError
from testbed.kernel.programs import ENVIRONMENT, find_program
from testbed.net import guarding, management, natting
from testbed.net.namespace import Namespaces
from testbed.net.nft import TABLE, Rule, match
from testbed.plan.plan import Plan
from testbed.theory.mtu import mss

NFT_TIMEOUT_S = 30.0
"""How long nft may take; arbitrary. It takes some 10 ms."""
_CHAINS = ("forward", "output")
"""Where a router meets what path MTU discovery needs."""
_HOOKS = {
    natting.FRAGMENTS: ("prerouting", "filter", -450), natting.BEFORE: ("prerouting", "nat", -100),
    "forward": ("forward", "filter", -150), "input": ("input", "filter", -150), "output": ("output", "filter", -150),
    natting.AFTER: ("postrouting", "nat", 100),
}  # fmt: skip
"""Chains that the kernel sends packets through, with hook, type and priority; any other is jumped to.

Those that translate stand where nft(8) has them, ``dstnat`` and ``srcnat``. Fragments are seen before connection
tracking puts them together, at -400 (``NF_IP_PRI_CONNTRACK_DEFRAG``, include/uapi/linux/netfilter_ipv4.h).
"""
STDIN = "/proc/self/fd/0"
"""What ``-`` means to nft is /dev/stdin, which a bare /dev lacks."""
FRAGMENTATION_NEEDED = (3, 4)
"""ICMP type and code (RFC 792, RFC 1191)."""
PACKET_TOO_BIG = 2
"""ICMPv6 type (RFC 4443 section 3.2)."""


def rules(plan: Plan, node: str) -> tuple[Rule, ...]:
    """The rules of a node. Pure; empty for one that needs no filter."""
    drops = _drops() if node in plan.blocks_icmp else ()
    return (
        *management.rules(plan, node),
        *_clamps(plan, node),
        *drops,
        *natting.rules(plan, node),
        *guarding.rules(plan.guards, node),
    )


def nodes(plan: Plan) -> tuple[str, ...]:
    """The nodes that need filters, in the plan's order."""
    some = {*plan.blocks_icmp, *(guard.node for guard in plan.guards), *natting.nodes(plan)}
    some |= management.nodes(plan)
    some |= {end.node for tunnel in plan.tunnels if tunnel.clamp_mss for end in (tunnel.a, tunnel.b)}
    return tuple(node.name for node in plan.nodes if node.name in some)


def render(plan: Plan, node: str) -> str:
    """A node's table for ``nft -j -f -``. Pure."""
    commands: list[dict[str, object]] = [{"add": {"table": {"family": "inet", "name": TABLE}}}]
    needed = rules(plan, node)
    chains = {rule.chain for rule in needed}
    for chain in (*_HOOKS, *sorted(chains.difference(_HOOKS))):
        if chain in chains:
            hook, kind, priority = _HOOKS.get(chain, ("", "", 0))
            hooked = {"type": kind, "hook": hook, "prio": priority, "policy": "accept"} if hook else {}
            commands.append({"add": {"chain": {"family": "inet", "table": TABLE, "name": chain, **hooked}}})
    commands += [{"add": {"rule": rule.body()}} for rule in needed]
    return json.dumps({"nftables": commands}, indent=1)


def _clamps(plan: Plan, node: str) -> Iterator[Rule]:
    for tunnel in plan.tunnels:
        if not tunnel.clamp_mss or node not in (tunnel.a.node, tunnel.b.node):
            continue
        end = tunnel.a if node == tunnel.a.node else tunnel.b
        for key in ("oifname", "iifname"):
            for family, name in ((4, "ipv4"), (6, "ipv6")):
                size = mss(tunnel.mtu, 4 if family == 4 else 6)
                way = "out" if key == "oifname" else "in"
                yield Rule(
                    "forward", f"{tunnel.name} {way} IPv{family} MSS {size}",
                    (
                        match("==", {"meta": {"key": key}}, end.interface),
                        match("==", {"meta": {"key": "nfproto"}}, name),
                        match("in", {"payload": {"protocol": "tcp", "field": "flags"}}, "syn"),
                    ),
                    # The kernel only ever lowers the option (net/netfilter/nft_exthdr.c, nft_exthdr_tcp_set_eval).
                    json.dumps({"mangle": {"key": {"tcp option": {"name": "maxseg", "field": "size"}}, "value": size}}),
                )  # fmt: skip


def _drops() -> Iterator[Rule]:
    """What the router sends itself, and what it would pass on."""
    kind, code = FRAGMENTATION_NEEDED
    for chain in _CHAINS:
        yield Rule(
            chain, f"{chain}: drop ICMP fragmentation needed",
            (
                match("==", {"payload": {"protocol": "icmp", "field": "type"}}, kind),
                match("==", {"payload": {"protocol": "icmp", "field": "code"}}, code),
            ),
            json.dumps({"drop": None}),
        )  # fmt: skip
        yield Rule(
            chain,
            f"{chain}: drop ICMPv6 packet too big",
            (match("==", {"payload": {"protocol": "icmpv6", "field": "type"}}, PACKET_TOO_BIG),),
            json.dumps({"drop": None}),
        )


def apply(plan: Plan, namespaces: Namespaces) -> None:
    """Install each node's filters and translations, and check that they are what the kernel has then.

    Raises:
        MachineError: nft is not installed.
        RunError: nft refuses, or what is read back differs.
    """
    for node in nodes(plan):
        nft(namespaces, node, ["-f", STDIN], render(plan, node))
        # nft lists chain after chain, each with its rules in order.
        wanted = sorted((_identity(rule.body()) for rule in rules(plan, node)), key=itemgetter(0))
        found = sorted((_identity(body) for body in read(namespaces, node)), key=itemgetter(0))
        if found != wanted:
            missing = [identity for identity in wanted if identity not in found]
            what = f"filters read back differ: {len(found)} rules instead of {len(wanted)}, missing {missing}"
            raise RunError(Problem(f"node {node}", what, f"look with: nft list table inet {TABLE}"))


def counts(namespaces: Namespaces, node: str) -> dict[str, int]:
    """How many packets each rule of a node took, by comment."""
    return {str(body["comment"]): packets(body) for body in read(namespaces, node)}


def _identity(body: dict[str, Any]) -> tuple[str, str, str]:
    """What a rule is known by, and what it does. Not its matches: nft words them differently in each release."""
    return body["chain"], body["comment"], json.dumps(body["expr"][-1], sort_keys=True)


def read(namespaces: Namespaces, node: str, table: str = TABLE) -> list[dict[str, Any]]:
    """The rules of a node's table, as nft's JSON has them. Raises :class:`RunError`: there is no such table."""
    listed = json.loads(nft(namespaces, node, ["list", "table", "inet", table], ""))
    return [entry["rule"] for entry in listed["nftables"] if "rule" in entry]


def packets(rule: Mapping[str, Any]) -> int:
    """How many a rule took that :func:`read` gave. Raises ``StopIteration``: it counts none."""
    return int(next(each["counter"]["packets"] for each in rule["expr"] if "counter" in each))


def remove(namespaces: Namespaces, node: str, table: str) -> None:
    """Remove a node's table, and all that it did. Raises :class:`RunError`: there is no such table."""
    nft(namespaces, node, ["delete", "table", "inet", table], "")


def nft(namespaces: Namespaces, node: str, words: list[str], text: str) -> str:
    """Run nft on a node, with text for its standard input, and return what it printed, as JSON.

    Raises:
        MachineError: it is not installed.
        RunError: it refuses.
    """
    program = find_program("nft", ENVIRONMENT)
    if program is None:
        raise MachineError(Problem("nft", "not installed", "install nftables; testbed doctor says how"))
    with namespaces.inside(node):
        done = subprocess.run(
            [str(program), "-j", *words], input=text, env=ENVIRONMENT, capture_output=True, text=True,
            timeout=NFT_TIMEOUT_S, check=False,
        )  # fmt: skip
    if done.returncode != 0:
        raise RunError(Problem(f"node {node}", f"nft {' '.join(words)} failed: {done.stderr.strip()}"))
    return done.stdout
