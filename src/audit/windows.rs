//! Which windows an audit owes: each once, in order, the oldest first.

use crate::{case::Window, units::Moment};

/// How time is cut into windows, and when each is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// Seconds of a window; windows begin at multiples of it since 1970, UTC.
    pub seconds: i64,
    /// Seconds after its end from which on a window is due.
    pub delay_seconds: i64,
}

impl Rhythm {
    /// The window that holds a moment.
    pub fn holding(self, at: Moment) -> Option<Window> {
        let second = at.0.div_euclid(crate::units::SECOND);
        let first = second.div_euclid(self.seconds).checked_mul(self.seconds)?;
        Window::new(first, first.checked_add(self.seconds)?.checked_sub(1)?)
    }

    /// The window after, or before, another by as many windows.
    pub fn step(self, window: Window, by: i64) -> Option<Window> {
        let offset = self.seconds.checked_mul(by)?;
        Window::new(window.first().checked_add(offset)?, window.last().checked_add(offset)?)
    }

    /// The last window that is due.
    pub fn last_due(self, now: Moment) -> Option<Window> {
        let due = now.0.checked_sub(self.delay_seconds.checked_mul(crate::units::SECOND)?)?;
        self.holding(Moment(due)).and_then(|it| self.step(it, -1))
    }

    /// The windows from one to another, both inside, in order.
    pub fn between(self, first: Window, last: Window) -> impl Iterator<Item = Window> {
        let mut next = Some(first);
        std::iter::from_fn(move || {
            let window = next.filter(|it| *it <= last)?;
            next = self.step(window, 1);
            Some(window)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Moment {
        Moment::parse(text).unwrap().moment
    }

    #[test]
    fn days_begin_at_midnight_and_are_due_after_the_delay() {
        let daily = Rhythm { seconds: 86_400, delay_seconds: 1_800 };
        let end = |now: &str| daily.last_due(at(now)).unwrap().until().rfc3339();
        assert_eq!(end("2026-01-03T00:29:59Z"), "2026-01-02T00:00:00.000Z");
        assert_eq!(end("2026-01-03T00:30:00Z"), "2026-01-03T00:00:00.000Z");
        let first = daily.holding(at("2026-01-01T12:00:00Z")).unwrap();
        let all: Vec<String> = daily.between(first, daily.step(first, 2).unwrap()).map(|it| it.since().day()).collect();
        assert_eq!(all, ["2026-01-01", "2026-01-02", "2026-01-03"]);
    }
}
