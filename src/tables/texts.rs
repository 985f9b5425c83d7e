//! Pieces of statements that are longer than the query history keeps.

records! {
    /// One row: what is unknown is `None`.
    Text in "query_texts": "one piece of the full text of a statement" {
        SYSTEM system: Text = "The id space of query_id: sys, stl",
        QUERY_ID query_id: Text = "The statement",
        SEQUENCE sequence: Count = "Place of the piece, from 0",
        TEXT text: Text = "The piece",
    }
}
