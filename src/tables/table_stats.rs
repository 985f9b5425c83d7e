//! Redshift tables and how their rows lie.

records! {
    /// One row: what is unknown is `None`.
    TableStats in "table_stats": "one Redshift table, as SVV_TABLE_INFO measures it" {
        DATABASE_NAME database_name: Text = "Database",
        SCHEMA_NAME schema_name: Text = "Schema",
        TABLE_NAME table_name: Text = "Table",
        TABLE_ID table_id: Text = "Table, as a number",
        DISTSTYLE diststyle: Text = "Distribution: EVEN, ALL, KEY(column), AUTO(...)",
        SORTKEY1 sortkey1: Text = "First sort key",
        SIZE_BYTES size_bytes: Bytes = "Size on disk",
        TBL_ROWS tbl_rows: Count = "Rows, with those that are deleted and not yet vacuumed",
        SKEW_ROWS skew_rows: Ratio = "Rows in the fullest slice to rows in the emptiest",
        SKEW_SORTKEY1 skew_sortkey1: Ratio = "Size of the largest column to size of the first sort key",
        UNSORTED unsorted: Ratio = "Share of rows that are not sorted, in percent",
        STATS_OFF stats_off: Ratio = "How stale the statistics are: 0 fresh, 100 stale",
    }
}
