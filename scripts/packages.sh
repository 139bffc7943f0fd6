# Sourced by the ensure-*.sh scripts: installs packages of the system, without asking.

say() { printf '%s\n' "$*" >&2; }

# Runs a command as root, through sudo where we are not.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "This needs root, and there is no sudo: $*"
        return 1
    fi
}

# apt_get ARGUMENTS: apt-get that neither asks nor gives up while another one holds the lock.
apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

# apt_install PACKAGE..: refreshes the lists first; a fresh system has none.
apt_install() {
    apt_get update
    apt_get install -y --no-install-recommends "$@" >&2
}
