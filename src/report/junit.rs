//! `JUnit` XML, for test reports of CI: a suite for each detector, a test for each thing that a finding is about.
//!
//! A finding fails its test where it is open and as severe as `--fail-on` says, from medium on where nothing is said. What was
//! suppressed, not assessed or not explained is skipped with the reason; an input that was not read whole is an error, so that no
//! reader takes the rest for the whole.

use super::{FailedTries, Format, Report, Style};
use crate::{
    detectors::Verdict,
    finding::{FailOn, Finding, Severity},
};
use std::{
    borrow::Cow,
    io::{self, Write},
};

pub(super) static FORMAT: Format = Format { id: "junit", title: "JUnit XML, for the test reports of CI", write };

/// From where on a finding fails its test where `--fail-on` says nothing.
const FAILS_FROM: FailOn = FailOn { only_new: false, severity: Severity::Medium };

/// How a test ended.
#[derive(Clone, Copy, PartialEq)]
enum Outcome {
    Passed,
    Failure,
    Error,
    Skipped,
}

/// One test.
struct Case<'a> {
    name: Cow<'a, str>,
    outcome: Outcome,
    /// What kind of failure it is.
    kind: &'a str,
    message: Cow<'a, str>,
    text: String,
}

fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let mut suites: Vec<(&str, Vec<Case<'_>>)> = report.verdicts.iter().map(|it| (it.detector.id, cases(it, style))).collect();
    if !report.failed.is_empty() {
        suites.push(("failed-tries", report.failed.iter().map(unexplained).collect()));
    }
    suites.push(("inputs", inputs(report)));
    let count = |outcome| suites.iter().map(|it| counted(&it.1, outcome)).sum::<usize>();
    let tests: usize = suites.iter().map(|it| it.1.len()).sum();
    writeln!(out, r#"<?xml version="1.0" encoding="UTF-8"?>"#)?;
    writeln!(
        out,
        r#"<testsuites name="casefile" tests="{tests}" failures="{}" errors="{}">"#,
        count(Outcome::Failure),
        count(Outcome::Error)
    )?;
    for (name, cases) in &suites {
        writeln!(
            out,
            r#"  <testsuite name="{name}" tests="{}" failures="{}" errors="{}" skipped="{}">"#,
            cases.len(),
            counted(cases, Outcome::Failure),
            counted(cases, Outcome::Error),
            counted(cases, Outcome::Skipped)
        )?;
        for case in cases {
            case.write(name, out)?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

fn counted(cases: &[Case<'_>], outcome: Outcome) -> usize {
    cases.iter().filter(|it| it.outcome == outcome).count()
}

fn cases<'a>(verdict: &'a Verdict, style: &Style) -> Vec<Case<'a>> {
    if !verdict.findings.is_empty() {
        return verdict.findings.iter().map(|it| judged(it, style)).collect();
    }
    let reason = verdict.reason.as_deref().unwrap_or("");
    let outcome = if verdict.verdict == "clean" { Outcome::Passed } else { Outcome::Skipped };
    let name = verdict.detector.title.into();
    vec![Case { name, outcome, kind: verdict.verdict, message: reason.into(), text: String::new() }]
}

fn judged<'a>(finding: &'a Finding, style: &Style) -> Case<'a> {
    // No numbers in it: readers follow a test from run to run by its name.
    let name = format!("{} {} ({})", finding.subject.kind, finding.subject.id, finding.finding_id);
    let case = |outcome, message| Case { name: name.into(), outcome, kind: finding.severity.name(), message, text: told(finding) };
    match &finding.standing.suppression {
        Some(it) => case(Outcome::Skipped, format!("suppressed, {}: {}", it.kind, it.reason).into()),
        None if style.fail_on.unwrap_or(FAILS_FROM).is_met_by(finding) => case(Outcome::Failure, finding.title.as_str().into()),
        None => case(Outcome::Passed, finding.title.as_str().into()),
    }
}

fn told(finding: &Finding) -> String {
    let mut parts = vec![format!("{}: {}\n\n{}\n", finding.severity.name(), finding.title, finding.explanation)];
    parts.extend(finding.caveats.iter().map(|it| format!("caveat: {it}\n")));
    parts.push(format!("\nWhat to do: {}\n", finding.remediation.text));
    parts.extend(finding.remediation.code.iter().map(|it| format!("\n{}:\n{}\n", it.title, it.body)));
    parts.extend(finding.evidence.iter().map(|it| format!("\n{} {}:\n{}\n", it.source, it.locator, it.excerpt)));
    parts.concat()
}

fn unexplained(tries: &FailedTries) -> Case<'_> {
    let name = |it: &Option<String>| it.clone().unwrap_or_else(|| "?".to_owned());
    let error = tries.last_error.as_deref().unwrap_or("its log does not say why");
    Case {
        name: format!("{}.{}: {error}", name(&tries.dag_id), name(&tries.task_id)).into(),
        outcome: Outcome::Skipped,
        kind: "not explained",
        message: "it failed, and no detector explains it".into(),
        text: tries.title(),
    }
}

fn inputs(report: &Report) -> Vec<Case<'_>> {
    let damaged = report.coverage.iter().filter(|it| !it.problems.is_empty());
    let mut cases: Vec<Case<'_>> = damaged
        .map(|it| Case {
            name: it.path.as_str().into(),
            outcome: Outcome::Error,
            kind: "incomplete",
            message: it.problems.join("; ").into(),
            text: "what it held is not judged".to_owned(),
        })
        .collect();
    if cases.is_empty() {
        let name = "every input was read whole".into();
        cases.push(Case { name, outcome: Outcome::Passed, kind: "", message: "".into(), text: String::new() });
    }
    cases
}

impl Case<'_> {
    fn write(&self, suite: &str, out: &mut dyn Write) -> io::Result<()> {
        let name = escaped(&self.name);
        let (kind, message, text) = (escaped(self.kind), escaped(&self.message), escaped(&self.text));
        let element = match self.outcome {
            Outcome::Passed => None,
            Outcome::Failure => Some("failure"),
            Outcome::Error => Some("error"),
            Outcome::Skipped => Some("skipped"),
        };
        write!(out, r#"    <testcase classname="casefile.{suite}" name="{name}">"#)?;
        match element {
            Some(element) => write!(out, r#"<{element} type="{kind}" message="{message}">{text}</{element}>"#)?,
            None if !text.is_empty() => write!(out, "<system-out>{text}</system-out>")?,
            None if !message.is_empty() => write!(out, "<system-out>{message}</system-out>")?,
            None => (),
        }
        writeln!(out, "</testcase>")
    }
}

/// Text for attributes and elements of XML 1.0: characters that it does not know are left out, for there is no way to write them.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            // As they stand, these would become blanks in an attribute.
            '\n' => safe.push_str("&#10;"),
            '\t' => safe.push_str("&#9;"),
            '\u{fffe}' | '\u{ffff}' => (),
            _ if c.is_control() => (),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn only_what_xml_knows_is_written() {
        assert_eq!(escaped("a]]>\u{0}b\u{1b}[31m<c d=\"e\">\n&amp;\u{ffff}"), "a]]&gt;b[31m&lt;c d=&quot;e&quot;&gt;&#10;&amp;amp;");
    }
}
