//! Why can the data not tell? The reasons, as sentences for the reader of a dashboard.

/// Why a customer-base model has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody.
    #[error("no persons have bought yet")]
    NoPersons,
    /// Counts that no persons can have: negative, or a last purchase after the end of observation.
    #[error("the counts contradict each other: no set of persons can have them")]
    ImpossibleCells,
    /// Too few persons have bought again.
    #[error("only {0} persons have bought a second time; a model of repeat purchases needs at least 30")]
    TooFewRepeats(u64),
    /// The estimate of the dropout is zero.
    #[error("nothing suggests that anybody stops buying, so the model cannot say when they will")]
    NoDropout,
    /// Dropout after the first purchase is certain as far as the data tell.
    #[error("everybody seems to leave at once, so nothing can be said of those who stay")]
    OnlyDropout,
    /// The purchase rates of persons do not differ, so their distribution has no shape.
    #[error("the persons buy at rates too alike to tell the distribution of rates")]
    AlikeRates,
    /// The dropout probabilities of persons do not differ.
    #[error("the persons leave with probabilities too alike to tell their distribution")]
    AlikeDropout,
    /// Purchase values within or between persons do not differ.
    #[error("the values of purchases are too alike to tell their distribution")]
    AlikeSpend,
    /// The likelihood leaves a parameter open within a factor of twenty either way.
    #[error("the data leave the parameter {0} open within a factor of twenty; more persons or more time are needed")]
    OpenParameter(&'static str),
    /// The search for the best parameters did not end at a maximum.
    #[error("the likelihood has no clear maximum for these data")]
    NoMaximum,
    /// The expected value of a purchase is infinite.
    #[error("values of purchases vary so much between persons that their mean does not exist (q is at most 1)")]
    NoMeanSpend,
    /// A bootstrap resample in twenty or more could not be fitted.
    #[error("more than one resample in twenty could not be fitted, so the uncertainty cannot be given")]
    UnstableResamples,
    /// A parameter of the question is not usable: a horizon, a rate, a number of repetitions.
    #[error("the horizon, the discount rate, the units or the repetitions asked for are not usable")]
    InvalidQuestion,
}
