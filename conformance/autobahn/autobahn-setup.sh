#!/bin/bash
# autobahn-setup.sh [PREFIX]      (default PREFIX: ${XDG_CACHE_HOME:-~/.cache}/timtow-autobahn)
#
# Installs the Autobahn WebSocket test suite (wstest, Python 2 only) below PREFIX on Debian 12 and
# leaves an executable PREFIX/wstest.  Root is not needed.
#   * CPython 2.7 is taken from Debian bullseye, fetched from the mirror this machine already uses,
#     with private apt state below PREFIX, and unpacked (dpkg -x) below PREFIX.  Nothing is installed
#     into the system and the system's apt sources, lists and cache are neither read nor changed
#     (except that the mirror's address is read from them).
#   * the Python packages come from PyPI, every one pinned below (pip's own settings are honoured:
#     PIP_INDEX_URL, PIP_CERT, pip.conf, ...).
# Needs: apt, dpkg and a route to the Debian mirror and to PyPI.  With gcc present the optional
# wsaccel extension is built too (about 5x faster masking and UTF-8 validation).
# Run again: does nothing when PREFIX is complete and made by this very script.
#
# Environment:
#   AUTOBAHN_APT_MIRROR  take bullseye from this URI instead of the machine's own mirror
#   AUTOBAHN_WSACCEL     auto (default: build if a C compiler is found) | yes (must work) | no
#   AUTOBAHN_FORCE=1     install afresh even if PREFIX is complete
set -euo pipefail
umask 022
export LC_ALL=C

SUITE=bullseye
# libexpat1: pip needs xmlrpclib; libssl1.1, libffi7: sonames that bookworm does not have.
DEBS=(python2.7-minimal libpython2.7-minimal libpython2.7-stdlib libssl1.1 libffi7 libexpat1 python-pip-whl)
HEADER_DEB=libpython2.7-dev            # only unpacked where wsaccel gets built

# What pip itself needs to build the few packages that are published as source only.
BUILD_REQS='pip==20.3.4
setuptools==44.1.1
wheel==0.37.1'

# autobahntestsuite 25.10.1's own install_requires, completed to the full closure.
REQS='setuptools==44.0.0
autobahntestsuite==25.10.1
autobahn==0.10.9
txaio==2.1.0
Twisted==19.10.0
zope.interface==4.6.0
incremental==16.10.1
constantly==15.1.0
Automat==22.10.0
attrs==21.4.0
six==1.16.0
hyperlink==21.0.0
idna==2.10
typing==3.10.0.0
PyHamcrest==1.9.0
pyOpenSSL==19.1.0
cryptography==3.3.2
cffi==1.15.1
pycparser==2.21
enum34==1.1.10
ipaddress==1.0.23
service_identity==18.1.0
pyasn1==0.5.1
pyasn1-modules==0.3.0
klein==17.10.0
Werkzeug==1.0.1
Jinja2==2.11.3
MarkupSafe==1.1.1
unittest2==1.1.0
traceback2==1.4.0
linecache2==1.0.0'
WSACCEL_REQ='wsaccel==0.6.6'

say() { printf '%s\n' "autobahn-setup: $*" >&2; }
die() { say "$*"; exit 1; }

PREFIX=${1:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/timtow-autobahn}
mkdir -p "$PREFIX"
PREFIX=$(cd "$PREFIX" && pwd -P)
ACCEL=${AUTOBAHN_WSACCEL:-auto}
case $ACCEL in auto|yes|no) ;; *) die "AUTOBAHN_WSACCEL must be auto, yes or no" ;; esac
for t in apt-get apt-cache dpkg sha256sum flock; do command -v "$t" >/dev/null || die "needs $t"; done

[ "$(dpkg --print-architecture)" = amd64 ] || say "only tried on amd64; elsewhere cryptography and cffi have no ready-made Python 2 wheels"

CC_FOUND=
for c in gcc cc; do if command -v "$c" >/dev/null; then CC_FOUND=$c; break; fi; done
if [ "$ACCEL" = yes ] && [ -z "$CC_FOUND" ]; then die "AUTOBAHN_WSACCEL=yes, but no C compiler here"; fi
WANT_ACCEL=no
if [ "$ACCEL" != no ] && [ -n "$CC_FOUND" ]; then WANT_ACCEL=yes; fi

works() { # --help names the modes and exits 0 once every import has succeeded
  local out
  [ -x "$PREFIX/wstest" ] && out=$("$PREFIX/wstest" --help 2>/dev/null) || return 1
  case $out in *fuzzingserver*fuzzingclient*) ;; *) return 1 ;; esac
}

STAMP="$(sha256sum <"${BASH_SOURCE[0]}" | cut -c1-64) accel-wanted=$WANT_ACCEL arch=$(dpkg --print-architecture)"
# one installation into a prefix at a time
exec 9>"$PREFIX/.lock"
flock 9
if [ "${AUTOBAHN_FORCE:-0}" != 1 ] && [ -f "$PREFIX/.stamp" ] && [ "$(cat "$PREFIX/.stamp")" = "$STAMP" ] && works; then
  say "already complete: $PREFIX/wstest"
  exit 0
fi

rm -f "$PREFIX/.stamp"
rm -rf "$PREFIX"/stage.*
STAGE=$(mktemp -d "$PREFIX/stage.XXXXXX")
trap 'rm -rf "$STAGE"' EXIT
chmod 755 "$STAGE"

# ---- bullseye's packages, with apt state of our own -------------------------------------------
APT=$STAGE/apt
mkdir -p "$APT/lists/partial" "$APT/cache/archives/partial" "$APT/debs"
: >"$APT/status"
KEYRING=
for k in /usr/share/keyrings/debian-archive-keyring.gpg /usr/share/keyrings/debian-archive-keyring.pgp; do
  if [ -r "$k" ]; then KEYRING=$k; break; fi
done
cat >"$APT/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
Dir::Etc::sourcelist "$APT/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State::lists "$APT/lists";
Dir::State::status "$APT/status";
Dir::State::extended_states "$APT/extended_states";
Dir::Cache "$APT/cache";
Dir::Cache::archives "$APT/cache/archives";
Dir::Log "$APT";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "";
CONF
apt_() { local tool=$1; shift; "$tool" -q -c "$APT/apt.conf" "$@"; }

# The addresses apt would fetch .../dists/SUITE/InRelease from, i.e. whatever form the sources have.
mirrors() {
  if [ -n "${AUTOBAHN_APT_MIRROR:-}" ]; then printf '%s\n' "${AUTOBAHN_APT_MIRROR%/}"; return; fi
  apt-get update --print-uris 2>/dev/null |
    sed -nE "s#^'([^']+)/dists/[^/'-]+/InRelease'.*#\1#p" |
    awk '!seen[$0]++ { if ($0 ~ /\/debian$/) print 0, NR, $0; else print 1, NR, $0 }' |
    sort -n -k1,1 -k2,2 | cut -d' ' -f3-
}
mirrors >"$APT/mirrors"
MIRROR=
while read -r m; do
  [ -n "$m" ] || continue
  printf 'deb [arch=%s target=Packages%s] %s %s main\n' "$(dpkg --print-architecture)" \
    "${KEYRING:+ signed-by=$KEYRING}" "$m" "$SUITE" >"$APT/sources.list"
  apt_ apt-get update >"$APT/update.log" 2>&1 || true
  case $(apt_ apt-cache policy python2.7-minimal 2>/dev/null) in *Candidate:\ [0-9]*) MIRROR=$m; break ;; esac
  say "no $SUITE with python2.7 at ${m%%://*}://...${m##*/}"
  sed -n '/^[WE]:/p' "$APT/update.log" | sed -E 's#//[^/@ ]*@#//#' >&2
done <"$APT/mirrors"
[ -n "$MIRROR" ] || die "none of the machine's Debian mirrors serves $SUITE; set AUTOBAHN_APT_MIRROR"

want=("${DEBS[@]}")
if [ "$WANT_ACCEL" = yes ]; then want+=("$HEADER_DEB"); fi
( cd "$APT/debs" && apt_ apt-get download "${want[@]}" ) >"$APT/download.log" 2>&1 || { cat "$APT/download.log" >&2; die "apt-get download failed"; }
mkdir "$STAGE/root" "$STAGE/headers"
: >"$STAGE/VERSIONS"
for d in "$APT"/debs/*.deb; do
  case ${d##*/} in
    "${HEADER_DEB}"_*) dpkg -x "$d" "$STAGE/headers" ;;
    *) dpkg -x "$d" "$STAGE/root" ;;
  esac
  echo "deb $(dpkg-deb -W --showformat='${Package} ${Version} ${Architecture}' "$d")" >>"$STAGE/VERSIONS"
done

# ---- a relocatable python2.7 --------------------------------------------------------------------
LIBDIR=$(cd "$STAGE/root/usr/lib" && ls -d ./*/libssl.so.1.1 | head -n1); LIBDIR=${LIBDIR#./}; LIBDIR=${LIBDIR%/*}
# libexpat is below /lib in bullseye's package
if [ -d "$STAGE/root/lib/$LIBDIR" ]; then cp -a "$STAGE/root/lib/$LIBDIR/." "$STAGE/root/usr/lib/$LIBDIR/"; rm -rf "$STAGE/root/lib"; fi
py() { LD_LIBRARY_PATH=$STAGE/root/usr/lib/$LIBDIR "$STAGE/root/usr/bin/python2.7" "$@"; }
py -E -s -c 'import sys, ssl, hashlib, ctypes, zlib, pyexpat; assert sys.version_info[:2] == (2, 7)' || die "python2.7 from $SUITE does not run here"

# ---- the Python packages ----------------------------------------------------------------------
export PIP_NO_PYTHON_VERSION_WARNING=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0
unset PIP_TARGET PIP_PREFIX PIP_CONSTRAINT PIP_REQUIREMENT PYTHONHOME PYTHONPATH PYTHONSTARTUP
SITE=$STAGE/root/usr/lib/python2.7/dist-packages
mkdir -p "$SITE" "$STAGE/build"
wheels=$(printf '%s:' "$STAGE"/root/usr/share/python-wheels/*.whl)
# Certificates: whatever pip is told to use, else the system's, else (no ca-certificates here) bullseye's.
CA=/etc/ssl/certs/ca-certificates.crt
pip_config=$(PYTHONPATH=$wheels py -s -m pip config list 2>/dev/null || true)
if [ -z "${PIP_CERT:-}" ] && ! grep -q '\bcert=' <<<"$pip_config"; then
  if [ ! -s "$CA" ]; then
    ( cd "$APT/debs" && apt_ apt-get download ca-certificates ) >"$APT/download.log" 2>&1 || { cat "$APT/download.log" >&2; die "apt-get download failed"; }
    mkdir "$STAGE/ca"
    dpkg -x "$APT"/debs/ca-certificates_*.deb "$STAGE/ca"
    CA=$STAGE/ca.crt
    cat "$STAGE"/ca/usr/share/ca-certificates/mozilla/*.crt >"$CA"
  fi
  export PIP_CERT=$CA
fi
pip_log() { "$@" >"$STAGE/pip.log" 2>&1 || { tail -n 40 "$STAGE/pip.log" >&2; return 1; }; }
say "installing from PyPI"
printf '%s\n' "$BUILD_REQS" >"$STAGE/build-requirements.txt"
printf '%s\n' "$REQS" >"$STAGE/requirements.txt"
PYTHONPATH=$wheels pip_log py -s -m pip install --no-cache-dir --no-compile --no-deps \
  --target "$STAGE/build" -r "$STAGE/build-requirements.txt" || die "pip could not be set up"
PYTHONPATH=$STAGE/build pip_log py -s -m pip install --no-cache-dir --no-compile --no-deps --no-build-isolation \
  --target "$SITE" -r "$STAGE/requirements.txt" || die "pip install failed"
ACCEL_STATE=no
if [ "$WANT_ACCEL" = yes ]; then
  h=$STAGE/headers/usr/include
  if CC=$CC_FOUND LDSHARED="$CC_FOUND -shared" CFLAGS="-O2 -w -I$h/python2.7 -I$h" PYTHONPATH=$STAGE/build \
     pip_log py -s -m pip install --no-cache-dir --no-compile --no-deps --no-build-isolation \
       --target "$SITE" "$WSACCEL_REQ" &&
     py -E -s -c 'from wsaccel.xormask import createXorMasker as x; from wsaccel.utf8validator import Utf8Validator as u
assert x(b"abcd", 4).process(b"abcd") == b"\0\0\0\0" and u().validate(b"\xce\xba")[0] and not u().validate(b"\xed\xa0\x80")[0]'; then
    ACCEL_STATE=yes
  else
    [ "$ACCEL" != yes ] || die "wsaccel could not be built"
    rm -rf "$SITE"/wsaccel "$SITE"/wsaccel-*
    say "wsaccel could not be built; going on without it (slower, same results)"
  fi
fi
py -E -s -c '
import pkg_resources as p
for d in sorted(p.working_set, key=lambda d: d.key):
    for r in d.requires(): assert p.get_distribution(r.key).version in r, r   # extras (accelerate) left aside
    print "pip %s==%s" % (d.project_name, d.version)' >>"$STAGE/VERSIONS" || die "unmet Python requirements"
echo "wsaccel $ACCEL_STATE" >>"$STAGE/VERSIONS"

# ---- put in place -------------------------------------------------------------------------------
rm -rf "$STAGE/root/usr/share/python-wheels" "$STAGE/root/usr/share/doc" "$STAGE/root/usr/share/lintian" "$STAGE/root/usr/share/man"
cat >"$STAGE/root/wstest.py" <<'PY'
import sys
sys.argv[0] = "wstest"
from autobahntestsuite.wstest import run
sys.exit(run())
PY
cat >"$STAGE/wstest" <<SH
#!/bin/sh
# made by autobahn-setup.sh: wstest (Autobahn test suite) on the python2.7 beside it
here=\$(dirname -- "\$(readlink -f -- "\$0")")
LD_LIBRARY_PATH=\$here/root/usr/lib/$LIBDIR\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}
export LD_LIBRARY_PATH
exec "\$here/root/usr/bin/python2.7" -E -s -u "\$here/root/wstest.py" "\$@"
SH
chmod 755 "$STAGE/wstest"
rm -rf "$PREFIX/root"
mv "$STAGE/root" "$PREFIX/root"
mv "$STAGE/VERSIONS" "$PREFIX/VERSIONS"
mv "$STAGE/wstest" "$PREFIX/wstest"
LD_LIBRARY_PATH=$PREFIX/root/usr/lib/$LIBDIR "$PREFIX/root/usr/bin/python2.7" -E -s -m compileall -q "$PREFIX/root/usr/lib/python2.7" >/dev/null 2>&1 || true

works || { "$PREFIX/wstest" --help >&2 || true; die "$PREFIX/wstest does not run"; }
"$PREFIX/wstest" --autobahnversion >&2
printf '%s\n' "$STAMP" >"$PREFIX/.stamp"
say "done (wsaccel: $ACCEL_STATE): $PREFIX/wstest"
