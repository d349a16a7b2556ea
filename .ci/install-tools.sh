#!/bin/bash
# install-tools.sh: what the tests from outside need of the system, on Debian 12: a C compiler (Autobahn's helper is
# built with it) and of C++ (libFuzzer is), valgrind (it counts instructions), strace (it counts system calls), Python
# with venv, node with npm, and Chromium. Installs what is missing and nothing else; says nothing and takes no time when all is there. Needs root, or
# sudo.
set -euo pipefail

has() { command -v "$1" >/dev/null; }
compiles() { echo '#include <stdlib.h>' | gcc -x c -fsyntax-only - 2>/dev/null; }
makes_venvs() { python3 -c 'import ensurepip, venv' 2>/dev/null; }

missing=()
has gcc || missing+=(gcc)
has c++ || missing+=(g++)
compiles || missing+=(libc6-dev)
has python3 || missing+=(python3)
makes_venvs || missing+=(python3-venv)
has valgrind || missing+=(valgrind)
has strace || missing+=(strace)
has node || missing+=(nodejs)
has "${CHROMIUM:-chromium}" || missing+=(chromium)

as_root=()
[ "$(id -u)" = 0 ] || as_root=(sudo)

install() {
  echo "install-tools.sh: installing $*" >&2
  "${as_root[@]}" apt-get -qq update
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@" >&2
}

if [ ${#missing[@]} -gt 0 ]; then install "${missing[@]}"; fi
# Some packages of nodejs bring npm along, and conflict with Debian's: so it is asked for afterwards.
if ! has npm; then install npm; fi
