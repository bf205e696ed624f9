"""Claims about what collects metrics and logs, as manifests, and about what is made of a record of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.cluster.recipe import Recipe
from testbed.kubernetes import monitoring
from testbed.probe import lines, newest
from testbed.units import Duration
from tests.kubernetes.told import measured, wrong

SCENARIO = "cluster_monitoring.py"
S = 10**9
BROKE, BACK, END = 60, 120, 240
"""Of the record that never was, in s."""
INTERVAL = Duration.parse("5 s")
TARGET = {"__name__": "up", "job": "node", "instance": "192.168.1.10:9100"}


def test_a_site_writes_with_its_name_and_the_way_that_it_takes() -> None:
    files, pod = monitoring.keeping("onprem", "onprem-1", ["192.168.1.10"], "10.96.0.9", INTERVAL)
    told = yaml.safe_load(files["data"]["prometheus.yml"])
    assert told["global"] == {
        "scrape_interval": "5000ms", "scrape_timeout": "5000ms", "external_labels": {"site": "onprem"},
    }  # fmt: skip
    (write,) = told["remote_write"]
    assert write["url"] == "http://10.96.0.9:9090/api/v1/write"
    assert write["write_relabel_configs"] == [{"target_label": "way", "replacement": "remote_write"}]
    assert "queue_config" not in write, "theory is that of the defaults"
    assert pod["spec"]["nodeSelector"] == {"kubernetes.io/hostname": "onprem-1"}


def test_the_receiver_takes_what_is_written_and_fetches_from_each_site() -> None:
    files, pod = monitoring.receiving("aws-1", {"aws": "10.96.0.1", "onprem": "10.96.0.2"}, INTERVAL)
    jobs = yaml.safe_load(files["data"]["prometheus.yml"])["scrape_configs"]
    assert [job["static_configs"][0]["targets"] for job in jobs] == [["10.96.0.1:9090"], ["10.96.0.2:9090"]]
    assert all(job["honor_labels"] and job["metrics_path"] == "/federate" for job in jobs)
    (container,) = pod["spec"]["containers"]
    assert "--web.enable-remote-write-receiver" in container["command"]


def test_shippers_send_each_line_by_both_protocols_and_never_give_up() -> None:
    files, daemons = monitoring.shippers({"tcp": "10.96.0.3", "relp": "10.96.0.4"}, "numbers-*")
    told = files["data"]["rsyslog.conf"]
    assert told.count('action.resumeRetryCount="-1"') == 2
    assert 'type="omfwd" target="10.96.0.3" port="10514" protocol="tcp"' in told
    assert 'type="omrelp" target="10.96.0.4" port="2514"' in told
    spec = daemons["spec"]["template"]["spec"]
    assert {"name": "logs", "hostPath": {"path": "/var/log/pods"}} in spec["volumes"]


def test_the_image_of_all_that_is_asked_for_and_no_node_imports_it_at_its_start() -> None:
    (image,) = [each for each in Recipe.shipped().images if each.name == monitoring.IMAGE]
    assert image.on == "asked"


def test_lines_are_read_as_the_runtime_and_the_collector_write_them() -> None:
    kept = "2026-11-27T17:24:14.614181919Z stdout F onprem 7\nnot one of ours\n"
    (line,) = lines.kept(kept)
    assert (line.site, line.number, line.written_ns % S) == ("onprem", 7, 614_181_000)
    (came,) = lines.collected("2026-11-27T17:24:15.642803+00:00 " + kept)
    assert (came.number, came.came_ns - came.written_ns) == (7, 1_028_622_000)


def test_only_what_is_newer_is_told_again() -> None:
    answer = {"data": {"result": [{"metric": {"job": "node"}, "value": [1795800173.7, "1795800172.934"]}]}}
    known: dict[str, int] = {}
    assert list(newest.newer(known, newest.instants(answer))) == [({"job": "node"}, 1_795_800_172_934 * 10**6)]
    assert list(newest.newer(known, newest.instants(answer))) == []


def csv(folder: Path, name: str, header: str, rows: Sequence[tuple[float, ...]]) -> None:
    """Samples; cells are numbers or, in the columns whose name ends with ns, s."""
    (folder / "samples").mkdir(parents=True, exist_ok=True)
    factors = [S if column.endswith("_ns") else 1 for column in header.split(",")]
    text = [",".join(str(round(cell * f)) for cell, f in zip(row, factors, strict=True)) for row in rows]
    (folder / "samples" / f"{name}.csv").write_text("\n".join([header, *text]) + "\n")


def record(folder: Path, resumes: float = 125, lost: int = 0, hole: tuple[float, float] = (60, 122)) -> list[Any]:
    """One target of the far site, scraped each 5 s: written but for the cut until ``resumes``, fetched but for a hole.

    Lines of a pod there each 0.1 s: those of the outage come with the first retransmission, or when RELP connects anew.
    """
    series = [{**TARGET, "site": "onprem", "way": way} for way in monitoring.WAYS]
    scrapes: list[tuple[float, ...]] = []
    arrivals: list[tuple[float, ...]] = []
    for t in range(0, END, 5):
        fetched = not hole[0] <= t < hole[1]
        scrapes.append((0, t, 1, int(fetched)))
        arrivals.append((0, 0, resumes if BROKE - 5 <= t < resumes else t + 3, t))
        if fetched:
            arrivals.append((1, 0, t + 1, t))
    csv(folder, "scrapes-onprem", "series,scraped_ns,remote_write,federation", scrapes)
    csv(folder, "arriving", "series,before_ns,seen_ns,newest_ns", sorted(arrivals, key=lambda row: (row[0], row[2])))
    written = [(float(n), n / 10) for n in range(10 * END)]
    csv(folder, "lines-onprem", "number,written_ns", written)
    for protocol, waits in (("tcp", 0.21 * (2**9 - 1)), ("relp", 128 / 10 + 90)):
        again = BROKE + waits
        came = [(n, t, again if BROKE < t < again else t + 0.006) for n, t in written]
        csv(folder, f"lines-onprem-{protocol}", "number,written_ns,came_ns", came)
    told: list[Any] = [("probe.stop", {"probe": "arriving", "series": series})]
    told += [("targets", {"site": "onprem", "series": [TARGET]})]
    for way in monitoring.WAYS:
        told += [("metrics", {"site": "onprem", "way": way, "kept": 48_000, "series": 1000, "lost": lost,
                              "foreign": 0, "begun_ns": 0, "ended_ns": END * S})]  # fmt: skip
    told += [("fault.start", {"t_ns": BROKE * S, "target": "dx"}), ("way.back", {"t_ns": BACK * S})]
    return told


def far(folder: Path, told: list[Any]) -> dict[str, Any]:
    """What was measured of the far site."""
    found = measured(folder, SCENARIO, told)
    return {name: each for name, each in found.items() if name.endswith("_far") and each.value is not None}


def test_an_outage_as_theory_has_it_passes(tmp_path: Path) -> None:
    found = far(tmp_path, record(tmp_path))
    assert wrong(found) == []
    assert found["samples_lost_remote_write_far"].value == 0
    assert (found["scrapes_lost_federation_far"].value, found["scrapes_lost_federation_far"].expected) == (13, 12)
    assert found["again_after_remote_write_far"].value == 5
    assert found["samples_per_s_far"].value == 200
    assert found["latest_tcp_far"].value == pytest.approx(107.2, abs=0.2)


def test_a_lost_sample_a_longer_hole_and_a_late_return_fail(tmp_path: Path) -> None:
    found = far(tmp_path, record(tmp_path, resumes=145, lost=1, hole=(40, 122)))
    assert wrong(found) == [
        "samples_lost_remote_write_far", "latest_remote_write_far", "again_after_remote_write_far",
        "scrapes_lost_federation_far",
    ]  # fmt: skip


def test_lines_that_are_missing_twice_or_out_of_order_are_told(tmp_path: Path) -> None:
    told = record(tmp_path)
    path = tmp_path / "samples" / "lines-onprem-tcp.csv"
    header, first, second, third, *rest = path.read_text().splitlines()
    path.write_text("\n".join([header, second, third, third, first, *rest[1:]]) + "\n")
    found = far(tmp_path, told)
    names = ("lines_lost_tcp_far", "lines_replayed_tcp_far", "lines_disordered_tcp_far")
    assert [found[name].value for name in names] == [1, 1, 1]
    assert wrong(found) == list(names[:2]), "a queue of a minute of ten lines a second may have been on disk"


def test_a_restart_of_what_receives_loses_what_the_kernel_held_of_plain_tcp(tmp_path: Path) -> None:
    told = record(tmp_path)
    path = tmp_path / "samples" / "lines-onprem-tcp.csv"
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], *(row for row in rows[1:] if not 600 < int(row.split(",")[0]) < 900)]) + "\n")
    found = measured(tmp_path, SCENARIO, told, receivers="restart")
    assert found["lines_lost_tcp_far"].value == 299
    assert wrong({name: found[name] for name in found if name.startswith("lines_lost") and "far" in name}) == []
    assert wrong(far(tmp_path, told)) == ["lines_lost_tcp_far"]


def test_of_a_site_that_kept_and_wrote_nothing_nothing_is_known_to_be_whole(tmp_path: Path) -> None:
    told = record(tmp_path)
    for _, fields in told:
        fields.update({"kept": 0, "lost": 0} if "kept" in fields else {})
    path = tmp_path / "samples" / "lines-onprem.csv"
    path.write_text(path.read_text().splitlines()[0] + "\n")
    found = measured(tmp_path, SCENARIO, told)
    for name in ("samples_lost_remote_write", "samples_foreign_federation", "lines_lost_tcp", "lines_replayed_relp"):
        assert found[f"{name}_far"].value is None, name


def test_nothing_to_look_at_is_unknown(tmp_path: Path) -> None:
    found = measured(tmp_path, SCENARIO, [("fault.start", {}), ("way.back", {})])
    assert found["samples_lost_remote_write_far"].value is None
    assert found["lines_lost_tcp_near"].value is None
    assert wrong(found) == list(found)
