"""Rulebooks of a simulated two-year programme, written as the TOML an office would write. Every day and value is made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

PUBLIC = '["public", "own_team", "panel", "auditor"]'
OWN = '["own_team", "auditor"]'


def words(text: str) -> str:
    return f'{{ ko = "모의 {text}", en = "{text} (simulated)" }}'


@dataclass(frozen=True)
class Days:
    """The days of a stage that is frozen on `start`."""

    start: date

    def __getitem__(self, days: int) -> str:
        return (self.start + timedelta(days=days)).isoformat()

    def at(self, days: int, hour: int = 1) -> str:
        return f"{self[days]}T{hour:02d}:00:00Z"

    @property
    def submitting(self) -> str:
        return self.at(3)

    @property
    def judging(self) -> str:
        return self.at(8)

    @property
    def deciding(self) -> str:
        return self.at(12)

    @property
    def announcing(self) -> str:
        return self.at(12, hour=5)

    @property
    def last_to_object(self) -> str:
        return self.at(22)

    @property
    def closing(self) -> str:
        return self.at(60)


def head(id_: str, days: Days) -> str:
    return f"""
schema = "dokja/rulebook/1"
id = "{id_}"
version = 1
title = {words(id_)}
points = 100

[clock]
timezone = "Asia/Seoul"
frozen = {days[0]}
submission = {{ opens = {days[2]}, closes = {days[4]} }}
evaluation = {{ opens = {days[6]}, closes = {days[10]} }}
decision = {days[12]}
objection = {{ opens = {days[13]}, closes = {days[22]} }}
final = {days[27]}

[appeals]
days = 10
day_kind = "calendar"
grounds = ["decisive_evaluator_error", "misreading_of_the_work", "clerical_error"]
answer_days = 5
another_panel = true

[signatures]
k = 2
n = 2
roles = [{{ name = "organiser", seats = 1, at_least = 1 }}, {{ name = "chair", seats = 1, at_least = 1 }}]

[amending]
needs = "all"
notice_days = 14

[publication]
narrowest_interval_points = 2
digits = 1
fields = [
  {{ field = "decision", to = {PUBLIC} }}, {{ field = "reasons", to = {PUBLIC} }},
  {{ field = "findings", to = {PUBLIC} }}, {{ field = "team_replies", to = {PUBLIC} }},
  {{ field = "stage_means", to = {PUBLIC} }}, {{ field = "stage_tops", to = {PUBLIC} }},
  {{ field = "signatures", to = {PUBLIC} }}, {{ field = "objections", to = {PUBLIC} }},
  {{ field = "totals", to = {OWN} }}, {{ field = "part_scores", to = {OWN} }}, {{ field = "ranks", to = {OWN} }},
]
"""


def panel(id_: str, kind: str, size: int, ballot: str = "rating") -> str:
    criteria = f'{{ id = "{id_}-overall", title = {words("overall")}, lowest = 0, highest = 100 }}'
    return f"""
[[panels]]
id = "{id_}"
kind = "{kind}"
title = {words(id_)}
size = {size}
quorum = {size - 1}
ballot = "{ballot}"
averaging = "mean"
trim_each_side = 0
blind = true
sealed = true
recusal = {{ grounds = ["affiliation"], then = "average_of_rest" }}
criteria = [{criteria if ballot == "rating" else ""}]
"""


def part(id_: str, points: float, reads: str) -> str:
    lines = (
        f'id = "{id_}"\ntitle = {words(id_)}\npoints = {points}\n{reads}\nnormaliser = {{ kind = "raw" }}\n'
    )
    return f"\n[[parts]]\n{lines}"


def advance(entering: int, places: int, gate: str, vacancy: str, final: bool = False) -> str:
    return f"""
[advance]
gate = "{gate}"
entering = {entering}
places = {places}
fewer_allowed = true
extra_eliminations = []
vacancy = "{vacancy}"
none_selected_allowed = true
single_applicant = "same_way"
final = {str(final).lower()}
ties = [{{ rule = "lot" }}]
"""


def keep(id_: str, places: int, reads: str = "total") -> str:
    return f'\n[[gates]]\nkind = "keep_top"\nid = "{id_}"\ntitle = {words(id_)}\nreads = "{reads}"\nkeep = {places}\n'


def all_of(id_: str, *gates: str) -> str:
    named = ", ".join(f'"{gate}"' for gate in gates)
    return f'\n[[gates]]\nkind = "all_of"\nid = "{id_}"\ntitle = {words(id_)}\ngates = [{named}]\n'


def by_panels(
    id_: str, days: Days, entering: int, places: int, *, final: bool = False, floor: float = 0.0
) -> str:
    """A stage that experts and users alone decide; with a floor, whoever scores less leaves a vacancy for re-entry."""
    text = head(id_, days) + part("expert", 60, 'panel = "experts"') + part("user", 40, 'panel = "users"')
    text += panel("experts", "experts", 5) + panel("users", "users", 6) + keep("best", places)
    if not floor:
        return text + advance(entering, places, "best", "left_empty", final)
    text += f'\n[[gates]]\nkind = "at_least"\nid = "floor"\ntitle = {words("floor")}\nreads = "total"\npoints = {floor}\n'
    return text + all_of("passing", "best", "floor") + advance(entering, places, "passing", "reentry", final)


def first_stage(days: Days, benchmark: str, digest: str, items: int) -> str:
    """Points from a benchmark, experts and users; independence beside them; a vacant place is filled by re-entry."""
    reads = 'suites = ["common"]'
    text = head("stage-1", days) + part("benchmark", 30, reads)
    text += part("expert", 40, 'panel = "experts"') + part("user", 30, 'panel = "users"')
    text += f"""
[[suites]]
id = "common"
title = {words("common")}
chosen_by = "organiser"
count = 1
repeats = 1
custody = "public"
benchmarks = [{{ id = "{benchmark}", digest = "{digest}", items = {items} }}]

[faults]
retries = 2
failing_answer = "wrong"
empty_answer = "wrong"
publish = "complete_only"

[[items]]
id = "weights"
aspect = "technical"
title = {words("weights")}
claims = ["weights.independent_of"]
per_component = true
evidence = "recorded"
judged_allowed = true

[[gates]]
kind = "independence"
id = "independence"
title = {words("independence")}
items = ["weights"]
"""
    text += panel("experts", "experts", 5) + panel("users", "users", 6)
    text += keep("best", 4) + all_of("passing", "best", "independence")
    return text + advance(5, 4, "passing", "reentry")


def reentry(days: Days, id_: str = "re-entry") -> str:
    """One vacant place, by a majority of a panel that votes."""
    text = head(id_, days).replace('{ field = "stage_means", to = ' + PUBLIC + " }, ", "")
    text = text.replace('{ field = "stage_tops", to = ' + PUBLIC + " },", "")
    text += panel("reviewers", "experts", 7, ballot="approval")
    text += f"""
[[gates]]
kind = "panel_majority"
id = "majority"
title = {words("majority")}
panel = "reviewers"
more_than_share = 0.5
majority_of = "size"
"""
    text += keep("best-one", 1, "majority") + all_of("selecting", "majority", "best-one")
    return text + advance(2, 1, "selecting", "left_empty")
