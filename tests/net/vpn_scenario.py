"""What a tunnel weighs, whether it survives its rekeys, and when its ends find out that the other is gone."""

import select
import socket
from collections.abc import Iterator

from testbed import Duration, Lab, Measurement, Result, Scenario
from testbed.check import flows

scenario = Scenario(
    topology="vpn_topology.py", question="does the tunnel do what the documents say?", hypothesis="yes", refuted_by="no"
)
scenario.param("traffic", Duration, "5 s", "how long traffic flows")
scenario.param("silent", Duration, "0 s", "how long the underlay is silent then")
ETH_P_ALL = 3
BURST = 200_000


@scenario.run
def run(lab: Lab) -> None:
    """Weigh, send, cut."""
    weigh(lab)
    transfer(lab)
    with lab.probe.udp("aws-a", "dc-1", "10 ms", name="traffic"):
        lab.sleep(lab.value("traffic", Duration))
    silent = lab.value("silent", Duration)
    if silent:
        with lab.fault.start("silent", "inet-cgw"):
            lab.sleep(silent)


def weigh(lab: Lab) -> None:
    """Send datagrams that fill the tunnel's MTU, and others, and note what leaves the gateway for each."""
    tunnel = lab.plan.tunnels[0]
    with lab.network.namespaces.inside(tunnel.b.node):
        seen = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    seen.bind(("inet-cgw", 0))
    seen.settimeout(0.1)
    out.setsockopt(socket.IPPROTO_IP, 10, 2)  # IP_MTU_DISCOVER: IP_PMTUDISC_DO
    for inner in (tunnel.mtu, tunnel.mtu - 1, 576, 100):
        out.sendto(bytes(inner - 28), (tunnel.a.address, 9))
        sizes = []
        try:
            while True:
                packet, address = seen.recvfrom(4096)
                if address[2] == socket.PACKET_OUTGOING:
                    sizes.append(len(packet))
        except TimeoutError:
            lab.note("weighed", inner=inner, outer=max(sizes))
    try:
        out.sendto(bytes(tunnel.mtu + 1 - 28), (tunnel.a.address, 9))
    except OSError as error:
        lab.note("refused", inner=tunnel.mtu + 1, error=error.errno)


def transfer(lab: Lab) -> None:
    """Send a burst over TCP from a host with jumbo frames, and note how much of it arrived in ten seconds."""
    spaces, target = lab.network.namespaces, lab.plan.node("dc-1").address
    with spaces.inside("dc-1"):
        listener = socket.create_server((target, 5001))
    with spaces.inside("aws-a"):
        sender = socket.socket()
    sender.connect((target, 5001))
    receiver, _ = listener.accept()
    sender.setblocking(False)
    left, received, end = BURST, 0, lab.now_ns() + 10 * 10**9
    while received < BURST and lab.now_ns() < end:
        readable, writable, _ = select.select([receiver], [sender] if left else [], [], 0.1)
        if readable:
            received += len(receiver.recv(1 << 16))
        if writable:
            left -= sender.send(bytes(min(left, 1 << 16)))
    lab.note("burst", received=received)
    for sock in (sender, receiver, listener):
        sock.close()


@scenario.measure
def measure(result: Result) -> Iterator[Measurement]:
    """Packets of the traffic that were lost; the test looks at the events too."""
    stream = flows.packets(result.history, "traffic")
    yield Measurement("sent", float(len(stream)), "packets", low=1.0)
    yield Measurement("lost", float(sum(packet.returned_ns is None for packet in stream)), "packets", high=0.0)
