//! Which model divides the credit?

use super::heuristic::Heuristic;

/// A model of attribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Model {
    /// By the place of a touch in each journey.
    Heuristic(Heuristic),
    /// By what would be lost without a label, in a chain of touches.
    Markov,
    /// By what a label adds to all sets of the others.
    Shapley,
}

impl Model {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Heuristic(Heuristic::First),
        Self::Heuristic(Heuristic::Last),
        Self::Heuristic(Heuristic::Linear),
        Self::Heuristic(Heuristic::Position),
        Self::Heuristic(Heuristic::TimeDecay),
        Self::Markov,
        Self::Shapley,
    ];

    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Heuristic(heuristic) => heuristic.word(),
            Self::Markov => "markov",
            Self::Shapley => "shapley",
        }
    }

    /// The model of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.word() == word)
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Heuristic(Heuristic::First) => "a conversion is credited to the first touch before it",
            Self::Heuristic(Heuristic::Last) => "a conversion is credited to the last touch before it",
            Self::Heuristic(Heuristic::Linear) => "a conversion is credited to all touches before it alike",
            Self::Heuristic(Heuristic::Position) => {
                "40 % of a conversion are credited to the first touch before it, 40 % to the last, 20 % to those between; one \
                 half each where there are two"
            }
            Self::Heuristic(Heuristic::TimeDecay) => {
                "a conversion is credited to the touches before it, to one that is a half-life earlier than another half as much"
            }
            Self::Markov => {
                "conversions are credited in proportion to the removal effect: the share of conversions that pass through a \
                 label in the Markov chain of touches"
            }
            Self::Shapley => {
                "conversions are credited by Shapley's value, where a set of labels is worth the conversions of journeys that \
                 met no others"
            }
        }
    }

    /// How many labels it tells apart at most; the others count as one.
    #[must_use]
    pub fn most_labels(self) -> usize {
        match self {
            Self::Heuristic(_) => 1_000,
            Self::Markov => 50,
            Self::Shapley => super::MAX_PLAYERS - 1,
        }
    }
}
