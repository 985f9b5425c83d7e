# The same facts of an answer of CloudWatch Logs. `$kind` is json (filter-log-events) or insights (get-query-results).
def seconds: sub(" "; "T") | .[0:19] + "Z" | fromdate;
def facts:
  if contains("TaskInstance Finished: ") then
    "finished " + capture(", state=(?<it>\\w+)").it,
    (capture(" run_start_date=(?<started>[0-9][^,]+).* queued_dttm=(?<queued>[^,]+)")
      | select((.started | seconds) - (.queued | seconds) >= 300) | "late")
  elif contains("Sending TaskInstanceKey(") then "sent"
  elif contains(" is not authorized to perform: ") then
    capture("User: (?<who>\\S+) is not authorized to perform: (?<what>\\S+)") | "denied \(.who) \(.what)"
  elif contains("Task stuck in queued; will try to requeue") then "will_requeue"
  elif contains("Task requeue attempts exceeded max; marking failed") then "gave_up"
  elif contains("task instances stuck in queued as failed") then "marked_stuck"
  elif contains("task instance's state attribute is queued") then "lost"
  else empty end;
def messages: if $kind == "json" then .events[].message else .results[] | map(select(.field == "@message").value)[0] end;
reduce (messages | facts) as $fact ({late: 0}; .[$fact] += 1)
