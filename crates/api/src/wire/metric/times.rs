//! Per how much time under observation is a rate told?

use journey::{Invalid, MetricKind};

use crate::fields::Fields;

const TIMES: [(&str, u32); 2] = [("day", 1), ("week", 7)];

/// The word for so many days.
pub(super) fn word(days: u32) -> Option<&'static str> {
    TIMES.iter().find(|(_, known)| *known == days).map(|(word, _)| *word)
}

/// The metric, or its rate where the fields say `per`.
pub(super) fn rate(fields: &mut Fields, of: MetricKind) -> Result<MetricKind, Invalid> {
    let Some(word) = fields.text("per")? else { return Ok(of) };
    let Some((_, days)) = TIMES.iter().find(|(known, _)| *known == word.trim()) else {
        let shown: String = word.chars().take(60).collect();
        return Err(fields.refuse("unknown_word", "per", format!("{shown:?} is not known here: use one of day, week")));
    };
    Ok(MetricKind::PerTime { of: Box::new(of), days: *days })
}
