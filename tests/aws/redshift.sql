-- What a PostgreSQL needs to pass for Redshift's catalogue: users and their grants, who sees which rows, functions that PostgreSQL lacks.
-- Not to be had in PostgreSQL, whose grammar takes no bare words there: dateadd(day, …), datediff(day, …), sysdate, TOP n, LISTAGG … WITHIN GROUP.
CREATE SCHEMA stored;
CREATE TABLE stored.users (usename name PRIMARY KEY, usesysid integer, syslog text DEFAULT 'RESTRICTED', roles text[] DEFAULT '{}');
GRANT USAGE ON SCHEMA stored TO PUBLIC;
GRANT SELECT ON stored.users TO PUBLIC;

CREATE FUNCTION stored.sees_all() RETURNS boolean LANGUAGE sql STABLE AS $$
  SELECT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
      OR coalesce((SELECT syslog = 'UNRESTRICTED' OR 'sys:monitor' = ANY (roles) FROM stored.users WHERE usename = current_user), false) $$;
CREATE FUNCTION stored.own_id() RETURNS integer LANGUAGE sql STABLE AS $$ SELECT usesysid FROM stored.users WHERE usename = current_user $$;

CREATE OR REPLACE VIEW pg_catalog.pg_user AS
  SELECT r.rolname AS usename, coalesce(u.usesysid::oid, r.oid) AS usesysid, r.rolcreatedb AS usecreatedb, r.rolsuper AS usesuper, r.rolreplication AS userepl,
         r.rolbypassrls AS usebypassrls, '********'::text AS passwd, r.rolvaliduntil AS valuntil, r.rolconfig AS useconfig
  FROM pg_roles r LEFT JOIN stored.users u ON u.usename = r.rolname WHERE r.rolcanlogin;
CREATE VIEW pg_catalog.svl_user_info AS
  SELECT p.usename, p.usesysid::integer AS usesysid, p.usecreatedb, p.usesuper, false AS usecatupd, 'UNLIMITED'::text AS useconnlimit,
         CASE WHEN p.usesuper THEN 'UNRESTRICTED' ELSE coalesce(u.syslog, 'RESTRICTED') END AS syslogaccess, NULL::timestamp AS last_ddl_ts, 0 AS sessiontimeout, NULL::text AS external_user_id
  FROM pg_user p LEFT JOIN stored.users u USING (usename);
CREATE VIEW pg_catalog.svv_user_info AS
  SELECT usename::text AS user_name, usesysid AS user_id, usecreatedb AS createdb, usesuper AS superuser, usecatupd AS catalog_update,
         useconnlimit AS connection_limit, syslogaccess AS syslog_access, last_ddl_ts AS last_ddl_timestamp, sessiontimeout AS session_timeout, external_user_id AS external_id
  FROM svl_user_info;
CREATE VIEW pg_catalog.svv_roles AS SELECT row_number() OVER ()::integer AS role_id, role AS role_name, 'awsuser'::text AS role_owner, NULL::text AS external_id
  FROM (SELECT DISTINCT unnest(roles) AS role FROM stored.users) r;
CREATE VIEW pg_catalog.svv_user_grants AS
  SELECT u.usesysid AS user_id, u.usename::text AS user_name, r.role_id, r.role_name, false AS admin_option
  FROM stored.users u JOIN svv_roles r ON r.role_name = ANY (u.roles) WHERE u.usename = current_user OR stored.sees_all();
GRANT SELECT ON pg_catalog.svv_user_info, pg_catalog.svv_roles, pg_catalog.svv_user_grants TO PUBLIC;

CREATE FUNCTION pg_catalog.getdate() RETURNS timestamp LANGUAGE sql STABLE AS $$ SELECT date_trunc('second', now() AT TIME ZONE 'UTC') $$;
CREATE FUNCTION pg_catalog.nvl(anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce($1, $2) $$;
CREATE FUNCTION pg_catalog.nvl2(anyelement, anycompatible, anycompatible) RETURNS anycompatible LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN $1 IS NOT NULL THEN $2 ELSE $3 END $$;
CREATE FUNCTION pg_catalog.len(text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT length($1) $$;
CREATE FUNCTION pg_catalog.charindex(text, text) RETURNS integer LANGUAGE sql IMMUTABLE AS $$ SELECT strpos($2, $1) $$;
CREATE FUNCTION pg_catalog.convert_timezone(text, text, timestamp) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$ SELECT $3 AT TIME ZONE $1 AT TIME ZONE $2 $$;
