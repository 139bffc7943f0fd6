//! How long a person stayed, from the days of the exposure and of the last purchase.

use std::sync::Arc;

use ethnum::I256;
use journey::{Day, Lifespan, MetricKind};

use super::person::Amounts;
use super::{BOUND, Model};
use crate::moments::Moments;

impl Model<'_> {
    /// Sums of nobody.
    pub(super) fn nobody(&self, metric: usize) -> Moments {
        let is_estimated = self.inactive_days(metric).is_some();
        Moments { lifespans: is_estimated.then(Arc::default), ..Moments::default() }
    }

    /// Adds how long a person stayed who was watched up to the end of `through`, or until the window closed.
    pub(super) fn add_life(&self, sums: &mut Moments, metric: usize, person: &Amounts, through: Day) {
        let Some(inactive) = self.inactive_days(metric).map(i64::from) else { return };
        if person.y.abs() > BOUND || person.d.abs() > BOUND {
            return;
        }
        let so_far = i64::from(through.number()) - i64::from(person.exposed);
        let watched = match self.window(metric) {
            Some(window) if person.closed => window - 1,
            // Where the clocks were changed, a window can stay open for one more day, which is then watched.
            _ => so_far,
        };
        // Of so many whole days the last ones in a row must be without a purchase.
        if watched < inactive {
            return;
        }
        let silent = watched - i64::from(person.last - person.exposed);
        let (t, f) = if silent >= inactive { (watched - silent, 1) } else { (watched - inactive, 0) };
        let lives = Arc::make_mut(sums.lifespans.get_or_insert_default());
        let (y, d) = (I256::from(person.y), I256::from(person.d));
        let (wide_t, wide_f) = (I256::from(t), I256::from(f));
        lives.left += f;
        lives.days += wide_t;
        lives.tt += wide_t * wide_t;
        lives.tf += wide_t * wide_f;
        lives.yt += y * wide_t;
        lives.yf += y * wide_f;
        lives.dt += d * wide_t;
        lives.df += d * wide_f;
    }

    fn inactive_days(&self, metric: usize) -> Option<u32> {
        match self.definition.metrics[metric].kind {
            MetricKind::Clv { lifespan: Lifespan::Estimated { inactive_days }, .. } => Some(inactive_days),
            _ => None,
        }
    }
}
