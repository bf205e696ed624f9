from __future__ import annotations

import pytest

from testbed.cluster.gomod import CannotBuild, Requirement, wrapper

TARGET = Requirement("example.org/big", "v1.34.4")


def upstream(*replaced: tuple[str, str, str], requires: tuple[tuple[str, str], ...]) -> dict[str, object]:
    """What ``go mod edit -json`` prints, as far as it matters."""
    return {
        "Go": "1.24.0",
        "Require": [{"Path": path, "Version": version} for path, version in requires],
        "Replace": [
            {"Old": {"Path": old}, "New": {"Path": new, **({"Version": version} if version else {})}}
            for old, new, version in replaced
        ]
        or None,
    }


def test_a_module_taken_from_beside_itself_becomes_the_released_one() -> None:
    said = upstream(
        ("example.org/api", "./staging/src/example.org/api", ""),
        ("example.org/net", "example.com/fork", "v0.9.1"),
        requires=(("example.org/api", "v0.0.0"), ("example.org/net", "v1.0.0"), ("a.example/z", "v2.1.0")),
    )
    assert wrapper("big", TARGET, said, {"example.org/*": "v0.34.4"}) == (
        "module testbed.invalid/big\n"
        "\n"
        "go 1.24.0\n"
        "\n"
        "require (\n"
        "\ta.example/z v2.1.0\n"
        "\texample.org/api v0.0.0\n"
        "\texample.org/big v1.34.4\n"
        "\texample.org/net v1.0.0\n"
        ")\n"
        "\n"
        "replace (\n"
        "\texample.org/api => example.org/api v0.34.4\n"
        "\texample.org/net => example.com/fork v0.9.1\n"
        ")\n"
    )


def test_a_folder_that_no_version_is_named_for_is_left_to_what_is_required() -> None:
    said = upstream(("example.org/api", "../api", ""), requires=(("example.org/api", "v3.6.5"),))
    assert "replace" not in wrapper("big", TARGET, said, {})


def test_what_is_released_nowhere_is_an_error_that_names_it() -> None:
    said = upstream(("example.org/api", "./api", ""), requires=(("example.org/api", "v0.0.0"),))
    with pytest.raises(CannotBuild, match=r"example.org/big v1.34.4 takes from beside itself: example.org/api"):
        wrapper("big", TARGET, said, {})
