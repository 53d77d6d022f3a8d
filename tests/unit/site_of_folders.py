"""Load generators that are folders: `ssh`, `systemctl` and the like are small scripts there."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from klokken import loadgen
from klokken.storm import following
from loadtests.books import shared_out
from loadtests.record import Recorder
from tests import storms
from tests.unit.test_verdict import record

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from klokken.results import StormPlan

# A host's own files are below a folder of its address, which stands for ADDRESS in every command.
SSH = """#!/bin/sh
echo "$*" >> "$HOST/ssh.log"
for word; do address=$command; command=$word; done
export AT="$HOST/$address"
# Who follows the file $DROPS is told what is there by now, and then cut off.
[ -z "$DROPS" ] || case "$command" in *" -F "*/"$DROPS "*)
  command=$(printf %s "$command" | sed 's#--pid=$([^)]*) ##; s# -F # #') ;;
esac
# Who follows the file $HANGS hears nothing the first time.
[ -z "$HANGS" ] || case "$command" in *" -F "*/"$HANGS "*)
  [ -e "$HOST/hung" ] || { touch "$HOST/hung"; exec sleep 60; } ;;
esac
case " $DOWN " in *" $address "*) echo "Connection refused" >&2; exit 255 ;; esac
mkdir -p "$AT/runs"
exec sh -c "$(printf %s "$command" | sed "s#ADDRESS#$address#g")"
"""

# What the units of a load generator do, as far as the driver sees it. $MODE says how they fare,
# on the host $ON or on all.
SYSTEMCTL = """#!/bin/sh
echo "$*" >> "$AT/systemctl.log"
[ -z "$ON" ] || [ "$AT" = "$HOST/$ON" ] || MODE=
case "$*" in
  *LimitNOFILE*) echo 262144 ;;
  *RuntimeMaxUSec*) echo "${LIMIT:-6h}" ;;
  *Result*) echo "${RESULT:-success}" ;;
  show*) cat "$AT/pid" ;;
  list-units*) [ ! -e "$AT/pid" ] || echo "klokken-master.service loaded active running" ;;
  is-active*)
    if kill -0 "$(cat "$AT/pid")" 2>/dev/null; then echo active; else echo inactive; exit 3; fi ;;
  is-failed*)
    shift
    for unit; do if [ "$MODE" = fail ]; then echo failed; else echo active; fi; done ;;
  start*)
    [ "$MODE" = refuse ] && { echo "Job for klokken-master.service failed." >&2; exit 1; }
    if [ "$MODE" = fail ]; then sleep 0 & else
      runs="$AT/runs/$(basename "$(sed -n 's#^KLOKKEN_RUN_DIR=##p' "$AT/run/storm.env")")"
      mkdir -p "$runs"
      cp "$HOST"/*.json* "$runs/"
      sleep "${LASTS:-60}" >/dev/null 2>&1 &
    fi
    echo $! > "$AT/pid" ;;
  stop*) [ -e "$AT/pid" ] && kill "$(cat "$AT/pid")" 2>/dev/null; rm -f "$AT/pid" ;;
esac
"""
JOURNALCTL = '#!/bin/sh\necho "the certificate authority cannot be read"\n'
HOSTNAME = '#!/bin/sh\necho "$(basename "$AT") $FURTHER"\n'
NPROC = "#!/bin/sh\necho 2\n"
# The host $AHEAD has a clock that is a second ahead.
DATE = """#!/bin/sh
if [ "$AT" = "$HOST/$AHEAD" ]; then exec /bin/date -d "1 second" "$@"; fi
exec /bin/date "$@"
"""
# The seal of a load generator lets it send to the hosts of $SEAL alone.
NFT = """#!/bin/sh
cat <<END
{"nftables": [
  {"chain": {"name": "seal"}},
  {"chain": {"name": "loadgen_output", "type": "filter", "hook": "${HOOK:-output}"}},
  {"rule": {"chain": "seal", "expr": [
    {"match": {"op": "==", "left": {"meta": {"key": "oif"}}, "right": "lo"}}, {"accept": null}]}},
  {"rule": {"chain": "seal", "expr": [
    {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}},
     "right": ${SEAL:-\\"198.18.0.71\\"}}}, {"accept": null}]}},
  {"rule": {"chain": "seal", "expr": [{"reject": {"type": "icmpx"}}]}},
  {"rule": {"chain": "loadgen_output", "expr": [
    {"match": {"op": "==", "left": {"meta": {"key": "skuid"}}, "right": 999}},
    {"jump": {"target": "${JUMP:-seal}"}}]}}
]}
END
"""
# Locust's account is the one that the seal is for, or the one that $LOCUST says.
ID = """#!/bin/sh
case "$*" in "-u locust") echo "${LOCUST:-999}" ;; *) exec /usr/bin/id "$@" ;; esac
"""
SCRIPTS = {
    "ssh": SSH,
    "systemctl": SYSTEMCTL,
    "journalctl": JOURNALCTL,
    "hostname": HOSTNAME,
    "nproc": NPROC,
    "date": DATE,
    "nft": NFT,
    "id": ID,
}


def furnish(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the scripts first on PATH, and the hosts' folders below `folder`."""
    programs = folder / "bin"
    programs.mkdir()
    for name, text in SCRIPTS.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("HOST", str(folder))
    monkeypatch.setattr(loadgen, "RUNTIME", f"{folder}/ADDRESS/run")
    monkeypatch.setattr(loadgen, "RUNS", f"{folder}/ADDRESS/runs")
    monkeypatch.setattr(following, "SILENCE", 0.5)
    lines = [progress_line(second=n, done=n == 3) for n in range(4)]
    (folder / "progress.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "record.json").write_text(record().model_dump_json())
    (folder / "writes.jsonl").write_text("the log")
    (folder / "journal.jsonl").write_text(journal())


def plan(**changes: object) -> StormPlan:
    """Return the storm that these hosts ring."""
    return storms.plan(100, seconds=4, **changes)


def progress_line(second: int, *, done: bool = False, dropped: int = 0) -> str:
    """Return a line of a master's progress."""
    counts = {"offered": 7, "started": 6, "completed": 4, "failed": 1, "abandoned": 1}
    clock = f"08:00:{second:02d}"
    rest = {"dropped": dropped, "rate": 1.25, "workers": 2, "lost": 0, "done": done}
    return json.dumps({"clock": clock, "second": second, **counts, **rest})


def journal() -> str:
    """Return a master's journal: a hundred pupils shared out, and one who came in."""
    recorder = Recorder()
    recorder.offered(0.5)
    recorder.started(0.5, 0.5)
    recorder.finished(0.5, 0.5, 1.0, None)
    heard = {"delta": recorder.take(2.0), "worker": "one", "at": 2.0}
    pages = [("one", 0, 50, [50]), ("two", 50, 100, [50])]
    return "".join(json.dumps(entry) + "\n" for entry in (shared_out(pages, 1.8e9), heard))
