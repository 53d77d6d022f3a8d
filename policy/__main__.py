"""The program that Pulumi asks at preview: wiring only."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

if TYPE_CHECKING:
    from pulumi_policy import ReportViolation, ResourceValidationArgs

# Pulumi runs this folder; the rules are known by their place in the project.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policy.rules import RULES, Rule
from policy.seen import Seen


def _policy(name: str, rule: Rule) -> ResourceValidationPolicy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        seen = Seen(args.resource_type, args.name, args.props, protect=args.opts.protect)
        for problem in rule(seen):
            report(f"{args.name}: {problem}", None)

    description = (rule.__doc__ or name).partition("\n")[0]
    return ResourceValidationPolicy(name, description, validate, EnforcementLevel.MANDATORY)


PolicyPack("klokken", [_policy(name, rule) for name, rule in RULES.items()])
