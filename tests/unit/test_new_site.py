"""A new site: the files that a kommune begins with, right as they are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml
from click.testing import CliRunner

from klokken import cli, paths, stackconfig
from klokken.capacity.kommuner import kommune, kommuner
from klokken.errors import InputError
from klokken.population import largest_cell, schools
from klokken.servers.listing import ServerList
from klokken.sites import commands
from klokken.sites.draft import Wishes, draft, substrates
from klokken.sites.runbook import DUTIES, text
from klokken.stackconfig import StackConfig
from klokken.topology import Tier

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a project folder of the test's own."""
    for module in (paths, stackconfig, commands):
        monkeypatch.setattr(module, "PROJECT", tmp_path)
    return tmp_path


def new_site(*options: str) -> Result:
    return CliRunner().invoke(cli.cli, ["new", "site", *options], catch_exceptions=True)


@pytest.fixture
def horsens(project: Path) -> Path:
    """Write the site of Horsens on its own servers."""
    done = new_site("horsens", "--substrate", "servers", "--kommune", "Horsens")
    assert done.exit_code == 0, done.output
    return project


def test_its_config_is_valid_and_has_the_pupils_of_the_kommune(horsens: Path) -> None:
    assert horsens
    config = StackConfig.read("horsens")
    assert config.site.accounts == kommune("Horsens").pupils.value
    assert config.storms is False


def test_its_list_of_hosts_is_one_that_up_takes(horsens: Path) -> None:
    assert horsens
    listed = ServerList.read("horsens", StackConfig.read("horsens").site)
    assert listed.ssh.port == 22


def test_every_command_of_its_runbook_exists(horsens: Path) -> None:
    page = (horsens / "inventories/horsens/drift.md").read_text()
    named = set(re.findall(r"`klokken (\w+)", page))
    assert {"up", "down", "check", "doctor", "init", "storm"} <= named
    assert named <= set(cli.cli.list_commands(None))  # type: ignore[arg-type] # asks nothing of it


def test_its_runbook_is_one_page_without_a_place_left_open(horsens: Path) -> None:
    page = (horsens / "inventories/horsens/drift.md").read_text()
    assert len(page.splitlines()) < 80
    assert "{" not in page
    assert "Horsens" in page


def test_nothing_that_is_there_is_written_over(horsens: Path) -> None:
    (horsens / "Pulumi.horsens.yaml").write_text("mine")
    done = new_site("horsens", "--substrate", "servers", "--kommune", "Horsens")
    assert isinstance(done.exception, InputError)
    assert "is there already" in str(done.exception)
    assert (horsens / "Pulumi.horsens.yaml").read_text() == "mine"


def test_a_list_of_hosts_that_somebody_wrote_is_kept(horsens: Path) -> None:
    (horsens / "Pulumi.horsens.yaml").unlink()
    (horsens / "inventories/horsens/hosts.yml").write_text("mine")
    assert new_site("horsens", "--substrate", "servers", "--kommune", "Horsens").exit_code == 0
    assert (horsens / "inventories/horsens/hosts.yml").read_text() == "mine"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--kommune", "Hosrens"), "did you mean Horsens?"),
        (("--kommune", "Horsens", "--network", "8.8.8.0/24"), "not private"),
        (("--kommune", "Horsens", "--domain", "skole"), "not a domain name"),
        (("--kommune", "Horsens", "--domain", "skole: dk"), "give a plain name"),
        (("--kommune", "Horsens", "--network", "[10.0.0.0/24"), "give a plain name"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_written(
    project: Path, options: tuple[str, ...], said: str
) -> None:
    done = new_site("horsens", "--substrate", "servers", *options)
    assert said in str(done.exception)
    assert list(project.iterdir()) == []


def wishes(name: str, substrate: str, cell: int = 50_000) -> Wishes:
    return Wishes("site", substrate, name, "skole.example", None, cell)


def test_there_is_a_site_for_every_kommune() -> None:
    for each in kommuner():
        made = draft(wishes(each.name, "servers"))
        assert made.config.site.accounts == each.pupils.value
        page = text("site", made)
        assert str(each.schools.value) in page
        assert ("anslået" in page) == each.pupils.assumed


@pytest.mark.parametrize("substrate", substrates())
@pytest.mark.parametrize("name", ["København", "Horsens", "Læsø"])
def test_there_is_a_site_on_every_substrate(substrate: str, name: str) -> None:
    made = draft(wishes(name, substrate))
    assert made.config.substrate.kind == substrate
    assert made.config.site.accounts == kommune(name).pupils.value
    assert "{" not in text("site", made)


def test_a_cell_of_whole_schools_has_no_more_pupils_than_it_may() -> None:
    pupils = kommune("Aarhus").pupils.value
    cells = [draft(wishes("Aarhus", "servers", cell=most)) for most in (10_000, 1_000, 100)]
    ten, one, school = [made.config.site.tiers[Tier.DRIVE].count for made in cells]
    assert largest_cell(pupils, ten) <= 10_000 < largest_cell(pupils, ten - 1)
    # As many as there would be of any size are too few for schools that stay whole.
    assert largest_cell(pupils, one) <= 1_000 < largest_cell(pupils, -(-pupils // 1_000))
    # A school is not divided.
    assert school == schools(pupils)


def test_the_comments_of_the_example_stay() -> None:
    made = draft(wishes("Horsens", "servers"))
    assert "# The private network that the servers share." in made.text
    assert yaml.safe_load(made.text)["config"]["klokken:substrate"] == "servers"


def test_a_runbook_says_where_names_shall_lead_before_there_are_hosts() -> None:
    on_cloud = text("site", draft(wishes("Horsens", "hetzner")))
    assert "`pulumi stack output front --stack site`" in on_cloud
    assert "output front" not in text("site", draft(wishes("Horsens", "servers")))


def test_every_tier_has_its_duty_in_the_runbook() -> None:
    assert set(DUTIES) == set(Tier)
