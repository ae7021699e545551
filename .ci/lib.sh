# What the scripts beside this file share; they source it. It leaves them in the top folder of the checkout.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

on_ci() { [ "${CI:-}" = true ]; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# bounded SECONDS COMMAND...: ends a command that takes too long, where the system can (macOS has no timeout).
bounded() {
  local seconds=$1
  shift
  if command -v timeout >/dev/null; then
    timeout -k 10 "$seconds" "$@"
  else
    "$@"
  fi
}

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

command -v go >/dev/null || PATH=$PATH:/usr/local/go/bin
command -v go >/dev/null ||
  die "Go is missing: install Go $(awk '$1 == "go" { print $2 }' go.mod) or newer, see https://go.dev/dl"
