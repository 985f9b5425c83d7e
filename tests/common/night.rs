//! One night of all services, as dumps and as what the servers that stand in for AWS hold.

use super::servers::athena_dumps;
use casefile::units::Moment;
use serde_json::{Value, json};
use std::{fmt::Write as _, fs, path::Path};

const STORY: &str = "fixtures/stories/night";

fn copied(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copied(&path, &copy);
        } else {
            fs::copy(&path, &copy).unwrap();
        }
    }
}

/// Many small files of one table, as `aws s3 ls --recursive` prints them, below what the night has there.
fn listing() -> String {
    let mut text = fs::read_to_string(format!("{STORY}/s3/shop-raw.ls.txt")).unwrap();
    for file in 0..2_400 {
        let (dt, size) = (file / 100 % 24, 40_000 + file);
        writeln!(text, "2026-08-14 05:00:00 {size:>10} impressions/dt=2026-08-13/hour={dt:02}/part-{file:05}.json.gz").unwrap();
    }
    text
}

/// The same as `aws s3api list-objects-v2` prints it.
fn printed(listing: &str) -> Value {
    let object = |line: &str| {
        let cells: Vec<&str> = line.split_whitespace().collect();
        json!({"Key": cells[3], "LastModified": format!("{}T{}+00:00", cells[0], cells[1]), "ETag": "\"x\"", "Size": cells[2].parse::<u64>().unwrap(), "StorageClass": "STANDARD"})
    };
    let mut objects: Vec<Value> = listing.lines().map(object).collect();
    objects.sort_by_key(|it| it["Key"].as_str().unwrap().to_owned());
    json!({"IsTruncated": false, "Contents": objects, "Name": "shop-raw", "Prefix": "", "MaxKeys": 1_000_000, "KeyCount": objects.len()})
}

/// The night's dumps below `folder`, and the control calls that give the servers the same.
pub(crate) fn night(folder: &Path) -> Vec<Value> {
    let dumps = folder.join("dumps");
    for part in ["airflow", "redshift"] {
        copied(&Path::new(STORY).join(part), &dumps.join(part));
    }
    let history = dumps.join("athena");
    fs::create_dir_all(&history).unwrap();
    // A query that was refused, and one of whose stages one carries the load, beside those of the story.
    athena_dumps(&history, Moment::parse("2026-08-14T02:00:00Z").unwrap().moment.millis() / 1_000);
    fs::copy(format!("{STORY}/athena/batch-get-query-execution.json"), history.join("story.json")).unwrap();
    fs::create_dir_all(dumps.join("s3")).unwrap();
    fs::write(dumps.join("s3/list-objects-v2.json"), printed(&listing()).to_string()).unwrap();
    vec![
        json!({"night": {}}),
        json!({"athena_history": {"folder": history}}),
        // Something older is left: nothing of the night is gone.
        json!({"athena_copies": {"count": 2, "workgroup": "nightly", "start": 1_700_000_000, "seconds": 60}}),
        json!({"objects": {"bucket": "shop-raw", "text": listing()}}),
    ]
}
