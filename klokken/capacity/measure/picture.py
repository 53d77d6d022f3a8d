"""Load against response time, with the knee: an SVG that is the same whenever it is drawn."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from klokken.capacity.drawing import GREY, RED, panels, svg
from klokken.capacity.measure.errands import AUTOSAVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from klokken.capacity.measure.measurement import Measurement
    from klokken.capacity.measure.steps import Step
    from klokken.profile import Profile

_HEIGHT = 4.5
_PERCENTILES = {"p50": "#1b6ca8", "p95": "#c05600", "p99": "#7a1f5c"}
_MARKERS = "osD^vPX*"


def picture(found: Measurement, profile: Profile) -> str:
    """Return the plot of one profile as an SVG document."""
    title = f"{found.plan.stack}, {found.plan.began:%d %B %Y}: {profile.name}"
    figure, [axes] = panels([title], _HEIGHT)
    steps = [s for s in found.steps if s.phase == "warm" and s.profile == profile.name]
    _times(axes, [step for step in steps if step.fits])
    _left_out(axes, [step for step in steps if not step.fits])
    if profile.name in found.knee:
        _knee(axes, found, profile)
    slo = profile.slo.get(AUTOSAVE if profile.exam else profile.journey)
    if slo and slo.p99_seconds:
        limit = slo.p99_seconds.value
        axes.axhline(limit, color=RED, linewidth=1, label=f"limit of p99, {limit:g} s")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_xlim(left=0)
    axes.set_xlabel("pupils" if profile.exam else f"{profile.journey}s completed a second")
    waited = "that a save took" if profile.exam else "from when a pupil was due"
    axes.set_ylabel(f"seconds {waited}")
    axes.grid(visible=True, which="both", linewidth=0.3)
    return svg(figure)


def _times(axes: Axes, steps: list[Step]) -> None:
    """Draw every step as a point, and a line through the middle start of each rate."""
    for name, colour in _PERCENTILES.items():
        for start in sorted({step.start for step in steps}):
            own = [step for step in steps if step.start == start]
            axes.plot(
                [_load(step) for step in own],
                [getattr(step.whole, name) for step in own],
                _MARKERS[(start - 1) % len(_MARKERS)],
                color=colour,
                markersize=4,
                alpha=0.6,
            )
        rates = sorted({step.rate for step in steps})
        at = [[step for step in steps if step.rate == rate] for rate in rates]
        axes.plot(
            [median(_load(step) for step in own) for own in at],
            [median(getattr(step.whole, name) for step in own) for own in at],
            color=colour,
            linewidth=1.5,
            label=f"{name}, middle start",
        )
    for start in sorted({step.start for step in steps}):
        axes.plot([], _MARKERS[(start - 1) % len(_MARKERS)], color=GREY, label=f"start {start}")


def _load(step: Step) -> float:
    """Return how much a step was: journeys completed a second, or the pupils of an exam."""
    return step.rate if step.windows else step.achieved


def _left_out(axes: Axes, steps: list[Step]) -> None:
    if steps:
        axes.plot(
            [_load(step) for step in steps],
            [max(step.whole.p95, 1e-3) for step in steps],
            "x",
            color="#808080",
            label="excluded or fell\nshort, p95",
        )


def _knee(axes: Axes, found: Measurement, profile: Profile) -> None:
    full = found.saturation[profile.journey].value
    axes.axvline(full, color="#404040", linewidth=0.8, label=f"no core is left\nat {full:.1f}/s")
    knee = found.knee[profile.name]
    axes.axvspan(knee.low, knee.high, color="#d0d0d0", alpha=0.5, linewidth=0)
    axes.axvline(
        knee.value,
        color="#404040",
        linestyle="--",
        linewidth=1.2,
        label=f"knee {knee.value:.1f}/s\n({knee.low:.1f} to {knee.high:.1f})",
    )
