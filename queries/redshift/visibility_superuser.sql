-- Whether the user is a superuser. Asked where a cluster or its grants do not let the user see what visibility.sql asks.
SELECT
  usename,
  usesuper
FROM pg_user
WHERE usename = current_user
