"""Plans and models as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from testbed.plan.plan import Plan


def plan_json(plan: Plan) -> str:
    """The plan as JSON text, the same for the same plan."""
    return json.dumps(asdict(plan), indent=1) + "\n"


def plan_from_json(text: str) -> Plan:
    """Read a plan back."""
    from pydantic import TypeAdapter

    return TypeAdapter(Plan).validate_json(text)


def plan_schema() -> dict[str, Any]:
    """JSON schema of ``plan.json``."""
    from pydantic import TypeAdapter

    return TypeAdapter(Plan).json_schema()
