-- Whose rows the system views show. Users see their own, unless they are superusers, have SYSLOG ACCESS UNRESTRICTED or a role that sees all.
SELECT
  u.usename,
  u.usesuper,
  i.syslog_access,
  g.role_name
FROM pg_user u
LEFT JOIN svv_user_info i ON i.user_name = u.usename
LEFT JOIN svv_user_grants g ON g.user_name = u.usename
WHERE u.usename = current_user
ORDER BY g.role_name
