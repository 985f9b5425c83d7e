//! The log that a task's try writes, as three versions of Airflow write it.

use crate::{
    airflow::{Task, Version, head},
    faults,
    text::{Compact, Escaped, Iso, Logical, Numbers, Sql, put, text},
    truth::{LOOK, NONE},
};

/// What happens in a try.
#[derive(Clone, Copy)]
pub enum Deed<'a> {
    Works,
    /// A refusal that the task logs and lives with.
    Handles(&'a str),
    /// An exception: its class and its message.
    Raises(&'a str, &'a str),
}

/// One event of a log: when, where its text ends, what literals it holds.
pub type Event = (i64, usize, u8);

/// A log of one try: events, one behind the other.
#[derive(Default)]
pub struct TaskLog {
    pub text: Vec<u8>,
    pub events: Vec<Event>,
}

impl TaskLog {
    fn end(&mut self, at: i64, bits: u8) {
        self.events.push((at, self.text.len(), bits));
    }

    pub fn clear(&mut self) {
        self.text.clear();
        self.events.clear();
    }
}

/// How a try is written down.
pub struct Teller<'a> {
    pub version: &'a Version,
    /// Whether the events go to CloudWatch, where the JSON of Airflow 3 has another form.
    pub in_cloudwatch: bool,
    pub task: Task<'a>,
    pub from: i64,
    pub to: i64,
    pub state: &'static str,
    pub max_tries: u64,
    pub job: u64,
}

const SITE: &str = "/usr/local/airflow/.local/lib/python3.11/site-packages";
const FRAMES: &[(&str, u64, &str, &str)] = &[
    ("airflow/models/taskinstance.py", 768, "_execute_task", "result = _execute_callable(context=context, **execute_callable_kwargs)"),
    ("airflow/models/taskinstance.py", 734, "_execute_callable", "return ExecutionCallableRunner("),
    ("airflow/utils/operator_helpers.py", 252, "run", "return self.func(*args, **kwargs)"),
    ("airflow/models/baseoperator.py", 424, "wrapper", "return func(self, *args, **kwargs)"),
    ("airflow/decorators/base.py", 266, "execute", "return_value = super().execute(context)"),
    ("airflow/models/baseoperator.py", 424, "wrapper", "return func(self, *args, **kwargs)"),
    ("airflow/operators/python.py", 238, "execute", "return_value = self.execute_callable()"),
    ("airflow/operators/python.py", 256, "execute_callable", "return runner.run(*self.op_args, **self.op_kwargs)"),
    ("airflow/utils/operator_helpers.py", 252, "run", "return self.func(*args, **kwargs)"),
    ("botocore/client.py", 569, "_api_call", "return self._make_api_call(operation_name, kwargs)"),
    ("botocore/client.py", 1023, "_make_api_call", "raise error_class(parsed_response, operation_name)"),
];

/// What a task says while it works.
const WORK: &[(&str, &str)] = &[
    (
        "sql.py:509",
        "Running statement: INSERT INTO mart.orders_daily SELECT order_id, customer_id, sum(amount) FROM staging.orders GROUP BY 1, 2, parameters: None",
    ),
    ("base.py:84", "Retrieving connection 'aws_default'"),
    ("emr.py:412", "Job run 00fk3m2v is RUNNING, next check in 30 seconds"),
    (
        "subprocess.py:93",
        "26/01/01 03:14:07 INFO TaskSetManager: Finished task 114.0 in stage 7.0 (TID 2291) in 812 ms on ip-10-0-14-9.ec2.internal (executor 3) (115/200)",
    ),
    (
        "subprocess.py:93",
        "26/01/01 03:14:08 INFO BlockManagerInfo: Added broadcast_19_piece0 in memory on ip-10-0-14-9.ec2.internal:41235 (size: 34.2 KiB, free: 2.2 GiB)",
    ),
    (
        "subprocess.py:93",
        "03:14:09  17 of 94 OK created sql table model mart.fct_orders ........................ [SELECT 1203331 in 4.12s]",
    ),
    ("loader.py:80", "loaded part 0041: 100000 rows in 0.91 s"),
    ("s3.py:1086", "Copying s3://acme-raw-sales/sales/2026/01/01/orders_0041.csv.gz to s3://acme-staging/orders/0041.csv.gz"),
    ("credentials.py:1147", "Found credentials in environment variables."),
];

impl Teller<'_> {
    /// Writes the whole log of a try.
    pub fn tell(&self, log: &mut TaskLog, deed: Deed<'_>, numbers: &mut Numbers) {
        if self.version.major == 3 {
            self.tell_json(log, deed, numbers);
            return;
        }
        let (it, from) = (&self.task, self.from);
        let new = self.version.number == "2.10.5";
        let say = |log: &mut TaskLog, after: i64, place: &str, level: &str, text: &str, bits: u8| {
            head(&mut log.text, from + after, place, level);
            put!(&mut log.text, text);
            log.end(from + after, bits);
        };
        let named = text!("<TaskInstance: ", it.dag, ".", it.task, " scheduled__", Logical(it.run));
        if new {
            say(log, 0, "local_task_job_runner.py:123", "INFO", "::group::Pre task execution logs", NONE);
        }
        let place = if new { "taskinstance.py:2614" } else { "taskinstance.py:1159" };
        for deps in ["non-requeueable deps", "requeueable deps"] {
            say(log, 20, place, "INFO", &format!("Dependencies all met for dep_context={deps} ti={named} [queued]>"), NONE);
        }
        let attempt = text!("Starting attempt ", it.number, " of ", self.max_tries + 1);
        say(log, 25, if new { "taskinstance.py:2867" } else { "taskinstance.py:1361" }, "INFO", &attempt, NONE);
        let executing = text!("Executing <Task(_PythonDecoratedOperator): ", it.task, "> on ", Sql(it.run));
        say(log, 40, if new { "taskinstance.py:2890" } else { "taskinstance.py:1382" }, "INFO", &executing, NONE);
        let running = text!(
            "Running: ['airflow', 'tasks', 'run', '",
            it.dag,
            "', '",
            it.task,
            "', 'scheduled__",
            Logical(it.run),
            "', '--job-id', '",
            self.job,
            "', '--raw', '--subdir', 'DAGS_FOLDER/",
            it.dag,
            ".py', '--cfg-path', '/tmp/tmp5k24bo2']"
        );
        say(log, 60, if new { "standard_task_runner.py:104" } else { "standard_task_runner.py:84" }, "INFO", &running, NONE);
        say(
            log,
            61,
            if new { "standard_task_runner.py:105" } else { "standard_task_runner.py:85" },
            "INFO",
            &text!("Job ", self.job, ": Subtask ", it.task),
            NONE,
        );
        let on = format!("Running {named} [running]> on host ip-10-0-14-9.ec2.internal");
        say(log, 200, if new { "task_command.py:467" } else { "task_command.py:416" }, "INFO", &on, NONE);
        let vars = text!(
            "Exporting env vars: AIRFLOW_CTX_DAG_OWNER='data-eng' AIRFLOW_CTX_DAG_ID='",
            it.dag,
            "' AIRFLOW_CTX_TASK_ID='",
            it.task,
            "' AIRFLOW_CTX_EXECUTION_DATE='",
            Logical(it.run),
            "' AIRFLOW_CTX_TRY_NUMBER='",
            it.number,
            "' AIRFLOW_CTX_DAG_RUN_ID='scheduled__",
            Logical(it.run),
            "'"
        );
        say(log, 300, if new { "taskinstance.py:3134" } else { "taskinstance.py:1662" }, "INFO", &vars, NONE);
        if new {
            say(log, 305, "taskinstance.py:732", "INFO", "::endgroup::", NONE);
        }
        self.work(log, deed, numbers, &mut |log, after, place, level, text, bits| say(log, after, place, level, text, bits));
        let took = self.to - from;
        let mut marking = text!("Marking task as ", self.state.to_uppercase(), ". dag_id=", it.dag, ", task_id=", it.task);
        if new {
            marking += &text!(", run_id=scheduled__", Logical(it.run));
        }
        marking += &text!(", execution_date=", Compact(it.run), ", start_date=", Compact(from), ", end_date=", Compact(self.to));
        if let Deed::Raises(class, message) = deed {
            let trace = traceback(it, class, message);
            say(
                log,
                took - 30,
                if new { "taskinstance.py:3313" } else { "taskinstance.py:1937" },
                "ERROR",
                &format!("Task failed with exception\n{trace}"),
                LOOK,
            );
            say(log, took, if new { "taskinstance.py:1226" } else { "taskinstance.py:1400" }, "INFO", &marking, NONE);
            let failed = text!("Failed to execute job ", self.job, " for task ", it.task, " (", message, "; 19861)\n", trace);
            say(log, took + 80, if new { "standard_task_runner.py:124" } else { "standard_task_runner.py:104" }, "ERROR", &failed, LOOK);
        } else {
            say(log, took - 20, if new { "python.py:240" } else { "python.py:194" }, "INFO", "Done. Returned value was: None", NONE);
            say(log, took, if new { "taskinstance.py:353" } else { "taskinstance.py:1400" }, "INFO", &marking, NONE);
        }
        let code = text!("Task exited with return code ", u64::from(self.state != "success"));
        say(log, took + 150, if new { "local_task_job_runner.py:266" } else { "local_task_job_runner.py:228" }, "INFO", &code, NONE);
        if new {
            say(log, took + 151, "local_task_job_runner.py:245", "INFO", "::endgroup::", NONE);
        }
    }

    /// What the task's own code says: mostly a page, sometimes a book.
    fn work(&self, log: &mut TaskLog, deed: Deed<'_>, numbers: &mut Numbers, say: &mut dyn FnMut(&mut TaskLog, i64, &str, &str, &str, u8)) {
        let took = self.to - self.from;
        let lines = match numbers.next(200) {
            0..130 => 10 + numbers.next(60),
            130..192 => 200 + numbers.next(800),
            _ => 4_000 + numbers.next(12_000),
        } as i64;
        let lines = if matches!(deed, Deed::Works) { lines } else { lines.min(40) };
        for at in 0..lines {
            let after = 320 + (took - 400) * at / lines;
            let (place, line) = WORK[numbers.next(WORK.len() as u64) as usize];
            say(log, after, place, "INFO", line, NONE);
            if numbers.next(1_500) == 0 {
                let (place, line) = faults::LOOK_ALIKES[numbers.next(faults::LOOK_ALIKES.len() as u64) as usize];
                say(log, after, place, "INFO", line, LOOK);
            }
        }
        if let Deed::Handles(message) = deed {
            say(log, took - 60, "enrich.py:58", "WARNING", &format!("Enrichment skipped: {message}"), LOOK);
        }
    }

    /// The log of Airflow 3: an object a line.
    fn tell_json(&self, log: &mut TaskLog, deed: Deed<'_>, numbers: &mut Numbers) {
        let (it, from, in_cloudwatch) = (&self.task, self.from, self.in_cloudwatch);
        let say = |log: &mut TaskLog, after: i64, logger: &str, level: &str, event: &str, detail: &str, bits: u8| {
            let (out, event) = (&mut log.text, Escaped(event.as_bytes()));
            if in_cloudwatch {
                let detail = detail.replace("\":", "\": ").replace(",\"", ", \"").replace("},{", "}, {");
                put!(out, "{\"logger\": \"", logger, "\"");
                put!(out, if detail.is_empty() { "" } else { ", " }, detail, ", \"event\": \"", event, "\", \"level\": \"", level, "\"}");
            } else {
                put!(
                    out,
                    "{\"timestamp\":\"",
                    Iso(from + after),
                    "127\",\"level\":\"",
                    level,
                    "\",\"event\":\"",
                    event,
                    "\",\"logger\":\""
                );
                put!(out, logger, "\"", if detail.is_empty() { "" } else { "," }, detail, "}");
            }
            log.end(from + after, bits);
        };
        say(log, 0, "airflow.dag_processing.bundles.manager.DagBundlesManager", "info", "DAG bundles loaded: dags-folder", "", NONE);
        let bag = format!("Filling up the DagBag from /usr/local/airflow/dags/{}.py", it.dag);
        say(log, 9, "airflow.models.dagbag.DagBag", "info", &bag, "", NONE);
        let logger = format!("unusual_prefix_e594380b9a9a0fd1f057e5f0e62c8bba515ad20e_{}", it.dag);
        self.work(log, deed, numbers, &mut |log, after, _, level, text, bits| {
            say(log, after, &logger, if level == "INFO" { "info" } else { "warning" }, text, "", bits);
        });
        let took = self.to - from;
        if let Deed::Raises(class, message) = deed {
            let short = class.rsplit('.').next().unwrap_or(class);
            let mut detail = text!(
                "\"error_detail\":[{\"exc_type\":\"",
                short,
                "\",\"exc_value\":\"",
                Escaped(message.as_bytes()),
                "\",\"exc_notes\":[],\"syntax_error\":null,\"is_cause\":false,\"frames\":["
            );
            for (at, (file, line, name, _)) in FRAMES.iter().enumerate() {
                let comma = if at > 0 { "," } else { "" };
                detail += &format!("{comma}{{\"filename\":\"{SITE}/{file}\",\"lineno\":{line},\"name\":\"{name}\"}}");
            }
            detail += "],\"is_group\":false,\"exceptions\":[]}]";
            say(log, took, "task", "error", "Task failed with exception", &detail, LOOK);
        } else {
            let logger = "airflow.task.operators.airflow.providers.standard.decorators.python._PythonDecoratedOperator";
            say(log, took, logger, "info", "Done. Returned value was: None", "", NONE);
        }
    }
}

fn traceback(it: &Task<'_>, class: &str, message: &str) -> String {
    let mut trace = "Traceback (most recent call last):\n".to_owned();
    for (file, line, name, code) in FRAMES {
        trace += &format!("  File \"{SITE}/{file}\", line {line}, in {name}\n    {code}\n    {}\n", "^".repeat(code.len()));
        if *name == "execute_callable" {
            trace += &format!("  File \"/usr/local/airflow/dags/{}.py\", line 21, in {}\n    return read_all()\n", it.dag, it.task);
        }
    }
    trace + class + ": " + message
}
