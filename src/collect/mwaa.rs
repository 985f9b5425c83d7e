//! MWAA environments: what they log at which level. Their log groups follow from their names, and are read like any other.

use super::{
    Collector, Operation, Outcome, Unit, Work,
    calls::{Context, Failure},
    store,
};
use aws_sdk_mwaa::{
    config::http::HttpRequest,
    types::{LoggingConfiguration, LoggingLevel, ModuleLoggingConfiguration},
};

pub(super) static COLLECTOR: Collector = Collector {
    name: "mwaa",
    title: "MWAA environments",
    operations: &[&GET_ENVIRONMENT],
    plans_with: &[],
    wanted: |asked| !asked.mwaa_environments.is_empty(),
    plan: |cx| Box::pin(std::future::ready(Ok(plan(&cx)))),
    run: |cx, work| Box::pin(run(cx, work)),
};

static GET_ENVIRONMENT: Operation = Operation {
    service: "airflow",
    name: "GetEnvironment",
    action: "airflow:GetEnvironment",
    resource: "arn:aws:airflow:*:*:environment/*",
    per_second: 5.0,
    optional: true,
};

fn plan(cx: &Context) -> Vec<(String, Unit)> {
    let unit =
        |name: &String| (store::id_of(COLLECTOR.name, name, "environment"), Unit::new(COLLECTOR.name, GET_ENVIRONMENT.name, name, None));
    cx.session.asked.mwaa_environments.iter().map(unit).collect()
}

async fn run(cx: Context, work: Work) -> Result<Outcome, Failure> {
    let Work { id, mut unit } = work;
    let client = aws_sdk_mwaa::Client::new(&cx.session.config);
    let request = || client.get_environment().name(&unit.subject).customize().mutate_request(without_prefix);
    unit.notes.clear();
    match cx.call(&GET_ENVIRONMENT, |tap| request().interceptor(tap).send()).await {
        Ok(answer) => {
            let mut answers = cx.session.store()?.answers(&id)?;
            answers.push(&answer.bytes)?;
            answers.finish(&mut unit)?;
            unit.rows = 1;
            let logging = answer.output.environment().and_then(|it| it.logging_configuration());
            unit.notes = logging.map_or(Vec::new(), |it| notes(&unit.subject, it));
        }
        // The groups are known by their names all the same.
        Err(failure @ (Failure::Aws { .. } | Failure::Unanswered { .. })) => {
            unit.notes.push(format!("{}: at which levels it logs is not known: {}", unit.subject, failure.reason()));
        }
        Err(failure) => return Err(failure),
    }
    Ok(Outcome::Done(Box::new(unit)))
}

/// The API's host is prefixed with `api.`, also where an endpoint was given; only AWS's own names have such a sibling.
fn without_prefix(request: &mut HttpRequest) {
    let uri = request.uri().to_owned();
    if let Some((scheme, rest)) = uri.split_once("://api.") {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        if !host.ends_with(".amazonaws.com") && !host.ends_with(".amazonaws.com.cn") && !host.ends_with(".api.aws") {
            // What cannot be set stays as it is, and fails with a message that names the host.
            request.set_uri(format!("{scheme}://{rest}")).unwrap_or_default();
        }
    }
}

/// What the levels hide.
fn notes(environment: &str, logging: &LoggingConfiguration) -> Vec<String> {
    let modules = [
        ("DAGProcessing", logging.dag_processing_logs()),
        ("Scheduler", logging.scheduler_logs()),
        ("Task", logging.task_logs()),
        ("Worker", logging.worker_logs()),
    ];
    modules.into_iter().filter_map(|(kind, module)| Some(format!("airflow-{environment}-{kind} {}", hidden(module?)?))).collect()
}

fn hidden(module: &ModuleLoggingConfiguration) -> Option<String> {
    if module.enabled() == Some(false) {
        return Some("is switched off: what is in it was written earlier".to_owned());
    }
    match module.log_level() {
        Some(level @ (LoggingLevel::Warning | LoggingLevel::Error | LoggingLevel::Critical)) => {
            Some(format!("is logged at {}: INFO lines, which prove what was queued, sent and started, are not in it", level.as_str()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_that_hide_are_told() {
        let module = |level, enabled| ModuleLoggingConfiguration::builder().log_level(level).enabled(enabled).build();
        let logging = LoggingConfiguration::builder()
            .scheduler_logs(module(LoggingLevel::Warning, true))
            .task_logs(module(LoggingLevel::Info, true))
            .worker_logs(module(LoggingLevel::Info, false))
            .build();
        let told = notes("prod", &logging);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("airflow-prod-Scheduler is logged at WARNING: INFO lines"));
        assert!(told[1].starts_with("airflow-prod-Worker is switched off"));
    }
}
