//! From a record of a view to the rows of our tables.

use crate::{
    fold::Sink,
    records::tabular::record::{Place, Record, has_chars},
    tables::{
        Origin,
        external_scans::ExternalScan,
        load_files::{self, LoadFile},
        load_slices::LoadSlice,
        loads::Load,
        queries::Query,
        slices::Slice,
        steps::Step,
        table_stats::TableStats,
        texts::Text,
    },
    units::Moment,
    warehouse::Warehouse,
};

/// The two id spaces of Redshift's query ids.
pub(super) const SYS: &str = "sys";
pub(super) const STL: &str = "stl";

/// How long `character(n)` columns for file names are.
const FILE_NAME_CHARS: usize = 256;
const FILE_SCAN_NAME_CHARS: usize = 90;

pub(super) type Put = Result<(), &'static str>;

pub(super) fn sys_id(it: &Record<'_>) -> Result<Option<String>, &'static str> {
    it.id("query_id").map(Some).ok_or("no query id")
}

pub(super) fn stl_id(it: &Record<'_>) -> Result<Option<String>, &'static str> {
    it.id("query").map(Some).ok_or("no query id")
}

fn millis_between(start: Option<Moment>, end: Option<Moment>) -> Option<i64> {
    Some((end?.0 - start?.0).max(0) / 1000)
}

pub(super) fn query_history(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.queries.push(Query {
        engine: Some("redshift".to_owned()),
        system: Some(SYS.to_owned()),
        query_id: sys_id(it)?,
        transaction_id: it.id("transaction_id"),
        query_text: it.text("query_text"),
        status: it.lower("status"),
        error_message: it.text("error_message"),
        user_id: it.text("user_id"),
        database_name: it.text("database_name"),
        query_type: it.text("query_type").map(|it| it.to_ascii_uppercase()),
        start_time: it.moment("start_time"),
        end_time: it.moment("end_time"),
        elapsed_ms: it.whole("elapsed_time"),
        queue_ms: it.whole("queue_time"),
        execution_ms: it.whole("execution_time"),
        planning_ms: it.whole("planning_time"),
        compute_type: it.lower("compute_type"),
        origin,
        ..Query::default()
    });
    Ok(())
}

pub(super) fn stl_query(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let status = it.flag("aborted").map(|it| if it { "aborted" } else { "success" }.to_owned());
    let (start_time, end_time) = (it.moment("starttime"), it.moment("endtime"));
    out.queries.push(Query {
        engine: Some("redshift".to_owned()),
        system: Some(STL.to_owned()),
        query_id: stl_id(it)?,
        transaction_id: it.id("xid"),
        query_text: it.text("querytxt"),
        status,
        user_id: it.text("userid"),
        database_name: it.text("database"),
        start_time,
        end_time,
        elapsed_ms: millis_between(start_time, end_time),
        origin,
        ..Query::default()
    });
    Ok(())
}

pub(super) fn query_text(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let sequence = Some(it.whole("sequence").ok_or("no sequence")?);
    out.texts.push(Text { system: Some(SYS.to_owned()), query_id: sys_id(it)?, sequence, text: it.text("text"), origin });
    Ok(())
}

pub(super) fn query_detail(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let step_id = it.whole("step_id");
    // A row with step -1 measures a segment, whatever it calls itself.
    let level = if step_id == Some(-1) { Some("segment".to_owned()) } else { it.lower("metrics_level") };
    let spilled = [it.whole("spilled_block_local_disk"), it.whole("spilled_block_remote_disk")];
    out.steps.push(Step {
        system: Some(SYS.to_owned()),
        query_id: sys_id(it)?,
        child_sequence: it.whole("child_query_sequence"),
        stream_id: it.whole("stream_id"),
        segment_id: it.whole("segment_id"),
        step_id,
        level,
        step_name: it.lower("step_name"),
        table_name: it.text("table_name").filter(|it| it != ".."),
        start_time: it.moment("start_time"),
        end_time: it.moment("end_time"),
        duration_ms: it.whole("duration"),
        input_rows: it.whole("input_rows"),
        output_rows: it.whole("output_rows"),
        input_bytes: it.whole("input_bytes"),
        output_bytes: it.whole("output_bytes"),
        spilled_bytes: spilled.into_iter().flatten().reduce(i64::saturating_add),
        data_skewness: it.real("data_skewness"),
        time_skewness: it.real("time_skewness"),
        is_active: it.flag("is_active"),
        origin,
        ..Step::default()
    });
    Ok(())
}

pub(super) fn load_history(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.loads.push(Load {
        system: Some(SYS.to_owned()),
        query_id: sys_id(it)?,
        transaction_id: it.id("transaction_id"),
        database_name: it.text("database_name"),
        table_name: it.text("table_name"),
        data_source: it.text("data_source"),
        file_format: it.lower("file_format"),
        status: it.lower("status"),
        start_time: it.moment("start_time"),
        end_time: it.moment("end_time"),
        duration_ms: it.whole("duration"),
        loaded_rows: it.whole("loaded_rows"),
        loaded_bytes: it.whole("loaded_bytes"),
        source_file_count: it.whole("source_file_count"),
        source_file_bytes: it.whole("source_file_bytes"),
        scanned_file_count: it.whole("file_count_scanned"),
        scanned_file_bytes: it.whole("file_bytes_scanned"),
        error_count: it.whole("error_count"),
        copy_job_id: it.id("copy_job_id"),
        user_id: it.text("user_id"),
        origin,
        ..Load::default()
    });
    Ok(())
}

/// What is read of `SYS_LOAD_DETAIL`.
pub(super) const LOAD_DETAIL: [&str; 7] =
    ["query_id", "file_name", "bytes_scanned", "lines_scanned", "splits_scanned", "start_time", "end_time"];

pub(super) fn load_detail(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    put_load_file(it, &it.places(LOAD_DETAIL), || origin, &mut out.load_files)
}

pub(super) fn put_load_file(it: &Record<'_>, places: &[Place; 7], origin: impl FnOnce() -> Origin, rows: &mut impl Sink<LoadFile>) -> Put {
    let [query, name, bytes, lines, splits, start, end] = *places;
    let query = it.whole_at(query).filter(|it| *it > 0).ok_or("no query id")?;
    let (mut digits, name) = (itoa::Buffer::new(), it.text_at(name));
    let (start, end) = (it.moment_at(start), it.moment_at(end));
    let seen = load_files::Seen {
        query_id: digits.format(query),
        file_name: name.as_deref().unwrap_or_default(),
        bytes: it.whole_at(bytes),
        splits: it.whole_at(splits),
        start,
        end: end.or(start),
    };
    let row = || LoadFile {
        view: Some(it.view().to_owned()),
        system: Some(SYS.to_owned()),
        query_id: Some(seen.query_id.to_owned()),
        file_name: name.as_deref().map(ToOwned::to_owned),
        name_truncated: name.as_deref().map(|it| has_chars(it, FILE_NAME_CHARS)),
        bytes_scanned: seen.bytes,
        lines_scanned: it.whole_at(lines),
        splits_scanned: seen.splits,
        start_time: start,
        duration_ms: millis_between(start, end),
        origin: origin(),
        ..LoadFile::default()
    };
    rows.put(|group| seen.sight(group), row);
    Ok(())
}

/// `STL_LOAD_COMMITS`, and what is called `STL_LOAD_INFO`: the same with sizes and the statement.
pub(super) fn load_commits(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let query_id = stl_id(it)?;
    let told_before = out.queries.last().is_some_and(|it| it.query_id == query_id);
    if it.text("querytxt").is_some() && !told_before {
        stl_query(it, origin.clone(), out)?;
    }
    out.load_files.push(LoadFile {
        view: Some(it.view().to_owned()),
        system: Some(STL.to_owned()),
        query_id,
        file_name: it.text("filename"),
        name_truncated: it.fills("filename", FILE_NAME_CHARS),
        slice: it.whole("slice"),
        bytes_scanned: it.whole("data_size"),
        transfer_bytes: it.whole("transfer_size"),
        lines_scanned: it.whole("lines_scanned"),
        is_partial: it.flag("is_partial"),
        start_offset: it.whole("start_offset"),
        error_count: it.whole("errors"),
        file_format: it.lower("file_format"),
        copy_job_id: it.id("copy_job_id"),
        origin,
        ..LoadFile::default()
    });
    Ok(())
}

pub(super) fn file_scan(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.load_files.push(LoadFile {
        view: Some(it.view().to_owned()),
        system: Some(STL.to_owned()),
        query_id: stl_id(it)?,
        file_name: it.text("name"),
        name_truncated: it.fills("name", FILE_SCAN_NAME_CHARS),
        slice: it.whole("slice"),
        bytes_scanned: it.whole("bytes"),
        lines_scanned: it.whole("lines"),
        is_partial: it.flag("is_partial"),
        start_offset: it.whole("start_offset"),
        duration_ms: it.whole("loadtime"),
        origin,
        ..LoadFile::default()
    });
    Ok(())
}

pub(super) fn s3client(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let query_id = stl_id(it)?;
    let key = it.text("key").ok_or("no key")?;
    // Lists stand among the reads, with their arguments for a key and a slice that is none.
    if it.lower("http_method").is_some_and(|it| it != "get") || key.starts_with("prefix=") {
        return Ok(());
    }
    let start_time = it.moment("start_time");
    out.load_files.push(LoadFile {
        view: Some(it.view().to_owned()),
        system: Some(STL.to_owned()),
        query_id,
        file_name: Some(it.text("bucket").map_or_else(|| key.clone(), |bucket| format!("s3://{bucket}/{key}"))),
        name_truncated: it.fills("key", FILE_NAME_CHARS),
        slice: it.whole("slice"),
        bytes_scanned: it.whole("data_size"),
        transfer_bytes: it.whole("transfer_size"),
        is_partial: it.flag("is_partial"),
        start_offset: it.whole("start_offset"),
        start_time,
        duration_ms: millis_between(start_time, it.moment("end_time")).or_else(|| it.whole("transfer_time")),
        retries: it.whole("retries"),
        origin,
        ..LoadFile::default()
    });
    Ok(())
}

/// Queries of the system itself have no id.
/// The view counts packed and plain bytes apart: of one file either is 0.
pub(super) fn load_state(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let either = |plain: &str, packed: &str| it.whole(plain).filter(|it| *it > 0).or(it.whole(packed)).or(it.whole(plain));
    out.load_slices.push(LoadSlice {
        system: Some(STL.to_owned()),
        query_id: it.id("query"),
        slice: Some(it.whole("slice").ok_or("no slice")?),
        event_time: it.moment("recordtime"),
        bytes_to_load: either("bytes_to_load", "bytes_to_load_compressed"),
        bytes_loaded: either("bytes_loaded", "bytes_loaded_compressed"),
        files: it.whole("num_files"),
        origin,
    });
    Ok(())
}

pub(super) fn external_query_detail(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.external_scans.push(ExternalScan {
        system: Some(SYS.to_owned()),
        query_id: sys_id(it)?,
        child_sequence: it.whole("child_query_sequence"),
        segment_id: it.whole("segment_id"),
        source_type: it.text("source_type"),
        table_name: it.text("table_name"),
        file_location: it.text("file_location"),
        file_format: it.lower("file_format"),
        start_time: it.moment("start_time"),
        end_time: it.moment("end_time"),
        duration_ms: it.whole("duration"),
        total_partitions: it.whole("total_partitions"),
        qualified_partitions: it.whole("qualified_partitions"),
        scanned_files: it.whole("scanned_files"),
        returned_rows: it.whole("returned_rows"),
        returned_bytes: it.whole("returned_bytes"),
        list_ms: it.whole("s3list_time"),
        partition_ms: it.whole("get_partition_time"),
        warning_message: it.text("warning_message"),
        origin,
    });
    Ok(())
}

pub(super) fn slices(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    let slice = Some(it.whole("slice").ok_or("no slice")?);
    out.slices.push(Slice { node: it.whole("node"), slice, slice_type: it.text("type").map(|it| it.to_ascii_uppercase()), origin });
    Ok(())
}

pub(super) fn table_info(it: &Record<'_>, origin: Origin, out: &mut Warehouse) -> Put {
    out.table_stats.push(TableStats {
        database_name: it.text("database"),
        schema_name: it.text("schema"),
        table_name: Some(it.text("table").ok_or("no table name")?),
        table_id: it.id("table_id"),
        diststyle: it.text("diststyle"),
        sortkey1: it.text("sortkey1"),
        size_bytes: it.whole("size"),
        tbl_rows: it.whole("tbl_rows"),
        skew_rows: it.real("skew_rows"),
        skew_sortkey1: it.real("skew_sortkey1"),
        unsorted: it.real("unsorted"),
        stats_off: it.real("stats_off"),
        origin,
    });
    Ok(())
}
