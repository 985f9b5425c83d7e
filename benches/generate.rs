//! Writes a scheduler log of any size to standard output, always the same for the same arguments:
//! `generate BYTES [SEED]`. Its shapes are those of a real Airflow 2.10 scheduler; every 1,000th try fails,
//! and every 20,000th task is found stuck in queued, twice, and fails.

// It stands alone, so that measuring needs no second build of the dependencies: rustc -O benches/generate.rs

use std::io::{self, BufWriter, Write as _};

const DAGS: u64 = 200;
const TASKS: &[&str] = &["extract", "transform", "load", "check_quality", "publish", "notify"];

/// A small generator of numbers: xorshift.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

fn main() -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let bytes: u64 = args.next().and_then(|it| it.parse().ok()).unwrap_or(1 << 20);
    let mut numbers = Numbers(args.next().and_then(|it| it.parse().ok()).unwrap_or(20_261_120).max(1));
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    // 2026-01-01T00:00:00Z
    let mut now = 1_767_225_600_000_i64;
    let (mut written, mut tries) = (0, 0_u64);
    while written < bytes {
        let block = one_try(&mut numbers, now, tries);
        out.write_all(block.as_bytes())?;
        written += block.len() as u64;
        tries += 1;
        now += 200 + numbers.next(1_500) as i64;
    }
    out.flush()
}

fn one_try(numbers: &mut Numbers, at: i64, count: u64) -> String {
    let dag = format!("team_{:02}_pipeline_{:03}", numbers.next(17), numbers.next(DAGS));
    let task = TASKS[numbers.next(6) as usize];
    let run = format!("scheduled__{}000+00:00", civil(at, 'T'));
    let stuck = count % 20_000 == 19_999;
    let queue = if stuck { "gpu-queue" } else { "default" };
    let state = if count % 1_000 == 999 { "failed" } else { "success" };
    let line = |after: i64, file: &str, text: &str| {
        format!("[{}+0000] {{{file}}} INFO - {text}\n", civil(at + after, 'T'))
    };
    let job = "scheduler_job_runner.py";
    let name = format!("{dag}.{task} {run}");
    let key = format!("TaskInstanceKey(dag_id='{dag}', task_id='{task}', run_id='{run}', try_number=1, map_index=-1)");
    let day = |after: i64| format!("{}000+00:00", civil(at + after, ' '));
    let (wait, took) = ((800 + numbers.next(4_000)) as i64, (2_000 + numbers.next(60_000)) as i64);
    let queued = |after: i64| {
        [
            line(after, &format!("{job}:646"), &format!("Setting the following tasks to queued state:\n\t<TaskInstance: {name} [scheduled]>")),
            line(after + 4, &format!("{job}:692"), &format!("Sending {key} to CeleryExecutor with priority 2 and queue {queue}")),
            line(after + 5, "base_executor.py:169", &format!("Adding to queue: ['airflow', 'tasks', 'run', '{dag}', '{task}', '{run}', '--local', '--subdir', 'DAGS_FOLDER/{dag}.py']")),
            line(after + 230, &format!("{job}:776"), &format!("Received executor event with state queued for task instance {key}")),
            line(after + 240, &format!("{job}:803"), &format!("Setting external_id for <TaskInstance: {name} [queued]> to 0e6c7b0c-2f64-4b2c-9f66-{count:012x}")),
        ]
        .concat()
    };
    let mut block = line(-8, &format!("{job}:435"), &format!("1 tasks up for execution:\n\t<TaskInstance: {name} [scheduled]>"));
    block += &line(-7, &format!("{job}:507"), &format!("DAG {dag} has {}/16 running and queued tasks", numbers.next(9)));
    block += &queued(0);
    if stuck {
        block += &line(1_800_000, &format!("{job}:1835"), &format!("Task stuck in queued; will try to requeue. task_instance=<TaskInstance: {name} [queued]>"));
        block += &queued(1_801_000);
        block += &line(3_700_000, &format!("{job}:1848"), &format!("Task requeue attempts exceeded max; marking failed. task_instance=<TaskInstance: {name} [queued]>"));
        return block;
    }
    block += &line(wait + took + 300, &format!("{job}:776"), &format!("Received executor event with state success for task instance {key}"));
    block += &line(
        wait + took + 310,
        &format!("{job}:813"),
        &format!(
            "TaskInstance Finished: dag_id={dag}, task_id={task}, run_id={run}, map_index=-1, run_start_date={}, run_end_date={}, run_duration={}.{:03}, state={state}, executor=CeleryExecutor(parallelism=32), executor_state=success, try_number=1, max_tries=0, job_id={count}, pool=default_pool, queue={queue}, priority_weight=2, operator=PythonOperator, queued_dttm={}, queued_by_job_id=2, pid={}",
            day(wait), day(wait + took), took / 1000, took % 1000, day(0), 1_000 + numbers.next(30_000)
        ),
    );
    block
}

/// Milliseconds since 1970 as a date and a time.
fn civil(millis: i64, between: char) -> String {
    let (days, of_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (seconds, rest) = (of_day / 1_000, of_day % 1_000);
    format!("{year:04}-{month:02}-{day:02}{between}{:02}:{:02}:{:02}.{rest:03}", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}
