"""Read the user's apt sources, in both formats, and decide what a private apt should look at."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

# Debian's suite where new kernel sources appear first. A linux-source package is architecture-independent text, so
# taking it from there pulls in nothing else.
NEWEST_SUITE = "sid"
GENERIC_SUITES = frozenset({"stable", "oldstable", "testing", "unstable", "sid"})
NO_WORDS = frozenset({"no", "false", "without", "off", "disable", "0"})  # sources.list(5) and apt.conf(5)


@dataclass(frozen=True)
class AptEntry:
    """One archive: where it is, which of its suites and components, and the keys that vouch for it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    options: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Distribution:
    """What ``/etc/os-release`` says."""

    name: str
    codename: str


# One-line option names and their deb822 fields that decide whether an archive is believed; the others are not needed.
_TRUST_OPTIONS = {"signed-by": "Signed-By", "trusted": "Trusted"}
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^]]*)\]\s*)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>[^#]*)")


def parse_one_line(text: str) -> list[AptEntry]:
    """Read the one-line format of ``sources.list``. Lines that are no ``deb`` line with components are passed over."""
    entries = []
    for line in text.splitlines():
        if (match := _ONE_LINE.match(line.strip())) and match["components"].strip():
            pairs = (word.split("=", 1) for word in (match["options"] or "").split() if "=" in word)
            options = tuple((_TRUST_OPTIONS[k.lower()], v) for k, v in pairs if k.lower() in _TRUST_OPTIONS)
            entries.append(AptEntry(match["uri"], (match["suite"],), tuple(match["components"].split()), options))
    return entries


def parse_deb822(text: str) -> list[AptEntry]:
    """Read the deb822 format of ``*.sources``. Disabled, source-only and flat archives are passed over."""
    return [entry for fields in _stanzas(text) for entry in _entries(fields)]


def _stanzas(text: str) -> Iterator[dict[str, str]]:
    """Fields by lower-case name. A value keeps its continuation lines, since a Signed-By may hold a whole key."""
    fields: dict[str, str] = {}
    name = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield fields
            fields, name = {}, ""
        elif line[0].isspace():
            fields[name] = fields.get(name, "") + "\n" + line
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()


def _entries(fields: Mapping[str, str]) -> Iterator[AptEntry]:
    components = tuple(fields.get("components", "").split())
    if "deb" not in fields.get("types", "").split() or not components:
        return
    if fields.get("enabled", "yes").lower() in NO_WORDS:
        return
    options = tuple((proper, fields[key]) for key, proper in _TRUST_OPTIONS.items() if fields.get(key))
    for uri in fields.get("uris", "").split():
        yield AptEntry(uri, tuple(fields.get("suites", "").split()), components, options)


def read_entries(etc_apt: Path) -> list[AptEntry]:
    """All archives of the user's apt, in apt's order. Files that cannot be read are passed over, as apt does."""
    parts = sorted((etc_apt / "sources.list.d").glob("*")) if (etc_apt / "sources.list.d").is_dir() else []
    entries = []
    for path in [etc_apt / "sources.list", *parts]:
        if path.is_file() and path.suffix in (".list", ".sources"):
            text = path.read_text(errors="replace")
            entries += parse_one_line(text) if path.suffix == ".list" else parse_deb822(text)
    return entries


def read_distribution(os_release: Path) -> Distribution:
    """Who made this system, or empty names."""
    text = os_release.read_text() if os_release.is_file() else ""
    fields = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return Distribution(fields.get("ID", "").strip("'\""), fields.get("VERSION_CODENAME", "").strip("'\""))


def choose_entries(entries: Sequence[AptEntry], distribution: Distribution) -> list[AptEntry]:
    """Keep the distribution's own archives, so that nobody else is asked, and add Debian's newest suite.

    The newest suite comes from the mirror, and with the keyring, that the user's own suite comes from.
    """
    own = own_entries(entries, distribution)
    if distribution.name != "debian" or any({NEWEST_SUITE, "unstable"} & set(entry.suites) for entry in own):
        return own
    base = next((entry for entry in own if any(_is_base(suite, distribution) for suite in entry.suites)), None)
    return [*own, replace(base, suites=(NEWEST_SUITE,), components=("main",))] if base else own


def own_entries(entries: Sequence[AptEntry], distribution: Distribution) -> list[AptEntry]:
    """The distribution's own archives alone."""
    return [entry for entry in entries if _is_own(entry, distribution)]


def _is_own(entry: AptEntry, distribution: Distribution) -> bool:
    return "main" in entry.components and any(
        _is_base(suite.split("-")[0].split("/")[0], distribution) for suite in entry.suites
    )


def _is_base(suite: str, distribution: Distribution) -> bool:
    return suite in GENERIC_SUITES or (bool(distribution.codename) and suite == distribution.codename)


def render(entries: Iterable[AptEntry]) -> str:
    """Write the entries as one deb822 file."""
    return "\n".join(
        "\n".join((
            "Types: deb",
            f"URIs: {entry.uri}",
            f"Suites: {' '.join(entry.suites)}",
            f"Components: {' '.join(entry.components)}",
            *(f"{name}: {value}" for name, value in entry.options),
            "",
        ))
        for entry in entries
    )  # fmt: skip
