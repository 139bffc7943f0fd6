//! What is claimed of a number, and why: does it hold at every reading, and is it an effect?

use journey::CrossoverPolicy;

use super::versus::Claim;
use super::{Question, Weights};

pub(super) const BY_SEQUENCE: Claim =
    Claim::yes("a confidence sequence: wrong at any moment at most as often as stated");
pub(super) const BY_DRAWS: Claim =
    Claim::yes("an exact test of whose converters they are: wrong at any moment at most as often as stated");
pub(super) const ONE_READING: Claim =
    Claim::no("holds for one reading at a time fixed beforehand; read often, it finds what is not there");
pub(super) const TOO_FEW: Claim = Claim::no(
    "fewer than 25 contributors are expected in the smaller arm so far, too few to promise anything for every moment",
);
pub(super) const TOO_FEW_LIVE: Claim = Claim::no(
    "values still move while windows close, and fewer than 100 contributors are expected in the smaller arm: not proven \
     for every moment",
);
pub(super) const BY_SIZES: Claim = Claim::no(
    "the arms' sizes stand in for the weights of the assignment, and are known only afterwards: holds for one reading, where \
     arms differ in size by chance alone",
);
pub(super) const NOTHING_YET: Claim = Claim::no("there is nothing to judge yet");
const RANDOMISED: Claim = Claim::yes("randomised groups, on a quantity defined for everyone exposed");
const RANDOMISED_WITHIN: Claim = Claim::yes(
    "randomised groups, compared within phases of constant weights, on a quantity defined for everyone exposed",
);
const MIXED: Claim = Claim::no(
    "the weights of the arms changed, and this is across phases: what differs between arms may differ between phases; compare by \
     the dimension of phases, or read the results, which compare within them",
);
const BLOCKED: Claim = Claim::no("a blocking check failed: the groups may differ for other reasons than the arms");
const EXCLUDED: Claim =
    Claim::no("who crosses over is decided after the exposure, so leaving these persons out compares unlike groups");

/// Whether a difference is an effect.
pub(super) fn causal(question: &Question<'_>) -> Claim {
    if question.blocked {
        BLOCKED
    } else if question.policy == CrossoverPolicy::Exclude {
        EXCLUDED
    } else {
        match question.weights {
            Weights::Constant | Weights::Equal(_) | Weights::OfValues => RANDOMISED,
            Weights::Within(_) => RANDOMISED_WITHIN,
            Weights::Mixed => MIXED,
        }
    }
}
