//! Redshift clusters and workgroups.

records! {
    /// One row: what is unknown is `None`.
    Cluster in "clusters": "one Redshift cluster or workgroup" {
        NAME name: Text = "Name",
        NODE_TYPE node_type: Text = "Node type",
        NODES nodes: Count = "Nodes",
        TOTAL_SLICES total_slices: Count = "Data slices, where a dump tells them",
        IS_SERVERLESS is_serverless: Flag = "Whether it is a serverless workgroup",
        BASE_CAPACITY_RPU base_capacity_rpu: Count = "Base capacity of a workgroup, in RPU",
        ROLE_ARNS role_arns: Text = "Roles that it may assume, by comma",
    }
}
