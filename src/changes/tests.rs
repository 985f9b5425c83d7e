//! The rules, one by one.

use super::*;
use crate::ledger::{Input, Said};

/// A report that judged `access-denied` and `small-files`, and read one log and one listing whole.
fn ledger() -> Ledger {
    let evidence = || [("errors", 3), ("queries", 5)].map(|(table, rows)| (table.to_owned(), rows)).into();
    let said = || Said { verdict: "clean".to_owned(), version: Some(1), evidence: evidence() };
    Ledger {
        since: Some(Moment(0)),
        until: Some(Moment(86_400_000_000)),
        verdicts: ["access-denied", "small-files"].map(|it| (it.to_owned(), said())).into(),
        inputs: vec![input("task.log", "airflow-log"), input("listing.json", "s3-list-objects")],
        findings: BTreeMap::new(),
    }
}

fn input(path: &str, kind: &str) -> Input {
    Input { path: path.to_owned(), kind: Some(kind.to_owned()), parsed: 10, complete: true }
}

/// A denial that `task.log` proves.
fn entry() -> Entry {
    Entry {
        detector: "access-denied".to_owned(),
        severity: "medium".to_owned(),
        status: "open".to_owned(),
        title: "role a is refused".to_owned(),
        subject_kind: "role".to_owned(),
        subject_id: "a".to_owned(),
        occurrences: 4,
        first_seen: None,
        last_seen: None,
        nights_seen: None,
        impact_seconds: None,
        impact_bytes: None,
        proved_by: vec!["task.log".to_owned()],
    }
}

fn with(entry: Entry) -> Ledger {
    Ledger { findings: BTreeMap::from([("f1:1".to_owned(), entry)]), ..ledger() }
}

/// What became of the one finding, and why.
fn only(old: &Ledger, new: &Ledger) -> (Change, Option<String>) {
    let all = between(old, new);
    assert_eq!(all.len(), 1);
    (all[0].change, all[0].reason.clone())
}

/// What becomes of a denial that the newer report, changed so, does not hold.
fn gone_from(change: impl FnOnce(&mut Ledger)) -> (Change, Option<String>) {
    let mut new = ledger();
    change(&mut new);
    only(&with(entry()), &new)
}

fn not_assessed(why: &str) -> (Change, Option<String>) {
    (Change::NotAssessed, Some(why.to_owned()))
}

#[test]
fn severity_decides_before_cost() {
    let severe = |severity: &str, seconds: f64| Entry { severity: severity.to_owned(), impact_seconds: Some(seconds), ..entry() };
    assert_eq!(compared(&severe("medium", 100.0), &severe("high", 1.0)), Change::Worsened);
    assert_eq!(compared(&severe("medium", 1.0), &severe("low", 100.0)), Change::Improved);
    assert_eq!(compared(&severe("medium", 1.0), &severe("medium", 1.0)), Change::Persisting);
}

#[test]
fn costs_count_from_a_factor_on() {
    let cost = |seconds: f64| Entry { impact_seconds: Some(seconds), ..entry() };
    for (then, now, change) in [
        (100.0, 149.9, Change::Persisting),
        (100.0, 150.0, Change::Worsened),
        (150.0, 100.0, Change::Improved),
        (149.9, 100.0, Change::Persisting),
        // Nearly nothing is a factor of nothing.
        (0.0, 0.9, Change::Persisting),
        (0.9, 0.0, Change::Persisting),
        (0.0, 3_600.0, Change::Worsened),
        (3_600.0, 0.0, Change::Improved),
        (f64::NAN, 3_600.0, Change::Worsened),
        (f64::NAN, f64::NAN, Change::Persisting),
        (-5.0, -50.0, Change::Persisting),
        (f64::INFINITY, f64::INFINITY, Change::Persisting),
    ] {
        assert_eq!(compared(&cost(then), &cost(now)), change, "{then} → {now}");
    }
}

#[test]
fn costs_are_compared_in_a_unit_that_both_tell() {
    let all = |seconds: Option<f64>, bytes: Option<i64>, occurrences: u64| Entry {
        impact_seconds: seconds,
        impact_bytes: bytes,
        occurrences,
        ..entry()
    };
    // Seconds on one side only tell nothing; occurrences do.
    assert_eq!(compared(&all(None, None, 4), &all(Some(900.0), None, 4)), Change::Persisting);
    assert_eq!(compared(&all(None, None, 4), &all(Some(1.0), None, 6)), Change::Worsened);
    assert_eq!(compared(&all(Some(9.0), Some(100), 4), &all(None, Some(200), 4)), Change::Worsened);
    // Nothing on both sides neither.
    assert_eq!(compared(&all(Some(0.0), None, 4), &all(Some(0.0), None, 40)), Change::Worsened);
    assert_eq!(compared(&all(Some(0.0), Some(0), 0), &all(Some(0.0), Some(0), 0)), Change::Persisting);
    // The first unit that tells decides.
    assert_eq!(compared(&all(Some(100.0), Some(100), 4), &all(Some(100.0), Some(900), 90)), Change::Persisting);
}

#[test]
fn changes_come_in_order_and_the_worst_first() {
    let severe = |severity: &str| Entry { severity: severity.to_owned(), ..entry() };
    let findings =
        |all: &[(&str, Entry)]| Ledger { findings: all.iter().map(|(id, it)| ((*id).to_owned(), it.clone())).collect(), ..ledger() };
    let old = findings(&[("f1:1", severe("low")), ("f1:2", severe("high")), ("f1:3", severe("low"))]);
    let new = findings(&[("f1:3", severe("low")), ("f1:4", severe("medium")), ("f1:5", severe("medium")), ("f1:6", severe("critical"))]);
    let order: Vec<(&str, Change)> = between(&old, &new).iter().map(|it| (it.finding_id, it.change)).collect();
    assert_eq!(
        order,
        [
            ("f1:6", Change::New),
            ("f1:4", Change::New),
            ("f1:5", Change::New),
            ("f1:3", Change::Persisting),
            ("f1:2", Change::Resolved),
            ("f1:1", Change::Resolved)
        ]
    );
}

#[test]
fn what_is_gone_is_resolved_where_its_evidence_was_read_whole() {
    assert_eq!(gone_from(|_| ()), (Change::Resolved, None));
    // Other damage does not touch it.
    assert_eq!(gone_from(|it| it.inputs[1].complete = false), (Change::Resolved, None));
}

#[test]
fn what_nobody_looked_at_is_not_resolved() {
    assert_eq!(gone_from(|it| drop(it.verdicts.remove("access-denied"))), not_assessed("the newer report did not ask its detector"));
    let unable = |it: &mut Ledger| it.verdicts.get_mut("access-denied").unwrap().verdict = "not-assessed".to_owned();
    assert_eq!(gone_from(unable), not_assessed("the newer report had no evidence for its detector"));
    let missing = not_assessed("the inputs that show it are not among those of the newer report");
    assert_eq!(gone_from(|it| drop(it.inputs.remove(0))), missing);
    assert_eq!(gone_from(|it| it.inputs.clear()), missing);
    assert_eq!(gone_from(|it| it.inputs[0].parsed = 0), missing);
    // It is there, and nobody could tell what it is.
    assert_eq!(gone_from(|it| it.inputs[0].kind = None), missing);
}

/// What a finding is joined with may change its name: without it, another one stands in its place.
#[test]
fn what_its_detector_judged_by_has_to_be_there() {
    let rows = |table: &'static str, rows: u64| {
        move |it: &mut Ledger| {
            it.verdicts.get_mut("access-denied").unwrap().evidence.insert(table.to_owned(), rows);
        }
    };
    let missing = not_assessed("the newer report had no rows of queries, and the other one judged by them");
    assert_eq!(gone_from(rows("queries", 0)), missing);
    assert_eq!(gone_from(rows("queries", 1)), (Change::Resolved, None));
    // Rows of faults are what is gone.
    assert_eq!(gone_from(rows("errors", 0)), (Change::Resolved, None));
    assert_eq!(gone_from(|it| it.verdicts.get_mut("access-denied").unwrap().evidence.clear()), (Change::Resolved, None));
    let mut old = ledger();
    rows("queries", 0)(&mut old);
    assert_eq!(only(&old, &with(entry())).1.unwrap(), "the older report had no rows of queries, and the other one judged by them");
}

#[test]
fn damage_hides() {
    let damaged = |name: &str| not_assessed(&format!("the newer report did not read {name} whole"));
    assert_eq!(gone_from(|it| it.inputs[0].complete = false), damaged("task.log"));
    // Another log might hold it now.
    assert_eq!(gone_from(|it| it.inputs.push(Input { complete: false, ..input("other.log", "airflow-log") })), damaged("other.log"));
    // What could not be opened might have held anything, and so might what a case lacks.
    assert_eq!(gone_from(|it| it.inputs.push(Input { kind: None, parsed: 0, complete: false, ..input("x.gz", "") })), damaged("x.gz"));
    let lacking = Input { complete: false, ..input("case/manifest.json", "case-manifest") };
    assert_eq!(gone_from(|it| it.inputs.push(lacking)), damaged("case/manifest.json"));
}

#[test]
fn every_input_that_proved_it_has_to_be_there_again() {
    let mut old = with(Entry { proved_by: vec!["task.log".to_owned(), "worker.log".to_owned()], ..entry() });
    old.inputs.push(input("worker.log", "airflow-log"));
    let missing = not_assessed("the inputs that show it are not among those of the newer report");
    assert_eq!(only(&old, &ledger()), missing);
    let mut new = ledger();
    new.inputs.push(input("worker.log", "airflow-log"));
    assert_eq!(only(&old, &new), (Change::Resolved, None));
    // A proof that the older report does not list cannot be looked for.
    assert_eq!(only(&with(Entry { proved_by: vec!["elsewhere.log".to_owned()], ..entry() }), &ledger()), missing);
    assert_eq!(only(&with(Entry { proved_by: Vec::new(), ..entry() }), &ledger()), missing);
}

#[test]
fn inputs_that_are_named_anew_each_night_are_known_by_their_kind() {
    let named = |names: [&str; 2]| vec![input(names[0], "airflow-log"), input(names[1], "s3-list-objects")];
    let old = Ledger { inputs: named(["mon/a.log", "mon/x.json"]), ..with(Entry { proved_by: vec!["mon/a.log".to_owned()], ..entry() }) };
    let other = |names: [&str; 2]| Ledger { inputs: named(names), ..ledger() };
    assert_eq!(only(&old, &other(["tue/a.log", "tue/x.json"])), (Change::Resolved, None), "the same name in another folder");
    assert_eq!(only(&old, &other(["b.log", "y.json"])), (Change::Resolved, None), "no name recurs");
    // Other logs recur by name, and this one does not.
    let mut here = old.clone();
    here.inputs.push(input("mon/scheduler.log", "airflow-log"));
    let mut there = other(["tue/b.log", "tue/x.json"]);
    there.inputs.push(input("tue/scheduler.log", "airflow-log"));
    assert_eq!(only(&here, &there).0, Change::NotAssessed);
}

#[test]
fn a_view_without_rows_says_so_where_rows_can_be_seen() {
    let views = |errors: u64, loads: u64| {
        let view = |name: &str, parsed: u64| Input { parsed, ..input(name, "redshift-view") };
        vec![view("stl_load_errors.csv", errors), view("sys_load_history.csv", loads)]
    };
    let old = Ledger { inputs: views(5, 5), ..with(Entry { proved_by: vec!["stl_load_errors.csv".to_owned()], ..entry() }) };
    assert_eq!(only(&old, &Ledger { inputs: views(0, 5), ..ledger() }), (Change::Resolved, None));
    assert_eq!(only(&old, &Ledger { inputs: views(0, 0), ..ledger() }).0, Change::NotAssessed);
    // The history of loads knows of errors, and the view of errors of none: what they were cannot be told.
    let other = Ledger { findings: BTreeMap::from([("f1:2".to_owned(), entry())]), inputs: views(0, 5), ..ledger() };
    let gone = between(&old, &other).into_iter().find(|it| it.finding_id == "f1:1").unwrap();
    assert_eq!(gone.change, Change::NotAssessed);
    assert!(gone.reason.unwrap().contains("the newer report tells otherwise of the same role"));
}

#[test]
fn what_is_new_may_have_been_there_unseen() {
    let reason = |change: &dyn Fn(&mut Ledger)| {
        let mut old = ledger();
        change(&mut old);
        let (change, reason) = only(&old, &with(entry()));
        assert_eq!(change, Change::New);
        reason.unwrap_or_default()
    };
    assert_eq!(reason(&|_| ()), "");
    assert_eq!(reason(&|it| drop(it.verdicts.remove("access-denied"))), "the older report did not ask its detector");
    let unable = |it: &mut Ledger| it.verdicts.get_mut("access-denied").unwrap().verdict = "not-assessed".to_owned();
    assert_eq!(reason(&unable), "the older report had no evidence for its detector");
    assert_eq!(reason(&|it| it.inputs[0].complete = false), "the older report did not read task.log whole");
    assert_eq!(reason(&|it| drop(it.inputs.remove(0))), "the inputs that show it are not among those of the older report");
}

#[test]
fn windows_of_different_lengths_are_compared_by_severity() {
    let shorter = |it: Ledger| Ledger { until: Some(Moment(3_600_000_000)), ..it };
    let dear = Entry { occurrences: 400, ..entry() };
    assert_eq!(only(&shorter(with(entry())), &with(dear.clone())).0, Change::Persisting);
    assert_eq!(only(&shorter(with(entry())), &with(Entry { severity: "high".to_owned(), ..dear })).0, Change::Worsened);
    assert_eq!(only(&with(entry()), &shorter(ledger())), not_assessed("the newer report judged a shorter time"));
    assert_eq!(only(&shorter(with(entry())), &ledger()), (Change::Resolved, None));
    assert_eq!(only(&shorter(ledger()), &with(entry())).1.unwrap(), "the older report judged a shorter time");
    // A length that is not known is not another one.
    assert_eq!(only(&with(entry()), &Ledger { until: None, ..ledger() }), (Change::Resolved, None));
}

#[test]
fn versions_of_a_detector_judge_otherwise() {
    let newer = |mut it: Ledger| {
        it.verdicts.get_mut("access-denied").unwrap().version = Some(2);
        it
    };
    let why = |which: &str| format!("its detector is of another version in the {which} report");
    assert_eq!(only(&with(entry()), &newer(ledger())), not_assessed(&why("newer")));
    assert_eq!(only(&ledger(), &newer(with(entry()))), (Change::New, Some(why("older"))));
    let worse = Entry { severity: "high".to_owned(), ..entry() };
    assert_eq!(only(&with(entry()), &newer(with(worse))), (Change::Worsened, Some(why("newer"))));
    assert_eq!(only(&with(entry()), &newer(with(entry()))), (Change::Persisting, None));
}

#[test]
fn decisions_of_people_are_told() {
    let suppressed = || Entry { status: "suppressed".to_owned(), ..entry() };
    assert_eq!(only(&with(suppressed()), &with(entry())), (Change::Persisting, Some("it was suppressed, and is no more".to_owned())));
    assert_eq!(only(&with(entry()), &with(suppressed())), (Change::Persisting, Some("it is suppressed now".to_owned())));
    assert_eq!(only(&with(suppressed()), &with(suppressed())), (Change::Persisting, None));
}
