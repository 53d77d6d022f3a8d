"""One trial of the benchmark of generators, by the real processes, against the real null site."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from benchmarks.generator.contenders import KLOKKEN
from benchmarks.generator.nullsite import null_site
from benchmarks.generator.trials import Bench

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.generator.outcome import Trial


@pytest.fixture(scope="module")
def trial() -> Iterator[Trial]:
    """Put Klokken's own engine before a null site for some seconds."""
    # The temporary folders of tests are closed to nginx's worker, which is not root.
    with TemporaryDirectory(prefix="klokken-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        (folder / "site").mkdir()
        (folder / "trials").mkdir()
        with null_site(folder / "site") as site:
            bench = Bench(site, folder / "trials", 2, lambda _: None, names=(KLOKKEN,))
            bench.cost([5.0], repeats=1)
        (found,) = bench.trials
        yield found


@pytest.mark.slow
def test_the_site_counts_the_logins_that_the_engine_says_it_did(trial: Trial) -> None:
    assert (trial.name, trial.rate, trial.failed) == (KLOKKEN, 5.0, 0)
    assert trial.done > 0


@pytest.mark.heavy
def test_what_a_login_costs_is_measured(trial: Trial) -> None:
    assert trial.cpu_seconds > 0
    assert trial.memory_bytes > 2**20
    assert trial.lateness is not None


@pytest.mark.heavy
def test_every_login_has_a_connection_and_a_handshake_of_its_own(trial: Trial) -> None:
    assert trial.split == 0
    assert trial.tls.startswith("TLSv1.3 ")
