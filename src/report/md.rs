//! Markdown, for tickets: nothing in it comes out as markup.

use super::{Format, Report, Style};
use crate::{
    finding::{Finding, Suppression},
    text,
    units::Moment,
};
use std::io::{self, Write};

pub(super) static FORMAT: Format = Format { id: "md", title: "Markdown, for a ticket", write };

fn write(report: &Report, _: &Style, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# casefile report\n")?;
    if let Some(window) = report.window() {
        writeln!(out, "{}\n", escaped(&window))?;
    }
    if let Some(fault) = report.first_fault() {
        writeln!(out, "**First fault** {}: {}\n", fault.at.rfc3339(), escaped(&fault.what))?;
        for it in &fault.then {
            writeln!(out, "- then, in the same run, {}: {}", it.at.rfc3339(), escaped(&it.what))?;
        }
        if !fault.then.is_empty() {
            writeln!(out)?;
        }
    }
    if let Some(beside) = report.beside() {
        writeln!(out, "{}\n", escaped(&beside))?;
    }
    if !report.is_complete() {
        writeln!(out, "**Incomplete**: an input was not read whole; what it held is not judged.\n")?;
    }
    let findings = report.open();
    if !findings.is_empty() {
        writeln!(out, "| severity | detector | finding | occurrences | first seen | last seen |\n|---|---|---|---|---|---|")?;
        for it in &findings {
            let moment = |it: Option<Moment>| it.map(Moment::rfc3339).unwrap_or_default();
            let row = [
                it.severity.name().to_owned(),
                it.detector.to_owned(),
                escaped(&it.title),
                it.occurrences.to_string(),
                moment(it.first_seen),
                moment(it.last_seen),
            ];
            writeln!(out, "| {} |", row.join(" | "))?;
        }
        writeln!(out)?;
    }
    for it in &findings {
        writeln!(out, "## {}: {}\n", it.severity.name(), escaped(&it.title))?;
        let confidence = format!("{:?}", it.confidence).to_lowercase();
        writeln!(out, "{} Confidence {confidence}. `{}`{}\n", escaped(&it.explanation), it.finding_id, past(it))?;
        for caveat in &it.caveats {
            writeln!(out, "- caveat: {}", escaped(caveat))?;
        }
        writeln!(out, "\n**What to do** {}\n", escaped(&it.remediation.text))?;
        for code in &it.remediation.code {
            writeln!(out, "{}:\n\n{}", escaped(&code.title), fenced(code.language, &code.body))?;
        }
        for proof in &it.evidence {
            let at = proof.timestamp.as_deref().unwrap_or("no time");
            writeln!(out, "{} {} ({at}):\n\n{}", escaped(&proof.source), proof.locator, fenced("text", &proof.excerpt))?;
        }
    }
    suppressed(report, out)?;
    let gone = report.gone.as_deref().unwrap_or_default();
    if !gone.is_empty() {
        writeln!(out, "## No longer there\n")?;
        for it in gone {
            writeln!(out, "- {}", escaped(&it.told()))?;
        }
        writeln!(out)?;
    }
    if !report.failed.is_empty() {
        writeln!(out, "## Failed tries that no detector explains\n")?;
        for it in &report.failed {
            writeln!(out, "- {}", escaped(&it.title()))?;
        }
        writeln!(out)?;
    }
    writeln!(out, "## What was judged, and by what\n\n| detector | verdict | reason |\n|---|---|---|")?;
    for it in &report.verdicts {
        writeln!(out, "| {} | {} | {} |", it.detector.id, it.verdict, escaped(it.reason.as_deref().unwrap_or("")))?;
    }
    writeln!(out, "\n| input | kind | records | skipped | problems |\n|---|---|---|---|---|")?;
    for it in &report.coverage {
        let skipped: u64 = it.skipped.iter().map(|it| it.count).sum();
        writeln!(
            out,
            "| {} | {} | {} | {skipped} | {} |",
            escaped(&it.path),
            it.kind.unwrap_or("-"),
            it.records,
            escaped(&it.problems.join("; "))
        )?;
    }
    Ok(())
}

/// How a finding compares with the report before.
fn past(finding: &Finding) -> String {
    let Some(past) = &finding.standing.past else { return String::new() };
    let nights = past.nights_seen.map_or(String::new(), |it| format!(", seen in {it} nights"));
    format!(", {}{nights}", past.change.name())
}

/// What somebody decided to live with, and decisions that did not do what they are there for.
fn suppressed(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (suppressed, unused) = (report.suppressed(), report.suppressions.as_deref().unwrap_or_default());
    if suppressed.is_empty() && unused.is_empty() {
        return Ok(());
    }
    writeln!(out, "## Suppressed: {}\n", suppressed.len())?;
    for it in suppressed {
        let decision = it.standing.suppression.as_ref().map(Suppression::told).unwrap_or_default();
        writeln!(out, "- {}: {} ({})", it.severity.name(), escaped(&it.title), escaped(&decision))?;
    }
    for it in unused {
        writeln!(out, "- suppression of {}: {}: {}", escaped(&it.about()), it.why.name(), escaped(&it.says))?;
    }
    writeln!(out)
}

/// Text on one line in which no character is markup.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in text::one_line(text).chars() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' | '~' => safe.extend(['\\', c]),
            _ => safe.push(c),
        }
    }
    safe
}

/// A code block that its own text cannot close.
fn fenced(language: &str, body: &str) -> String {
    let longest = body.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", body.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_markup_of_a_log_gets_through() {
        assert_eq!(escaped("<b>x</b> | `y`\n# z"), "&lt;b&gt;x&lt;/b&gt; \\| \\`y\\` \\# z");
        assert!(fenced("text", "a ```` b").starts_with("`````text\n"));
    }
}
