//! The scheduler's lines, as three versions of Airflow write them.

use crate::text::{Iso, Logical, Seconds, Sql, put};

/// A version of Airflow: where its messages stand in its source, and how they are worded.
#[derive(Debug, PartialEq, Eq)]
pub struct Version {
    pub number: &'static str,
    /// 2 or 3.
    pub major: u8,
    start: &'static str,
    up: &'static str,
    room: &'static str,
    set: &'static str,
    /// "" where it names the tasks no more once they are set to queued.
    trying: &'static str,
    /// "" where it sends without a word.
    send: &'static str,
    sent_to: &'static str,
    add: &'static str,
    told: &'static str,
    id: &'static str,
    finished: &'static str,
    executor: &'static str,
    good: &'static str,
    bad: &'static str,
    run: &'static str,
    adopt: &'static str,
    full: &'static str,
    pub requeue: &'static str,
    pub exceeded: &'static str,
}

pub const VERSIONS: [Version; 3] = [
    Version {
        number: "2.7.2",
        major: 2,
        start: "scheduler_job_runner.py:798",
        up: "scheduler_job_runner.py:414",
        room: "scheduler_job_runner.py:477",
        set: "scheduler_job_runner.py:593",
        trying: "",
        send: "scheduler_job_runner.py:636",
        sent_to: "executor",
        add: "base_executor.py:144",
        told: "scheduler_job_runner.py:686",
        id: "scheduler_job_runner.py:713} INFO - Setting external_id for ",
        finished: "scheduler_job_runner.py:723",
        executor: "",
        good: "dagrun.py:653",
        bad: "dagrun.py:632",
        run: "dagrun.py:704",
        adopt: "scheduler_job_runner.py:1598",
        full: "base_executor.py:212",
        requeue: "",
        exceeded: "",
    },
    Version {
        number: "2.10.5",
        major: 2,
        start: "scheduler_job_runner.py:950",
        up: "scheduler_job_runner.py:435",
        room: "scheduler_job_runner.py:507",
        set: "scheduler_job_runner.py:646",
        trying: "scheduler_job_runner.py:748",
        send: "scheduler_job_runner.py:692",
        sent_to: "CeleryExecutor",
        add: "base_executor.py:169",
        told: "scheduler_job_runner.py:776",
        id: "scheduler_job_runner.py:803} INFO - Setting external_id for ",
        finished: "scheduler_job_runner.py:813",
        executor: " executor=CeleryExecutor(parallelism=256),",
        good: "dagrun.py:854",
        bad: "dagrun.py:823",
        run: "dagrun.py:905",
        adopt: "scheduler_job_runner.py:1949",
        full: "base_executor.py:293",
        requeue: "scheduler_job_runner.py:1835",
        exceeded: "scheduler_job_runner.py:1848",
    },
    Version {
        number: "3.0.6",
        major: 3,
        start: "scheduler_job_runner.py:1022",
        up: "scheduler_job_runner.py:461",
        room: "scheduler_job_runner.py:533",
        set: "scheduler_job_runner.py:672",
        trying: "scheduler_job_runner.py:778",
        send: "",
        sent_to: "",
        add: "",
        told: "scheduler_job_runner.py:835",
        id: "scheduler_job_runner.py:869} INFO - Setting external_executor_id for ",
        finished: "scheduler_job_runner.py:879",
        executor: " executor=CeleryExecutor(parallelism=256),",
        good: "dagrun.py:1180",
        bad: "dagrun.py:1147",
        run: "dagrun.py:1238",
        adopt: "scheduler_job_runner.py:2218",
        full: "base_executor.py:330",
        requeue: "scheduler_job_runner.py:2044",
        exceeded: "scheduler_job_runner.py:2057",
    },
];

/// A task instance, as the lines name it.
#[derive(Clone, Copy, Debug)]
pub struct Task<'a> {
    pub dag: &'a str,
    pub task: &'static str,
    /// The logical date of its run.
    pub run: i64,
    pub number: u64,
    pub queue: &'static str,
}

/// How a try went, as the line about its end tells it.
#[derive(Clone, Copy, Debug)]
pub struct End {
    pub queued: i64,
    /// When it ran, from and to; none where it never did.
    pub ran: Option<(i64, i64)>,
    pub state: &'static str,
    pub executor_state: &'static str,
    pub max_tries: u64,
    pub job: u64,
}

type Out = Vec<u8>;

pub fn head(out: &mut Out, at: i64, place: &str, level: &str) {
    put!(out, "[", Iso(at), "+0000] {", place, "} ", level, " - ");
}

/// `<TaskInstance: dag.task run [state]>`
pub fn instance(out: &mut Out, it: &Task<'_>, state: &str) {
    put!(out, "<TaskInstance: ", it.dag, ".", it.task, " scheduled__", Logical(it.run), " [", state, "]>");
}

fn key(out: &mut Out, it: &Task<'_>) {
    put!(out, "TaskInstanceKey(dag_id='", it.dag, "', task_id='", it.task, "', run_id='scheduled__", Logical(it.run));
    put!(out, "', try_number=", it.number, ", map_index=-1)");
}

impl Version {
    pub fn starts(&self, out: &mut Out, at: i64) {
        head(out, at, self.start, "INFO");
        put!(out, "Starting the scheduler");
    }

    pub fn adopts(&self, out: &mut Out, at: i64) {
        head(out, at, self.adopt, "INFO");
        put!(out, "Adopting or resetting orphaned tasks for active dag runs");
    }

    pub fn full(&self, out: &mut Out, at: i64) {
        head(out, at, self.full, "INFO");
        put!(out, "Executor parallelism limit reached. 0 open slots.");
    }

    /// `3 tasks up for execution:` and a line for each.
    pub fn up<'a>(&self, out: &mut Out, at: i64, tasks: impl Iterator<Item = Task<'a>>, count: u64) {
        head(out, at, self.up, "INFO");
        put!(out, count, " tasks up for execution:");
        list(out, tasks);
    }

    pub fn room(&self, out: &mut Out, at: i64, dag: &str, taken: u64) {
        head(out, at, self.room, "INFO");
        put!(out, "DAG ", dag, " has ", taken, "/16 running and queued tasks");
    }

    pub fn set<'a>(&self, out: &mut Out, at: i64, tasks: impl Iterator<Item = Task<'a>>) {
        head(out, at, self.set, "INFO");
        put!(out, "Setting the following tasks to queued state:");
        list(out, tasks);
    }

    /// Whether one long line names all tasks once more.
    pub fn names_again(&self) -> bool {
        !self.trying.is_empty()
    }

    pub fn trying<'a>(&self, out: &mut Out, at: i64, tasks: impl Iterator<Item = Task<'a>>) {
        head(out, at, self.trying, "INFO");
        put!(out, "Trying to enqueue tasks: [");
        for (index, it) in tasks.enumerate() {
            put!(out, if index > 0 { ", " } else { "" });
            instance(out, &it, "scheduled");
        }
        put!(out, "] for executor: CeleryExecutor(parallelism=256)");
    }

    pub fn sends(&self) -> bool {
        !self.send.is_empty()
    }

    pub fn send(&self, out: &mut Out, at: i64, it: &Task<'_>) {
        head(out, at, self.send, "INFO");
        put!(out, "Sending ");
        key(out, it);
        put!(out, " to ", self.sent_to, " with priority 2 and queue ", it.queue);
    }

    pub fn add(&self, out: &mut Out, at: i64, it: &Task<'_>) {
        head(out, at, self.add, "INFO");
        put!(out, "Adding to queue: ['airflow', 'tasks', 'run', '", it.dag, "', '", it.task, "', 'scheduled__", Logical(it.run));
        put!(out, "', '--local', '--subdir', 'DAGS_FOLDER/", it.dag, ".py']");
    }

    pub fn told(&self, out: &mut Out, at: i64, it: &Task<'_>, state: &str) {
        head(out, at, self.told, "INFO");
        put!(out, "Received executor event with state ", state, " for task instance ");
        key(out, it);
    }

    pub fn id(&self, out: &mut Out, at: i64, it: &Task<'_>, id: u64) {
        put!(out, "[", Iso(at), "+0000] {", self.id);
        instance(out, it, "queued");
        put!(out, format!(" to {:08x}-{:04x}-4b2c-9f66-{:012x}", id.wrapping_mul(2_654_435_761) & 0xffff_ffff, id & 0xffff, id));
    }

    pub fn finished(&self, out: &mut Out, at: i64, it: &Task<'_>, end: &End) {
        head(out, at, self.finished, "INFO");
        put!(out, "TaskInstance Finished: dag_id=", it.dag, ", task_id=", it.task, ", run_id=scheduled__", Logical(it.run));
        put!(out, ", map_index=-1, run_start_date=");
        match end.ran {
            Some((from, to)) => put!(out, Sql(from), ", run_end_date=", Sql(to), ", run_duration=", Seconds(to - from)),
            None => put!(out, "None, run_end_date=None, run_duration=None"),
        }
        put!(out, ", state=", end.state, ",", self.executor, " executor_state=", end.executor_state, ", try_number=", it.number);
        put!(out, ", max_tries=", end.max_tries);
        if self.major == 2 {
            put!(out, ", job_id=");
            put_or_none(out, end.ran.map(|_| end.job));
        }
        put!(out, ", pool=default_pool, queue=", it.queue, ", priority_weight=2, operator=_PythonDecoratedOperator, queued_dttm=");
        put!(out, Sql(end.queued));
        if self.major == 3 {
            put!(out, ", scheduled_dttm=", Sql(end.queued - 70), ",");
        } else {
            put!(out, ", ");
        }
        put!(out, "queued_by_job_id=2, pid=");
        put_or_none(out, end.ran.map(|_| 1_000 + end.job % 30_000));
    }

    pub fn run_ends(&self, out: &mut Out, at: i64, dag: &str, run: i64, good: bool) {
        let (place, level) = if good { (self.good, "INFO") } else { (self.bad, if self.major == 2 { "ERROR" } else { "INFO" }) };
        head(out, at, place, level);
        put!(
            out,
            "Marking run <DagRun ",
            dag,
            " @ ",
            Sql(run),
            ": scheduled__",
            Logical(run),
            ", state:running, queued_at: ",
            Sql(run + 300_000)
        );
        put!(out, if self.major == 2 { ". externally triggered: False> " } else { ". run_type: scheduled> " });
        put!(out, if good { "successful" } else { "failed" });
    }

    pub fn run_finished(&self, out: &mut Out, at: i64, dag: &str, run: i64, from: i64, good: bool) {
        head(out, at, self.run, "INFO");
        put!(out, "DagRun Finished: dag_id=", dag, if self.major == 2 { ", execution_date=" } else { ", logical_date=" }, Sql(run));
        put!(out, ", run_id=scheduled__", Logical(run), ", run_start_date=", Sql(from), ", run_end_date=", Sql(at));
        put!(out, ", run_duration=", Seconds(at - from), ", state=", if good { "success" } else { "failed" });
        put!(out, if self.major == 2 { ", external_trigger=False" } else { "" }, ", run_type=scheduled, data_interval_start=", Sql(run));
        put!(out, ", data_interval_end=", Sql(run + 300_000));
        put!(out, if self.major == 2 { ", dag_hash=fe58125429db91386545f8643de6d8c3" } else { "," });
    }

    /// The executor lost a try that never left queued.
    pub fn lost(&self, out: &mut Out, at: i64, it: &Task<'_>) {
        if self.number == "2.7.2" {
            head(out, at, "scheduler_job_runner.py:771", "ERROR");
            put!(out, "Executor reports task instance ");
            instance(out, it, "queued");
            put!(out, " finished (failed) although the task says it's queued. (Info: None) Was the task killed externally?");
        } else {
            head(out, at, if self.major == 2 { "scheduler_job_runner.py:922" } else { "scheduler_job_runner.py:988" }, "ERROR");
            put!(out, "Executor CeleryExecutor(parallelism=256) reported that the task instance ");
            instance(out, it, "queued");
            put!(out, " finished with state failed, but the task instance's state attribute is queued. Learn more: ");
            put!(out, "https://airflow.apache.org/docs/apache-airflow/stable/troubleshooting.html#task-state-changed-externally");
        }
    }
}

fn list<'a>(out: &mut Out, tasks: impl Iterator<Item = Task<'a>>) {
    for it in tasks {
        put!(out, "\n\t");
        instance(out, &it, "scheduled");
    }
}

fn put_or_none(out: &mut Out, number: Option<u64>) {
    match number {
        Some(number) => put!(out, number),
        None => put!(out, "None"),
    }
}

/// `DAG File Processing Stats`, as the DAG processor prints it now and then.
pub fn stats(out: &mut Out, at: i64, rows: &mut dyn Iterator<Item = (String, u64)>) {
    head(out, at, "manager.py:998", "INFO");
    let rule = "=".repeat(80);
    put!(
        out,
        "\n",
        rule,
        "\nDAG File Processing Stats\n\nFile Path                                               PID  Runtime      # DAGs    # Errors  Last Runtime    Last Run\n"
    );
    put!(
        out,
        "----------------------------------------------------  -----  ---------  --------  ----------  --------------  -------------------"
    );
    for (dag, runtime) in rows {
        put!(
            out,
            format!(
                "\n/usr/local/airflow/dags/{dag}.py {:>22} {:>10}           1           0  {}.{:02}s           ",
                "",
                "",
                runtime / 100,
                runtime % 100
            )
        );
        put!(out, Iso(at - 4_000));
    }
    put!(out, "\n", rule);
}
