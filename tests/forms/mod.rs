//! One table in every form that people export it in.

#![allow(clippy::unwrap_used, reason = "a broken test should stop loudly")]

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use serde_json::{Map, Value, json};
use std::{path::Path, sync::Arc};

/// A table of texts; an empty one is null.
pub(crate) struct Grid {
    pub(crate) names: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Grid {
    pub(crate) fn read(path: &Path) -> Self {
        let mut reader = csv::Reader::from_path(path).unwrap();
        let texts = |it: &csv::StringRecord| it.iter().map(ToOwned::to_owned).collect();
        Self { names: texts(reader.headers().unwrap()), rows: reader.records().map(|it| texts(&it.unwrap())).collect() }
    }

    pub(crate) fn without(mut self, columns: &[&str]) -> Self {
        let keep: Vec<bool> = self.names.iter().map(|it| !columns.contains(&it.as_str())).collect();
        for row in self.rows.iter_mut().chain([&mut self.names]) {
            let mut kept = keep.iter();
            row.retain(|_| *kept.next().unwrap());
        }
        self
    }

    pub(crate) fn with(mut self, after: &str, name: &str, value: &str) -> Self {
        let at = self.names.iter().position(|it| it == after).unwrap() + 1;
        self.names.insert(at, name.to_owned());
        for row in &mut self.rows {
            row.insert(at, value.to_owned());
        }
        self
    }

    pub(crate) fn forms(&self) -> Vec<(&'static str, Vec<u8>)> {
        let mut forms = vec![
            ("CSV with semicolons", self.csv(b';')),
            ("CSV with tabs", self.csv(b'\t')),
            ("CSV, all in quotes, upper case, CRLF, BOM, nulls spelled", self.dbeaver()),
            ("psql", self.aligned()),
            ("psql with \\x", self.expanded()),
            ("UNLOAD ESCAPE", self.unload_escaped()),
            ("UNLOAD ADDQUOTES", self.unload_quoted()),
            ("UNLOAD PARQUET", self.parquet()),
            ("get-statement-result", self.fields()),
            ("get-statement-result of CSV", self.pieces()),
            ("a page of CSV, names after the rows", self.last_page()),
            ("JSON", self.objects(false)),
            ("NDJSON", self.objects(true)),
        ];
        // Nothing tells the bars of values from those between them.
        if !self.rows.iter().flatten().any(|it| it.contains('|')) {
            forms.push(("psql -A", self.unaligned()));
        }
        forms
    }

    fn writer(&self, builder: &csv::WriterBuilder, headed: bool) -> Vec<u8> {
        let mut writer = builder.from_writer(Vec::new());
        if headed {
            writer.write_record(&self.names).unwrap();
        }
        for row in &self.rows {
            writer.write_record(row).unwrap();
        }
        writer.into_inner().unwrap()
    }

    pub(crate) fn csv(&self, delimiter: u8) -> Vec<u8> {
        self.writer(csv::WriterBuilder::new().delimiter(delimiter), true)
    }

    fn dbeaver(&self) -> Vec<u8> {
        let spelled = |it: &String| if it.is_empty() { "[NULL]".to_owned() } else { format!("{it:<12}") };
        let loud = Self {
            names: self.names.iter().map(|it| it.to_uppercase()).collect(),
            rows: self.rows.iter().map(|row| row.iter().map(spelled).collect()).collect(),
        };
        let mut builder = csv::WriterBuilder::new();
        builder.quote_style(csv::QuoteStyle::Always).terminator(csv::Terminator::CRLF);
        [b"\xef\xbb\xbf".to_vec(), loud.writer(&builder, true)].concat()
    }

    fn aligned(&self) -> Vec<u8> {
        let widths: Vec<usize> = (0..self.names.len())
            .map(|at| self.rows.iter().chain([&self.names]).map(|row| row[at].chars().count()).max().unwrap_or(0))
            .collect();
        let line = |row: &[String]| {
            let cells: Vec<String> = row.iter().zip(&widths).map(|(it, width)| format!(" {it:<width$} ")).collect();
            cells.join("|")
        };
        let rule: Vec<String> = widths.iter().map(|it| "-".repeat(it + 2)).collect();
        let rows: Vec<String> = self.rows.iter().map(|it| line(it)).collect();
        let table = format!("{}\n{}\n{}\n({} rows)\n\n", line(&self.names), rule.join("+"), rows.join("\n"), self.rows.len());
        format!("dev=# select *\nfrom a_view\nwhere x = 'a | b';\n\n{table}").into_bytes()
    }

    fn expanded(&self) -> Vec<u8> {
        let cells =
            |row: &Vec<String>| self.names.iter().zip(row).map(|(name, it)| format!("{name:<24} | {it}\n")).collect::<Vec<_>>().concat();
        let rows = self.rows.iter().enumerate().map(|(at, row)| format!("-[ RECORD {} ]------------+----\n{}", at + 1, cells(row)));
        format!("Expanded display is on.\n{}\n", rows.collect::<Vec<_>>().concat()).into_bytes()
    }

    fn unaligned(&self) -> Vec<u8> {
        let lines: Vec<String> = [&self.names].into_iter().chain(&self.rows).map(|it| it.join("|")).collect();
        format!("{}\n({} rows)\n", lines.join("\n"), self.rows.len()).into_bytes()
    }

    pub(crate) fn unload_escaped(&self) -> Vec<u8> {
        let escaped = |it: &String| it.replace('\\', "\\\\").replace('|', "\\|").replace('\n', "\\\n");
        let lines: Vec<String> = self.rows.iter().map(|row| row.iter().map(escaped).collect::<Vec<_>>().join("|") + "\n").collect();
        lines.concat().into_bytes()
    }

    fn unload_quoted(&self) -> Vec<u8> {
        self.writer(csv::WriterBuilder::new().delimiter(b'|').quote_style(csv::QuoteStyle::Always), false)
    }

    fn parquet(&self) -> Vec<u8> {
        let column = |at: usize| {
            let cells: StringArray = self.rows.iter().map(|row| Some(row[at].as_str()).filter(|it| !it.is_empty())).collect();
            Arc::new(cells) as ArrayRef
        };
        let batch = RecordBatch::try_from_iter(self.names.iter().enumerate().map(|(at, name)| (name, column(at)))).unwrap();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.into_inner().unwrap()
    }

    fn metadata(&self) -> Value {
        self.names
            .iter()
            .map(|it| json!({"isCaseSensitive": false, "label": it, "name": it, "tableName": "t", "typeName": "varchar"}))
            .collect()
    }

    fn fields(&self) -> Vec<u8> {
        let field = |it: &String| match it.parse::<i64>() {
            _ if it.is_empty() => json!({"isNull": true}),
            Ok(whole) => json!({"longValue": whole}),
            Err(_) => json!({"stringValue": it}),
        };
        let records: Value = self.rows.iter().map(|row| row.iter().map(field).collect::<Value>()).collect();
        // Keys in the order of the service, which a map would sort.
        let text = format!(r#"{{"ColumnMetadata": {}, "Records": {records}, "TotalNumRows": {}}}"#, self.metadata(), self.rows.len());
        text.into_bytes()
    }

    fn pieces(&self) -> Vec<u8> {
        let text = String::from_utf8(self.csv(b',')).unwrap();
        format!(r#"{{"ColumnMetadata": {}, "Records": [{}], "ResultFormat": "CSV"}}"#, self.metadata(), json!({"CSVRecords": text}))
            .into_bytes()
    }

    fn last_page(&self) -> Vec<u8> {
        let text = String::from_utf8(self.writer(&csv::WriterBuilder::new(), false)).unwrap();
        format!(r#"{{"Records": [{}], "ColumnMetadata": {}}}"#, json!({"CSVRecords": text}), self.metadata()).into_bytes()
    }

    fn objects(&self, lines: bool) -> Vec<u8> {
        let object = |row: &Vec<String>| {
            let cells = self.names.iter().zip(row).map(|(name, it)| (name.clone(), if it.is_empty() { Value::Null } else { json!(it) }));
            Value::Object(cells.collect::<Map<_, _>>())
        };
        let objects: Vec<Value> = self.rows.iter().map(object).collect();
        if lines {
            objects.iter().map(Value::to_string).collect::<Vec<_>>().join("\n").into_bytes()
        } else {
            serde_json::to_vec_pretty(&objects).unwrap()
        }
    }
}
