//! Writes logs of any size, always the same for the same arguments: `generate KIND BYTES OUT [SEED]`.
//!
//! | KIND | OUT |
//! |---|---|
//! | `scheduler` | a scheduler log |
//! | `logs` | a folder: a scheduler log and the task logs of some of its tries |
//! | `tree` | a folder of task logs |
//! | `export` | one stream of a CloudWatch export to S3, not yet packed |
//! | `export-tree` | a folder as such an export writes it, many streams, not yet packed |
//! | `filter` | the answer of `aws logs filter-log-events --output json` |
//! | `insights` | the answer of `aws logs get-query-results --output json` |
//! | `ndjson` | the events of `filter`, one a line |
//!
//! Beside OUT it writes OUT.truth.json: how many lines there are, how many hold the literals of `benches/peers/literals.txt`, what a
//! regular expression finds in them, and every fault that was planted. `generate BYTES [SEED] [healthy]` writes a scheduler log to
//! standard output, `healthy` without faults.
//!
//! The shapes of the lines are those of real Airflow 2.7.2, 2.10.5 and 3.0.6, in this order: the log of an environment that was upgraded
//! twice. 200 DAGs run every 5 to 60 minutes; all are due on the hour.

// It stands alone, so that measuring needs no second build of the dependencies: rustc -O benches/generate.rs

#[path = "generate/airflow.rs"]
mod airflow;
#[path = "generate/faults.rs"]
mod faults;
#[path = "generate/sinks.rs"]
mod sinks;
#[path = "generate/story.rs"]
mod story;
#[path = "generate/task_log.rs"]
mod task_log;
#[path = "generate/text.rs"]
mod text;
#[path = "generate/truth.rs"]
mod truth;
#[path = "generate/world.rs"]
mod world;

use sinks::{Files, Json, Plain, Shape, Sink, Stamped};
use std::{fs::File, io, path::Path};
use story::Story;
use world::Told;

const SEED: u64 = 20_261_120;

fn main() -> io::Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| args.get(at).and_then(|it| it.parse::<u64>().ok());
    if args.is_empty() || number(0).is_some() {
        let mut sink = Plain::new(io::stdout().lock());
        let mut story = Story::new(number(1).unwrap_or(SEED), Told::Scheduler);
        story.healthy = args.last().is_some_and(|it| it == "healthy");
        story.tell(number(0).unwrap_or(1 << 20), &mut sink)?;
        return Ok(());
    }
    let (Some(bytes), Some(out)) = (number(1), args.get(2)) else {
        eprintln!("generate KIND BYTES OUT [SEED]; the kinds stand at the head of benches/generate.rs");
        std::process::exit(2);
    };
    let (kind, seed) = (args[0].as_str(), number(3).unwrap_or(SEED));
    let file = || File::create(out);
    let (told, mut sink): (Told, Box<dyn Sink>) = match kind {
        "scheduler" => (Told::Scheduler, Box::new(Plain::new(file()?))),
        "export" => (Told::Scheduler, Box::new(Stamped::one(file()?))),
        "logs" => (Told::Both, Box::new(Files::new(Path::new(out), true)?)),
        "tree" => (Told::Tasks, Box::new(Files::new(Path::new(out), false)?)),
        "export-tree" => (Told::Both, Box::new(Stamped::tree(Path::new(out), (bytes / 100).max(1_000_000))?)),
        "filter" => (Told::Both, Box::new(Json::new(file()?, Shape::Filter)?)),
        "insights" => (Told::Both, Box::new(Json::new(file()?, Shape::Insights)?)),
        "ndjson" => (Told::Both, Box::new(Json::new(file()?, Shape::Lines)?)),
        _ => {
            eprintln!("no such kind: {kind}");
            std::process::exit(2);
        }
    };
    let mut story = Story::new(seed, told);
    let written = story.tell(bytes, &mut *sink)?;
    story.truth.write(kind, seed, written, &mut File::create(format!("{}.truth.json", out.trim_end_matches('/')))?)
}
