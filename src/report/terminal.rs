//! Text for a person at a terminal at seven in the morning: the first fault on top.

use super::{Format, Report, Style};
use crate::{
    finding::{Finding, Severity},
    units::Moment,
};
use std::io::{self, Write};
use unicode_width::UnicodeWidthStr as _;

pub(super) static FORMAT: Format = Format { id: "text", title: "a report for a terminal", write };

/// Where the text of a finding begins.
const INDENT: usize = 10;
/// Findings below this severity are one line each, unless more detail is asked for.
const WHOLE_FROM: Severity = Severity::Low;
/// How many groups of failed tries and inputs are listed, unless more detail is asked for.
const LISTED: usize = 12;

fn write(report: &Report, style: &Style, out: &mut dyn Write) -> io::Result<()> {
    let page = Page { style: *style };
    page.head(report, out)?;
    for finding in report.open() {
        page.finding(finding, out)?;
    }
    page.suppressed(report, out)?;
    page.gone(report, out)?;
    page.failed(report, out)?;
    page.verdicts(report, out)?;
    page.inputs(report, out)?;
    page.result(report, out)
}

struct Page {
    style: Style,
}

impl Page {
    fn paint(&self, text: &str, code: &str) -> String {
        paint(text, code, self.style.colour)
    }

    fn head(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let records: u64 = report.coverage.iter().map(|it| it.records).sum();
        let first = report.coverage.iter().filter_map(|it| it.from).min();
        let span = match (first, report.last) {
            (Some(from), Some(to)) => format!(", {} to {}", from.rfc3339(), to.rfc3339()),
            _ => String::new(),
        };
        self.wrapped(out, &format!("{} inputs, {records} records{span}", report.coverage.len()), 0)?;
        if let Some(window) = report.window() {
            self.wrapped(out, &window, 0)?;
        }
        writeln!(out)?;
        if let Some(fault) = report.first_fault() {
            let title = self.paint("FIRST FAULT", "1");
            writeln!(out, "{title}  {}", fault.at.rfc3339())?;
            self.wrapped(out, &fault.what, INDENT)?;
            let listed = if self.style.detail > 1 { usize::MAX } else { LISTED };
            for it in fault.then.iter().take(listed) {
                self.labelled(out, "then", &self.cut(&format!("{} {}", it.at.rfc3339(), it.what)))?;
            }
            more(out, fault.then.len(), listed)?;
            writeln!(out)?;
        }
        Ok(())
    }

    fn finding(&self, it: &Finding, out: &mut dyn Write) -> io::Result<()> {
        let confidence = format!("{:?} confidence", it.confidence).to_lowercase();
        writeln!(
            out,
            "{} {}  {}",
            painted(it.severity, self.style.colour),
            self.paint(it.detector, "1"),
            self.paint(&format!("{confidence}  {}{}", it.finding_id, change(it)), "2")
        )?;
        self.wrapped(out, &it.title, INDENT)?;
        if it.severity < WHOLE_FROM && self.style.detail < 2 {
            return writeln!(out);
        }
        self.labelled(out, "when", &times(it))?;
        self.labelled(out, "why", &it.explanation)?;
        for proof in it.evidence.iter().take(if self.style.detail < 2 { 1 } else { it.evidence.len() }) {
            let at = proof.timestamp.as_deref().unwrap_or("no time");
            self.labelled(out, "proof", &format!("{} {} ({at})", proof.source, proof.locator))?;
            let lines: Vec<&str> = proof.excerpt.lines().filter(|it| !it.trim().is_empty()).collect();
            let shown = if self.style.detail < 2 { lines.len().saturating_sub(1) } else { 0 };
            for line in lines.iter().skip(shown) {
                self.wrapped(out, &self.cut(line.trim()), INDENT + 8)?;
            }
        }
        self.labelled(out, "fix", &it.remediation.text)?;
        if self.style.detail > 0 {
            for code in &it.remediation.code {
                writeln!(out, "{:INDENT$}        {}:", "", code.title)?;
                for line in code.body.lines() {
                    writeln!(out, "{:INDENT$}        {}", "", self.paint(line, "32"))?;
                }
            }
        }
        for caveat in &it.caveats {
            self.labelled(out, "but", caveat)?;
        }
        writeln!(out)
    }

    /// What somebody decided to live with, and decisions that did not do what they are there for.
    fn suppressed(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let (suppressed, unused) = (report.suppressed(), report.suppressions.as_deref().unwrap_or_default());
        if suppressed.is_empty() && unused.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}", self.paint(&format!("SUPPRESSED ({})", suppressed.len()), "1"))?;
        for it in suppressed {
            self.wrapped(out, &self.cut(&format!("{} {}: {}", it.severity.name(), it.detector, it.title)), 2)?;
            if let Some(decision) = it.standing.suppression.as_ref().filter(|_| self.style.detail > 1) {
                self.labelled(out, "reason", &decision.told())?;
            }
        }
        for it in unused {
            self.wrapped(out, &format!("suppression of {}: {}: {}", it.about(), it.why.name(), it.says), 2)?;
        }
        writeln!(out)
    }

    fn gone(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let gone = report.gone.as_deref().unwrap_or_default();
        if gone.is_empty() {
            return Ok(());
        }
        writeln!(out, "{}", self.paint(&format!("NO LONGER THERE ({})", gone.len()), "1"))?;
        let listed = if self.style.detail > 1 { usize::MAX } else { LISTED };
        for it in gone.iter().take(listed) {
            self.wrapped(out, &it.told(), 2)?;
        }
        more(out, gone.len(), listed)?;
        writeln!(out)
    }

    fn failed(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        if report.failed.is_empty() {
            return Ok(());
        }
        let count: usize = report.failed.iter().map(|it| it.count).sum();
        writeln!(out, "{}", self.paint(&format!("FAILED TRIES THAT NO DETECTOR EXPLAINS ({count})"), "1"))?;
        let listed = if self.style.detail > 1 { usize::MAX } else { LISTED };
        for it in report.failed.iter().take(listed) {
            self.wrapped(out, &self.cut(&it.title()), 2)?;
            writeln!(out, "    {}", self.paint(&format!("{} {}", it.source, it.locator), "2"))?;
        }
        more(out, report.failed.len(), listed)?;
        writeln!(out)
    }

    fn verdicts(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.paint("DETECTORS", "1"))?;
        for it in &report.verdicts {
            let suppressed = it.findings.iter().filter(|it| !it.is_open()).count();
            let count = match (it.findings.len(), suppressed) {
                (0, _) => String::new(),
                (count, 0) => format!(" ({count})"),
                (count, suppressed) => format!(" ({count}, {suppressed} suppressed)"),
            };
            let verdict = match it.verdict {
                "clean" => self.paint("clean", "32"),
                "not-assessed" => self.paint("not-assessed", "33"),
                other => other.to_owned(),
            };
            let reason = it.reason.as_ref().map_or(String::new(), |it| format!(": {it}"));
            self.wrapped(out, &format!("{:<17} {verdict}{count}{reason}", it.detector.id), 2)?;
        }
        writeln!(out)
    }

    fn inputs(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let unknown: Vec<_> = report.coverage.iter().filter(|it| it.kind.is_none() && it.problems.is_empty()).collect();
        let damaged: Vec<_> = report.coverage.iter().filter(|it| !it.problems.is_empty()).collect();
        let skipped: u64 = report.coverage.iter().flat_map(|it| &it.skipped).map(|it| it.count).sum();
        writeln!(out, "{}", self.paint("INPUTS", "1"))?;
        let read = report.coverage.iter().filter(|it| it.kind.is_some()).count();
        self.wrapped(
            out,
            &format!(
                "{read} read, {} not recognised or empty, {} damaged or missing; {skipped} records skipped",
                unknown.len(),
                damaged.len()
            ),
            2,
        )?;
        let listed = if self.style.detail > 1 { usize::MAX } else { LISTED };
        for it in damaged.iter().take(listed) {
            self.wrapped(out, &format!("{} {}: {}", self.paint("!", "31"), it.path, it.problems.join("; ")), 2)?;
        }
        more(out, damaged.len(), listed)?;
        let skips: Vec<_> = report.coverage.iter().flat_map(|input| input.skipped.iter().map(move |it| (input, it))).collect();
        for (input, it) in skips.iter().take(listed) {
            self.wrapped(out, &format!("{}: {} skipped, first record {}: {}", input.path, it.count, it.first, it.reason), 2)?;
        }
        more(out, skips.len(), listed)?;
        for it in unknown.iter().take(listed) {
            self.wrapped(out, &format!("{}: {}", it.path, it.notes.join("; ")), 2)?;
        }
        more(out, unknown.len(), listed)?;
        if report.coverage.iter().any(|it| it.notes.iter().any(|it| it.contains("without a zone"))) {
            self.wrapped(out, "times without a zone were read as UTC, or as --tz says", 2)?;
        }
        writeln!(out)
    }

    fn result(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let open = report.open();
        let count = |severity: Severity| open.iter().filter(|it| it.severity == severity).count();
        let counts: Vec<String> =
            Severity::ALL.iter().rev().filter(|it| count(**it) > 0).map(|it| format!("{} {}", count(*it), it.name())).collect();
        let suppressed = report.suppressed().len();
        let found = match (counts.is_empty(), suppressed) {
            (true, 0) => "no findings".to_owned(),
            (true, _) => format!("no open findings; suppressed: {suppressed}"),
            (false, 0) => counts.join(", "),
            (false, _) => format!("{}; suppressed: {suppressed}", counts.join(", ")),
        };
        if let Some(beside) = report.beside() {
            self.wrapped(out, &beside, 0)?;
        }
        let whole = if report.is_complete() { "" } else { "; INCOMPLETE: an input was not read whole" };
        writeln!(out, "{}", self.paint(&format!("{found}{whole}"), "1"))
    }

    fn labelled(&self, out: &mut dyn Write, label: &str, text: &str) -> io::Result<()> {
        if text.is_empty() {
            return Ok(());
        }
        write!(out, "{:INDENT$}{}", "", self.paint(&format!("{label:<8}"), "2"))?;
        flow(out, text, INDENT + 8, INDENT + 8, self.style.width)
    }

    fn wrapped(&self, out: &mut dyn Write, text: &str, indent: usize) -> io::Result<()> {
        write!(out, "{:indent$}", "")?;
        flow(out, text, indent, indent, self.style.width)
    }

    /// A line of evidence, not longer than a few lines of the terminal.
    fn cut(&self, line: &str) -> String {
        let most = self.style.width.max(40) * 4;
        if line.chars().count() <= most || self.style.detail > 1 {
            return line.to_owned();
        }
        line.chars().take(most).chain(['…']).collect()
    }
}

/// A text in a colour of the terminal.
pub(crate) fn paint(text: &str, code: &str, colour: bool) -> String {
    if colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A severity, as wide as every other.
pub(crate) fn painted(severity: Severity, colour: bool) -> String {
    let word = format!("{:<9}", severity.name().to_uppercase());
    let code = match severity {
        Severity::Critical => "1;31",
        Severity::High => "31",
        Severity::Medium => "33",
        Severity::Low => "36",
        Severity::Info => "2",
    };
    paint(&word, code, colour)
}

/// Writes words from column `at` on; further lines begin at `indent`.
pub(crate) fn flow(out: &mut dyn Write, text: &str, mut at: usize, indent: usize, columns: usize) -> io::Result<()> {
    let mut first = true;
    for word in text.split_whitespace() {
        let width = word.width();
        if !first && at + 1 + width > columns {
            write!(out, "\n{:indent$}", "")?;
            at = indent;
            first = true;
        }
        if !first {
            write!(out, " ")?;
            at += 1;
        }
        write!(out, "{word}")?;
        at += width;
        first = false;
    }
    writeln!(out)
}

fn more(out: &mut dyn Write, count: usize, listed: usize) -> io::Result<()> {
    if count > listed { writeln!(out, "  … and {} more (-v lists all)", count - listed) } else { Ok(()) }
}

/// How a finding changed since the report before.
fn change(it: &Finding) -> String {
    it.standing.past.as_ref().map_or_else(String::new, |it| format!("  {}", it.change.name()))
}

fn times(it: &Finding) -> String {
    match (it.first_seen, it.last_seen) {
        (Some(first), Some(last)) if first != last => format!("{} to {}, {} times", first.rfc3339(), last.rfc3339(), it.occurrences),
        (Some(first), _) => Moment::rfc3339(first),
        _ => "no line tells when".to_owned(),
    }
}
