//! How answers to a question are scored.

use crate::amount::{Amount, UNIT};
use crate::channel::unknown_word;
use crate::invalid::Invalid;

/// The lowest satisfied answer on the usual five steps.
const USUALLY_SATISFIED: Amount = Amount::known(4 * UNIT);

/// How an answer becomes a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scale {
    /// Net promoter score (Reichheld, 2003): answers from 0 to 10; 9 and more are promoters and score 100, 6 and less are
    /// detractors and score -100, those between score 0. The mean is the share of promoters minus that of detractors, x 100.
    Nps,
    /// Share of satisfied persons: an answer from `satisfied_from` on scores 1, a lower one 0.
    Csat {
        /// The lowest satisfied answer.
        satisfied_from: Amount,
    },
    /// The answer itself.
    Mean,
}

impl Scale {
    /// The words for the scales.
    pub const WORDS: &'static [&'static str] = &["nps", "csat", "mean"];

    /// Reads a word, which stands at `pointer`; `satisfied_from` is 4 where it is not said.
    pub fn parse(word: &str, satisfied_from: Option<Amount>, pointer: &str) -> Result<Self, Invalid> {
        let scale = match word.trim() {
            "nps" => Self::Nps,
            "csat" => return Ok(Self::Csat { satisfied_from: satisfied_from.unwrap_or(USUALLY_SATISFIED) }),
            "mean" => Self::Mean,
            word => return Err(unknown_word(word, Self::WORDS, pointer)),
        };
        if satisfied_from.is_some() {
            let detail = format!("belongs to the scale csat, not to {}: leave it out", scale.word());
            return Err(Invalid::new("out_of_place", "/satisfied_from", detail));
        }
        Ok(scale)
    }

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nps => "nps",
            Self::Csat { .. } => "csat",
            Self::Mean => "mean",
        }
    }

    /// The lowest satisfied answer, where the scale has one.
    #[must_use]
    pub fn satisfied_from(self) -> Option<Amount> {
        match self {
            Self::Csat { satisfied_from } => Some(satisfied_from),
            Self::Nps | Self::Mean => None,
        }
    }

    /// The score of an answer, both in millionths. `None`: it is no answer on this scale.
    #[must_use]
    pub fn score(self, answer: i128) -> Option<i128> {
        let unit = i128::from(UNIT);
        match self {
            Self::Nps if !(0..=10 * unit).contains(&answer) => None,
            Self::Nps if answer >= 9 * unit => Some(100 * unit),
            Self::Nps if answer <= 6 * unit => Some(-100 * unit),
            Self::Nps => Some(0),
            Self::Csat { satisfied_from } => Some(if answer >= i128::from(satisfied_from.units()) { unit } else { 0 }),
            Self::Mean => Some(answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edges_of_the_scales() {
        let nps = |answer: i128| Scale::Nps.score(answer * 1_000_000).map(|score| score / 1_000_000);
        let scores =
            [(-1, None), (0, Some(-100)), (6, Some(-100)), (7, Some(0)), (8, Some(0)), (9, Some(100)), (11, None)];
        for (answer, score) in scores {
            assert_eq!(nps(answer), score, "{answer}");
        }
        assert_eq!(Scale::Nps.score(6_000_001), Some(0));
        let csat = Scale::parse("csat", None, "").unwrap();
        assert_eq!((csat.score(4_000_000), csat.score(3_999_999)), (Some(1_000_000), Some(0)));
        let refused = |word, from| Scale::parse(word, from, "/scale").map_err(|refusal| refusal.code).unwrap_err();
        assert_eq!(refused("stars", None), "unknown_word");
        assert_eq!(refused("nps", Amount::from_units(1)), "out_of_place");
    }
}
