//! How a load that still runs is dealt to slices.

records! {
    /// One row: what is unknown is `None`.
    LoadSlice in "load_slices": "what one slice has to load, in one look at a load that still runs" {
        SYSTEM system: Text = "The id space of query_id: stl",
        QUERY_ID query_id: Text = "The statement",
        SLICE slice: Count = "Slice",
        EVENT_TIME event_time: Moment = "When it was looked at",
        BYTES_TO_LOAD bytes_to_load: Bytes = "Bytes that the slice has to load in all",
        BYTES_LOADED bytes_loaded: Bytes = "Bytes of them that are loaded",
        FILES files: Count = "Files that the slice has to load",
    }
}
