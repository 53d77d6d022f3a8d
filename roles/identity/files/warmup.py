#!/usr/bin/env python3
"""Warm a Keycloak node up: real logins of reserved accounts, logged out again.

A JVM that has just started takes nearly three times the CPU for a login that it takes some
thousand logins later. The edge gives a node no traffic before this has ended.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
import urllib.request
from pathlib import Path

from login import Browser, LoginError, Site

START_SECONDS = 300
FAILURES = 0.1  # the share of logins that may fail
SHARE = 10  # the rates are of the first and the last tenth of the logins
# Seconds from one thread's beginning to the next one's: where no node is warm, people log in at
# this one meanwhile, and are not to wait behind all threads at the slowest moment.
RAMP = 4


class WarmUp:
    """Logins by several threads until there were enough of them, or the time is over."""

    def __init__(self, site: Site, accounts: list[str], password: str) -> None:
        """Name the accounts, many more than threads.

        Keycloak lets an account log in once at a time, and takes a moment after a login to see
        that it is over.
        """
        self._site, self._accounts, self._password = site, accounts, password
        self._lock = threading.Lock()
        self._begun = 0
        self.ended: list[float] = []
        self.failures: list[LoginError] = []

    def run(self, logins: int, seconds: int, threads: int) -> None:
        """Log in and out until done; raise LoginError where too many logins fail."""
        self._start = time.monotonic()
        workers = [
            threading.Thread(target=self._work, args=(number * RAMP, logins, self._start + seconds))
            for number in range(threads)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if len(self.failures) > FAILURES * len(self.ended):
            raise LoginError(
                f"{len(self.failures)} of {self._begun} logins failed: {self.failures[-1]}"
            )

    def report(self) -> str:
        """Say what was done, and how the rate grew."""
        if not self.ended:
            return "logins=0 seconds=0"
        count, total = len(self.ended), self.ended[-1]
        part = max(1, count // SHARE)
        first = part / self.ended[part - 1]
        last = part / max(1e-9, total - (self.ended[-part - 1] if part < count else 0.0))
        return (
            f"logins={count} seconds={total:.1f} rate={count / total:.1f} "
            f"rate_first={first:.1f} rate_last={last:.1f} failures={len(self.failures)}"
        )

    def _next(self, logins: int, end: float) -> str | None:
        """Return whose turn it is, or None when it is enough."""
        with self._lock:
            if self._begun >= logins or time.monotonic() >= end:
                return None
            self._begun += 1
            return self._accounts[self._begun % len(self._accounts)]

    def _work(self, after: float, logins: int, end: float) -> None:
        time.sleep(after)
        browser = Browser(self._site)
        while account := self._next(logins, end):
            try:
                browser.log_out(browser.log_in(account, self._password))
            except LoginError as error:
                with self._lock:
                    self.failures.append(error)
                time.sleep(1)
                continue
            with self._lock:
                self.ended.append(time.monotonic() - self._start)


def wait_until_ready(url: str) -> None:
    """Wait until Keycloak says that it is ready, or raise LoginError."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310
                return
        except OSError:
            time.sleep(0.2)
    raise LoginError(f"not ready within {START_SECONDS} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("url", "health", "host", "realm", "client", "redirect", "account"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("accounts", "logins", "seconds", "threads"):
        parser.add_argument(f"--{name}", required=True, type=int)
    return parser.parse_args()


def main() -> None:
    """Warm the node up; the password comes as a systemd credential."""
    given = _arguments()
    site = Site(given.url, given.host, given.realm, given.client, given.redirect)
    accounts = [f"{given.account}-{number}" for number in range(1, given.accounts + 1)]
    password = Path(os.environ["CREDENTIALS_DIRECTORY"], "warmup").read_text().strip()
    warmup = WarmUp(site, accounts, password)
    try:
        wait_until_ready(given.health)
        warmup.run(given.logins, given.seconds, given.threads)
    except LoginError as error:
        sys.exit(str(error))
    sys.stdout.write(f"{warmup.report()}\n")


if __name__ == "__main__":
    main()
