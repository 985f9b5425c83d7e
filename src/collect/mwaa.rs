//! MWAA environments: what they log at which level. Their log groups follow from their names, and are read like any other.

use super::{
    Collector, Operation, Outcome, Unit, Work,
    calls::{Answer, Context, Failure},
    store,
};
use crate::case::manifest::State;
use aws_sdk_mwaa::{
    config::http::HttpRequest,
    operation::get_environment::GetEnvironmentOutput,
    types::{LoggingLevel, ModuleLoggingConfiguration},
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

pub(super) static GET_ENVIRONMENT: Operation = Operation {
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
    unit.notes.clear();
    match described(&cx, &unit.subject).await {
        Ok(answer) => {
            let mut answers = cx.session.store()?.answers(&id)?;
            answers.push(&answer.bytes)?;
            answers.finish(&mut unit)?;
            unit.rows = 1;
            unit.notes = notes(&unit.subject, &answer.output);
        }
        // What may pass is asked again.
        Err(failure @ Failure::Aws { .. }) if failure.state() == State::Missing => return Err(failure),
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

/// An environment.
pub(super) async fn described(cx: &Context, name: &str) -> Result<Answer<GetEnvironmentOutput>, Failure> {
    let client = aws_sdk_mwaa::Client::new(&cx.session.config);
    let request = || client.get_environment().name(name).customize().mutate_request(without_prefix);
    cx.call(&GET_ENVIRONMENT, |tap| request().interceptor(tap).send()).await
}

/// What the levels of an environment hide.
pub(super) fn notes(environment: &str, told: &GetEnvironmentOutput) -> Vec<String> {
    let Some(logging) = told.environment().and_then(|it| it.logging_configuration()) else { return Vec::new() };
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
        let logging = aws_sdk_mwaa::types::LoggingConfiguration::builder()
            .scheduler_logs(module(LoggingLevel::Warning, true))
            .task_logs(module(LoggingLevel::Info, true))
            .worker_logs(module(LoggingLevel::Info, false))
            .build();
        let environment = aws_sdk_mwaa::types::Environment::builder().logging_configuration(logging).build();
        let told = notes("prod", &GetEnvironmentOutput::builder().environment(environment).build());
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("airflow-prod-Scheduler is logged at WARNING: INFO lines"));
        assert!(told[1].starts_with("airflow-prod-Worker is switched off"));
    }
}
