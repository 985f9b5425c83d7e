//! Whether amounts are skewed, how badly, and in which shape.

use super::{
    LAST_SHARE, MEAN_CRITICAL, MEAN_HIGH, MEAN_LOW, MEAN_MEDIUM, MEDIAN_CRITICAL, MEDIAN_HIGH, MEDIAN_LOW, MEDIAN_MEDIUM, MIN_BYTES,
    MIN_SECONDS, Unit, gather::Pile,
};
use crate::{
    detectors::{Context, rung},
    finding::Severity,
    stats::{self, Groups, Spread, median, real},
    units::Moment,
};
use std::collections::BTreeMap;

/// What a skewed pile is like.
#[derive(Debug)]
pub(super) struct Skew {
    pub(super) spread: Spread,
    pub(super) groups: Option<Groups>,
    pub(super) shape: &'static str,
    pub(super) severity: Severity,
    /// The last partition to what is usual for it.
    pub(super) last_share: Option<f64>,
    /// Which measures reached a threshold.
    pub(super) fired: Vec<String>,
}

/// Groups smaller than this are no group.
const GROUP_SHARE: f64 = 0.1;

/// Judges a pile; `None` when it is even, too small, or uneven for a good reason.
pub(super) fn judge(cx: &Context<'_>, pile: &Pile) -> Option<Skew> {
    let amounts: Vec<f64> = pile.parts.iter().map(|it| it.1).collect();
    let whole = stats::spread(&amounts)?;
    if !is_large_enough(cx, pile, &whole) {
        return None;
    }
    let null = pile.parts.iter().find(|it| is_null(&it.0)).map(|it| it.1);
    if null.is_some_and(|it| is_hot(it / whole.total, whole.count)) {
        let (effect, fired) = effect(cx, &whole, None)?;
        let severity = effect.min(magnitude(cx, pile, &whole)?).min(cap(&whole)?);
        return Some(Skew { groups: None, shape: "null-key", severity, last_share: None, fired, spread: whole });
    }
    // The null partition apart, the named ones are judged by themselves.
    let named: Vec<f64> = pile.parts.iter().filter(|it| !is_null(&it.0)).map(|it| it.1).collect();
    let spread = stats::spread(&named)?;
    let cap = cap(&spread)?;
    let groups = stats::two_groups(&named).filter(|it| it.both_hold(GROUP_SHARE) && it.apart);
    let judged = effect(cx, &spread, groups.as_ref());
    let last_share = last_share(pile);
    let is_low = judged.as_ref().is_none_or(|it| it.0 < Severity::Medium);
    if let Some(share) = last_share.filter(|it| is_low && *it < cx.limit(&LAST_SHARE)) {
        let fired = vec![format!("last to usual {share:.2} < {}", cx.limit(&LAST_SHARE))];
        let severity = Severity::Medium.min(cap);
        return Some(Skew { spread, groups, shape: "truncated-last", severity, last_share, fired });
    }
    let (effect, fired) = judged?;
    let magnitude = magnitude(cx, pile, &spread)?;
    let shape = shape_of(pile, &spread, groups.as_ref(), &named);
    let severity = match shape {
        "trend" if effect < Severity::Medium => return None,
        "trend" => Severity::Info,
        _ if is_weekly(cx, pile) => return None,
        _ => effect.min(magnitude).min(cap),
    };
    Some(Skew { spread, groups, shape, severity, last_share, fired })
}

fn is_large_enough(cx: &Context<'_>, pile: &Pile, spread: &Spread) -> bool {
    match pile.unit {
        Unit::Bytes => spread.total >= cx.limit(&MIN_BYTES),
        Unit::Millis => spread.max / 1000.0 >= cx.limit(&MIN_SECONDS),
        Unit::Rows => true,
    }
}

/// Few parts prove little: three need one with 60 % of all, two one with 80 %, and are low at most.
fn cap(spread: &Spread) -> Option<Severity> {
    match spread.count {
        0 | 1 => None,
        2 => (spread.top_share >= 0.8).then_some(Severity::Low),
        3 => (spread.top_share >= 0.6).then_some(Severity::Low),
        _ => Some(Severity::Critical),
    }
}

/// How uneven: the worst of all measures, and the measures that say so.
fn effect(cx: &Context<'_>, spread: &Spread, groups: Option<&Groups>) -> Option<(Severity, Vec<String>)> {
    let to_median = [
        (Severity::Low, cx.limit(&MEDIAN_LOW)),
        (Severity::Medium, cx.limit(&MEDIAN_MEDIUM)),
        (Severity::High, cx.limit(&MEDIAN_HIGH)),
        (Severity::Critical, cx.limit(&MEDIAN_CRITICAL)),
    ];
    let to_mean = [
        (Severity::Low, cx.limit(&MEAN_LOW)),
        (Severity::Medium, cx.limit(&MEAN_MEDIUM)),
        (Severity::High, cx.limit(&MEAN_HIGH)),
        (Severity::Critical, cx.limit(&MEAN_CRITICAL)),
    ];
    let measures = [
        ("largest to median", spread.max_over_median, &to_median),
        ("largest to mean", Some(spread.max_over_mean), &to_mean),
        ("group to group", groups.and_then(Groups::ratio), &to_median),
    ];
    let reached = measures.iter().filter_map(|(name, value, ladder)| {
        let value = (*value)?;
        let severity = rung(value, ladder.as_slice())?;
        let threshold = ladder.iter().find(|it| it.0 == severity).map_or(0.0, |it| it.1);
        Some((severity, format!("{name} {value:.2} >= {threshold}")))
    });
    let reached: Vec<(Severity, String)> = reached.collect();
    let worst = reached.iter().map(|it| it.0).max()?;
    Some((worst, reached.into_iter().map(|it| it.1).collect()))
}

/// What the largest carries beyond an even share.
fn magnitude(cx: &Context<'_>, pile: &Pile, spread: &Spread) -> Option<Severity> {
    let beyond = spread.max - spread.mean;
    match pile.unit {
        Unit::Bytes => rung(beyond, &super::bytes_ladder(cx)),
        Unit::Millis => rung(beyond / 1000.0, &super::seconds_ladder(cx)),
        Unit::Rows => Some(Severity::Critical),
    }
}

fn shape_of(pile: &Pile, spread: &Spread, groups: Option<&Groups>, amounts: &[f64]) -> &'static str {
    let empty = amounts.iter().filter(|it| **it <= 0.0).count();
    if pile.is_ordered && stats::trend(amounts).abs() >= 0.9 {
        "trend"
    } else if is_hot(spread.top_share, spread.count) {
        "hot-key"
    } else if real(empty) >= 0.2 * real(spread.count) {
        "empty-partitions"
    } else if groups.is_some() {
        "bimodal"
    } else if spread.gini >= 0.5 {
        "heavy-tail"
    } else {
        "other"
    }
}

/// Whether one part holds far more than its share.
fn is_hot(share: f64, count: usize) -> bool {
    share >= 0.2 && share >= 3.0 / real(count)
}

/// Whether a partition holds the rows whose key is null.
pub(super) fn is_null(name: &str) -> bool {
    let value = name.rsplit('=').next().unwrap_or(name);
    name.contains("__HIVE_DEFAULT_PARTITION__") || value.eq_ignore_ascii_case("null")
}

/// The day that a partition is named after, counted from 1970.
fn day_of(name: &str) -> Option<i64> {
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let day = day.get(..2)?;
    let at = Moment::parse(&format!("{year}-{month}-{day} 00:00:00"))?;
    (digits.len() == 8).then(|| at.moment.0.div_euclid(86_400 * crate::units::SECOND))
}

/// Amounts by day of the week, for partitions that are days.
fn by_weekday(parts: &[(String, f64)]) -> Option<BTreeMap<i64, Vec<f64>>> {
    let mut weekdays: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for (name, amount) in parts {
        weekdays.entry(day_of(name)?.rem_euclid(7)).or_default().push(*amount);
    }
    Some(weekdays)
}

/// Whether each day of the week is even in itself, over two weeks at least.
fn is_weekly(cx: &Context<'_>, pile: &Pile) -> bool {
    let Some(weekdays) = by_weekday(&pile.parts).filter(|it| it.len() == 7 && it.values().all(|it| it.len() >= 2)) else {
        return false;
    };
    weekdays.values().all(|it| {
        let sorted = stats::sorted(it);
        let (first, last) = (sorted.first().copied().unwrap_or(0.0), sorted.last().copied().unwrap_or(0.0));
        first > 0.0 && last / first < cx.limit(&MEDIAN_LOW)
    })
}

/// The last partition to the median of its weekday, or of all, when partitions follow in time.
fn last_share(pile: &Pile) -> Option<f64> {
    let (last, earlier) = pile.parts.split_last().filter(|_| pile.is_ordered)?;
    let same_day = day_of(&last.0).and_then(|day| {
        let weekdays = by_weekday(earlier)?;
        weekdays.get(&day.rem_euclid(7)).filter(|it| it.len() >= 2).and_then(|it| median(it))
    });
    let usual = same_day.or_else(|| median(&earlier.iter().map(|it| it.1).collect::<Vec<_>>()))?;
    (usual > 0.0).then(|| last.1 / usual)
}
