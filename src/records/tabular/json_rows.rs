//! Tables as JSON: answers of the Redshift Data API and of Athena, and arrays of objects.

use super::{Cells, Each, Part, Rows};
use crate::records::{
    Feed,
    json::{Fault, Records, value_of},
};
use serde_json::Value;

/// Reads objects, one a row; the keys are the columns.
pub(super) fn read_objects(feed: &mut Feed<'_>, cap: usize, each: &mut Each<'_>) {
    let mut rows = Rows::new(each);
    let mut names: Vec<String> = Vec::new();
    each_value(feed, cap, &mut |given, _| {
        let Given::Value(Value::Object(object)) = given else { return refuse(&mut rows, given) };
        if !object.keys().eq(names.iter()) {
            names = object.keys().cloned().collect();
            rows.header(&names.iter().map(|it| it.trim().to_ascii_lowercase()).collect::<Vec<_>>());
        }
        let mut cells = Cells::default();
        for value in object.values() {
            push(&mut cells, value);
        }
        rows.row(&cells);
    });
    rows.end();
}

/// Reads `get-statement-result`: rows of fields, or pieces of CSV.
pub(super) fn read_data_api(feed: &mut Feed<'_>, cap: usize, each: &mut Each<'_>) {
    let mut rows = Late::new(each);
    let envelope = each_value(feed, cap, &mut |given, envelope| {
        let Given::Value(value) = given else { return refuse(&mut rows.rows, given) };
        rows.name(envelope, "ColumnMetadata", "name");
        match value {
            Value::Array(fields) => {
                let mut cells = Cells::default();
                for field in fields {
                    let value = field.as_object().filter(|it| !it.contains_key("isNull")).and_then(|it| it.values().next());
                    push(&mut cells, value.unwrap_or(&Value::Null));
                }
                rows.row(cells);
            }
            Value::Object(piece) if piece.get("CSVRecords").is_some_and(Value::is_string) => {
                let text = piece.get("CSVRecords").and_then(Value::as_str).unwrap_or_default();
                let mut reader = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
                let mut cells = Cells::default();
                while reader.read_byte_record(&mut cells.texts).unwrap_or(false) {
                    // The first piece repeats the names; without ColumnMetadata they are all there is.
                    let names = cells.names();
                    if rows.rows.number == 0 && rows.held.is_empty() && (Some(&names) == rows.names.as_ref() || looks_like_names(&names)) {
                        if rows.names.is_none() {
                            rows.rows.header(&names);
                            rows.names = Some(names);
                        }
                    } else {
                        rows.row(cells.clone());
                    }
                }
            }
            _ => rows.rows.damaged("neither fields nor CSV records"),
        }
    });
    rows.name(&envelope, "ColumnMetadata", "name");
    rows.end(&envelope);
}

/// Reads `get-query-results`.
pub(super) fn read_athena(feed: &mut Feed<'_>, cap: usize, each: &mut Each<'_>) {
    let mut rows = Late::new(each);
    let mut first = true;
    let envelope = each_value(feed, cap, &mut |given, envelope| {
        let Given::Value(value) = given else { return refuse(&mut rows.rows, given) };
        rows.name(envelope, "ColumnInfo", "Name");
        let Some(data) = value.get("Data").and_then(Value::as_array) else { return rows.rows.damaged("row without Data") };
        let mut cells = Cells::default();
        for datum in data {
            push(&mut cells, datum.get("VarCharValue").unwrap_or(&Value::Null));
        }
        let names = cells.names();
        // The first page begins with the names.
        if std::mem::take(&mut first) && (Some(&names) == rows.names.as_ref() || looks_like_names(&names)) {
            if rows.names.is_none() {
                rows.rows.header(&names);
                rows.names = Some(names);
            }
        } else {
            rows.row(cells);
        }
    });
    rows.name(&envelope, "ColumnInfo", "Name");
    rows.end(&envelope);
}

/// Rows whose names may come after them.
struct Late<'a, 'e> {
    rows: Rows<'a, 'e>,
    names: Option<Vec<String>>,
    held: Vec<Cells>,
}

impl<'a, 'e> Late<'a, 'e> {
    fn new(each: &'a mut Each<'e>) -> Self {
        Self { rows: Rows::new(each), names: None, held: Vec::new() }
    }

    /// Takes the names from the text around the rows, if they stand there: the values of `key` in the array called `list`.
    fn name(&mut self, envelope: &[u8], list: &str, key: &str) {
        if self.names.is_some() {
            return;
        }
        let text = String::from_utf8_lossy(envelope);
        let Some((_, array)) = text.split_once(&format!("\"{list}\"")) else { return };
        // The columns are plain objects: the first bracket that closes is the list's own.
        let Some((array, _)) = array.split_once('[').and_then(|(_, it)| it.split_once(']')) else { return };
        let columns: Vec<Value> = serde_json::from_str(&format!("[{array}]")).unwrap_or_default();
        let names: Vec<String> = columns.iter().filter_map(|it| Some(it.get(key)?.as_str()?.to_ascii_lowercase())).collect();
        if !names.is_empty() {
            self.rows.header(&names);
            self.names = Some(names);
            for cells in std::mem::take(&mut self.held) {
                self.rows.row(&cells);
            }
        }
    }

    fn row(&mut self, cells: Cells) {
        if self.names.is_some() { self.rows.row(&cells) } else { self.held.push(cells) }
    }

    fn end(mut self, envelope: &[u8]) {
        for cells in std::mem::take(&mut self.held) {
            self.rows.row(&cells);
        }
        if goes_on(envelope) {
            (self.rows.each)(Part::GoesOn, self.rows.number);
        }
        self.rows.end();
    }
}

/// Whether an answer names the page that follows it.
fn goes_on(envelope: &[u8]) -> bool {
    String::from_utf8_lossy(envelope).split_once("\"NextToken\"").is_some_and(|(_, it)| it.trim_start_matches([':', ' ']).starts_with('"'))
}

fn looks_like_names(cells: &[String]) -> bool {
    let is_name = |it: &String| {
        it.chars().next().is_some_and(|first| first.is_ascii_alphabetic() || matches!(first, '_' | '$'))
            && it.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '_' | '$'))
    };
    cells.len() > 1 && cells.iter().all(is_name)
}

fn push(cells: &mut Cells, value: &Value) {
    match value {
        Value::Null => cells.push(b""),
        Value::String(text) => cells.push(text.as_bytes()),
        other => cells.push(other.to_string().as_bytes()),
    }
}

/// What a feed of JSON values gives.
#[derive(Clone, Copy)]
enum Given<'v> {
    Value(&'v Value),
    /// A record that is no JSON.
    Invalid,
    Fault(&'v Fault),
    /// The end, while something is still open.
    Unfinished,
}

fn refuse(rows: &mut Rows<'_, '_>, given: Given<'_>) {
    match given {
        Given::Invalid => rows.cut_off("not valid JSON"),
        Given::Value(_) => rows.damaged("not a JSON object"),
        Given::Fault(fault @ Fault::NotJson) => rows.damaged(fault.reason()),
        Given::Fault(fault) => rows.cut_off(fault.reason()),
        Given::Unfinished => (rows.each)(Part::Unfinished, rows.number),
    }
}

/// Hands every value to `each`, with the text around it, and before that what stood around the values of the page before.
fn each_value(feed: &mut Feed<'_>, cap: usize, each: &mut dyn FnMut(Given<'_>, &[u8])) -> Vec<u8> {
    let mut records = Records::new(feed, cap);
    let (mut envelope, mut around) = (Vec::new(), Vec::new());
    let mut whole = true;
    loop {
        let value = match records.next_record() {
            None => break,
            Some(Ok(record)) => Ok(value_of(record.bytes)),
            Some(Err(fault)) => Err(fault),
        };
        if envelope != records.envelope() || !around.starts_with(records.ended()) {
            records.envelope().clone_into(&mut envelope);
            around = [records.ended(), &envelope].concat();
        }
        whole = !matches!(value, Err(Fault::CutOff));
        match &value {
            Ok(Some(value)) => each(Given::Value(value), &around),
            Ok(None) => each(Given::Invalid, &around),
            Err(fault) => each(Given::Fault(fault), &around),
        }
    }
    if whole && records.unfinished() {
        each(Given::Unfinished, &around);
    }
    records.envelope().to_vec()
}
