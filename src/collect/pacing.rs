//! How fast we call: a bucket of tokens for each operation that halves its rate when AWS throttles and grows while it does not.
//!
//! Pure: the time is passed in, and so is chance.

use std::time::Duration;

/// The rate grows by this share of the documented one for each call that went well.
const GROWTH: f64 = 0.02;

/// The rate never falls below this share of the documented one, and never grows beyond that multiple of it: quotas were raised since.
const SLOWEST: f64 = 0.1;
const FASTEST: f64 = 5.0;

/// The turns that one operation has.
#[derive(Debug)]
pub(super) struct Bucket {
    documented: f64,
    rate: f64,
    /// Turns that may be taken at once; below zero, turns that were promised.
    tokens: f64,
    at: Duration,
    cut_at: Option<Duration>,
}

impl Bucket {
    /// Turns at the documented rate, in calls per second.
    pub(super) fn new(per_second: f64) -> Self {
        let documented = per_second.max(0.01);
        Self { documented, rate: documented, tokens: 1.0, at: Duration::ZERO, cut_at: None }
    }

    /// Takes a turn at `now`, and says how long to wait for it.
    pub(super) fn take(&mut self, now: Duration) -> Duration {
        let passed = now.saturating_sub(self.at).as_secs_f64();
        self.at = self.at.max(now);
        // Turns of a quiet second may be taken at once, as the quotas are per second.
        self.tokens = (self.tokens + passed * self.rate).min(self.rate.max(1.0)) - 1.0;
        if self.tokens >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64((-self.tokens / self.rate).min(3_600.0)) }
    }

    /// AWS asked to call later. Of the throttles that one burst brought, the first counts.
    pub(super) fn throttled(&mut self, now: Duration) {
        let settling = Duration::from_secs_f64(1.0 / self.rate);
        if self.cut_at.is_none_or(|it| now.saturating_sub(it) >= settling) {
            self.rate = (self.rate / 2.0).max(self.documented * SLOWEST);
            self.tokens = self.tokens.min(0.0);
            self.cut_at = Some(now);
        }
    }

    /// A call went well.
    pub(super) fn went_well(&mut self) {
        self.rate = (self.rate + self.documented * GROWTH).min(self.documented * FASTEST);
    }
}

/// How long to wait before the next try: full jitter, so that many who were refused together do not come back together.
/// `chance` lies between 0 and 1.
pub(super) fn backoff(tries: u32, base: Duration, longest: Duration, chance: f64) -> Duration {
    let room = base.saturating_mul(2_u32.saturating_pow(tries.min(20))).min(longest);
    room.mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(seconds: f64) -> Duration {
        Duration::from_secs_f64(seconds)
    }

    /// How many turns begin within `span` when every one is taken as soon as it may be.
    fn turns_within(bucket: &mut Bucket, from: f64, span: f64) -> u32 {
        let (mut now, mut turns) = (from, 0);
        loop {
            now += bucket.take(seconds(now)).as_secs_f64();
            if now >= from + span {
                return turns;
            }
            turns += 1;
        }
    }

    #[test]
    fn the_documented_rate_is_kept() {
        let turns = turns_within(&mut Bucket::new(5.0), 0.0, 60.0);
        assert!((295..=305).contains(&turns), "{turns}");
    }

    #[test]
    fn a_quiet_minute_earns_one_second_of_turns() {
        let mut bucket = Bucket::new(5.0);
        let at_once = (0..20).filter(|_| bucket.take(seconds(60.0)).is_zero()).count();
        assert_eq!(at_once, 5);
    }

    #[test]
    fn a_throttle_halves_the_rate_once_for_each_burst() {
        let mut bucket = Bucket::new(8.0);
        bucket.throttled(seconds(1.0));
        bucket.throttled(seconds(1.01));
        assert!((bucket.rate - 4.0).abs() < 1e-9);
        bucket.throttled(seconds(2.0));
        assert!((bucket.rate - 2.0).abs() < 1e-9);
    }

    #[test]
    fn the_rate_recovers_and_stays_between_its_ends() {
        let mut bucket = Bucket::new(10.0);
        (0..100).for_each(|it| bucket.throttled(seconds(f64::from(it) * 10.0)));
        assert!((bucket.rate - 1.0).abs() < 1e-9);
        (0..10_000).for_each(|_| bucket.went_well());
        assert!((bucket.rate - 50.0).abs() < 1e-9);
    }

    proptest! {
        #[test]
        #[expect(clippy::cast_precision_loss, reason = "small counts")]
        fn no_second_ever_sees_more_than_its_turns(rate in 0.5_f64..50.0, gaps in prop::collection::vec(0.0_f64..3.0, 1..200)) {
            let mut bucket = Bucket::new(rate);
            let (mut now, mut begins) = (0.0, Vec::new());
            for gap in gaps {
                now += gap;
                begins.push(now + bucket.take(seconds(now)).as_secs_f64());
            }
            for begin in &begins {
                let within = begins.iter().filter(|it| **it >= *begin && **it < begin + 1.0).count();
                // One second of saved turns, and the turns of that second itself.
                prop_assert!(within as f64 <= rate.max(1.0) + rate + 1.0, "{within} at {rate} a second");
            }
        }

        #[test]
        fn waits_grow_up_to_the_longest(tries in 0_u32..100, chance in 0.0_f64..=1.0) {
            let wait = backoff(tries, Duration::from_millis(100), Duration::from_secs(20), chance);
            prop_assert!(wait <= Duration::from_secs(20));
            prop_assert!(wait <= Duration::from_millis(100) * 2_u32.pow(tries.min(20)));
        }
    }
}
