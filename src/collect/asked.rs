//! What a collection is asked for, apart from how it gets it: a case is continued with the same or not at all.

use crate::case::Window;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What defines the content of a case. There is no secret in it: a secret's ARN only names one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The time of interest.
    pub window: Window,
    /// How long before the beginning of the collection that reached back, where it was asked for so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seconds: Option<i64>,
    /// Log groups.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_groups: Vec<String>,
    /// MWAA environments, whose log groups are wanted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mwaa_environments: Vec<String>,
    /// Whether the web server's log is wanted too.
    #[serde(default)]
    pub mwaa_webserver: bool,
    /// How logs are read.
    #[serde(default)]
    pub logs: LogsBy,
    /// A provisioned cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redshift_cluster: Option<String>,
    /// A Serverless workgroup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redshift_workgroup: Option<String>,
    /// The database to connect to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,
    /// The secret that holds the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_arn: Option<String>,
    /// The database user to log in as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub db_user: Option<String>,
    /// Whether Athena's history is wanted.
    #[serde(default)]
    pub athena: bool,
    /// Athena's workgroups; none means all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub workgroups: Vec<String>,
    /// Of how many of a workgroup's slowest queries the runtime statistics are wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub athena_statistics: Option<u64>,
    /// Tables whose files a query of Athena lists: `database.table`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub athena_tables: Vec<String>,
    /// Where those queries write their results, where the workgroup does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub athena_output: Option<String>,
    /// Addresses whose objects are listed: `s3://bucket/prefix`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub s3: Vec<String>,
    /// The most objects that are listed of one address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub s3_most_objects: Option<u64>,
}

/// How logs are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogsBy {
    /// Small groups event by event, large ones by query.
    #[default]
    Auto,
    /// Every event by `FilterLogEvents`: costs calls, not bytes.
    Raw,
    /// Every event by Logs Insights: fewer calls, and each byte of the window is paid for.
    Insights,
}

impl Asked {
    /// What a case was asked for and what is asked now, where that differs.
    pub fn differences(&self, stored: &Self) -> Vec<String> {
        // "The last 24 hours" are those before the collection began, whenever it is continued.
        let same_span = self.last_seconds.is_some() && self.last_seconds == stored.last_seconds;
        let now = fields(&Self { window: if same_span { stored.window } else { self.window }, ..self.clone() });
        let then = fields(stored);
        let mut keys: Vec<&String> = now.keys().chain(then.keys()).collect();
        keys.sort();
        keys.dedup();
        let window_differs = now.get("window") != then.get("window");
        // The window says it, too.
        let differs = |key: &&String| now.get(*key) != then.get(*key) && !(window_differs && *key == "last_seconds");
        let shown = |value: Option<&Value>| match value {
            None => "not given".to_owned(),
            Some(Value::Object(window)) => window.values().filter_map(Value::as_str).collect::<Vec<_>>().join(" to "),
            Some(value) => value.to_string(),
        };
        let said = |key: &String| format!("{} was {}, now {}", key.replace('_', "-"), shown(then.get(key)), shown(now.get(key)));
        keys.into_iter().filter(differs).map(said).collect()
    }

    /// The same with its names in order, each of them once: the order in which somebody names them makes no other case.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        let lists = [&mut self.log_groups, &mut self.mwaa_environments, &mut self.workgroups, &mut self.athena_tables, &mut self.s3];
        for names in lists {
            names.sort();
            names.dedup();
        }
        self
    }

    /// Whether nothing is asked for.
    pub fn is_nothing(&self) -> bool {
        !self.wants_logs()
            && self.redshift_cluster.is_none()
            && self.redshift_workgroup.is_none()
            && !self.athena
            && self.athena_tables.is_empty()
            && self.s3.is_empty()
    }

    /// Why it cannot be asked for like that; `spelled` makes of a name what the user writes.
    pub fn contradiction(&self, spelled: impl Fn(&str) -> String) -> Option<String> {
        let wants_redshift = self.redshift_cluster.is_some() || self.redshift_workgroup.is_some();
        let wants_athena = self.athena || !self.athena_tables.is_empty();
        let needs: [(bool, bool, &str, &[&str]); 6] = [
            (self.mwaa_webserver, self.wants_environments(), "mwaa-webserver", &["mwaa-environment"]),
            (wants_redshift, self.database.is_some(), "a Redshift cluster or workgroup", &["database"]),
            (!self.workgroups.is_empty(), wants_athena, "workgroup", &["athena", "athena-table"]),
            (self.athena_statistics.is_some(), self.athena, "athena-statistics", &["athena"]),
            (self.athena_output.is_some(), !self.athena_tables.is_empty(), "athena-output", &["athena-table"]),
            (self.s3_most_objects.is_some(), !self.s3.is_empty(), "s3-max-objects", &["s3"]),
        ];
        let excludes = [
            (self.redshift_cluster.is_some() && self.redshift_workgroup.is_some(), "redshift-cluster", "redshift-workgroup"),
            (self.secret_arn.is_some() && self.db_user.is_some(), "secret-arn", "db-user"),
            (self.db_user.is_some() && self.redshift_workgroup.is_some(), "db-user", "redshift-workgroup"),
        ];
        let lacking = needs.iter().find(|it| it.0 && !it.1);
        if let Some((_, _, what, others)) = lacking {
            let others: Vec<String> = others.iter().map(|it| spelled(it)).collect();
            let what = if what.contains(' ') { (*what).to_owned() } else { spelled(what) };
            return Some(format!("{what} needs {}", others.join(" or ")));
        }
        if let Some((_, one, other)) = excludes.iter().find(|it| it.0) {
            return Some(format!("{} and {} exclude each other", spelled(one), spelled(other)));
        }
        let many = !self.athena_tables.is_empty() && self.workgroups.len() > 1;
        many.then(|| {
            let (tables, workgroup) = (spelled("athena-table"), spelled("workgroup"));
            format!("{tables}: its queries run in one {workgroup}, or in primary; several are given")
        })
    }

    fn wants_environments(&self) -> bool {
        !self.mwaa_environments.is_empty()
    }

    /// Whether logs are wanted.
    pub fn wants_logs(&self) -> bool {
        !self.log_groups.is_empty() || !self.mwaa_environments.is_empty()
    }
}

/// Whether a text is an address like `s3://bucket/prefix`.
pub fn is_address(text: &str) -> bool {
    text.strip_prefix("s3://").is_some_and(|it| !it.is_empty() && !it.starts_with('/'))
}

/// Whether a text is a table like `database.table`.
pub fn is_table(text: &str) -> bool {
    text.split_once('.').is_some_and(|(database, table)| !database.is_empty() && !table.is_empty())
}

fn fields(asked: &Asked) -> serde_json::Map<String, Value> {
    match serde_json::to_value(asked) {
        Ok(Value::Object(fields)) => fields,
        _ => serde_json::Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let stored: Asked = serde_json::from_value(serde_json::json!({
            "window": {"since": "2026-01-02T00:00:00Z", "until": "2026-01-03T00:00:00Z"}, "log_groups": ["a"],
        }))
        .unwrap();
        let now = Asked { log_groups: vec!["a".to_owned(), "b".to_owned()], database: Some("dev".to_owned()), ..stored.clone() };
        assert_eq!(now.differences(&stored), ["database was not given, now \"dev\"", "log-groups was [\"a\"], now [\"a\",\"b\"]"]);
        assert_eq!(stored.differences(&stored), Vec::<String>::new());
        let later: Window =
            serde_json::from_value(serde_json::json!({"since": "2026-01-03T00:00:00Z", "until": "2026-01-04T00:00:00Z"})).unwrap();
        let told = Asked { window: later, last_seconds: Some(86_400), ..stored.clone() }.differences(&stored);
        let (then, now) = ("2026-01-02T00:00:00.000Z to 2026-01-03T00:00:00.000Z", "2026-01-03T00:00:00.000Z to 2026-01-04T00:00:00.000Z");
        assert_eq!(told, [format!("window was {then}, now {now}")]);
    }
}
