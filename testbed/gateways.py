"""The part of the builder that declares what stands beside routers: NAT gateways and resolvers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from testbed import fields
from testbed.fields import NatFields, ResolverFields
from testbed.nat import NatGateway
from testbed.parameters import Parameters
from testbed.resolvers import Resolver
from testbed.values import Named, Values


class Beside(Values):
    """Collects NAT gateways and resolvers."""

    def __init__(self, parameters: Parameters) -> None:
        super().__init__(parameters)
        self._nats: list[NatGateway] = []
        self._resolvers: list[Resolver] = []

    def nat_gateway(
        self, name: str, site: Named, *, subnet: str, serves: Sequence[str], **options: Unpack[NatFields]
    ) -> str:
        """Let hosts of the subnets ``serves`` begin connections elsewhere under the address of a gateway in ``subnet``.

        ``options``: :class:`testbed.nat.NatGateway`.
        """
        found = fields.nat_gateway(name, site.name, subnet, serves, options, self.parameters.problems)
        self._nats.append(found)
        return name

    def _add_resolver(self, site: str, host: str, options: ResolverFields) -> str:
        self._resolvers.append(fields.resolver(site, host, options, self.parameters.problems))
        return host
