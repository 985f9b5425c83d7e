//! What no single line can know: tries put together from all that tells of them, spells in queued, refusals told twice,
//! loads with their files and statements, rejected values with their tables, objects with their partitions.

use crate::{
    logs::facts::Facts,
    tables::{errors::ErrorRow, mapped::MappedTry, spells::Spell, tries::Try},
    warehouse::Warehouse,
};

mod denials;
mod load_errors;
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
    loads::name_tasks(&mut warehouse.loads, &facts.loads);
    load_errors::settle(warehouse, &twins);
    load_errors::join_logs(warehouse, &facts.failed_loads);
    objects::settle(warehouse);
    denials::join(&mut errors, warehouse, &twins);
    Derived { spells: spells::spells(facts), mapped: tries::last_mapped(facts), errors, tries }
}
