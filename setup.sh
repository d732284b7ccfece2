#!/bin/sh
# Set up all that the workbench needs, in this tree; run again it does nothing. Called by `make setup`; with the word
# tests, what the tests need besides.
set -eu
cd "$(dirname "$0")"
build=.build
mkdir -p "$build"

say() { printf '%s\n' "setup: $*"; }

# 1. What the distribution provides: only what is missing, each by the file that is needed.
needs() { # needs PACKAGE COMMAND...: PACKAGE if one of the commands is not there
  package=$1; shift
  for command in "$@"; do
    PATH="$PATH:/usr/sbin:/sbin" command -v "$command" >/dev/null 2>&1 || { echo "$package"; return; }
  done
}
missing="$(needs iproute2 ip) $(needs util-linux nsenter) $(needs iptables iptables-legacy iptables-nft) $(needs nftables nft) $(needs patchelf patchelf)"
if [ "${1:-}" = tests ]; then missing="$missing $(needs runc runc)"; fi
ldconfig -p 2>/dev/null | grep -q 'libnftables\.so\.1' || missing="$missing libnftables1"
python=$(command -v python3 || true)
if [ ! -x .venv/bin/python ]; then
  if [ -z "$python" ] || ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then missing="$missing python3 python3-venv"; fi
  # python-iptables has a C part and comes as source
  missing="$missing $(needs gcc gcc)"
  if [ -z "$python" ] || ! "$python" -c 'import sys, sysconfig, os; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))'; then
    missing="$missing python3-dev"
  fi
  [ -e /usr/include/stdio.h ] || missing="$missing libc6-dev"
fi
missing=$(echo $missing)
if [ -n "$missing" ]; then
  [ "$(id -u)" -eq 0 ] || { say "these packages are missing, and only root can install them: $missing" >&2; exit 2; }
  say "installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  # shellcheck disable=SC2086 # a list of words
  apt-get -qq install --yes --no-install-recommends $missing >"$build/apt.log" 2>&1 || { tail -n 5 "$build/apt.log" >&2; exit 2; }
fi

# 2. Python: the locked packages, in .venv.
python=$(command -v python3)
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { say "Python 3.11 or later is needed; $("$python" -V) is what python3 gives" >&2; exit 2; }
wanted=$({ cat requirements.lock setup.sh; pwd; "$python" -V; } | sha256sum)
if [ ! -x .venv/bin/workbench ] || [ "$(cat "$build/python.stamp" 2>/dev/null)" != "$wanted" ]; then
  say "installing the locked Python packages into .venv"
  # the system's certificates and pip's index, if one is configured, hold for uv too
  export UV_SYSTEM_CERTS=true UV_NO_PROGRESS=1
  index=$("$python" -m pip config get global.index-url 2>/dev/null || true)
  if [ -n "$index" ]; then export UV_DEFAULT_INDEX="$index"; fi
  if [ ! -x "$build/uv/bin/uv" ]; then
    rm -rf "$build/uv"
    "$python" -m venv "$build/uv"
    "$build/uv/bin/pip" install --quiet --disable-pip-version-check 'uv>=0.9'
  fi
  uv="$build/uv/bin/uv"
  "$uv" venv --quiet --clear --python "$python" .venv
  "$uv" pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes requirements.lock
  "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
  echo "$wanted" >"$build/python.stamp"
fi
# Compiled here, as where PYTHONDONTWRITEBYTECODE is set (as in many containers) every start would compile all of it again.
.venv/bin/python -m compileall -q workbench checks || true

# 3. CRIU: one that passes a real dump and restore on this kernel, and its pycriu.
if [ "$(id -u)" -eq 0 ]; then
  .venv/bin/python -m workbench.criu.provision
else
  say "not root: CRIU is neither tried nor made; files and bundles can be looked at"
fi
