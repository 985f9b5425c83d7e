//! What the dumps of a warehouse and a lake hold, on its way into tables: a record exported twice is one row.

use crate::{
    error::Result,
    fold::Rows,
    tables::{
        Table,
        clusters::{self, Cluster},
        external_scans::{self, ExternalScan},
        load_errors::{self, LoadError},
        load_files::{self, LoadFile},
        load_slices::{self, LoadSlice},
        loads::{self, Load},
        objects::{self, Object},
        queries::{self, Query},
        slices::{self, Slice},
        steps::{self, Step},
        table_stats::{self, TableStats},
        texts::{self, Text},
        transfer_errors::{self, TransferError},
    },
};
use polars::prelude::DataFrame;
use std::{collections::BTreeMap, sync::Arc};

/// The rows of some inputs.
#[derive(Debug, Default)]
pub struct Warehouse {
    /// Statements.
    pub queries: Vec<Query>,
    /// Pieces of long statements.
    pub texts: Vec<Text>,
    /// Steps and stages.
    pub steps: Vec<Step>,
    /// COPY statements.
    pub loads: Vec<Load>,
    /// Files that they read.
    pub load_files: Rows<LoadFile>,
    /// Values that they could not load.
    pub load_errors: Vec<LoadError>,
    /// Redshift tables.
    pub table_stats: Vec<TableStats>,
    /// Slices.
    pub slices: Vec<Slice>,
    /// What slices have to load.
    pub load_slices: Vec<LoadSlice>,
    /// Requests to S3 that failed.
    pub transfer_errors: Vec<TransferError>,
    /// S3 objects.
    pub objects: Rows<Object>,
    /// Scans of external tables.
    pub external_scans: Vec<ExternalScan>,
    /// Clusters and workgroups.
    pub clusters: Vec<Cluster>,
}

impl Warehouse {
    /// Adds the rows of another input, and says whether some of them came before and had to be counted again.
    pub fn merge(&mut self, other: Self) -> bool {
        let before = self.load_files.twice() + self.objects.twice();
        self.queries.extend(other.queries);
        self.texts.extend(other.texts);
        self.steps.extend(other.steps);
        self.loads.extend(other.loads);
        self.load_files.merge(other.load_files);
        self.load_errors.extend(other.load_errors);
        self.table_stats.extend(other.table_stats);
        self.slices.extend(other.slices);
        self.load_slices.extend(other.load_slices);
        self.transfer_errors.extend(other.transfer_errors);
        self.objects.merge(other.objects);
        self.external_scans.extend(other.external_scans);
        self.clusters.extend(other.clusters);
        self.load_files.twice() + self.objects.twice() > before
    }

    /// Every record once: what an export left out, its copy may tell.
    pub fn settle(&mut self) {
        once(&mut self.queries, |it| (it.system.clone(), it.query_id.clone()), Query::fill_from);
        once(&mut self.texts, |it| (it.system.clone(), it.query_id.clone(), it.sequence), Text::fill_from);
        once(
            &mut self.steps,
            |it| {
                let place = (it.child_sequence, it.stream_id, it.segment_id, it.step_id);
                (it.system.clone(), it.query_id.clone(), place, it.stage_id.clone(), it.level.clone())
            },
            Step::fill_from,
        );
        once(&mut self.loads, |it| (it.system.clone(), it.query_id.clone()), Load::fill_from);
        once(
            &mut self.load_files.rows,
            |it| {
                let range = (it.slice, it.start_offset, it.is_partial, it.splits_scanned, it.bytes_scanned);
                (it.view.clone(), it.system.clone(), it.query_id.clone(), it.file_name.clone(), range)
            },
            LoadFile::fill_from,
        );
        let of_error = |it: &LoadError| {
            let place = (it.file_name.clone(), it.line_number, it.column_name.clone(), it.position);
            (it.view.clone(), it.query_id.clone(), place, it.error_code.clone(), it.raw_value.clone(), it.raw_line.clone())
        };
        // One export may hold two rows alike: views cut lines and values. Another export of them is a copy.
        let mut seen = BTreeMap::new();
        let mut nth = |it: &LoadError| {
            let count = seen.entry((Arc::clone(&it.origin.file), of_error(it))).or_insert(0_u32);
            *count += 1;
            *count
        };
        once(&mut self.load_errors, |it| (of_error(it), nth(it)), LoadError::fill_from);
        once(&mut self.table_stats, |it| (it.database_name.clone(), it.schema_name.clone(), it.table_name.clone()), TableStats::fill_from);
        once(&mut self.slices, |it| (it.node, it.slice), Slice::fill_from);
        // A look that does not name its load is one of its own.
        let look = |it: &LoadSlice| (it.query_id.clone(), it.query_id.is_none().then(|| Arc::clone(&it.origin.file)), it.event_time);
        once(&mut self.load_slices, |it| (look(it), it.slice), LoadSlice::fill_from);
        once(
            &mut self.transfer_errors,
            |it| (it.query_id.clone(), it.slice, it.event_time, it.file_name.clone(), it.error_message.clone()),
            TransferError::fill_from,
        );
        once(
            &mut self.objects.rows,
            |it| (it.bucket.clone(), it.key.clone(), it.size_bytes, it.is_latest, it.is_delete_marker),
            Object::fill_from,
        );
        once(
            &mut self.external_scans,
            |it| (it.query_id.clone(), it.child_sequence, it.segment_id, it.start_time, it.table_name.clone(), it.file_location.clone()),
            ExternalScan::fill_from,
        );
        once(&mut self.clusters, |it| it.name.clone(), Cluster::fill_from);
        // Objects are told apart by group, and become rows when their table is built.
        self.load_files.settle();
    }

    /// The tables, each built when the rows of the one before are gone.
    pub fn frames(self) -> Result<Vec<(&'static Table, DataFrame)>> {
        Ok(vec![
            (&queries::TABLE, queries::TABLE.frame(self.queries.into_iter().map(Query::cells))?),
            (&texts::TABLE, texts::TABLE.frame(self.texts.into_iter().map(Text::cells))?),
            (&steps::TABLE, steps::TABLE.frame(self.steps.into_iter().map(Step::cells))?),
            (&loads::TABLE, loads::TABLE.frame(self.loads.into_iter().map(Load::cells))?),
            (&load_files::TABLE, load_files::TABLE.frame(self.load_files.rows.into_iter().map(LoadFile::cells))?),
            (&load_errors::TABLE, load_errors::TABLE.frame(self.load_errors.into_iter().map(LoadError::cells))?),
            (&table_stats::TABLE, table_stats::TABLE.frame(self.table_stats.into_iter().map(TableStats::cells))?),
            (&slices::TABLE, slices::TABLE.frame(self.slices.into_iter().map(Slice::cells))?),
            (&load_slices::TABLE, load_slices::TABLE.frame(self.load_slices.into_iter().map(LoadSlice::cells))?),
            (&transfer_errors::TABLE, transfer_errors::TABLE.frame(self.transfer_errors.into_iter().map(TransferError::cells))?),
            (&objects::TABLE, objects::TABLE.frame(self.objects.into_iter().map(Object::cells))?),
            (&external_scans::TABLE, external_scans::TABLE.frame(self.external_scans.into_iter().map(ExternalScan::cells))?),
            (&clusters::TABLE, clusters::TABLE.frame(self.clusters.into_iter().map(Cluster::cells))?),
        ])
    }
}

/// Keeps the first row of each key, in the order of origin, and lets its copies fill what it lacks.
fn once<R, K: Ord>(rows: &mut Vec<R>, mut key: impl FnMut(&R) -> K, fill: impl Fn(&mut R, &R)) {
    let mut at: BTreeMap<K, usize> = BTreeMap::new();
    let mut kept: Vec<R> = Vec::with_capacity(rows.len());
    for row in rows.drain(..) {
        let next = kept.len();
        let place = *at.entry(key(&row)).or_insert(next);
        match kept.get_mut(place) {
            Some(first) => fill(first, &row),
            None => kept.push(row),
        }
    }
    *rows = kept;
}
