//! What no single line can know: tries put together from all that tells of them, spells in queued, refusals told twice,
//! loads with their files and statements, rejected values with their tables, objects with their partitions.
//!
//! ## The joins
//!
//! A task instance is a DAG, a task, a run and a mapped index. A load, a statement and a file have an id within one id space
//! (`sys`, `stl`, `data-api`, `athena`); ids of two spaces are compared only where it says so.
//!
//! | what | with | by |
//! |---|---|---|
//! | scheduler's lines | the try's own log | instance and try; a line without a try number speaks of the only try there is |
//! | a failed try | the later try that made it good | instance, and a try number at most 20 higher |
//! | a mapped try | an earlier one | instance: the one that ended last counts |
//! | queued | started, stuck, finished | instance, and the order of time; lines within 5 s tell one step |
//! | a stuck line that names a task id alone | instances | task id, if as many sat in queued as there are lines, or were queued again within 120 s |
//! | a refusal | its copy in another input | instance, try and what was refused; without a task the message too, within 2 s and not of two requests |
//! | a refusal | how its try ended | instance and try |
//! | a refusal | the statement that was refused | AWS request id, else the query id as the log prints it |
//! | a Data API statement | the query history | `RedshiftQueryId`, which is a SYS id |
//! | a piece of text, a file, an error, a load | its statement | id within one id space |
//! | a range of a file in one STL view | the same in another | query, file and offset |
//! | an STL statement | its SYS twin | table and transaction within 60 s; else table, place and a start within 2 s |
//! | a load | the try that ran it | an id that its log shows (`load_ids`): query id, transaction, statement of the Data API |
//! | a load | the try that ran it | table, place and a start within 10 min of the COPY in its log (`loads`), where no id tells |
//! | a value of `STL_LOADERROR_DETAIL` | its error | query, file, line and column |
//! | an STL error | its SYS twin | the load, file, line and column |
//! | an error | its table | the load or statement; else the table's number in `SVV_TABLE_INFO` |
//! | an error | the try that met it | the load, if it has a try; else table, and a log that saw the COPY fail within an hour of its start |
//! | a COPY that a log saw fail | its statement | the message, within an hour |
//! | an object without a bucket | one with a bucket | key |
//! | an object | its other listings | bucket and key: the latest listing counts |
//! | a data folder | the Iceberg or Delta table above it | the folder that holds the table's metadata |

use crate::{
    logs::facts::Facts,
    tables::{errors::ErrorRow, mapped::MappedTry, spells::Spell, tries::Try},
    warehouse::Warehouse,
};

mod denials;
mod load_errors;
mod load_ids;
mod loads;
mod objects;
mod refusals;
mod spells;
mod statement;
mod tries;

/// What was put together.
#[derive(Debug, Default)]
pub struct Derived {
    /// Refusals, each once.
    pub errors: Vec<ErrorRow>,
    /// Tries that did not simply succeed.
    pub tries: Vec<Try>,
    /// Long or stuck stays in queued.
    pub spells: Vec<Spell>,
    /// Mapped tries that succeeded, the last of each index.
    pub mapped: Vec<MappedTry>,
}

/// Puts together what the facts tell.
pub fn derive(facts: &Facts, warehouse: &mut Warehouse) -> Derived {
    let tries = tries::tries(facts);
    let mut errors = refusals::once(&facts.errors);
    tries::join(&mut errors, &tries, facts);
    let twins = loads::settle(warehouse);
    load_ids::name_tasks(&mut warehouse.loads, &warehouse.queries, &facts.load_ids);
    loads::name_tasks(&mut warehouse.loads, &facts.loads);
    load_errors::settle(warehouse, &twins);
    load_errors::join_logs(warehouse, &facts.failed_loads);
    objects::settle(warehouse);
    denials::join(&mut errors, warehouse, &twins);
    Derived { spells: spells::spells(facts), mapped: tries::last_mapped(facts), errors, tries }
}
