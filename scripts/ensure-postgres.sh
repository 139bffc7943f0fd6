#!/usr/bin/env bash
# Makes sure that PostgreSQL's programs (15 or newer) are installed, from the system's packages. Only the programs are
# wanted: no server is set up or started, because journeylift owns one in its data directory.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

oldest=15

# Succeeds when some folder holds the three programs in a version that is new enough. The same places as the service's.
found() {
    local folder version
    for folder in ${JOURNEYLIFT_PG_BIN:+"$JOURNEYLIFT_PG_BIN"} /usr/lib/postgresql/*/bin /usr/local/lib/postgresql/*/bin \
        /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin \
        "$(dirname "$(command -v initdb || echo /nowhere/initdb)")"; do
        [ -x "$folder/initdb" ] && [ -x "$folder/postgres" ] && [ -x "$folder/pg_ctl" ] || continue
        version=$("$folder/postgres" --version | sed -n 's/^[^)]*(PostgreSQL) \([0-9]*\).*/\1/p')
        [ "${version:-0}" -ge "$oldest" ] && return 0
    done
    return 1
}

# Debian and Ubuntu make and start a server with the package unless told not to; the file that says so is put back.
install_debian() {
    local conf=/etc/postgresql-common/createcluster.conf kept status=0
    kept=$(mktemp)
    apt_install postgresql-common
    [ -f "$conf" ] && cp "$conf" "$kept"
    echo 'create_main_cluster = false' | as_root tee -a "$conf" >/dev/null
    apt_get install -y --no-install-recommends postgresql >&2 || status=$?
    as_root cp "$kept" "$conf"
    rm -f "$kept"
    # The package may be on record with its files gone.
    [ "$status" = 0 ] && ! found && reinstall_debian
    return "$status"
}

reinstall_debian() {
    local packages
    mapfile -t packages < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 'postgresql-[0-9]*' 'postgresql-client-[0-9]*' |
        awk '$1 == "ii" && $2 ~ /-[0-9]+$/ { print $2 }')
    [ "${#packages[@]}" -gt 0 ] && apt_get install -y --reinstall --no-install-recommends "${packages[@]}" >&2
}

found && exit 0
say "Installing PostgreSQL's programs ..."
if command -v apt-get >/dev/null; then
    install_debian
elif command -v dnf >/dev/null; then
    as_root dnf install -y -q postgresql-server
elif command -v brew >/dev/null; then
    brew install --quiet postgresql@17
else
    say "Install PostgreSQL $oldest or newer with this system's package manager."
    exit 1
fi
found || { say "This system's PostgreSQL is older than $oldest: install a newer one and name its folder in JOURNEYLIFT_PG_BIN."; exit 1; }
