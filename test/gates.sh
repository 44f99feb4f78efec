#!/usr/bin/env bash
# Every gate of the project, in the order of their speed; `npm test` and .ci/run call it. The first failure ends it.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s\n' "$*"; }

# As root on Debian the servers that tests talk to are installed; elsewhere tests that lack one are skipped, counted and named.
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ -f /etc/debian_version ]; then
  missing=()
  while read -r package _; do
    case "$package" in ''|'#'*) continue ;; esac
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done < test/packages.txt
  if [ ${#missing[@]} -gt 0 ]; then
    step "installing ${missing[*]}"
    # Packages must not start services: the tests start their own, on ports of their own.
    policy=
    if [ ! -e /usr/sbin/policy-rc.d ]; then
      policy=/usr/sbin/policy-rc.d
      printf '#!/bin/sh\nexit 101\n' > "$policy"
      chmod 755 "$policy"
      trap 'rm -f "$policy"' EXIT
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q >/dev/null
    apt-get install -y -q --no-install-recommends "${missing[@]}" >/dev/null
  fi
  # exim4 and postfix cannot be installed beside each other: exim4 is only unpacked (test/support/exim.ts), with its libraries.
  if [ ! -x /opt/vigie-tests/usr/sbin/exim4 ]; then
    step 'unpacking exim4'
    folder=$(mktemp -d)
    apt-get update -q >/dev/null
    apt-cache depends exim4-daemon-light | sed -n 's/^  Depends: \(lib.*\)/\1/p' |
      DEBIAN_FRONTEND=noninteractive xargs apt-get install -y -q --no-install-recommends >/dev/null
    (cd "$folder" && apt-get download -q exim4-daemon-light >/dev/null && dpkg -x exim4-daemon-light_*.deb /opt/vigie-tests)
    chmod u-s /opt/vigie-tests/usr/sbin/exim4
    rm -rf "$folder"
    id Debian-exim >/dev/null 2>&1 || useradd --system --no-create-home --shell /usr/sbin/nologin Debian-exim
  fi
fi

step build
node build.mjs
step lint
node_modules/.bin/biome check --error-on-warnings .
step 'dead code'
node_modules/.bin/knip
step 'tests and coverage'
node test/run.mjs --coverage
