//! How unevenly amounts are spread: every measure that a verdict on skew needs, and none of them alone.

/// What some amounts are like.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// How many.
    pub count: usize,
    /// Their sum.
    pub total: f64,
    /// The largest.
    pub max: f64,
    /// The arithmetic mean.
    pub mean: f64,
    /// The median.
    pub median: f64,
    /// Largest to median; `None` when the median is 0.
    pub max_over_median: Option<f64>,
    /// Largest to mean.
    pub max_over_mean: f64,
    /// Standard deviation to mean.
    pub cv: f64,
    /// Gini's coefficient: 0 equal, towards 1 all in one.
    pub gini: f64,
    /// Share of the largest.
    pub top_share: f64,
    /// How far the largest stands from the median, in robust deviations; `None` when all are equal to it.
    pub modified_z: Option<f64>,
    /// How many equal amounts would be as concentrated: 1 / sum of squared shares.
    pub effective_count: f64,
}

/// A mean absolute deviation this many times makes a standard deviation, where the median deviation is 0.
const MEAN_DEVIATION: f64 = 1.253_314;

/// The 0.6745 quantile makes a median absolute deviation comparable to a standard deviation.
const MEDIAN_DEVIATION: f64 = 0.674_5;

/// Measures amounts; `None` when there are none, or nothing in them.
pub fn spread(amounts: &[f64]) -> Option<Spread> {
    let sorted = sorted(amounts);
    let (count, total) = (sorted.len(), sorted.iter().sum::<f64>());
    let max = *sorted.last()?;
    if total <= 0.0 {
        return None;
    }
    let n = real(count);
    let mean = total / n;
    let median = quantile(&sorted, 0.5)?;
    let variance = sorted.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / n;
    let ranked: f64 = sorted.iter().enumerate().map(|(at, it)| (2.0 * real(at + 1) - n - 1.0) * it).sum();
    Some(Spread {
        count,
        total,
        max,
        mean,
        median,
        max_over_median: (median > 0.0).then(|| max / median),
        max_over_mean: max / mean,
        cv: variance.sqrt() / mean,
        gini: ranked / (n * total),
        top_share: max / total,
        modified_z: modified_z(&sorted, max, median),
        effective_count: 1.0 / sorted.iter().map(|it| (it / total).powi(2)).sum::<f64>(),
    })
}

fn modified_z(sorted: &[f64], value: f64, median: f64) -> Option<f64> {
    let deviations: Vec<f64> = self::sorted(&sorted.iter().map(|it| (it - median).abs()).collect::<Vec<_>>());
    let typical = quantile(&deviations, 0.5)?;
    let mean = deviations.iter().sum::<f64>() / real(deviations.len());
    match (typical > 0.0, mean > 0.0) {
        (true, _) => Some(MEDIAN_DEVIATION * (value - median) / typical),
        (false, true) => Some((value - median) / (MEAN_DEVIATION * mean)),
        (false, false) => None,
    }
}

/// The amounts in rising order, without what is no number.
pub fn sorted(amounts: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = amounts.iter().copied().filter(|it| it.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The quantile of sorted amounts, between two neighbours in proportion.
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    between(sorted.len(), share, |place| sorted.get(place).copied())
}

/// What stands at a share of the way through `count` things, between two neighbours in proportion.
fn between(count: usize, share: f64, at: impl Fn(usize) -> Option<f64>) -> Option<f64> {
    let last = count.checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * real(last);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the last index")]
    let below = place.floor() as usize;
    let (low, high) = (at(below)?, at((below + 1).min(last))?);
    Some(low + (high - low) * (place - place.floor()))
}

/// The median of amounts in any order.
pub fn median(amounts: &[f64]) -> Option<f64> {
    quantile(&sorted(amounts), 0.5)
}

/// Amounts of which equal ones are counted together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Amounts {
    /// In rising order.
    counted: Vec<(f64, usize)>,
}

impl FromIterator<(f64, usize)> for Amounts {
    fn from_iter<I: IntoIterator<Item = (f64, usize)>>(counted: I) -> Self {
        let mut counted: Vec<(f64, usize)> = counted.into_iter().filter(|it| it.0.is_finite() && it.1 > 0).collect();
        counted.sort_by(|a, b| a.0.total_cmp(&b.0));
        counted.dedup_by(|it, before| {
            let same = it.0.total_cmp(&before.0).is_eq();
            before.1 += if same { it.1 } else { 0 };
            same
        });
        Self { counted }
    }
}

impl Amounts {
    /// Each amount, and how often it is there.
    pub fn counted(&self) -> impl DoubleEndedIterator<Item = (f64, usize)> {
        self.counted.iter().copied()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.counted.is_empty()
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.counted.iter().map(|it| it.1).sum()
    }

    /// Their sum.
    pub fn sum(&self) -> f64 {
        self.counted.iter().map(|it| it.0 * real(it.1)).sum()
    }

    /// The largest.
    pub fn max(&self) -> Option<f64> {
        self.counted.last().map(|it| it.0)
    }

    /// How many are below a limit.
    pub fn below(&self, limit: f64) -> usize {
        self.counted.iter().take_while(|it| it.0 < limit).map(|it| it.1).sum()
    }

    /// The quantile, between two neighbours in proportion.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        between(self.count(), share, |place| {
            let mut before = 0;
            self.counted.iter().find_map(|it| {
                before += it.1;
                (place < before).then_some(it.0)
            })
        })
    }
}

/// Two groups of amounts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Groups {
    /// How many are in the lower group.
    pub low_count: usize,
    /// Their mean.
    pub low_mean: f64,
    /// How many are in the higher group.
    pub high_count: usize,
    /// Their mean.
    pub high_mean: f64,
    /// Whether a gap wider than either group lies between them.
    pub apart: bool,
}

impl Groups {
    /// Higher mean to lower mean; `None` when the lower is 0.
    pub fn ratio(&self) -> Option<f64> {
        (self.low_mean > 0.0).then(|| self.high_mean / self.low_mean)
    }

    /// Whether each group holds at least this share of all.
    pub fn both_hold(&self, share: f64) -> bool {
        let all = real(self.low_count + self.high_count);
        real(self.low_count.min(self.high_count)) >= share * all
    }
}

/// Parts amounts into two groups whose border is the midpoint of their means.
pub fn two_groups(amounts: &[f64]) -> Option<Groups> {
    let sorted = sorted(amounts);
    let (first, last) = (*sorted.first()?, *sorted.last()?);
    if first >= last {
        return None;
    }
    let mean = |part: &[f64]| part.iter().sum::<f64>() / real(part.len());
    let (mut low, mut high) = (first, last);
    let mut at = 0;
    // Each round moves the border once; it settles within a few, or never moves again.
    for _ in 0..100 {
        let border = f64::midpoint(low, high);
        let next = sorted.partition_point(|it| *it <= border);
        let (below, above) = sorted.split_at(next);
        (low, high) = (mean(below), mean(above));
        if next == at {
            break;
        }
        at = next;
    }
    let (below, above) = sorted.split_at(at);
    let width = |part: &[f64]| part.last().zip(part.first()).map_or(0.0, |(last, first)| last - first);
    let gap = above.first()? - below.last()?;
    Some(Groups {
        low_count: below.len(),
        low_mean: low,
        high_count: above.len(),
        high_mean: high,
        apart: gap > width(below) && gap > width(above),
    })
}

/// Spearman's rank correlation of amounts with the order they stand in.
pub fn trend(amounts: &[f64]) -> f64 {
    let n = amounts.len();
    let mut order: Vec<(f64, usize)> = amounts.iter().copied().zip(0..).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut ranks = vec![0.0; n];
    // Equal amounts share the mean of their ranks.
    for group in order.chunk_by(|a, b| a.0 >= b.0) {
        let first = order.partition_point(|it| group.first().is_some_and(|one| it.0 < one.0));
        let rank = real(first) + (real(group.len()) - 1.0) / 2.0;
        for (_, place) in group {
            if let Some(slot) = ranks.get_mut(*place) {
                *slot = rank;
            }
        }
    }
    let centre = (real(n) - 1.0) / 2.0;
    let (mut both, mut of_place, mut of_rank) = (0.0, 0.0, 0.0);
    for (place, rank) in ranks.iter().enumerate() {
        let (x, y) = (real(place) - centre, rank - centre);
        both += x * y;
        of_place += x * x;
        of_rank += y * y;
    }
    if of_place * of_rank > 0.0 { both / (of_place * of_rank).sqrt() } else { 0.0 }
}

/// The busiest of `workers` when amounts are dealt to whoever is free first, largest first.
pub fn busiest(amounts: &Amounts, workers: usize) -> f64 {
    let mut loads = std::collections::BinaryHeap::from(vec![std::cmp::Reverse(Ordered(0.0)); workers.max(1)]);
    for amount in amounts.counted().rev().flat_map(|(amount, count)| std::iter::repeat_n(amount, count)) {
        if let Some(mut least) = loads.peek_mut() {
            least.0.0 += amount;
        }
    }
    loads.into_iter().map(|it| it.0.0).fold(0.0, f64::max)
}

/// A finite number that can be ordered.
#[derive(Clone, Copy, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}

impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A count as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "counts of things stay far below 2^53")]
pub fn real(count: usize) -> f64 {
    count as f64
}

/// A whole amount as a number to reckon with.
#[expect(clippy::cast_precision_loss, reason = "bytes and milliseconds of one warehouse stay below 2^53")]
pub fn amount(whole: i64) -> f64 {
    whole as f64
}

/// A number rounded to four decimals, as facts write ratios.
pub fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(count: usize, plain: f64, special: usize, value: f64) -> Vec<f64> {
        let mut amounts = vec![plain; count - special];
        amounts.extend(vec![value; special]);
        amounts
    }

    /// n, max/median, max/mean, CV, Gini, top share, modified z, effective n: the calibration table of the references.
    #[test]
    fn the_calibration_table_holds() {
        let zipf: Vec<f64> = (1..=50).map(|it| 1000.0 / real(it)).collect();
        let ramp: Vec<f64> = (1..=24).map(real).collect();
        let mut truncated = vec![1.0; 23];
        truncated.push(0.12);
        let table: &[(&str, Vec<f64>, [f64; 7])] = &[
            ("all equal", vec![1.0; 16], [1.0, 1.0, 0.0, 0.0, 0.062, 0.0, 16.0]),
            ("1 of 16 at 3x", with(16, 1.0, 1, 3.0), [3.0, 2.67, 0.43, 0.10, 0.167, 12.77, 13.5]),
            ("1 of 100 at 10x", with(100, 1.0, 1, 10.0), [10.0, 9.17, 0.82, 0.08, 0.092, 79.79, 59.7]),
            ("1 of 1000 at 10x", with(1000, 1.0, 1, 10.0), [10.0, 9.91, 0.28, 0.01, 0.010, 797.9, 926.4]),
            ("1 of 1000 at 1000x", with(1000, 1.0, 1, 1000.0), [1000.0, 500.0, 15.80, 0.50, 0.500, 797.9, 4.0]),
            ("bimodal half at 8x", with(40, 1.0, 20, 8.0), [1.78, 1.78, 0.78, 0.39, 0.044, 0.67, 24.9]),
            ("half of 16 empty", with(16, 0.0, 8, 1.0), [2.0, 2.0, 1.0, 0.50, 0.125, 0.67, 8.0]),
            ("15 of 16 empty", with(16, 0.0, 1, 1.0), [f64::INFINITY, 16.0, 3.87, 0.94, 1.0, 12.77, 1.0]),
            ("zipf", zipf, [25.49, 11.11, 1.74, 0.58, 0.222, 40.13, 12.5]),
            ("linear ramp", ramp, [1.92, 1.92, 0.55, 0.32, 0.080, 1.29, 18.4]),
            ("last partition truncated", truncated, [1.0, 1.04, 0.18, 0.04, 0.043, 0.0, 23.2]),
        ];
        for (name, amounts, expected) in table {
            let it = spread(amounts).unwrap();
            let measured = [
                it.max_over_median.unwrap_or(f64::INFINITY),
                it.max_over_mean,
                it.cv,
                it.gini,
                it.top_share,
                it.modified_z.unwrap_or(0.0),
                it.effective_count,
            ];
            for (at, (is, should)) in measured.iter().zip(expected).enumerate() {
                let near = (is - should).abs() <= (should.abs() * 0.005).max(0.006) || (is.is_infinite() && should.is_infinite());
                assert!(near, "{name}, measure {at}: {is} is not {should}");
            }
        }
    }

    #[test]
    fn two_of_eight_stand_out() {
        let it = spread(&[9.0, 9.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]).unwrap();
        assert!((it.top_share - 0.375).abs() < 1e-9 && (it.max_over_mean - 3.0).abs() < 1e-9 && (it.gini - 0.5).abs() < 1e-9);
    }

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(spread(&[]), None);
        assert_eq!(spread(&[0.0, 0.0]), None);
        assert_eq!(two_groups(&[1.0, 1.0]), None);
    }

    #[test]
    fn two_groups_part_at_the_midpoint() {
        let groups = two_groups(&with(40, 1.0, 20, 8.0)).unwrap();
        assert_eq!((groups.low_count, groups.high_count, groups.ratio(), groups.apart), (20, 20, Some(8.0), true));
        assert!(groups.both_hold(0.1));
        let ramp: Vec<f64> = (1..=24).map(real).collect();
        assert!(!two_groups(&ramp).unwrap().apart);
    }

    #[test]
    fn a_ramp_is_a_trend() {
        let ramp: Vec<f64> = (1..=24).map(real).collect();
        assert!((trend(&ramp) - 1.0).abs() < 1e-9);
        assert!(trend(&[1.0, 1.0, 1.0]).abs() < 1e-9);
        assert!(trend(&[2.0, 1.0, 2.0, 1.0]).abs() < 0.5);
    }

    #[test]
    fn the_largest_is_dealt_first() {
        let busiest = |amounts: &[(f64, usize)], workers| busiest(&amounts.iter().copied().collect(), workers);
        assert!((busiest(&[(4.0, 1), (3.0, 2), (2.0, 1)], 2) - 6.0).abs() < 1e-9);
        assert!((busiest(&[(1.0, 17)], 16) - 2.0).abs() < 1e-9);
        assert!((busiest(&[(5.0, 1)], 16) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn amounts_counted_together_measure_like_amounts_one_by_one() {
        let plain = [7.0, 1.0, 4.0, 4.0, 9.0, 1.0, 4.0];
        let counted: Amounts = [(4.0, 2), (9.0, 1), (1.0, 2), (7.0, 1), (4.0, 1)].into_iter().collect();
        assert_eq!((counted.count(), counted.max(), counted.below(4.0)), (7, Some(9.0), 2));
        assert!((counted.sum() - 30.0).abs() < 1e-9);
        for share in [0.0, 0.1, 0.25, 0.5, 0.6, 0.9, 1.0] {
            assert_eq!(counted.quantile(share), quantile(&sorted(&plain), share));
        }
    }
}
