"""The path that routers send traffic by now, and conditions on it to wait for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from testbed.check import paths
from testbed.check.paths import Flow
from testbed.errors import InputError, Problem, known
from testbed.plan.plan import Plan

Vias = Mapping[tuple[str, str], tuple[str, ...]]


@dataclass(frozen=True)
class Condition:
    """Something that is so, or not yet; its text says what."""

    holds: Callable[[], bool]
    words: str

    def __call__(self) -> bool:
        """Whether it is so now."""
        return self.holds()

    def __str__(self) -> str:
        return self.words


class Way:
    """Between two hosts, by IPv4, over links and tunnels between sites; there and back, since traffic needs both."""

    def __init__(self, plan: Plan, vias: Callable[[], Vias], source: str, target: str) -> None:
        hosts = [host.name for host in plan.hosts]
        unknown = [name for name in (source, target) if name not in hosts]
        if unknown:
            raise InputError(Problem(f"path, {name}", "no such host", known(name, hosts)) for name in unknown)
        if plan.node(source).site == plan.node(target).site:
            raise InputError(Problem("path", f"{source} and {target} are in one site", "name hosts of two sites"))
        self._plan = plan
        self._vias = vias
        self._flow: Flow = paths.flow(plan, source, target)
        self._words = f"between {source} and {target}"

    def __repr__(self) -> str:
        return f"path {self._words}"

    @property
    def there(self) -> tuple[str, ...]:
        """Links and tunnels in order; ``a+b`` where both are used at once. Empty: there is no way."""
        return paths.wide_area(self._plan, self._vias(), self._flow.near, self._flow.there)

    @property
    def back(self) -> tuple[str, ...]:
        """Likewise, as answers go."""
        return paths.wide_area(self._plan, self._vias(), self._flow.far, self._flow.back)

    def uses(self, name: str) -> Condition:
        """Both ways lead over this link, tunnel or VPN. Raises :class:`InputError` for one that does not exist."""
        over = self._interfaces(name)
        return Condition(
            lambda: all(over & _split(way) for way in (self.there, self.back)), f"the path {self._words} uses {name}"
        )

    def avoids(self, name: str) -> Condition:
        """There is a path, and neither way leads over this link, tunnel or VPN. Raises :class:`InputError`."""
        over = self._interfaces(name)
        return Condition(
            lambda: all(way and not over & _split(way) for way in (self.there, self.back)),
            f"the path {self._words} avoids {name}",
        )

    def exists(self) -> Condition:
        """There is a way there, and one back."""
        return Condition(lambda: bool(self.there and self.back), f"there is a path {self._words}")

    def _interfaces(self, name: str) -> set[str]:
        found = {end.interface for link in self._plan.links if link.name == name for end in (link.a, link.b)}
        for tunnel in self._plan.tunnels:
            if name in (tunnel.name, tunnel.vpn):
                found |= {tunnel.a.interface, tunnel.b.interface}
        if not found:
            names = [link.name for link in self._plan.links]
            names += [each for tunnel in self._plan.tunnels for each in (tunnel.vpn, tunnel.name)]
            raise InputError(Problem(f"path, {name}", "no such link, tunnel or VPN", known(name, names)))
        return found


def _split(way: tuple[str, ...]) -> set[str]:
    return {each for hop in way for each in hop.split("+")}
