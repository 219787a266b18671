"""The list of attacks leaves nothing out that can be asked."""

from __future__ import annotations

import attacks

from proxy.core.grammar import parse_plan
from proxy.core.reports import REPORTS
from proxy.formats import CATALOGUE
from proxy.ops import CATALOGUE as OPERATIONS


def test_every_operation_report_and_format_is_among_the_attacks() -> None:
    plans = [parse_plan(text.replace("{mark}", "aHR0cDovL2EvYg")) for text in attacks.ON_THE_FILE.values()]
    asked = {operation.name for plan in plans for stage in plan.stages for operation in stage.operations}
    assert set(OPERATIONS) <= asked
    assert set(REPORTS) == {plan.report.name for plan in plans if plan.report}
    assert {name for name, row in CATALOGUE.items() if row.spellings} <= {plan.format for plan in plans}
