//! Which inputs of two reports are the same one of another night: by their names, without what changes from night to night.

use std::collections::BTreeMap;

/// How much of a name is left out, in rising order: nothing, what numbers it, all digits.
const LEVELS: usize = 3;

/// For each input of one report, those of another that are named alike.
pub(super) struct Alike {
    /// `None` where nothing of the other report is named like it or like its neighbours.
    of: Vec<Option<Vec<usize>>>,
}

impl Alike {
    /// Names are compared as the user gave them; where that tells nothing, as they are seen from the folder that all lie in.
    pub(super) fn between(here: &[&str], there: &[&str]) -> Self {
        let given = [Names::of(here, 0), Names::of(there, 0)];
        let inside = [Names::of(here, folder_of(here)), Names::of(there, folder_of(there))];
        let ways = [&given, &inside].map(|[here, there]| (here, there, levels_of(here, there)));
        let alike = |input: usize| {
            ways.iter().find_map(|(here, there, levels)| {
                let names = here.of.get(input)?;
                let level = *levels.get(names.last()?)?;
                Some(there.at.get(level)?.get(names.get(level)?).cloned().unwrap_or_default())
            })
        };
        Self { of: (0..here.len()).map(alike).collect() }
    }

    /// Those that are named like an input. None at all is not the same as `None`: then its neighbours are there, and it is not.
    pub(super) fn to(&self, input: usize) -> Option<&[usize]> {
        self.of.get(input)?.as_deref()
    }
}

/// The names of a report's inputs, and the inputs by their names.
struct Names {
    of: Vec<[String; LEVELS]>,
    at: [BTreeMap<String, Vec<usize>>; LEVELS],
}

impl Names {
    fn of(paths: &[&str], folder: usize) -> Self {
        let levels = |it: &str| [it.to_owned(), without_serials(it), without_digits(it)];
        let of: Vec<[String; LEVELS]> = paths.iter().map(|it| levels(it.get(folder..).unwrap_or_default())).collect();
        let mut at: [BTreeMap<String, Vec<usize>>; LEVELS] = Default::default();
        for (input, names) in of.iter().enumerate() {
            for (name, inputs) in names.iter().zip(&mut at) {
                inputs.entry(name.clone()).or_default().push(input);
            }
        }
        Self { of, at }
    }
}

/// By how much is left out inputs are told apart: for names that are the same without digits, the least at which any of them recurs.
///
/// Where `dag1.log` and `dag2.log` are there again, a digit is part of a name; where only other dates are, it is not.
fn levels_of<'a>(here: &'a Names, there: &Names) -> BTreeMap<&'a String, usize> {
    let mut levels: BTreeMap<&String, usize> = BTreeMap::new();
    for names in &here.of {
        let recurs = names.iter().zip(&there.at).position(|(name, inputs)| inputs.contains_key(name));
        if let (Some(level), Some(group)) = (recurs, names.last()) {
            let least = levels.entry(group).or_insert(level);
            *least = level.min(*least);
        }
    }
    levels
}

/// How many bytes of each path name the folder that all of them lie in.
fn folder_of(paths: &[&str]) -> usize {
    let Some((first, others)) = paths.split_first() else { return 0 };
    let shared = |other: &&str| first.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let bytes = others.iter().map(shared).min().unwrap_or(first.len());
    first.as_bytes().get(..bytes).unwrap_or_default().iter().rposition(|it| *it == b'/').map_or(0, |it| it + 1)
}

/// A name without what numbers it: dates, times, ids, counters.
fn without_serials(path: &str) -> String {
    let path = without_unique_ids(path);
    let mut name = String::with_capacity(path.len());
    for part in path.split_inclusive(|it: char| !it.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|it: char| !it.is_ascii_alphanumeric());
        name.push_str(if is_serial(word) { "#" } else { word });
        name.push_str(part.get(word.len()..).unwrap_or_default());
    }
    name
}

/// `2026`, `20260814T235959Z`, `9f3c0a1b2d4e`: a word that tells one night, run or part of a file from another.
fn is_serial(word: &str) -> bool {
    let has_digit = word.bytes().any(|it| it.is_ascii_digit());
    let is_time = word.bytes().all(|it| it.is_ascii_digit() || matches!(it, b'T' | b'Z'));
    let is_id = word.len() >= 8 && word.bytes().all(|it| it.is_ascii_hexdigit());
    has_digit && (is_time || is_id)
}

/// A name without the ids of the form `9f3c0a1b-2d4e-4a6b-8c9d-0011aabbccdd`.
fn without_unique_ids(path: &str) -> String {
    const LENGTH: usize = 36;
    let is_unique_id = |text: &str| {
        text.bytes().enumerate().all(|(at, it)| if matches!(at, 8 | 13 | 18 | 23) { it == b'-' } else { it.is_ascii_hexdigit() })
    };
    let (mut name, mut rest) = (String::with_capacity(path.len()), path);
    while let Some(letter) = rest.chars().next() {
        if rest.get(..LENGTH).is_some_and(is_unique_id) {
            name.push('#');
            rest = rest.get(LENGTH..).unwrap_or_default();
        } else {
            name.push(letter);
            rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        }
    }
    name
}

/// A name without any digits.
fn without_digits(path: &str) -> String {
    let mut name = String::with_capacity(path.len());
    for letter in without_serials(path).chars() {
        match letter.is_ascii_digit() {
            true if name.ends_with('#') => (),
            true => name.push('#'),
            false => name.push(letter),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alike(here: &[&str], there: &[&str], input: usize) -> Option<Vec<usize>> {
        Alike::between(here, there).to(input).map(<[usize]>::to_vec)
    }

    #[test]
    fn dates_ids_and_counters_are_left_out() {
        let task = |run: &str, attempt: u8| format!("dag_id=a/run_id=scheduled__{run}/task_id=t/attempt={attempt}.log");
        assert_eq!(without_serials(&task("2026-01-02T03:04:05+00:00", 1)), without_serials(&task("2026-11-30T13:14:15+00:00", 2)));
        assert_eq!(without_serials("export/9f3c0a1b2d4e/000000.gz"), "export/#/#.gz");
        assert_eq!(without_serials("logs/9f3c0a1b-2d4e-4a6b-8c9d-0011aabbccdd/all.json"), "logs/#/all.json");
        assert_eq!(without_serials("raw/x/20260814T000000Z-20260814T235959Z.zst"), "raw/x/#-#.zst");
        assert_eq!(without_serials("dag1/scheduler.log.2"), "dag1/scheduler.log.#");
        assert_eq!(without_digits("dag1/scheduler.log.2"), "dag#/scheduler.log.#");
        assert_eq!(without_serials("été/9f3c0a1b-2d4e-4a6b-8c9d-0011aabbccd"), "été/#-2d4e-4a6b-8c9d-#");
    }

    #[test]
    fn the_same_input_of_another_night() {
        assert_eq!(alike(&["x/dt=2026-01-02/task.log"], &["x/dt=2026-11-30/other.log", "x/dt=2026-11-30/task.log"], 0), Some(vec![1]));
        assert_eq!(alike(&["case-1/raw/a.zst"], &["case-2/raw/a.zst"], 0), Some(vec![0]));
        assert_eq!(alike(&["monday/a.log", "monday/b.log"], &["tuesday/b.log", "tuesday/a.log"], 0), Some(vec![1]));
        assert_eq!(alike(&["-"], &["-"], 0), Some(vec![0]));
    }

    #[test]
    fn a_digit_is_part_of_a_name_where_such_names_recur() {
        let here = ["logs/dag1.log", "logs/dag2.log"];
        assert_eq!(alike(&here, &["logs/dag2.log"], 0), Some(vec![]), "dag1 is not there, and dag2 is not dag1");
        let here = ["logs/2026-01-01/dag1.log", "logs/2026-01-01/dag2.log"];
        assert_eq!(alike(&here, &["logs/2026-01-02/dag2.log"], 0), Some(vec![]));
        assert_eq!(alike(&here, &["logs/2026-01-02/dag2.log"], 1), Some(vec![0]));
    }

    #[test]
    fn tries_that_are_no_longer_needed_are_named_like_the_first() {
        let here = ["run=2026-01-01/task=a/attempt=1.log", "run=2026-01-01/task=a/attempt=2.log"];
        assert_eq!(alike(&here, &["run=2026-01-02/task=a/attempt=1.log"], 1), Some(vec![0]));
    }

    #[test]
    fn names_that_tell_nothing_are_none() {
        assert_eq!(alike(&["a/x.log"], &["b/y.log"], 0), None);
        assert_eq!(alike(&["a/x.log"], &[], 0), None);
        assert_eq!(alike(&[], &["a/x.log"], 0), None);
    }
}
