from __future__ import annotations

from testbed.cluster import node


def test_containers_start_with_kinds_hook_and_no_limits_of_their_own() -> None:
    spec: dict[str, dict[str, object]] = {
        "process": {"args": ["sh"], "rlimits": [{"type": "RLIMIT_NOFILE"}]},
        "hooks": {"createContainer": [{"path": "/x"}]},
    }
    said = node.base_spec(spec)
    assert said["process"] == {"args": ["sh"]}
    assert [hook["path"] for hook in said["hooks"]["createContainer"]] == ["/x", "/kind/bin/mount-product-files.sh"]


def test_every_unit_that_is_enabled_is_kinds_or_written_here() -> None:
    kinds = {"kubelet.service", "containerd.service", "undo-mount-hacks.service"}
    written = {name.rsplit("/", 1)[1] for name in node.texts("v1", {}) if name.startswith(node.UNITS)}
    start = {name.rsplit("/", 1)[1] for name, leads_to in node.links().items() if leads_to != "/dev/null"}
    assert start == kinds | written


def test_a_node_that_has_not_its_images_is_never_ready() -> None:
    assert f"{node.UNITS}/multi-user.target.requires/testbed-images.service" in node.links()


def test_the_archives_that_are_imported_at_start_are_all_but_the_one_that_is_asked_for() -> None:
    script, mode = node.texts("v1", {})[node.IMPORTER]
    assert mode == 0o755
    assert {name for name in node.ARCHIVES.values() if f"/{name}" in script} == {
        node.ARCHIVES["all"], node.ARCHIVES["control-plane"],
    }  # fmt: skip
