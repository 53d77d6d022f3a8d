# Sourced by what builds from Go modules. Sets up `go`, from PATH or from the Python package index,
# for the cache folder $cache and the least version $least_go. Defines say, fail and at_least.
# shellcheck shell=bash

say() { printf '[setup] %s\n' "$*"; }
fail() { printf 'setup: %s\n' "$*" >&2; exit 4; }
at_least() { [ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

# Who stops a build knows why it ended.
trap 'exit 130' INT

export GOTOOLCHAIN=local GOMODCACHE="$cache/go" GOFLAGS='-mod=readonly -modcacherw -buildvcs=false' CGO_ENABLED=0

provide_go() {
  local found lock
  if found=$(go env GOVERSION 2>/dev/null) && at_least "$least_go" "${found#go}"; then
    return
  fi
  # Several builds may come here at once.
  mkdir -p "$cache/tools"
  exec {lock}>"$cache/tools/.go.lock"
  flock "$lock"
  if [ ! -e "$cache/tools/go/.whole" ]; then
    say 'no Go of this age here: installing one for the build'
    rm -rf "$cache/tools/go"
    python3 -m venv "$cache/tools/go"
    "$cache/tools/go/bin/python" -m pip install --quiet --disable-pip-version-check \
      --require-hashes --cache-dir "$cache/pip" -r "$(dirname "${BASH_SOURCE[0]}")/go.lock" \
      || fail 'pip: the line above says why'
    touch "$cache/tools/go/.whole"
  fi
  exec {lock}>&-
  PATH="$cache/tools/go/bin:$PATH"
}
