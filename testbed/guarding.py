"""The part of the builder that guards hosts and subnets."""

from __future__ import annotations

from collections.abc import Sequence

from testbed import fields
from testbed.guards import BorderFilter, BorderKind, SecurityGroup
from testbed.parameters import Parameters
from testbed.values import Named, Values


class Guarding(Values):
    """Collects security groups, network ACLs and firewalls. A rule is a line of words (:mod:`testbed.guards`)."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__(parameters)
        self._groups: list[SecurityGroup] = []
        self._borders: list[BorderFilter] = []

    def security_group(self, name: str, hosts: Sequence[str], rules: Sequence[str]) -> str:
        """Let through to and from ``hosts`` what ``rules`` say, answers to that, and nothing else."""
        belong, said = self._lists(f"security group {name}", hosts=hosts, rules=rules)
        self._groups.append(SecurityGroup(name=name, hosts=belong, rules=said))
        return name

    def network_acl(self, name: str, site: Named, rules: Sequence[str], *, subnets: Sequence[str] = ()) -> str:
        """Filter what crosses the border of subnets (all of the site), in order; answers need a rule of their own."""
        return self._border(name, "network ACL", site, rules, subnets)

    def firewall(self, name: str, site: Named, rules: Sequence[str], *, subnets: Sequence[str] = ()) -> str:
        """Filter what crosses the border of subnets (all of the site), in order; answers pass."""
        return self._border(name, "firewall", site, rules, subnets)

    def _border(self, name: str, kind: BorderKind, site: Named, rules: Sequence[str], subnets: Sequence[str]) -> str:
        said, at = self._lists(f"{kind} {name}", rules=rules, subnets=subnets)
        self._borders.append(BorderFilter(name=name, kind=kind, site=site.name, subnets=at, rules=said))
        return name

    def _lists(self, where: str, **given: object) -> list[tuple[str, ...]]:
        return [fields.texts(f"{where}, {name}", value, self.parameters.problems) for name, value in given.items()]
