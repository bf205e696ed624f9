"""What ``testbed status`` prints: a lab as it is, beside what was planned. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click

from testbed.plan.plan import DIRECTIONS

Found = Mapping[str, Any]


def lines(found: Found) -> Iterator[str]:
    """The whole status."""
    lab = found["lab"]
    state = click.style("as planned", fg="green") if found["as_planned"] else click.style("not as planned", fg="yellow")
    yield f"lab {lab['name']}: {lab.get('topology', '')}, {state}"
    if "since" in lab:
        yield f"  {lab['about']}"
        yield f"  {lab['file']}, {lab['kernel']} kernel, real clock, seed {lab['seed']}, since {lab['since']}"
    yield f"nodes: {' '.join(node['name'] for node in found['nodes'])}"
    yield "links:"
    wide = max((len(link["name"]) for link in found["links"]), default=0)
    for link in found["links"]:
        yield from _link(link, wide)
    yield "faults:" if found["faults"] else "faults: none"
    yield from (f"  {fault_words(fault)}" for fault in found["faults"])
    yield from _sessions(found["sessions"])
    yield from _routes(found["routes"])
    for cluster in found["clusters"]:
        yield from _cluster(cluster)
    stopped = [f"{program['node']}/{program['name']}" for program in found["programs"] if not program["running"]]
    if stopped:
        yield f"daemons that do not run: {', '.join(stopped)}"
    yield from (f"  {text}" for text in found["ended"])


def _link(link: Found, wide: int) -> Iterator[str]:
    dark = "" if link["carrier"] else click.style(" no carrier", fg="red")
    both = {direction: _words(link[direction]["now"]) for direction in DIRECTIONS}
    head = f"  {link['name']:{wide}}  {link['a']} -- {link['b']}{dark}"
    if len(set(both.values())) == 1:
        yield f"{head}  {both['a_to_b']}"
    else:
        yield head
        yield from (f"  {'':{wide}}  {direction}  {both[direction]}" for direction in DIRECTIONS)
    for direction in DIRECTIONS:
        if link[direction]["now"] != link[direction]["planned"]:
            planned = _words(link[direction]["planned"])
            yield click.style(f"  {'':{wide}}  {direction}  planned: {planned}", fg="yellow")


def _words(fields: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in fields.items()) or "no impairment"


def fault_words(fault: Found) -> str:
    """One fault in a line."""
    words = [f"{fault['number']}  {fault['fault']} {fault['target']}"]
    if len(fault["directions"]) == 1:
        words.append(fault["directions"][0])
    words += [f"{name}={value}" for name, value in fault["options"].items() if name != "table"]
    if fault["fault"] == "partition":
        words.append(f"({', '.join(fault['links'])})")
    return f"{' '.join(words)}, for {fault['since_s']:.0f} s{'' if fault['on'] else ', up at the moment'}"


def _sessions(sessions: list[Found]) -> Iterator[str]:
    kinds = dict.fromkeys(session["protocol"] for session in sessions)
    counted = [
        f"{sum(s['up'] for s in sessions if s['protocol'] == kind)} of {sum(s['protocol'] == kind for s in sessions)} "
        f"{kind.upper()} up"
        for kind in kinds
    ]
    yield f"sessions: {', '.join(counted) or 'none'}"
    for session in sessions:
        if not session["up"]:
            name = f"{session['node']} {session['protocol']} {session['session']}"
            yield click.style(f"  down: {name}: {session['detail']}", fg="red")


def _routes(routes: list[Found]) -> Iterator[str]:
    yield f"routes between routers: {sum(r['as_planned'] for r in routes)} of {len(routes)} by their best way"
    for route in routes:
        if not route["as_planned"]:
            via = ", ".join(route["via"]) or "nothing"
            words = f"  {route['node']}: {route['prefix']} through {via}, best: {', '.join(route['best'])}"
            yield click.style(words, fg="yellow")


def _cluster(cluster: Found) -> Iterator[str]:
    nodes, unready = cluster["nodes"], cluster["pods_not_ready"]
    ready = sum(node["ready"] for node in nodes)
    pods = f"{cluster['pods'] - len(unready)} of {cluster['pods']} pods ready or done"
    yield f"cluster {cluster['name']}: Kubernetes {cluster['version']}, {ready} of {len(nodes)} nodes ready, {pods}"
    for node in nodes:
        if not node["ready"]:
            taints = ", ".join(node["taints"]) or "no taints"
            yield click.style(f"  not ready: node {node['name']}: {node['condition']}, {taints}", fg="red")
    for pod in unready:
        words = f"  not ready: pod {pod['namespace']}/{pod['name']} on {pod['node'] or 'no node'}: {pod['phase']}"
        yield click.style(f"{words}{', being deleted' if pod['deleting'] else ''}", fg="yellow")
    yield f"  kubeconfig: {cluster['kubeconfig']}"
