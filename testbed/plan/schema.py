"""Plans as JSON, and the JSON schemas of plans and of topologies in YAML."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from testbed.plan.plan import Plan

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def plan_json(plan: Plan) -> str:
    """The plan as JSON text, the same for the same plan."""
    return json.dumps(asdict(plan), indent=1) + "\n"


def plan_from_json(text: str) -> Plan:
    """Read a plan back. Raises ``pydantic.ValidationError`` for anything that is none."""
    return _adapter().validate_json(text)


def plan_schema() -> dict[str, Any]:
    """JSON schema of ``plan.json``."""
    return {"$schema": _DIALECT, **_adapter().json_schema(mode="serialization")}


def model_schema() -> dict[str, Any]:
    """JSON schema of a topology in YAML."""
    from testbed.yaml_model import Document

    schema = {"$schema": _DIALECT, **Document.model_json_schema()}
    return {key: _without_null(value) for key, value in schema.items()}


def _without_null(schema: object) -> object:
    """In YAML a key that is not wanted is left out: nothing is ever null."""
    if isinstance(schema, list):
        return [_without_null(value) for value in schema if value != {"type": "null"}]
    if not isinstance(schema, dict):
        return schema
    found: dict[str, Any] = {
        key: _without_null(value) for key, value in schema.items() if not (key == "default" and value is None)
    }
    if len(found.get("anyOf", ())) == 1:
        found |= found.pop("anyOf")[0]
    return found


def schema_text(schema: dict[str, Any]) -> str:
    """As it is kept under docs/schema."""
    return json.dumps(schema, indent=1) + "\n"


def _adapter() -> TypeAdapter[Plan]:
    from pydantic import TypeAdapter  # late: a plan is printed without it

    return TypeAdapter(Plan)
