#!/bin/sh
# Run once by the Postgres image of docker-compose.yml, on its empty server: the roles of the service and its database.
# The service's login is a member of the two roles it acts as, and of nothing that may define or own a table.
set -eu
: "${JOURNEYLIFT_OWNER_PASSWORD:?}" "${JOURNEYLIFT_SERVICE_PASSWORD:?}"

# psql reads the passwords from its environment: an argument would be seen in the list of processes.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'SQL'
\getenv owner_password JOURNEYLIFT_OWNER_PASSWORD
\getenv service_password JOURNEYLIFT_SERVICE_PASSWORD
CREATE ROLE journeylift_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE journeylift_app NOLOGIN;
CREATE ROLE journeylift_maintenance NOLOGIN;
CREATE ROLE journeylift_service LOGIN NOINHERIT PASSWORD :'service_password';
GRANT journeylift_app, journeylift_maintenance TO journeylift_owner WITH ADMIN OPTION;
GRANT journeylift_app, journeylift_maintenance TO journeylift_service;
CREATE DATABASE journeylift OWNER journeylift_owner;
REVOKE CONNECT ON DATABASE journeylift FROM PUBLIC;
GRANT CONNECT ON DATABASE journeylift TO journeylift_app, journeylift_service;
SQL
