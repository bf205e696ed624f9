"""What collects metrics and logs on a cluster, as Kubernetes' own manifests and the daemons' own configuration. Pure.

At each site a Prometheus scrapes the site's nodes and itself and keeps what it scraped. Both ways to one place are
taken side by side: it writes to the receiving Prometheus (remote_write), and that one fetches the newest samples from
it (federation); a label says by which way a sample came. On each node an rsyslog reads what pods write, as kubelet
keeps it, and sends it twice, over plain TCP and over RELP, each with a queue that goes to disk; a collecting rsyslog
writes each line with the instant it came at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from testbed.kubernetes.workloads import Manifest, outlasting, pod, service
from testbed.units import Duration

IMAGE = "docker.io/testbed/monitoring:1"
"""Prometheus, its exporter of nodes and rsyslog; no node has it until it is brought there."""
PORT, EXPORTER_PORT = 9090, 9100
"""Prometheus' own, and its exporter's."""
TCP_PORT, RELP_PORT = 10514, 2514
"""Arbitrary; 514 and 20514 are what is usual."""
WAYS = ("remote_write", "federation")
PROTOCOLS = ("tcp", "relp")
RECEIVER, COLLECTOR = "receiver", "collector"
"""Pods, and services, of what all sites send to."""
FOLDER, DATA = "/etc/testbed", "/data"
LOGS = "/var/log/pods"
"""Of a node, where kubelet has containers' logs."""
JOBS = ("node", "prometheus")


def keeper(site: str) -> str:
    """The Prometheus of a site, as pod and service."""
    return f"prometheus-{site}"


def writer(site: str) -> str:
    """The pod of a site that logs numbered lines."""
    return f"numbers-{site}"


def services(sites: Sequence[str]) -> list[Manifest]:
    """How those who send and fetch find each other; their addresses go into the configuration."""
    return [
        *(service(name, {"app": name}, PORT) for name in (RECEIVER, *map(keeper, sites))),
        *(
            service(f"{COLLECTOR}-{protocol}", {"app": COLLECTOR}, port)
            for protocol, port in zip(PROTOCOLS, (TCP_PORT, RELP_PORT), strict=True)
        ),
    ]


def receiving(node: str, keepers: Mapping[str, str], interval: Duration) -> list[Manifest]:
    """The Prometheus that all sites write to, and that fetches from each.

    Args:
        node: where it runs.
        keepers: address of each site's own, by site.
        interval: between two fetches.
    """
    jobs = [
        {
            "job_name": f"federation-{site}", "honor_labels": True, "metrics_path": "/federate",
            "params": {"match[]": [f'{{job=~"{"|".join(JOBS)}"}}']},
            "static_configs": [{"targets": [f"{address}:{PORT}"]}],
            "metric_relabel_configs": [_came_by("federation")],
        }
        for site, address in keepers.items()
    ]  # fmt: skip
    return _prometheus(RECEIVER, node, {"global": _paced(interval), "scrape_configs": jobs})


def keeping(site: str, node: str, targets: Sequence[str], receiver: str, interval: Duration) -> list[Manifest]:
    """The Prometheus of a site.

    Args:
        site: its name, a label of all that it sends.
        node: where it runs.
        targets: addresses of the site's nodes.
        receiver: address of the one that it writes to.
        interval: between two scrapes.
    """
    scraped = {"node": [f"{address}:{EXPORTER_PORT}" for address in targets], "prometheus": [f"localhost:{PORT}"]}
    told = {
        "global": {**_paced(interval), "external_labels": {"site": site}},
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": found}]} for job, found in scraped.items()],
        "remote_write": [
            {"url": f"http://{receiver}:{PORT}/api/v1/write", "write_relabel_configs": [_came_by("remote_write")]}
        ],
    }
    return _prometheus(keeper(site), node, told)


def _paced(interval: Duration) -> dict[str, str]:
    text = f"{interval // 10**6}ms"
    return {"scrape_interval": text, "scrape_timeout": text}


def _came_by(way: str) -> dict[str, str]:
    return {"target_label": "way", "replacement": way}


def _prometheus(name: str, node: str, told: Mapping[str, Any]) -> list[Manifest]:
    command = [
        "prometheus", f"--config.file={FOLDER}/prometheus.yml", f"--storage.tsdb.path={DATA}",
        "--web.enable-remote-write-receiver",
    ]  # fmt: skip
    ready = {"httpGet": {"path": "/-/ready", "port": PORT}, "periodSeconds": 2}
    files = {"prometheus.yml": yaml.safe_dump(dict(told), sort_keys=False)}
    return [_files(name, files), _daemon(name, node, command, readinessProbe=ready)]


def exporters() -> Manifest:
    """What tells of each node, on its own address."""
    container = _container(["prometheus-node-exporter", f"--web.listen-address=:{EXPORTER_PORT}"])
    return _on_every_node("exporter", {"hostNetwork": True, "containers": [container]})


def shippers(addresses: Mapping[str, str], pods: str) -> list[Manifest]:
    """What reads the logs of pods on each node and sends them.

    Args:
        addresses: of the collector, by protocol.
        pods: a pattern of their names.
    """
    sends = "\n".join(
        f'action(type="{module}" target="{addresses[protocol]}" port="{port}" {more}'
        'template="RSYSLOG_SyslogProtocol23Format"\n'
        f'  queue.type="LinkedList" queue.filename="{protocol}" queue.saveOnShutdown="on" '
        'action.resumeRetryCount="-1")'
        for protocol, module, port, more in (
            ("tcp", "omfwd", TCP_PORT, 'protocol="tcp" '), ("relp", "omrelp", RELP_PORT, ""),
        )
    )  # fmt: skip
    told = (
        f'global(workDirectory="{DATA}")\nmodule(load="imfile")\nmodule(load="omrelp")\n'
        f'input(type="imfile" file="{LOGS}/default_{pods}/main/*.log" tag="pods")\n{sends}\n'
    )
    read_only = {"name": "logs", "mountPath": LOGS, "readOnly": True}
    container = _container(_rsyslogd(), _mounts("shipper")[0] + [read_only])
    volumes = [*_mounts("shipper")[1], {"name": "logs", "hostPath": {"path": LOGS}}]
    return [
        _files("shipper", {"rsyslog.conf": told}),
        _on_every_node("shipper", {"containers": [container], "volumes": volumes}),
    ]


def collecting(node: str) -> list[Manifest]:
    """What all shippers send to: each line goes to a file of its protocol, after the instant it came at."""
    told = 'module(load="imtcp")\nmodule(load="imrelp")\n' + (
        'template(name="came" type="string" string="%timegenerated:::date-rfc3339% %msg%\\n")\n'
    )
    for protocol, port in zip(PROTOCOLS, (TCP_PORT, RELP_PORT), strict=True):
        told += f'ruleset(name="{protocol}") {{ action(type="omfile" file="{DATA}/{protocol}" template="came") }}\n'
        told += f'input(type="im{protocol}" port="{port}" ruleset="{protocol}")\n'
    ready = {"tcpSocket": {"port": RELP_PORT}, "periodSeconds": 2}
    return [
        _files(COLLECTOR, {"rsyslog.conf": f'global(workDirectory="{DATA}" net.enableDNS="off")\n{told}'}),
        _daemon(COLLECTOR, node, _rsyslogd(), readinessProbe=ready),
    ]


def numbers(site: str, node: str, interval: Duration) -> Manifest:
    """A pod that logs its site's name and 0, 1, 2 ... at a known rate."""
    code = (
        "import itertools, time\n"
        "due = time.monotonic()\n"
        "for number in itertools.count():\n"
        f"    print({json.dumps(site)}, number, flush=True)\n"
        f"    due += {interval.seconds}\n"
        "    time.sleep(max(0, due - time.monotonic()))\n"
    )
    return pod(writer(site), node=node, command=("python3", "-c", code), tolerations=outlasting(None))


def _rsyslogd() -> list[str]:
    return ["rsyslogd", "-n", "-f", f"{FOLDER}/rsyslog.conf", "-i", "NONE"]


def _files(name: str, files: Mapping[str, str]) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(files)}


def _mounts(name: str) -> tuple[list[Manifest], list[Manifest]]:
    """Mounts and volumes: the files of a name, and a folder that lasts as long as the pod."""
    mounts = [{"name": "files", "mountPath": FOLDER}, {"name": "data", "mountPath": DATA}]
    return mounts, [{"name": "files", "configMap": {"name": name}}, {"name": "data", "emptyDir": {}}]


def _container(command: Sequence[str], mounts: Sequence[Manifest] = (), **more: Any) -> Manifest:
    return {
        "name": "main", "image": IMAGE, "imagePullPolicy": "Never", "command": list(command),
        "volumeMounts": list(mounts), **more,
    }  # fmt: skip


def _daemon(name: str, node: str, command: Sequence[str], **more: Any) -> Manifest:
    mounts, volumes = _mounts(name)
    container = _container(command, mounts, **more)
    return pod(name, node=node, containers=[container], volumes=volumes, tolerations=outlasting(None))


def _on_every_node(name: str, spec: Mapping[str, Any]) -> Manifest:
    labels = {"app": name}
    everywhere = [{"operator": "Exists"}]
    return {
        "apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": {"tolerations": everywhere, **spec}},
        },
    }  # fmt: skip
