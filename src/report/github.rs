//! Workflow commands of GitHub Actions: findings as annotations, as many of a kind as GitHub shows.

use super::{Format, Report, Style};
use crate::finding::{Change, Finding, Severity};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "github", title: "annotations of GitHub Actions", write };

/// How many annotations of a kind GitHub shows of one step.
const SHOWN: usize = 10;

/// How many lines an annotation has that lists things.
const LISTED: usize = 10;

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    let problems: Vec<String> = report.problems().map(|(path, problem)| format!("{path}: {problem}")).collect();
    let failed: Vec<String> = report.failed.iter().map(super::FailedTries::title).collect();
    // What makes all else doubtful comes first, so that it is among those that are shown.
    let mut warnings = 0;
    for (title, items) in [("incomplete, what is missing is not judged", problems), ("failed tries that no detector explains", failed)] {
        if !items.is_empty() {
            warnings += 1;
            writeln!(out, "::warning title={}::{}", property(&format!("casefile: {title}")), data(&listed(&items)))?;
        }
    }
    let findings = report.findings();
    let open: Vec<&&Finding> = findings.iter().filter(|it| it.is_open()).collect();
    let mut hidden = 0;
    for (kind, taken) in [("error", 0), ("warning", warnings), ("notice", 0)] {
        let of_kind: Vec<&&&Finding> = open.iter().filter(|it| kind_of(it.severity) == kind).collect();
        let shown = of_kind.len().min(SHOWN - taken);
        hidden += of_kind.len() - shown;
        for finding in of_kind.into_iter().take(shown) {
            annotate(finding, kind, out)?;
        }
    }
    let mut last = vec![format!("casefile: {} open findings, {} suppressed", open.len(), findings.len() - open.len())];
    if let Some(gone) = &report.gone {
        last.push(format!("{} resolved", gone.iter().filter(|it| it.change == Change::Resolved).count()));
    }
    let unjudged: Vec<&str> = report.verdicts.iter().filter(|it| it.verdict == "not-assessed").map(|it| it.detector.id).collect();
    if !unjudged.is_empty() {
        last.push(format!("not assessed: {}", unjudged.join(" ")));
    }
    if hidden > 0 {
        last.push(format!("{hidden} of the findings have no annotation, for GitHub shows {SHOWN} of a kind"));
    }
    writeln!(out, "{}", last.join(", "))
}

fn kind_of(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "notice",
    }
}

fn annotate(finding: &Finding, kind: &str, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "::{kind} ")?;
    if let Some(proof) = finding.evidence.first().filter(|it| it.source != "-") {
        write!(out, "file={},", property(&proof.source))?;
        if let Some(line) = proof.locator.strip_prefix("line ") {
            write!(out, "line={},", property(line))?;
        }
    }
    let title = format!("casefile: {} {}", finding.severity.name(), finding.detector);
    let text = format!("{}\n{}\n{}", finding.title, finding.remediation.text, finding.finding_id);
    writeln!(out, "title={}::{}", property(&title), data(&text))
}

fn listed(items: &[String]) -> String {
    let mut lines: Vec<String> = items.iter().take(LISTED).cloned().collect();
    if items.len() > LISTED {
        lines.push(format!("and {} more", items.len() - LISTED));
    }
    lines.join("\n")
}

/// Text behind the `::` of a command.
fn data(text: &str) -> String {
    let text: String = text.chars().filter(|it| !it.is_control() || *it == '\n').collect();
    text.replace('%', "%25").replace('\n', "%0A")
}

/// The value of a property of a command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn no_text_ends_its_command() {
        assert_eq!(data("50%\r\n::error::x"), "50%25%0A::error::x");
        assert_eq!(property("a:b,c::d%2C"), "a%3Ab%2Cc%3A%3Ad%252C");
    }
}
