"""The page: complete, self-contained, the same each time, and honest about what is missing."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from testbed.errors import InputError
from testbed.numbers import spoken
from testbed.plan.plan import Plan
from testbed.plan.schema import plan_from_json, plan_json
from testbed.report.page import write_report
from testbed.verdict import Measurement, judge
from tests.report.page import Page

SVG_BYTES_MAX = 300_000


def change_json(path: Path, **changes: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def add_event(directory: Path, t_s: float, kind: str, **fields: object) -> None:
    events = directory / "record" / "events.jsonl"
    line = json.dumps({"t_ns": int(t_s * 1e9), "kind": kind, **fields})
    events.write_text(f"{events.read_text()}{line}\n")


def keep_events(directory: Path, *kinds: str) -> None:
    events = directory / "record" / "events.jsonl"
    kept = [line for line in events.read_text().splitlines() if json.loads(line)["kind"] in kinds]
    events.write_text("".join(f"{line}\n" for line in kept))


def change_plan(directory: Path, **changes: Any) -> Plan:
    path = directory / "plan.json"
    plan = replace(plan_from_json(path.read_text()), **changes)
    path.write_text(plan_json(plan))
    return plan


def test_the_page_needs_no_network(run_dir: Path) -> None:
    page = Page(write_report(run_dir))
    assert all(target.startswith(("#", "data:")) for target in page.loads), page.loads
    assert not [target for target in page.anchors if "//" in target]
    assert not re.findall(r"url\(\s*['\"]?\s*(?!#)[a-z]", page.source)
    assert "@import" not in page.source
    assert not page.elements["script"]


def test_the_page_is_well_formed_and_no_id_occurs_twice(run_dir: Path) -> None:
    page = Page(write_report(run_dir))
    assert not page.unclosed
    assert page.ids
    assert not [name for name, count in page.ids.items() if count > 1]


def test_every_number_of_the_verdict_is_on_the_page(run_dir: Path) -> None:
    page = Page(write_report(run_dir))
    measurements = json.loads((run_dir / "record" / "verdict.json").read_text())["measurements"]
    numbers = [each[name] for each in measurements for name in ("value", "expected", "low", "high")]
    assert {number for number in numbers if number is not None} <= set(page.values)
    for each in measurements:
        assert spoken(each["name"]) in page.text
        assert each["source"] in page.text


def test_every_number_of_the_receipt_is_on_the_page(run_dir: Path) -> None:
    page = Page(write_report(run_dir))
    receipt = json.loads((run_dir / "record" / "receipt.json").read_text())
    checks = [check for link in receipt["links"] for check in link["checks"]]
    numbers = {check[name] for check in checks for name in ("asked", "delivered")}
    assert numbers - {None} <= set(page.values)
    assert "30 of 30 checks lie within their bounds" in page.text
    assert "vgw → cgw" in page.text
    assert "cgw → vgw" in page.text


def test_the_verdict_and_why_come_before_all_else(run_dir: Path) -> None:
    page = Page(write_report(run_dir))
    places = [page.text.index(words) for words in ("All 4 numbers with a bound", "Numbers beside theory", "Topology")]
    assert places == sorted(places)
    assert "PASS: failover.py" in page.text


def test_making_it_twice_gives_the_same_bytes(run_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    shutil.copytree(run_dir, other)
    for directory in (run_dir, other, run_dir):
        write_report(directory)
    names = sorted(path.relative_to(run_dir) for path in run_dir.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file())
    assert not [name for name in names if (run_dir / name).read_bytes() != (other / name).read_bytes()]


def test_charts_are_written_as_svg_and_png_and_are_small(run_dir: Path) -> None:
    write_report(run_dir)
    for name in ("topology", "timeline", "close-up", "rtt-traffic", "loss-traffic"):
        assert (run_dir / "charts" / f"{name}.png").stat().st_size > 5000
        assert 5000 < (run_dir / "charts" / f"{name}.svg").stat().st_size < SVG_BYTES_MAX


def test_sentences_are_computed_from_the_record(run_dir: Path) -> None:
    text = Page(write_report(run_dir)).text
    assert "median 10 ms before, 30 ms while it was broken and 10 ms after healing" in text
    assert "17 of 1,827 packets lost" in text
    assert "Silent loss on dx from 15.18 s; aws-a → dc-1 stood still for 0.85 s" in text
    assert "vgw after 0.70 s and cgw after 0.75 s" in text


def test_every_file_of_the_run_is_linked_and_every_link_leads_to_a_file(run_dir: Path) -> None:
    (run_dir / "record" / "50 % & more?.pcap").write_bytes(b"x")
    page = Page(write_report(run_dir))
    files = {str(path.relative_to(run_dir)) for path in run_dir.rglob("*") if path.is_file()} - {"report.html"}
    assert {unquote(anchor) for anchor in page.anchors} == files


def test_what_was_set_for_this_run_is_marked(run_dir: Path) -> None:
    source = Page(write_report(run_dir)).source
    assert re.search(r'<li class="changed"><code>vpn.delay</code>', source)
    assert re.search(r"<li><code>dx.delay</code>", source)


def test_it_says_how_to_repeat_the_run(run_dir: Path) -> None:
    text = Page(write_report(run_dir)).text
    assert json.loads((run_dir / "environment.json").read_text())["command"] in text
    assert "Seed 7." in text
    assert "0123abc" in text


def test_a_failed_run_shows_what_failed_where_what_to_do_and_the_log(run_dir: Path) -> None:
    where, what, hint = "cgw: bird", "ended with signal 11", "look into its log"
    add_event(run_dir, 93.1, "run.failed", where=where, what=what, hint=hint)
    (run_dir / "record" / "verdict.json").write_text(json.dumps(judge([], [f"{where}: {what}"]).to_json()))
    page = Page(write_report(run_dir))
    assert page.text.index("UNKNOWN") < page.text.index("What failed") < page.text.index("Topology")
    assert all(words in page.text for words in (where, what, hint, "Last lines of record/daemons/cgw/bird.log"))
    assert "record/daemons/vgw/bird.log" in page.anchors
    assert "Last lines of record/daemons/vgw/bird.log" not in page.text  # it is not the one that failed


def test_a_guest_that_died_shows_its_console(run_dir: Path) -> None:
    change_json(run_dir / "environment.json", finished=False, console=["Kernel panic - not syncing"])
    shutil.rmtree(run_dir / "record" / "daemons")
    text = Page(write_report(run_dir)).text
    assert "Last lines of console Kernel panic - not syncing" in text


def test_each_matrix_stands_under_a_heading_of_its_own_kind(run_dir: Path) -> None:
    ends = {"source": "dc-1", "target": "aws-a", "sort": "tcp", "reason": "ok", "where": "", "detail": ""}
    for family in (4, 6):
        add_event(run_dir, 1, "attempt", family=family, **ends)
    add_event(run_dir, 1, "flow", flow="kubelet", roles=["a", "b"], port=1, advice="", further=[], **ends)
    add_event(run_dir, 1, "policy.pair", policy="deny", passes=True, allowed=True, **ends)
    add_event(run_dir, 1, "placement", case="any", stage="first", pod="p", node="dc-1", why="", reason="")
    source = write_report(run_dir).read_text(encoding="utf-8")
    over: dict[str, list[str]] = {}
    for heading, section in re.findall(r"<h2>([^<]*)</h2>(.*?)</section>", source, re.DOTALL):
        if found := re.findall(r'<figure id="matrix-([^"]*)"', section):
            over[heading] = found
    assert over == {
        "Who reaches whom": ["ipv4", "ipv6"], "Flows": ["flows"], "Network policies": ["policies"],
        "Placement": ["placement"],
    }  # fmt: skip


def test_reasons_are_told_once_each(run_dir: Path) -> None:
    bad = Measurement("gap", 2.0, "s", 0.8, 0.6, 1.0, "theory")
    found = judge([bad], ["the guest ended early\nlast words"], ["a route leaked"])
    (run_dir / "record" / "verdict.json").write_text(json.dumps(found.to_json()))
    text = Page(write_report(run_dir)).text
    for reason in ("a route leaked", "the guest ended early", "last words", "Gap: 2 s, where theory allows 0.6 to 1 s"):
        assert text.count(reason) == 1, reason


def test_names_and_texts_of_the_user_are_not_markup(run_dir: Path) -> None:
    nasty = "<b onclick=alert(1)>&\"'</b>"
    scenario = {"question": nasty, "hypothesis": nasty, "refuted_by": nasty, "file": nasty}
    change_json(run_dir / "environment.json", scenario=scenario, command=f"testbed run {nasty}")
    change_plan(run_dir, about=nasty, parameters={nasty: nasty})
    add_event(run_dir, 50.0, "note", text=nasty)
    add_event(run_dir, 51.0, "fault.start", number=9, fault=nasty, target=nasty, directions=[])
    page = Page(write_report(run_dir))
    assert not page.elements["b"]
    assert nasty in page.text


def test_missing_receipt_samples_and_environment_values_are_said_not_hidden(run_dir: Path) -> None:
    (run_dir / "record" / "receipt.json").unlink()
    shutil.rmtree(run_dir / "record" / "samples")
    (run_dir / "environment.json").write_text("{}")
    text = Page(write_report(run_dir)).text
    assert "There is none: it is not known whether the links do what they were asked" in text
    assert "What traffic saw" not in text
    assert "The command is not on record." in text


def test_an_empty_record_is_unknown_and_still_shows_the_network(run_dir: Path) -> None:
    shutil.rmtree(run_dir / "record")
    (run_dir / "record").mkdir()
    text = Page(write_report(run_dir)).text
    assert "UNKNOWN" in text
    assert "the record was not judged" in text
    assert "2 sites, 2 routers, 4 hosts, 3 links and 2 tunnels" in text


def test_a_run_without_faults_says_so(run_dir: Path) -> None:
    keep_events(run_dir, "scenario.start", "scenario.stop", "probe.start")
    text = Page(write_report(run_dir)).text
    assert "Nothing was broken." in text
    assert "Nothing was broken in 91.8 s" in text
    assert "Close up" not in text


def test_a_fault_that_is_never_healed_lasts_to_the_end(run_dir: Path) -> None:
    keep_events(run_dir, "scenario.start", "scenario.stop", "fault.start")
    assert "It was not healed." in Page(write_report(run_dir)).text


def test_a_lab_with_ipv6_alone_has_a_report(run_dir: Path) -> None:
    plan = plan_from_json((run_dir / "plan.json").read_text())
    change_plan(
        run_dir,
        reach=tuple(reach for reach in plan.reach if ":" in reach.prefix),
        cables=tuple(replace(c, addresses=tuple(a for a in c.addresses if ":" in a)) for c in plan.cables),
        routing=tuple(
            replace(
                routing,
                originate=tuple(prefix for prefix in routing.originate if ":" in prefix),
                sessions=tuple(session for session in routing.sessions if session.family == 6),
            )
            for routing in plan.routing
        ),
    )
    assert "PASS" in Page(write_report(run_dir)).text


def test_samples_of_another_kind_are_left_alone(run_dir: Path) -> None:
    (run_dir / "record" / "samples" / "tcp.csv").write_text("t_ns,bytes\n1,1000\n")
    (run_dir / "record" / "samples" / "empty.csv").write_text("seq,sent_ns,reached_ns,returned_ns\n")
    page = Page(write_report(run_dir))
    assert "record/samples/tcp.csv" in page.anchors
    assert not (run_dir / "charts" / "rtt-tcp.svg").exists()


def test_a_damaged_directory_is_refused_with_everything_that_is_wrong(run_dir: Path) -> None:
    (run_dir / "plan.json").unlink()
    (run_dir / "environment.json").write_text("{")
    (run_dir / "record" / "verdict.json").write_text('{"verdict": "PASS"}')
    (run_dir / "record" / "receipt.json").write_text('{"level": 0.999, "links": [{"link": 1}]}')
    events = run_dir / "record" / "events.jsonl"
    events.write_text(events.read_text() + '{"kind": "route"}\n')
    samples = run_dir / "record" / "samples" / "traffic.csv"
    samples.write_text(samples.read_text() + "1827,5\n")
    with pytest.raises(InputError) as caught:
        write_report(run_dir)
    assert [problem.where for problem in caught.value.problems] == [
        "plan.json", "environment.json", "record/verdict.json", "record/receipt.json", "record/events.jsonl",
        "record/samples/traffic.csv",
    ]  # fmt: skip
    assert f"line {len(events.read_text().splitlines())} is not an event" in str(caught.value)
    assert "line 1829: 2 cells instead of 4" in str(caught.value)
    assert not (run_dir / "report.html").exists()


def test_a_directory_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such directory"):
        write_report(tmp_path / "nowhere")
    with pytest.raises(InputError) as caught:
        write_report(tmp_path)
    assert [problem.where for problem in caught.value.problems] == ["record/", "plan.json", "environment.json"]
