//! The value of a dimension, from the events that are known at the first exposure.

use journey::{DAY_MICROS, Fact, Path, names};

use super::Model;
use crate::laws::histories::Deed;
use crate::laws::slip::Slip;

impl Model<'_> {
    pub(super) fn known(&self, path: &Path, deeds: &[&Deed], exposure: &Deed) -> String {
        let earlier = || {
            let from = exposure.at.micros() - 28 * DAY_MICROS;
            deeds.iter().copied().filter(move |deed| {
                let to = exposure.at.micros() + i64::from(self.slips(Slip::BeforeTakesInstant));
                let by_person = names::is_by_person(deed.name) || self.slips(Slip::BeforeTakesAll);
                (from..to).contains(&deed.at.micros()) && by_person
            })
        };
        match path.as_str() {
            "exposure.hour" => self.zone.hour_of(exposure.at).to_string(),
            "exposure.weekday" => {
                // By the day that has begun, also where the clocks show the day before again.
                let days = self.zone.day_of(exposure.at).number();
                // The first of January 1970 was a Thursday.
                ["thursday", "friday", "saturday", "sunday", "monday", "tuesday", "wednesday"]
                    [usize::try_from(days.rem_euclid(7)).unwrap()]
                .to_owned()
            }
            "exposure.phase" => {
                let phases = self.definition.experiment.phases.iter();
                let mut begun = phases.filter(|phase| phase.from.is_none_or(|from| exposure.at >= from));
                begun.next_back().and_then(|phase| phase.from).map_or("start".to_owned(), |from| from.to_string())
            }
            "before.active" => if earlier().count() > 0 { "yes" } else { "no" }.to_owned(),
            "before.channels" => {
                let mut channels: Vec<&str> =
                    earlier().filter_map(|deed| deed.channel).map(journey::Channel::word).collect();
                channels.sort_unstable();
                channels.dedup();
                if channels.is_empty() { "none".to_owned() } else { channels.join("+") }
            }
            "bin(properties.score,0.25)" => {
                let quarters =
                    deeds.iter().filter_map(|deed| deed.score()).next_back().map(|score| score.div_euclid(250_000));
                quarters.map_or(String::new(), |quarters| journey::format_units(i128::from(quarters) * 250_000))
            }
            _ => last_value(path, deeds),
        }
    }
}

/// The last single value at `path`, at most 255 characters of it.
fn last_value(path: &Path, deeds: &[&Deed]) -> String {
    let mut value = String::new();
    for deed in deeds {
        if let Fact::One(text) = deed.fact(path.as_str())
            && !text.is_empty()
        {
            value = text.chars().take(255).collect();
        }
    }
    value
}
