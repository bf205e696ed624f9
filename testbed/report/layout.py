"""Where everything in a topology's picture goes. Pure; inches, x to the right and y down.

Sites stand in two columns, so that most wires run between them through a corridor in the middle, where each has a
height of its own for its words. What has no site, such as the Internet, stands in the corridor.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from testbed.plan.plan import Plan
from testbed.report.sites import SiteBox, SubnetBox, Wire, sites, wires

WIDTH, MARGIN = 10.0, 0.1
SITE_WIDTH, HEAD, PAD, SITE_GAP = 2.45, 0.52, 0.12, 0.28
ROUTER_WIDTH, ROUTER_HEIGHT, ROUTER_STEP = 1.06, 0.56, 0.68
SUBNET_HEAD, SUBNET_GAP, CHIP_HEIGHT, CHIP_STEP = 0.26, 0.08, 0.24, 0.29
LANE, TRANSIT_WIDTH = 0.62, 0.72
BULGE, BULGE_STEP = 0.42, 0.1


@dataclass(frozen=True)
class Rect:
    """A rectangle by its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        """Half way down."""
        return self.y + self.height / 2


@dataclass(frozen=True)
class Course:
    """The way of a wire: from a port into its lane, along it, and out to another port. ``arc``: both on one side."""

    wire: Wire
    start: tuple[float, float]
    end: tuple[float, float]
    lane_y: float
    arc: bool
    bulge: float = BULGE

    @property
    def run(self) -> float:
        """How far the way goes, with its sign, until it is in its lane."""
        return min(0.7, abs(self.end[0] - self.start[0]) / 3) * (1 if self.end[0] > self.start[0] else -1)

    @property
    def flat(self) -> tuple[float, float]:
        """From where to where it lies in its lane. One to a transit stays there."""
        if self.arc:
            peak = self.start[0] + (self.bulge if self.start[0] < WIDTH / 2 else -self.bulge)
            return peak, peak
        return self.start[0] + self.run, self.end[0] if self.wire.transit else self.end[0] - self.run


@dataclass(frozen=True)
class Layout:
    """The picture: rectangles by name, and courses."""

    width: float
    height: float
    sites: tuple[tuple[SiteBox, Rect, bool], ...]
    """Site, place, and whether it stands on the left."""
    subnets: tuple[tuple[SubnetBox, Rect], ...]
    routers: Mapping[str, Rect]
    transits: Mapping[str, Rect]
    courses: tuple[Course, ...]


def lay_out(plan: Plan, broken: Collection[str]) -> Layout:
    """Lay a plan out."""
    boxes, cords = sites(plan, broken), wires(plan, broken)
    left, right = _columns(boxes, cords)
    transit_names = [node.name for node in plan.nodes if not node.site]
    columns = [sum(_site_height(box) + SITE_GAP for box in column) - SITE_GAP for column in (left, right)]
    corridor = LANE * _lanes(cords, transit_names, {router.name for box in left for router in box.routers})
    height = 2 * MARGIN + max(*columns, corridor, ROUTER_HEIGHT)
    placed = _stack(left, height, columns[0], on_left=True) + _stack(right, height, columns[1], on_left=False)
    routers = {name: rect for box, rect, on_left in placed for name, rect in _routers(box, rect, on_left)}
    transits, courses = _corridor(cords, transit_names, routers, height)
    subnets = tuple(each for box, rect, on_left in placed for each in _subnets(box, rect, on_left))
    width = WIDTH if right or transits else MARGIN * 2 + SITE_WIDTH + ROUTER_WIDTH / 2 + (2 if courses else 0)
    return Layout(width, height, tuple(placed), subnets, routers, transits, courses)


def _columns(boxes: Sequence[SiteBox], cords: Sequence[Wire]) -> tuple[list[SiteBox], list[SiteBox]]:
    """Split sites so that wires cross: the one with most neighbours left, each next one opposite most of its own."""
    home = {router.name: box.name for box in boxes for router in box.routers}
    near: dict[str, set[str]] = {box.name: set() for box in boxes}
    for cord in cords:
        a, b = home.get(cord.a), home.get(cord.b)
        if a and b and a != b:
            near[a].add(b)
            near[b].add(a)
    left: list[SiteBox] = []
    right: list[SiteBox] = []
    for box in sorted(boxes, key=lambda each: -len(near[each.name])):  # stable: the plan's order among equals
        ours, theirs = (len(near[box.name] & {each.name for each in column}) for column in (left, right))
        column = left if (ours, len(left)) <= (theirs, len(right)) else right
        column.append(box)
    order = {box.name: position for position, box in enumerate(boxes)}
    return sorted(left, key=lambda each: order[each.name]), sorted(right, key=lambda each: order[each.name])


def rows_of(subnet: SubnetBox) -> int:
    """Rows of chips: two narrow ones a row, or one wide one."""
    narrow = sum(not chip.wide for chip in subnet.chips)
    return -(-narrow // 2) + len(subnet.chips) - narrow


def _subnet_height(subnet: SubnetBox) -> float:
    return SUBNET_HEAD + rows_of(subnet) * CHIP_STEP + (0.04 if subnet.chips else 0.0)


def _site_height(box: SiteBox) -> float:
    inside = sum(_subnet_height(subnet) + SUBNET_GAP for subnet in box.subnets)
    return max(HEAD + inside + PAD - SUBNET_GAP, HEAD + len(box.routers) * ROUTER_STEP)


def _stack(column: Sequence[SiteBox], height: float, used: float, *, on_left: bool) -> list[tuple[SiteBox, Rect, bool]]:
    """One column, centred in height."""
    x = MARGIN if on_left else WIDTH - MARGIN - SITE_WIDTH
    y = (height - used) / 2
    placed = []
    for box in column:
        placed.append((box, Rect(x, y, SITE_WIDTH, _site_height(box)), on_left))
        y += _site_height(box) + SITE_GAP
    return placed


def _routers(box: SiteBox, rect: Rect, on_left: bool) -> list[tuple[str, Rect]]:
    """A site's routers, half out of its inner edge."""
    edge = rect.x + rect.width if on_left else rect.x
    middle = rect.y + (HEAD + rect.height) / 2
    top = middle - (len(box.routers) * ROUTER_STEP - (ROUTER_STEP - ROUTER_HEIGHT)) / 2
    return [
        (router.name, Rect(edge - ROUTER_WIDTH / 2, top + number * ROUTER_STEP, ROUTER_WIDTH, ROUTER_HEIGHT))
        for number, router in enumerate(box.routers)
    ]


def _subnets(box: SiteBox, rect: Rect, on_left: bool) -> list[tuple[SubnetBox, Rect]]:
    taken = ROUTER_WIDTH / 2 + PAD if box.routers else PAD
    x = rect.x + (PAD if on_left else taken)
    y = rect.y + HEAD
    placed = []
    for subnet in box.subnets:
        placed.append((subnet, Rect(x, y, rect.width - PAD - taken, _subnet_height(subnet))))
        y += _subnet_height(subnet) + SUBNET_GAP
    return placed


def _attached(cords: Sequence[Wire], transit: str) -> list[Wire]:
    return [cord for cord in cords if transit in (cord.a, cord.b)]


def _lanes(cords: Sequence[Wire], transits: Sequence[str], on_left: Collection[str]) -> int:
    """Lanes that the corridor needs; a transit needs as many as it has wires on its busier side."""
    lanes = sum(not cord.transit for cord in cords)
    for transit in transits:
        attached = _attached(cords, transit)
        left = sum(cord.a in on_left or cord.b in on_left for cord in attached)
        lanes += max(1, left, len(attached) - left)
    return lanes


def _corridor(
    cords: Sequence[Wire], transits: Sequence[str], routers: Mapping[str, Rect], height: float
) -> tuple[dict[str, Rect], tuple[Course, ...]]:
    """Give each direct wire a lane and each transit as many as it needs, no two nearer than their words allow."""
    direct = [cord for cord in cords if not cord.transit and cord.a in routers and cord.b in routers]
    wishes = [((routers[cord.a].middle + routers[cord.b].middle) / 2, LANE) for cord in direct]
    sides = [_sides(_attached(cords, transit), transit, routers) for transit in transits]
    rows = [max(1, len(left), len(right)) for left, right in sides]
    wishes += [(height, LANE * count) for count in rows]  # transits below all else
    middles = spread(wishes, MARGIN, height - MARGIN)
    ports = _Ports(routers)
    courses: list[Course] = []
    for cord, y in zip(direct, middles, strict=False):
        arc = _same_side(routers[cord.a], routers[cord.b])
        bulge = BULGE + BULGE_STEP * sum(course.arc for course in courses)
        courses.append(Course(cord, ports.take(cord.a, y), ports.take(cord.b, y), y, arc, bulge))
    placed = {}
    for transit, (left, right), count, y in zip(transits, sides, rows, middles[len(direct) :], strict=True):
        tall = max(0.5, LANE * count - 0.12)
        rect = placed[transit] = Rect((WIDTH - TRANSIT_WIDTH) / 2, y - tall / 2, TRANSIT_WIDTH, tall)
        for ends, x in ((left, rect.x), (right, rect.x + rect.width)):
            for number, (cord, router) in enumerate(ends):
                lane = y + (number - (len(ends) - 1) / 2) * LANE
                courses.append(Course(cord, ports.take(router, lane), (x, lane), lane, arc=False))
    return placed, tuple(courses)


def _sides(
    attached: Sequence[Wire], transit: str, routers: Mapping[str, Rect]
) -> tuple[list[tuple[Wire, str]], list[tuple[Wire, str]]]:
    """Wires that reach a transit from the left, and from the right, each with its router, from top to bottom."""
    ends = [(cord, cord.b if cord.a == transit else cord.a) for cord in attached]
    known = sorted((end for end in ends if end[1] in routers), key=lambda end: routers[end[1]].y)
    left = [end for end in known if routers[end[1]].x < WIDTH / 2]
    return left, [end for end in known if end not in left]


def _same_side(a: Rect, b: Rect) -> bool:
    return (a.x < WIDTH / 2) == (b.x < WIDTH / 2)


@dataclass
class _Ports:
    """Where wires leave routers: at the inner edge, a little nearer to where they go."""

    routers: Mapping[str, Rect]

    def take(self, router: str, lane_y: float) -> tuple[float, float]:
        rect = self.routers[router]
        lean = max(-0.36, min(0.36, (lane_y - rect.middle) * 0.3)) * rect.height
        return (rect.x + rect.width if rect.x < WIDTH / 2 else rect.x, rect.middle + lean)


def spread(wishes: Sequence[tuple[float, float]], top: float, bottom: float) -> list[float]:
    """Middles of things that want to be somewhere and have a height, moved as little as possible so that none overlap.

    Pool-adjacent-violators: neighbours that would overlap form a block around their common middle.
    """
    order = sorted(range(len(wishes)), key=lambda i: wishes[i][0])
    blocks: list[tuple[float, float, list[int]]] = []  # (middle, height, members)
    for i in order:
        middle, height = wishes[i]
        members = [i]
        middle = min(max(middle, top + height / 2), bottom - height / 2)
        while blocks and blocks[-1][0] + blocks[-1][1] / 2 > middle - height / 2 + 1e-9:
            above, tall, upper = blocks.pop()
            middle = (above * tall + middle * height) / (tall + height)
            height += tall
            members = upper + members
            middle = min(max(middle, top + height / 2), max(bottom - height / 2, top + height / 2))
        blocks.append((middle, height, members))
    found = [0.0] * len(wishes)
    for middle, height, members in blocks:
        y = middle - height / 2
        for i in members:
            found[i] = y + wishes[i][1] / 2
            y += wishes[i][1]
    return found
