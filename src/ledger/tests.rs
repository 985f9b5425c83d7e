//! What is taken for a report, and what is not.

use super::*;

fn entry(detector: &str, severity: &str) -> Entry {
    Entry {
        detector: detector.to_owned(),
        severity: severity.to_owned(),
        status: OPEN.to_owned(),
        title: "a title".to_owned(),
        subject_kind: "role".to_owned(),
        subject_id: "a".to_owned(),
        occurrences: 1,
        first_seen: None,
        last_seen: None,
        nights_seen: None,
        impact_seconds: None,
        impact_bytes: None,
        proved_by: vec!["a.log".to_owned()],
    }
}

fn said(verdict: &str) -> Said {
    Said { verdict: verdict.to_owned(), version: None, evidence: BTreeMap::new() }
}

fn parts(verdicts: &[(&str, &str)], findings: &[(&str, Entry)]) -> Parts {
    Parts {
        verdicts: verdicts.iter().map(|(detector, verdict)| ((*detector).to_owned(), said(verdict))).collect(),
        findings: findings.iter().map(|(id, it)| ((*id).to_owned(), it.clone())).collect(),
        ..Parts::default()
    }
}

#[test]
fn what_is_no_whole_report_is_refused() {
    let denied = entry("access-denied", "high");
    let wrong = |it: Parts| it.assembled().unwrap_err();
    assert!(parts(&[("access-denied", "findings")], &[("f1:1", denied.clone())]).assembled().is_ok());
    assert!(wrong(parts(&[], &[])).contains("no verdict"));
    assert!(wrong(parts(&[("access-denied", "findings")], &[])).contains("none of them is there"));
    assert!(wrong(parts(&[("access-denied", "clean"), ("access-denied", "clean")], &[])).contains("two reports"));
    let twice = [("f1:1", denied.clone()), ("f1:1", denied.clone())];
    assert!(wrong(parts(&[("access-denied", "findings")], &twice)).contains("two reports"));
    let odd = [("f1:1", entry("access-denied", "terrible"))];
    assert!(wrong(parts(&[("access-denied", "findings")], &odd)).contains("no severity terrible"));
    let odd = [("f1:1` | x", denied)];
    assert!(wrong(parts(&[("access-denied", "findings")], &odd)).contains("no id or word"));
}

#[test]
fn texts_of_strangers_are_made_safe() {
    let hostile = Entry { title: "a\u{1b}[31mb".to_owned(), proved_by: vec!["a\u{202e}.log".to_owned()], ..entry("access-denied", "high") };
    let mut all = parts(&[("access-denied", "findings")], &[("f1:1", hostile)]);
    all.inputs.push((Input { path: "a\u{202e}.log".to_owned(), kind: None, parsed: 0, complete: true }, None));
    let ledger = all.assembled().unwrap();
    let entry = &ledger.findings["f1:1"];
    assert!(!entry.title.contains('\u{1b}') && !entry.proved_by[0].contains('\u{202e}'));
    assert_eq!(entry.proved_by[0], ledger.inputs[0].path);
}

/// What is whole and of another night shows nothing of this one; what is damaged might.
#[test]
fn inputs_of_other_nights_are_left_out() {
    let input = |complete: bool| Input { path: "a.log".to_owned(), kind: None, parsed: 1, complete };
    let hours = |from: i64, to: i64| Some((Moment(from * 3600 * SECOND), Moment(to * 3600 * SECOND)));
    let kept = |complete: bool, span: Option<(Moment, Moment)>| {
        let (since, until) = hours(24, 48).unwrap();
        let parts =
            Parts { since: Some(since), until: Some(until), inputs: vec![(input(complete), span)], ..parts(&[("x", "clean")], &[]) };
        !parts.assembled().unwrap().inputs.is_empty()
    };
    assert!(kept(true, None) && kept(true, hours(20, 24)) && kept(true, hours(47, 60)) && kept(true, hours(0, 90)));
    assert!(!kept(true, hours(20, 23)) && !kept(true, hours(48, 60)));
    assert!(kept(false, hours(20, 23)));
}

#[test]
fn documents_and_lines_are_told_apart() {
    let verdict =
        r#"{"type":"verdict","detector":"access-denied","verdict":"clean","window_start":"2026-01-01T00:00:00.000Z","window_end":null}"#;
    let input = r#"{"type":"input","path":"a.log","kind":null,"parsed":3,"complete":true,"bytes":7}"#;
    let lines = json::read(&format!("{verdict}\n\n{{\"type\":\"something-else\",\"x\":1}}\n{input}\n")).unwrap();
    assert_eq!((lines.inputs.len(), lines.since.is_some(), lines.until), (1, true, None));
    let document = format!(r#"{{"window":{{"since":"2026-01-01T00:00:00Z"}},"findings":[],"verdicts":[{verdict}],"inputs":[{input}]}}"#);
    assert_eq!(json::read(&document).unwrap(), lines);
    for (text, why) in [
        ("{\"type\":\"verdict\",\"detector\":\"a", "cut off"),
        (&format!("{verdict}\n{{\"type\":\"input\""), "line 2"),
        (&format!("{verdict}\n{{\"type\":\"input\",\"path\":\"a\"}}"), "missing field"),
        ("{}", "missing field"),
        ("{\"findings\":[]", "cut off"),
        (input, "no verdict"),
    ] {
        let told = json::read(text).unwrap_err();
        assert!(told.contains(why), "{text}: {told}");
    }
}
