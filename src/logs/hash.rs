//! The hashes by which task instances and tries are remembered, within one run of the program.

use crate::tables::TaskRef;
use foldhash::quality::FixedState;
use std::hash::{BuildHasher as _, Hasher as _};

/// The hash of a task instance, or of a try of it.
pub fn hash_of(task: &TaskRef, try_number: Option<i64>) -> u64 {
    hash_of_parts([&task.dag_id, &task.task_id, &task.run_id].map(Option::as_deref), task.map_index, try_number)
}

/// The same of a DAG, a task and a run.
pub(super) fn hash_of_parts(names: [Option<&str>; 3], map_index: Option<i64>, try_number: Option<i64>) -> u64 {
    let mut hasher = FixedState::with_seed(0).build_hasher();
    // The names behind each other, and how long each of them is.
    let mut lengths = 0;
    for name in names {
        hasher.write(name.unwrap_or_default().as_bytes());
        lengths = lengths << 21 | name.map_or(0, |it| it.len() as u64 + 1);
    }
    hasher.write_u64(lengths);
    for number in [map_index, try_number] {
        hasher.write_i64(number.unwrap_or(i64::MIN));
    }
    hasher.finish()
}

/// Of the hash of a try that went well, the part that is kept: among millions of tries, one in a million is taken for another.
pub(super) type ShortHash = [u8; 5];

/// That part.
pub(super) fn short_hash(hash: u64) -> ShortHash {
    *hash.to_le_bytes().first_chunk().unwrap_or(&[0; 5])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_and_numbers_have_other_hashes() {
        let names = [["a", "b", "c"], ["ab", "", "c"], ["a", "bc", ""], ["", "", "abc"]].map(|it| it.map(Some));
        let parts = names.into_iter().chain([[None, None, Some("abc")], [Some("abc"), None, None]]);
        let numbers = [(None, None), (Some(0), None), (None, Some(0)), (Some(1), Some(0)), (Some(0), Some(1))];
        let all: Vec<u64> = parts.flat_map(|names| numbers.map(|(index, attempt)| hash_of_parts(names, index, attempt))).collect();
        let mut different = all.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), all.len());
    }
}
