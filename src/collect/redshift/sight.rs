//! Whether the user of the database sees the rows of others: system views show a plain user only his own.

use super::{GET_STATEMENT_RESULT, Refusal, failed, finished};
use crate::{
    case::manifest::{State, Unit},
    collect::{
        Outcome,
        calls::{Context, Failure},
        queries::{self, VISIBILITY, VISIBILITY_SUPERUSER},
    },
    text,
};
use aws_sdk_redshiftdata::{Client, types::Field};
use serde_json::json;

/// Roles that see all rows.
const SEEING_ROLES: &[&str] = &["sys:monitor", "sys:operator", "sys:dba", "sys:superuser"];

/// Whose rows the views show, as far as that is known.
#[derive(Default)]
struct Sight {
    user: String,
    all: bool,
}

/// Finds out whether the user sees the rows of others. Where not, nothing that was collected can prove that all is well.
pub(super) async fn visible(cx: &Context, client: &Client, mut unit: Unit) -> Result<Outcome, Failure> {
    let (sight, unknown) = match sight(cx, client, VISIBILITY).await? {
        Ok(sight) => (sight, None),
        Err(words) => match sight(cx, client, VISIBILITY_SUPERUSER).await? {
            Ok(sight) => (sight, Some(words)),
            Err(words) => return Err(failed(Refusal::of(&words).code(), &words)),
        },
    };
    unit.detail = json!({"user": sight.user, "sees_all": sight.all});
    if !sight.all {
        let user = sight.user;
        let reason = match unknown {
            Some(words) => format!("whether more than your own rows were visible cannot be told: {words}"),
            None => format!(
                "only your own rows were visible: user {user} is no superuser, and has neither SYSLOG ACCESS UNRESTRICTED nor a role like \
                 sys:monitor; after ALTER USER \"{user}\" SYSLOG ACCESS UNRESTRICTED, or GRANT ROLE sys:monitor TO \"{user}\", collect anew"
            ),
        };
        (unit.state, unit.reason) = (State::Truncated, Some(reason));
    }
    Ok(Outcome::Done(Box::new(unit)))
}

/// Asks one of the texts about the user; where it fails, the words of Redshift.
async fn sight(cx: &Context, client: &Client, file: &str) -> Result<Result<Sight, String>, Failure> {
    let statement = match finished(cx, client, queries::query(file).unwrap_or_default(), None, None).await? {
        Ok(statement) => statement,
        Err(words) => return Ok(Err(words)),
    };
    let request = || client.get_statement_result().id(&statement.id);
    let page = cx.call(&GET_STATEMENT_RESULT, |tap| request().customize().interceptor(tap).send()).await?;
    let mut sight = Sight::default();
    for row in page.output.records() {
        let mut cells = row.iter();
        sight.user = cells.next().and_then(|it| it.as_string_value().ok()).map_or(String::new(), |it| text::safe(it.trim(), 128));
        sight.all |= cells.next() == Some(&Field::BooleanValue(true));
        let told = cells.filter_map(|it| it.as_string_value().ok()).map(|it| it.trim().to_ascii_lowercase());
        sight.all |= told.into_iter().any(|it| it == "unrestricted" || SEEING_ROLES.contains(&it.as_str()));
    }
    Ok(Ok(sight))
}
