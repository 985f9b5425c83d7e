//! The log groups that were asked for: how large they are, how far back they reach, and how each is read.

use super::{
    Asked, LogsBy, Operation,
    calls::{Context, Failure},
    store,
};
use crate::{
    case::{
        Window,
        manifest::{State, Unit},
    },
    units::{Moment, SECOND, spoken_bytes},
};
use jiff::Timestamp;
use serde_json::Value;

pub(super) static DESCRIBE_LOG_GROUPS: Operation = Operation {
    service: "logs",
    name: "DescribeLogGroups",
    action: "logs:DescribeLogGroups",
    resource: "*",
    per_second: 5.0,
    optional: true,
};

pub(super) static FILTER_LOG_EVENTS: Operation = Operation {
    service: "logs",
    name: "FilterLogEvents",
    action: "logs:FilterLogEvents",
    resource: "arn:aws:logs:*:*:log-group:*",
    per_second: 5.0,
    optional: false,
};

/// Key of a part's detail: the log streams that it is about.
pub(super) const STREAMS: &str = "streams";

/// The texts below a key of a part's detail.
pub(super) fn named(detail: &Value, key: &str) -> Option<Vec<String>> {
    Some(detail.get(key)?.as_array()?.iter().filter_map(|it| it.as_str().map(ToOwned::to_owned)).collect())
}

/// The kinds of log groups of an MWAA environment; `airflow-<environment>-<kind>` is a group's name.
const KINDS: &[&str] = &["DAGProcessing", "Scheduler", "Task", "Worker"];
const WEBSERVER: &str = "WebServer";

/// Kinds of which nearly every line is a fact: who was queued, sent, started, found dead.
const OF_FACTS: &[&str] = &["-Scheduler", "-DAGProcessing"];

/// Up to this size a window of a group is read event by event: at a page of one megabyte and five pages a second, some seven minutes.
const MOST_RAW_BYTES: u64 = 2 << 30;

/// How much of a group is one part: a collection that is stopped asks for a part again from its beginning.
const PART_BYTES: u64 = 256 << 20;

/// Where the size is not known, a part is this long, in seconds, unless there would be too many.
const PART_SECONDS: u64 = 6 * 3600;
const MOST_BLIND_PARTS: u64 = 28;

/// One log group.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    /// Its name.
    pub(super) name: String,
    /// Whether AWS says that there is none of that name.
    is_absent: bool,
    /// Bytes it stores, whatever their age.
    stored_bytes: Option<u64>,
    created: Option<Moment>,
    retention_days: Option<i64>,
    /// What the reader should know.
    pub(super) notes: Vec<String>,
}

/// How a group is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Event by event.
    Raw,
    /// Every event, by query.
    Events,
    /// Events that tell of failures, by query.
    Errors,
}

/// The names of the groups that were asked for, in order.
pub(super) fn names(asked: &Asked) -> Vec<String> {
    let kinds = KINDS.iter().copied().chain(asked.mwaa_webserver.then_some(WEBSERVER));
    let of_environments = kinds.flat_map(|kind| asked.mwaa_environments.iter().map(move |it| format!("airflow-{it}-{kind}")));
    let mut names: Vec<String> = asked.log_groups.iter().cloned().chain(of_environments).collect();
    names.sort();
    names.dedup();
    names
}

/// Looks every group up, once for all collectors. One that cannot be looked up is of unknown size.
pub(super) async fn survey(cx: &Context) -> Result<&[Group], Failure> {
    let looked_up = cx.session.groups.get_or_try_init(|| async {
        let mut groups = Vec::new();
        for name in names(&cx.session.asked) {
            groups.push(match described(cx, &name).await {
                Ok(group) => group,
                Err(failure @ (Failure::Interrupted | Failure::Disk(_))) => return Err(failure),
                Err(failure) => {
                    Group { name, notes: vec![format!("size and retention are not known: {}", failure.reason())], ..Group::default() }
                }
            });
        }
        Ok(groups)
    });
    looked_up.await.map(Vec::as_slice)
}

async fn described(cx: &Context, name: &str) -> Result<Group, Failure> {
    let client = aws_sdk_cloudwatchlogs::Client::new(&cx.session.config);
    let mut token: Option<String> = None;
    loop {
        let request = || client.describe_log_groups().log_group_name_prefix(name).set_next_token(token.clone());
        let page = cx.call(&DESCRIBE_LOG_GROUPS, |tap| request().customize().interceptor(tap).send()).await?.output;
        if let Some(found) = page.log_groups().iter().find(|it| it.log_group_name() == Some(name)) {
            return Ok(Group {
                name: name.to_owned(),
                stored_bytes: found.stored_bytes().and_then(|it| u64::try_from(it).ok()),
                created: found.creation_time().and_then(Moment::from_millis),
                retention_days: found.retention_in_days().map(i64::from),
                ..Group::default()
            });
        }
        if page.next_token.is_none() || page.next_token == token {
            return Ok(Group { name: name.to_owned(), is_absent: true, ..Group::default() });
        }
        token = page.next_token;
    }
}

impl Group {
    /// How it is read.
    pub(super) fn way(&self, asked: &Asked, now: Moment) -> Way {
        match asked.logs {
            LogsBy::Raw => Way::Raw,
            LogsBy::Insights => Way::Events,
            LogsBy::Auto if self.expected_bytes(asked.window, now).is_none_or(|it| it <= MOST_RAW_BYTES) => Way::Raw,
            LogsBy::Auto if OF_FACTS.iter().any(|it| self.name.ends_with(it)) => Way::Events,
            LogsBy::Auto => Way::Errors,
        }
    }

    /// What a window of it may hold: its share of the days for which events are kept.
    pub(super) fn expected_bytes(&self, window: Window, now: Moment) -> Option<u64> {
        let kept = self.kept_seconds(now)?;
        let share = u128::from(self.stored_bytes?) * u128::from(window.seconds().min(kept)) / u128::from(kept.max(1));
        u64::try_from(share).ok()
    }

    /// For how many seconds back from now it may hold events.
    fn kept_seconds(&self, now: Moment) -> Option<u64> {
        let age = self.created.map(|it| (now.0 - it.0) / SECOND);
        let retention = self.retention_days.map(|it| it * 86_400);
        let kept = age.into_iter().chain(retention).min()?;
        Some(u64::try_from(kept).unwrap_or(0).max(1))
    }

    /// What of a window retention has deleted, and what is left of it.
    fn kept(&self, window: Window, now: Moment) -> (Option<Window>, Option<Window>) {
        let oldest = self.retention_days.map(|it| (now.0 - it * 86_400 * SECOND).div_euclid(SECOND));
        // What is older than the group itself never was.
        let Some(oldest) = oldest.filter(|it| self.created.is_none_or(|created| created.0.div_euclid(SECOND) < *it)) else {
            return (None, Some(window));
        };
        (Window::new(window.first(), window.last().min(oldest - 1)), Window::new(window.first().max(oldest), window.last()))
    }

    /// The parts that a window of it is read in; what retention deleted is one that nobody will bring.
    pub(super) fn units(&self, collector: &str, call: &str, way: Way, window: Window, now: Moment) -> Vec<(String, Unit)> {
        let (gone, kept) = self.kept(window, now);
        let mut units = Vec::new();
        if let (Some(gone), Some(days)) = (gone, self.retention_days) {
            let (id, mut unit) = self.unit(collector, call, gone);
            (unit.state, unit.reason) = (State::Truncated, Some(format!("events are kept for {days} days: these are deleted")));
            units.push((id, unit));
        }
        let Some(kept) = kept else { return units };
        let count = match (way, self.expected_bytes(kept, now)) {
            // A query tells how much there is, and is then split by that.
            (Way::Events | Way::Errors, _) => 1,
            (Way::Raw, Some(bytes)) => bytes.div_ceil(PART_BYTES).max(1),
            // It is asked for all the same, once: AWS then says in its own words that it is not there.
            (Way::Raw, None) if self.is_absent => 1,
            (Way::Raw, None) => kept.seconds().div_ceil(PART_SECONDS).min(MOST_BLIND_PARTS),
        };
        units.extend(kept.parts(count).into_iter().map(|it| self.unit(collector, call, it)));
        units
    }

    fn unit(&self, collector: &str, call: &str, window: Window) -> (String, Unit) {
        let mut unit = Unit::new(collector, call, &self.name, Some(window));
        unit.notes.clone_from(&self.notes);
        (store::id_of(collector, &self.name, &window.file_name()), unit)
    }

    /// What is said of a group that is read only in part.
    pub(super) fn only_errors(&self, asked: &Asked, now: Moment) -> String {
        let bytes = self.expected_bytes(asked.window, now).map_or("of unknown size".to_owned(), spoken_bytes);
        format!(
            "{}: about {bytes} in the window, so only events that tell of failures were asked for; --logs insights or --logs raw brings all",
            self.name
        )
    }
}

/// The moment that retention is counted from.
pub(super) fn now() -> Moment {
    Moment(Timestamp::now().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap().moment
    }

    fn asked(logs: &str) -> Asked {
        serde_json::from_value(serde_json::json!({
            "window": {"since": "2026-01-09T00:00:00Z", "until": "2026-01-10T00:00:00Z"},
            "log_groups": ["z", "airflow-prod-Task"], "mwaa_environments": ["prod"], "logs": logs,
        }))
        .unwrap()
    }

    fn group(name: &str, gibibytes: u64) -> Group {
        let created = Some(at("2026-01-01T00:00:00Z"));
        Group { name: name.to_owned(), stored_bytes: Some(gibibytes << 30), created, ..Group::default() }
    }

    #[test]
    fn an_environment_names_its_groups() {
        assert_eq!(
            names(&asked("auto")),
            ["airflow-prod-DAGProcessing", "airflow-prod-Scheduler", "airflow-prod-Task", "airflow-prod-Worker", "z"]
        );
    }

    #[test]
    fn size_decides_how_a_group_is_read() {
        let now = at("2026-01-11T00:00:00Z");
        let auto = asked("auto");
        // A tenth of ten days' events.
        assert_eq!(group("z", 10).expected_bytes(auto.window, now), Some(1 << 30));
        assert_eq!(group("z", 20).way(&auto, now), Way::Raw);
        assert_eq!(group("z", 21).way(&auto, now), Way::Errors);
        assert_eq!(group("airflow-prod-Scheduler", 21).way(&auto, now), Way::Events);
        assert_eq!(Group::default().way(&auto, now), Way::Raw);
        assert_eq!(group("z", 1).way(&asked("insights"), now), Way::Events);
        assert_eq!(group("z", 10).units("c", "o", Way::Raw, auto.window, now).len(), 4);
        assert_eq!(group("z", 10).units("c", "o", Way::Events, auto.window, now).len(), 1);
    }

    #[test]
    fn what_retention_deleted_is_a_gap() {
        let (window, now) = (asked("raw").window, at("2026-01-10T06:00:00Z"));
        let kept = Group { retention_days: Some(1), ..group("z", 0) };
        let units = kept.units("logs_raw", "FilterLogEvents", Way::Raw, window, now);
        let told: Vec<_> = units.iter().map(|it| it.1.gap().unwrap()).collect();
        assert_eq!(
            told,
            [
                "only a part: FilterLogEvents of z from 2026-01-09T00:00:00.000Z to 2026-01-09T06:00:00.000Z: events are kept for 1 days: these are deleted",
                "missing: FilterLogEvents of z from 2026-01-09T06:00:00.000Z to 2026-01-10T00:00:00.000Z",
            ]
        );
        let young = Group { created: Some(at("2026-01-09T12:00:00Z")), ..kept };
        assert_eq!(young.units("logs_raw", "FilterLogEvents", Way::Raw, window, now).len(), 1);
        let all_gone = young.units("logs_raw", "FilterLogEvents", Way::Raw, window, at("2026-02-10T06:00:00Z"));
        assert_eq!(all_gone.iter().map(|it| it.1.state).collect::<Vec<_>>(), [State::Truncated]);
    }
}
