//! Slices of a Redshift cluster.

records! {
    /// One row: what is unknown is `None`.
    Slice in "slices": "one slice of a Redshift cluster" {
        NODE node: Count = "Node",
        SLICE slice: Count = "Slice",
        SLICE_TYPE slice_type: Text = "D holds data, C only computes",
    }
}
