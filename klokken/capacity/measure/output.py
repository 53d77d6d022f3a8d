"""What a measurement leaves in its folder: all of it as JSON, the demands, plots, a report."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from klokken import files
from klokken.capacity.measure import report
from klokken.capacity.measure.holdout import predictions
from klokken.capacity.measure.picture import picture
from klokken.errors import MachineError
from klokken.report.sheet import NAME

if TYPE_CHECKING:
    from pathlib import Path

    from klokken.capacity.demands import Demands
    from klokken.capacity.measure.measurement import Measurement


def put_down(found: Measurement, demands: Demands, folder: Path) -> None:
    """Write measure.json, demands.yaml, the plots and report.html; raise MachineError."""
    written = {
        "measure.json": found.model_dump_json(indent=1) + "\n",
        "demands.yaml": demands_file(found, demands),
        **{f"load-{p.name}.svg": picture(found, p) for p in found.plan.profiles},
        NAME: report.render(found),
    }
    for name, text in written.items():
        try:
            files.write(folder / name, text)
        except OSError as error:
            raise MachineError(f"{folder / name}: cannot be written ({error.strerror})") from None


def demands_file(found: Measurement, demands: Demands) -> str:
    """Return demands as YAML; how well they predict what they were not fitted to stands on top."""
    plan = found.plan
    head = [
        f"Measured by `klokken measure` on stack {plan.stack}, {plan.began:%d %B %Y}, {plan.run}.",
        "The largest step of each start was predicted from the smaller ones, and was off by:",
        *(
            f"start {each.start}, {each.load}: "
            + ", ".join(f"{figure.what} {100 * figure.error:+.1f} %" for figure in each.figures)
            for each in found.held_out
        ),
        "The upper ends are those of the unlucky start: size from them, with --bound high.",
    ]
    body = demands.model_dump(mode="json", exclude_unset=True)
    body["held_out"] = [one.model_dump(mode="json") for one in predictions(found.held_out)]
    text = yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100)
    return "".join(f"# {line}\n" for line in head) + text
