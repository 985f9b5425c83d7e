//! The tables in Athena: made where they are missing, added to where they are older, and never taken from.

use super::{
    Destination,
    aws::{Aws, Refusal},
    ddl,
};
use crate::{
    collect::Operation,
    error::{Error, Result},
    report::parquet::{LAKE, LakeColumn, LakeTable},
    text,
};
use aws_sdk_athena::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{QueryExecutionContext, QueryExecutionState, ResultConfiguration, TableMetadata},
};
use std::time::Duration;

/// What permissions on workgroups and on the catalogue must be given on.
pub(super) const WORKGROUPS: &str = "arn:aws:athena:*:*:workgroup/*";
pub(super) const CATALOGS: &str = "arn:aws:athena:*:*:datacatalog/*";

const fn operation(name: &'static str, action: &'static str, resource: &'static str) -> Operation {
    Operation { service: "athena", name, action, resource, per_second: 20.0, optional: false }
}

/// Every operation that publishing calls.
pub(super) static OPERATIONS: &[&Operation] = &[&GET_TABLE, &START, &GET, &STOP];
static GET_TABLE: Operation = operation("GetTableMetadata", "athena:GetTableMetadata", CATALOGS);
static START: Operation = operation("StartQueryExecution", "athena:StartQueryExecution", WORKGROUPS);
static GET: Operation = operation("GetQueryExecution", "athena:GetQueryExecution", WORKGROUPS);
static STOP: Operation = operation("StopQueryExecution", "athena:StopQueryExecution", WORKGROUPS);

/// The catalogue that every account has.
const CATALOG: &str = "AwsDataCatalog";

/// The workgroup of statements where none was named.
pub(super) const PRIMARY: &str = "primary";

/// What Athena answers of a table that is not there, within a code that says nothing.
const ABSENT: &[&str] = &["EntityNotFoundException", "Entity Not Found", "not found", "does not exist"];

/// How often a statement is looked at, and the longest wait between: it is given up after ten minutes.
const LOOKS: u32 = 300;
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Makes the tables, or brings them up to date; gives the statements that were run.
pub(super) fn ensure(aws: &Aws, destination: &Destination) -> Result<Vec<String>> {
    let Some(database) = &destination.database else { return Ok(Vec::new()) };
    let athena = Athena { aws, client: Client::new(&aws.config), destination, database };
    let mut statements = Vec::new();
    // Looked at before anything is run: tables that are another's are left alone, all of them.
    for table in LAKE {
        match athena.table(table)? {
            None => statements.push(ddl::create_table(database, table, &ddl::location(destination, table))),
            Some(there) => {
                let missing = missing(destination, table, &there)?;
                if !missing.is_empty() {
                    statements.push(ddl::add_columns(database, table, &missing));
                }
            }
        }
    }
    if destination.create_database && statements.len() == LAKE.len() {
        statements.insert(0, ddl::create_database(database));
    }
    statements.iter().try_for_each(|it| athena.run(it))?;
    Ok(statements)
}

/// The columns that a table lacks; an error where it is not ours, or no longer.
fn missing(destination: &Destination, table: &LakeTable, there: &TableMetadata) -> Result<Vec<&'static LakeColumn>> {
    let name = format!("{}.{}", destination.database.as_deref().unwrap_or_default(), table.name);
    let refused = |told: String| {
        let advice = "casefile drops and changes nothing: give another --database, or drop the table yourself, which removes no data";
        Err(Error::Publish(format!("table {name} {told}; {advice}")))
    };
    let location = ddl::location(destination, table);
    let parameter = |key: &str| there.parameters().and_then(|it| it.get(key));
    if let Some(other) = parameter("location").filter(|it| it.trim_end_matches('/') != location.trim_end_matches('/')) {
        return refused(format!("lies at {other}, not at {location}"));
    }
    if let Some(other) = parameter(ddl::TEMPLATE).filter(|it| !it.starts_with(&location)) {
        return refused(format!("has its partitions at {other}, not below {location}"));
    }
    if there.partition_keys().iter().map(|it| (it.name(), it.r#type().unwrap_or_default())).collect::<Vec<_>>() != [("dt", "string")] {
        return refused("is not partitioned by dt string".to_owned());
    }
    for column in there.columns() {
        let kind = column.r#type().unwrap_or_default();
        match table.columns.iter().find(|it| it.name == column.name()) {
            None => return refused(format!("has a column {} that casefile does not know", column.name())),
            Some(it) if it.kind.ddl() != kind => {
                return refused(format!("has the column {} as {kind}, not {}", it.name, it.kind.ddl()));
            }
            Some(_) => (),
        }
    }
    Ok(table.columns.iter().filter(|it| !there.columns().iter().any(|column| column.name() == it.name)).collect())
}

struct Athena<'a> {
    aws: &'a Aws,
    client: Client,
    destination: &'a Destination,
    database: &'a str,
}

impl Athena<'_> {
    /// What the catalogue says of a table, if it is there.
    fn table(&self, table: &LakeTable) -> Result<Option<TableMetadata>> {
        let request = self.client.get_table_metadata().catalog_name(CATALOG).database_name(self.database).table_name(table.name);
        match self.call(&GET_TABLE, &format!("table {}.{}", self.database, table.name), request.send()) {
            Ok(answer) => Ok(answer.table_metadata),
            Err(it) if it.code == "MetadataException" && ABSENT.iter().any(|word| it.error.to_string().contains(word)) => Ok(None),
            Err(it) => Err(it.error),
        }
    }

    /// Runs a statement, and waits for its end.
    fn run(&self, statement: &str) -> Result<()> {
        let on = statement.lines().next().unwrap_or_default().trim_end_matches(" (");
        let context = QueryExecutionContext::builder().catalog(CATALOG).build();
        let output = self.destination.output.as_ref().map(|it| ResultConfiguration::builder().output_location(it).build());
        let workgroup = self.destination.workgroup.as_deref().unwrap_or(PRIMARY);
        let request = self.client.start_query_execution().query_string(statement).query_execution_context(context);
        let request = request.work_group(workgroup).set_result_configuration(output);
        let started = self.call(&START, on, request.send()).map_err(|it| {
            let is_homeless = it.error.to_string().contains("output location");
            if is_homeless { it.error.adding("give --output, or set that of the workgroup") } else { it.error }
        })?;
        let id = started.query_execution_id.unwrap_or_default();
        let mut wait = self.destination.ways.base_delay.min(LONGEST_WAIT);
        for _ in 0..LOOKS {
            self.aws.wait(async { tokio::time::sleep(wait).await });
            wait = wait.mul_f64(1.5).min(LONGEST_WAIT);
            let answer = self.call(&GET, on, self.client.get_query_execution().query_execution_id(&id).send())?;
            let Some(status) = answer.query_execution.and_then(|it| it.status) else { continue };
            match status.state() {
                Some(QueryExecutionState::Succeeded) => return Ok(()),
                Some(QueryExecutionState::Queued | QueryExecutionState::Running) | None => (),
                Some(other) => {
                    let words = text::safe(status.state_change_reason().unwrap_or("no reason was given"), 600);
                    let advice = if words.contains("Database does not exist") { "; --create-database makes it" } else { "" };
                    return Err(Error::Publish(format!("Athena, {on}: {} {words}{advice}", other.as_str())));
                }
            }
        }
        self.call(&STOP, on, self.client.stop_query_execution().query_execution_id(&id).send())?;
        Err(Error::Publish(format!("Athena, {on}: it did not end in ten minutes, and was stopped")))
    }

    fn call<T, E>(
        &self,
        operation: &'static Operation,
        on: &str,
        sent: impl Future<Output = std::result::Result<T, SdkError<E>>>,
    ) -> Result<T, Refusal>
    where
        E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
    {
        self.aws.call(operation, &format!("Athena, {on}"), ToOwned::to_owned, sent)
    }
}
