"""The database: one role, one database, TLS and scram, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from klokken.topology import Tier
from tests.hosts.on_host import assert_hardened, listening

if TYPE_CHECKING:
    from testinfra.host import Host

    from klokken.inventory import Inventory

TIER = "database"
UNIT = "postgresql@17-main.service"


def sql(host: Host, query: str, database: str = "postgres") -> list[str]:
    """Return the rows of a query, asked as the superuser over the local socket."""
    done = host.run(f'runuser -u postgres -- psql -AtX -d {database} -c "{query}"')
    assert done.rc == 0, done.stderr
    return str(done.stdout).splitlines()


def test_postgresql_runs_and_may_do_little(host: Host) -> None:
    journal = host.run(f"journalctl -u {UNIT} -n 20 --no-pager -o cat").stdout
    assert host.service(UNIT).is_running, journal
    assert_hardened(host, UNIT)


def test_it_comes_with_the_boot(host: Host) -> None:
    assert host.service("postgresql.service").is_enabled


def test_it_never_runs_as_root(host: Host) -> None:
    assert {p.user for p in host.process.filter(comm="postgres")} == {"postgres"}


def test_it_listens_on_the_hosts_own_address_only(
    host: Host, inventory: Inventory, name: str
) -> None:
    assert listening(host, 5432) == {str(inventory.hosts()[name].site_address)}


def test_only_identity_hosts_may_connect_and_only_with_tls_and_scram(
    host: Host, inventory: Inventory
) -> None:
    rules = sql(
        host,
        "select concat_ws(' ', type, array_to_string(database, ','),"
        " array_to_string(user_name, ','), address, auth_method) from pg_hba_file_rules",
    )
    nodes = [str(node.site_address) for node in inventory.hosts(Tier.IDENTITY).values()]
    network = [f"hostssl keycloak keycloak {a} scram-sha-256" for a in sorted(nodes)]
    assert rules == ["local all postgres peer", *network]


def test_every_connection_of_keycloak_is_encrypted(host: Host) -> None:
    rows = sql(
        host,
        "select distinct usename, ssl, version from pg_stat_activity join pg_stat_ssl using (pid)"
        " where client_addr is not null",
    )
    assert rows == ["keycloak|t|TLSv1.3"]


def test_keycloak_may_nothing_beyond_its_database(host: Host) -> None:
    rows = sql(
        host,
        "select rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls"
        " from pg_roles where rolname = 'keycloak'",
    )
    assert rows == ["f|f|f|f|f"]


def test_nobody_else_may_connect_to_its_database(host: Host) -> None:
    rows = sql(
        host,
        "select pg_get_userbyid(datdba), has_database_privilege('public', oid, 'connect')"
        " from pg_database where datname = 'keycloak'",
    )
    assert rows == ["keycloak|f"]


def test_passwords_are_kept_as_scram(host: Host) -> None:
    rows = sql(host, "select left(rolpassword, 14) from pg_authid where rolpassword is not null")
    assert rows == ["SCRAM-SHA-256$"]


def test_the_certificate_is_of_the_sites_authority_and_for_this_host(host: Host, name: str) -> None:
    folder = "/etc/klokken/tls"
    host.check_output(
        f"openssl verify -CAfile {folder}/ca.pem -verify_hostname {name} {folder}/fullchain.pem"
    )
    text = host.check_output(f"openssl x509 -noout -text -in {folder}/fullchain.pem")
    assert "prime256v1" in text


def test_the_key_is_for_postgresql_alone(host: Host) -> None:
    file = host.file("/etc/postgresql/17/main/key.pem")
    assert (file.user, file.mode) == ("postgres", 0o600)


def test_there_are_more_connections_than_the_nodes_take(host: Host, inventory: Inventory) -> None:
    (most,) = sql(host, "show max_connections")
    (pooled,) = sql(host, "select count(*) from pg_stat_activity where usename = 'keycloak'")
    assert int(pooled) >= len(inventory.hosts(Tier.IDENTITY))
    assert int(pooled) < int(most)
