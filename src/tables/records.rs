//! How a table whose rows are records of a dump is declared, and how such a row names the try that it is about.

/// Declares a table whose rows are records of a dump: its columns, a struct for one row, and the ways between them.
/// Every field may be unknown.
macro_rules! records {
    (
        $(#[$about:meta])* $row:ident in $table:literal: $meaning:literal
        { $($column:ident $field:ident: $kind:ident = $told:literal,)* }
    ) => {
        $(#[doc = concat!($told, ".")] pub const $column: $crate::tables::Column =
            $crate::tables::Column::new(stringify!($field), $crate::tables::Kind::$kind, $told);)*

        #[doc = concat!("Each row is ", $meaning, ".")]
        pub static TABLE: $crate::tables::Table =
            $crate::tables::Table { name: $table, meaning: $meaning, columns: &[$($column),*] };

        $(#[$about])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $row {
            $(#[doc = concat!($told, ".")] pub $field: records!(@type $kind),)*
            /// Where it was read.
            pub origin: $crate::tables::Origin,
        }

        impl $row {
            /// The row, in column order.
            pub fn cells(self) -> ($crate::tables::Origin, Vec<$crate::tables::Cell>) {
                (self.origin, vec![$(self.$field.into()),*])
            }

            /// The row of a frame.
            pub fn read(row: $crate::tables::Row<'_>) -> Self {
                Self { $($field: records!(@read $kind row, $column),)* origin: row.origin() }
            }

            /// Takes over what only `other` knows.
            pub fn fill_from(&mut self, other: &Self) {
                $(if self.$field.is_none() {
                    self.$field.clone_from(&other.$field);
                })*
            }
        }
    };
    (@type Text) => { Option<String> };
    (@type Moment) => { Option<$crate::units::Moment> };
    (@type Flag) => { Option<bool> };
    (@type Ratio) => { Option<f64> };
    (@type $whole:ident) => { Option<i64> };
    (@read Text $row:ident, $column:ident) => { $row.text($column) };
    (@read Moment $row:ident, $column:ident) => { $row.moment($column) };
    (@read Flag $row:ident, $column:ident) => { $row.maybe_flag($column) };
    (@read Ratio $row:ident, $column:ident) => { $row.real($column) };
    (@read $whole:ident $row:ident, $column:ident) => { $row.whole($column) };
}

/// Gives a row with the columns of a try the ways between them and the try.
macro_rules! of_a_try {
    ($row:ident) => {
        impl $row {
            /// Says whose try ran it.
            pub fn name_task(&mut self, task: &$crate::tables::TaskRef) {
                self.dag_id.clone_from(&task.dag_id);
                self.task_id.clone_from(&task.task_id);
                self.run_id.clone_from(&task.run_id);
                self.map_index = task.map_index;
                self.try_number = task.try_number;
            }

            /// Whose try ran it, as far as that is known.
            pub fn task(&self) -> $crate::tables::TaskRef {
                $crate::tables::TaskRef {
                    dag_id: self.dag_id.clone(),
                    task_id: self.task_id.clone(),
                    run_id: self.run_id.clone(),
                    map_index: self.map_index,
                    try_number: self.try_number,
                    inferred: false,
                }
            }
        }
    };
}
