"""A finding as an event holds it, and as it was recorded about a team."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from dokja.errors import InvalidInput
from dokja.finding import Evidence, Finding
from dokja.grammar.types import wrong


@dataclass(frozen=True, slots=True)
class RecordedFinding:
    """A finding as it was recorded about a team.

    Args:
        event: Id of the event, to which the team replies.
        team: Whose submission it is about.
        finding: The finding itself.
        by_rater: Who judged, for a judged finding; empty for an examination's own.
        cites: Digests of what a judged finding cites.
    """

    event: str
    team: str
    finding: Finding
    by_rater: str = ""
    cites: tuple[str, ...] = ()


class _FindingField:
    """Reads a finding; with `judged`, one of the evidence level judged alone."""

    def __init__(self, *, judged: bool = False) -> None:
        self.judged = judged

    def _read(self, value: object) -> Finding:
        try:
            finding = value if isinstance(value, Finding) else Finding.from_json(value)
        except InvalidInput as error:
            raise wrong(
                "not_a_finding", "is not a finding: {detail}", detail=error.message.rstrip(".")
            ) from None
        if self.judged and finding.evidence is not Evidence.JUDGED:
            raise wrong("not_judged", "does not carry the evidence level judged")
        return finding

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self._read,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda finding: finding.as_json()),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "object", "description": "A finding"}


AnyFinding: TypeAlias = Annotated[Finding, _FindingField()]
JudgedFinding: TypeAlias = Annotated[Finding, _FindingField(judged=True)]
