"""Rings the bell with Locust: `klokken storm` starts this as one master and some workers.

Only wiring: Locust finds the workers, carries messages, shows its web interface. When pupils
arrive and what they do is decided in the modules imported here. The processes are told what to
do through their environment, see `settings.py`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import gevent

# Locust puts the folder of this file on the path, where our `requests` would pass for the
# library of that name; the project's root belongs there instead.
_HERE = Path(__file__).resolve().parent
sys.path[:] = [str(_HERE.parent), *(p for p in sys.path if Path(p or ".").resolve() != _HERE)]

from locust import User, events, task  # noqa: E402
from locust.runners import MasterRunner, WorkerRunner  # noqa: E402

from klokken.errors import Exit, KlokkenError  # noqa: E402
from klokken.storm import timing  # noqa: E402
from loadtests.master import Master  # noqa: E402
from loadtests.null import Null  # noqa: E402
from loadtests.settings import Settings  # noqa: E402
from loadtests.transport import Transport, tls_context  # noqa: E402
from loadtests.worker import DELTA, SHARE, Worker  # noqa: E402

if TYPE_CHECKING:
    from locust.env import Environment

log = logging.getLogger(__name__)


class Pupils(User):
    """The one Locust User of a worker: all its pupils."""

    worker: Worker

    @task
    def arrive(self) -> None:
        """Ring the bell, or wait while it rings, then stay until Locust stops the User."""
        self.worker.ring()
        gevent.sleep(3600.0)


def _refuse(error: KlokkenError) -> NoReturn:
    """End this process with one line."""
    sys.stderr.write(f"{error}\n")
    sys.exit(int(error.code))


# Checked while this file is read, since a worker then goes on to wait for its master.
SETTINGS = Settings.of_process()
try:
    PLAN = SETTINGS.plan()
    TARGETS = {} if PLAN.dry else SETTINGS.targets(PLAN)
except KlokkenError as refusal:
    _refuse(refusal)


@events.init.add_listener
def _set_up(environment: Environment, runner: object, **_: object) -> None:
    try:
        if isinstance(runner, WorkerRunner):
            _set_up_worker(environment, runner)
        elif isinstance(runner, MasterRunner):
            _set_up_master(environment, runner)
        else:
            sys.exit("locustfile: start it as --master or --worker; `klokken storm` does")
    except KlokkenError as error:
        _refuse(error)


def _set_up_worker(environment: Environment, runner: WorkerRunner) -> None:
    def listen(name: str, method: str, seconds: float, length: int, cause: str | None) -> None:
        environment.events.request.fire(
            request_type=method,
            name=name,
            response_time=seconds * 1000,
            response_length=length,
            exception=cause and RuntimeError(cause),
            context={},
        )

    def receive(msg: Any, **_: object) -> None:
        Pupils.worker.receive(msg.data)

    if PLAN.dry:
        transport: Null | Transport = Null(PLAN)
    else:
        transport = Transport(TARGETS, tls_context(SETTINGS.ca_file), SETTINGS.sources())
    password = SETTINGS.password()
    Pupils.worker = Worker(
        PLAN, transport, password, lambda delta: runner.send_message(DELTA, delta), listen
    )
    runner.register_message(SHARE, receive)
    # A storm that is stopped, and not a User alone.
    environment.events.test_stopping.add_listener(lambda **_: Pupils.worker.stop())
    # Failed logins are a finding, which the record holds; the process itself did its work.
    environment.process_exit_code = int(Exit.PASS)


def _set_up_master(environment: Environment, runner: MasterRunner) -> None:
    master = Master(PLAN, SETTINGS.run_folder, watched=environment.web_ui is not None)
    environment.process_exit_code = int(Exit.MACHINE)

    def conduct() -> None:
        master.follow()
        master.finish()
        if master.broken:
            # Also where the web interface would go on.
            os.kill(os.getpid(), signal.SIGTERM)
        elif environment.web_ui is None:
            runner.quit()

    def begin(**_: object) -> None:
        if master.begun:
            log.warning("This storm was already rung; run `klokken storm` for another")
            return
        master.share_out(
            sorted(client.id for client in runner.clients.ready),
            lambda worker, share: runner.send_message(SHARE, share, worker),
        )
        gevent.spawn(conduct)

    def close(**_: object) -> None:
        if master.begun:
            master.finish(f"the master was stopped after {timing.share_of(PLAN, master.second)}")
        if master.record_written:
            environment.process_exit_code = int(Exit.PASS)

    runner.register_message(DELTA, lambda msg, **_: master.receive(msg.node_id, msg.data))
    environment.events.test_start.add_listener(begin)
    # Stopped early by a signal: still nothing is lost.
    environment.events.quitting.add_listener(close)
    # After Locust's own tables, so that the reason is what is last in the unit's journal.
    environment.events.quit.add_listener(lambda **_: master.explain())
