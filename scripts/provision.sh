#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Install the Debian packages the testbed needs and this machine lacks, and only those. Used by `make` and by the
# Vagrantfile. Starts no daemon and enables none: the testbed runs its own copies of them.
#
#   scripts/provision.sh          what building the guest kernel and running labs needs
#   scripts/provision.sh --test   and what the tests need
#
# Exit codes: 0 all is there, 4 this machine cannot have it (the message says what to do), 2 usage.
set -eu

MACHINE=4
PYTHON=${PYTHON:-python3}
HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
LIST=$HERE/../testbed/kernel/packages.txt
# The hook that packages ask before they start a daemon; the variable is for tests.
POLICY=${TESTBED_POLICY_RC_D:-/usr/sbin/policy-rc.d}
SAVED=$POLICY.before-testbed
MARK='# made by testbed/scripts/provision.sh, for as long as it runs'

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "provision: $1"
    [ -z "${2:-}" ] || say "    $2"
    exit "$MACHINE"
}

# The packages of the groups that are asked for, one a line.
wanted() {
    while read -r group _program package; do
        case " $groups " in *" $group "*) printf '%s\n' "$package" ;; esac
    done <"$LIST" | sort -u
}

# Those of the arguments that are not installed, on one line.
lacking() {
    installed=$(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' "$@" 2>/dev/null | sed -n 's/^.i //p') || true
    for package in "$@"; do
        printf '%s\n' "$installed" | grep -qxF -- "$package" || printf '%s ' "$package"
    done
}

check_python() {
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && return
    found=$("$PYTHON" -c 'import platform; print(platform.python_version())' 2>/dev/null) || found=
    fail "Python 3.11 or newer is needed, and ${PYTHON} is ${found:-not there}" \
        "use Debian 12, Ubuntu 24.04 or newer, or name another one: PYTHON=/path/to/python3"
}

# Forbid packages to start daemons. What was there before is put back by restore_policy, by a trap or, should this
# script be killed, by the next run.
deny_daemons() {
    restore_policy
    if [ -e "$POLICY" ] || [ -L "$POLICY" ]; then mv -- "$POLICY" "$SAVED"; fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$MARK" >"$POLICY"
    chmod 755 "$POLICY"
}

restore_policy() {
    if policy_is_ours; then rm -f -- "$POLICY"; fi
    if [ -e "$SAVED" ] || [ -L "$SAVED" ]; then mv -- "$SAVED" "$POLICY"; fi
}

policy_is_ours() { [ -f "$POLICY" ] && grep -qxF -- "$MARK" "$POLICY"; }

# A package also enables its daemon for the next boot: undo that for what was installed just now.
disable_daemons() {
    command -v systemctl >/dev/null || return 0
    for package in "$@"; do
        dpkg-query -L "$package" | sed -n 's,.*/systemd/system/\([^/@]*\.service\)$,\1,p'
    done | sort -u | while read -r unit; do
        systemctl --quiet disable "$unit" >/dev/null 2>&1 || say "provision: could not disable $unit"
    done
}

install_packages() {
    trap restore_policy EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    deny_daemons
    apt_get update || say "provision: the package lists could not be refreshed; trying with those there are"
    apt_get install --yes --no-install-recommends "$@" ||
        fail "apt-get could not install: $*" "its words are above; scripts/provision.sh can be run again"
    disable_daemons "$@"
}

apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=120 "$@" >&2
}

# Start over as root, or say what root has to do.
as_root() {
    line="sudo apt-get install --no-install-recommends ${1% }"
    if ! command -v sudo >/dev/null || ! { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        fail "packages are missing, and only root can install them" "$line"
    fi
    case $groups in *test*) set -- --test ;; *) set -- ;; esac
    exec sudo env PYTHON="$PYTHON" "$HERE/provision.sh" "$@"
}

groups="build run"
for argument in "$@"; do
    case $argument in
        --test) groups="$groups test" ;;
        *)
            say "usage: scripts/provision.sh [--test]"
            exit 2
            ;;
    esac
done

# shellcheck disable=SC2046 # package names have no blanks
set -- $(wanted)
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    fail "this is neither Debian nor Ubuntu: nothing was installed" "install by hand what these packages bring: $*"
fi

missing=$(lacking "$@")
if [ -n "$missing" ] || policy_is_ours; then
    [ "$(id -u)" -eq 0 ] || as_root "$missing"
    restore_policy
    # shellcheck disable=SC2086 # package names have no blanks
    [ -z "$missing" ] || install_packages $missing
fi
check_python
