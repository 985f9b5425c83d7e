//! Events of `CloudWatch` Logs in JSON: answers of the CLI, of Insights, and what subscriptions deliver.

use super::{Batch, Event, HEAD_BYTES, Head, Input, Order, Source, Taken, each_json, ended, put_in_order, read_in_order};
use crate::{
    logs::{
        LogReader,
        events::{self, Events},
    },
    records::json::{
        Envelope, Records,
        flat::{Cursor, Left},
        parts::{Form, Given, Place, Sizes, elements},
    },
};
use serde_json::Value;
use std::sync::Arc;

mod answers;
mod insights;
mod kept;
mod subscription;
#[cfg(test)]
mod tests;

pub(super) use answers::SOURCE as ANSWERS;
pub(super) use insights::SOURCE as INSIGHTS;
pub(super) use subscription::SOURCE as SUBSCRIPTION;

/// Reads an event that is written plainly.
type ReadPlain = fn(&mut Cursor<'_>, &mut Events) -> Result<(), Left>;

/// Takes any other record.
type Take<'t> = &'t mut (dyn FnMut(&mut LogReader<'_>, &Value, &Envelope, u64) -> Result<(), &'static str> + Send);

/// Reads every event of an input, plain ones by all cores.
fn each_event(input: &mut Input<'_, '_>, sizes: Sizes, plain: ReadPlain, take: Take<'_>) -> Envelope {
    let (name, zone, cap) = (Arc::clone(&input.name), input.zone, input.caps.record_bytes.saturating_mul(16));
    let mut reader = LogReader::new(Arc::clone(&name), zone.clone(), &mut input.out.facts);
    // The facts are being written: what is counted meanwhile is added behind them.
    let mut counted = Batch::default();
    let mut taken = Taken::default();
    let form = Form {
        fits: &|text: &str, place: Place| elements(text, place, 1, |it| plain(it, &mut Events::default())),
        read: &|text: &str, place: Place| {
            let mut found = Events::of_bytes(text.len());
            let read = elements(text, place, u64::MAX, |it| plain(it, &mut found));
            read.telling(events::read(found, &name, zone))
        },
    };
    let mut records = Records::new(input.feed, cap);
    records.in_parts(sizes, &form, &mut |given, envelope| match given {
        Given::Part(told, count) => {
            reader.takes_events(told, taken.number);
            taken.number += count;
            counted.parsed += count;
        }
        Given::Record(value) => {
            taken.take(Ok(value), envelope, &mut counted, &mut |value, envelope, number, _| take(&mut reader, value, envelope, number));
        }
        Given::Fault(fault) => taken.take(Err(fault), envelope, &mut counted, &mut |_, _, _, _| Ok(())),
    });
    let envelope = ended(&records, &mut counted);
    counted.saw(reader.finish());
    counted.facts = std::mem::take(&mut input.out.facts);
    *input.out = counted;
    envelope
}
