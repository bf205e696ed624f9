"""What can be wrong with resolvers."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network

from testbed.errors import Problem, known
from testbed.model import Model
from testbed.resolvers import Resolver
from testbed.units import Duration

LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""RFC 1123 section 2.1, and RFC 1035 section 2.3.4 for its length."""
DOMAIN_MAX = 200
"""A name has at most 253 characters (RFC 1035 section 2.3.4), and a host's own comes before it; arbitrary below."""
SECOND = Duration(10**9)
TTL_MAX = Duration((2**31 - 1) * 10**9)
"""RFC 2181 section 8."""


def resolvers(model: Model) -> Iterator[Problem]:
    """Every problem of the resolvers, once."""
    yield from dict.fromkeys(_all(model))


def _all(model: Model) -> Iterator[Problem]:
    having = [resolver.site for resolver in model.resolvers]
    for site, count in Counter(having).items():
        if count > 1:
            yield Problem(f"site {site}", f"{count} resolvers, and a site has one", "leave all but one out")
    for domain, count in Counter(resolver.domain for resolver in model.resolvers).items():
        sites = list(dict.fromkeys(resolver.site for resolver in model.resolvers if resolver.domain == domain))
        if count > 1 and len(sites) > 1:
            what = f"the domain of {' and of '.join(sites)}: nobody could say whose names are meant"
            yield Problem(f"domain {domain}", what, "give each site a domain of its own")
    for resolver in dict.fromkeys(model.resolvers):
        others = [site for site in having if site != resolver.site]
        yield from _resolver(model, resolver, others)
        yield from _alike(model, resolver, others if resolver.forwards_to is None else resolver.forwards_to)


def _resolver(model: Model, resolver: Resolver, others: list[str]) -> Iterator[Problem]:
    where = f"resolver of {resolver.site}"
    hosts = [host.name for host in model.hosts if host.site == resolver.site]
    if resolver.host not in hosts:
        place = next((host.site for host in model.hosts if host.name == resolver.host), None)
        what = f"{resolver.host!r} is no host of this site"
        yield Problem(where, f"{what} but of {place}" if place else what, known(resolver.host, hosts))
    labels = resolver.domain.split(".")
    if not all(LABEL.fullmatch(label) for label in labels) or len(resolver.domain) > DOMAIN_MAX:
        hint = f"lower-case letters, digits and dashes between dots, at most {DOMAIN_MAX} characters"
        yield Problem(where, f"{resolver.domain!r} is no domain", hint)
    if not SECOND <= resolver.ttl <= TTL_MAX or resolver.ttl % SECOND:
        yield Problem(where, f"a TTL of {resolver.ttl} cannot be said", "whole seconds, one at least (RFC 2181)")
    for site in resolver.forwards_to or ():
        if site == resolver.site:
            yield Problem(where, "forwards to itself", "it knows the names of its own site")
        elif site not in others:
            yield Problem(where, f"forwards to {site!r}, which has no resolver to ask", known(site, others))


def _alike(model: Model, resolver: Resolver, asked: Iterable[str]) -> Iterator[Problem]:
    """Sites with mapped ranges that would be asked although nobody can tell their addresses apart."""
    mapped = [site for site in model.sites if site.seen_as and site.name in asked]
    for one, other in itertools.combinations(mapped, 2):
        # A range that is none is told elsewhere.
        with contextlib.suppress(ValueError):
            if IPv4Network(one.cidr).overlaps(IPv4Network(other.cidr)):
                what = f"asks {one.name} and {other.name}, whose own addresses are alike"
                hint = "forwards_to=[...]: one of them; answers are translated by the address alone"
                yield Problem(f"resolver of {resolver.site}", what, hint)
