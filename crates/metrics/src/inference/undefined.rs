//! Why is there no number? The reasons, as sentences for the reader of a dashboard.

/// Why a number of the inference does not exist.
///
/// A function of [`crate::inference`] never answers with a NaN, an infinity or a made-up zero: it answers with one of
/// these, and its `Display` is a sentence that can stand beside the empty cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Undefined {
    /// The arm holds nobody.
    #[error("the arm has no persons yet")]
    NoPersons,
    /// One person has a value but no spread, so nothing says how sure the value is.
    #[error("the arm has fewer than two persons, too few to say how much its KPI varies")]
    FewerThanTwoPersons,
    /// The denominator of a ratio metric adds up to zero.
    #[error("the denominator of the ratio adds up to zero in this arm")]
    ZeroDenominator,
    /// A lifespan is estimated from those who were watched long enough to be seen to leave.
    #[error("nobody has been seen to leave yet, so how long customers stay is not known")]
    NobodyLeft,
    /// Whoever left did so on the day of the exposure, and nobody else was watched for a day more than it takes to leave.
    #[error("nobody has been seen to stay for a day yet, so how long customers stay is not known")]
    NobodyStayed,
    /// The lift divides by the KPI of control, which is exactly zero.
    #[error("the KPI of control is zero, so a relative lift does not exist; the difference does")]
    ZeroControl,
    /// Everyone has the same value, so the spread that an interval or a test is made of is zero.
    #[error("every person has the same value, so there is no spread to judge the result by")]
    NoVariance,
    /// A side of the lift's interval is open: values of control near zero are not ruled out.
    #[error("the KPI of control is not clearly different from zero, so the lift has no bound on this side")]
    OpenSide,
    /// The skewness of a KPI without spread.
    #[error("every person has the same value, so the skewness does not exist")]
    NoSkewness,
    /// The sums cannot come from real persons (a negative variance, more successes than persons).
    #[error("the sums contradict each other: no set of persons can have them")]
    ImpossibleSums,
    /// The number is beyond what a double can hold.
    #[error("the number is too large or too small to be represented")]
    OutOfRange,
    /// The confidence level is not strictly between 0 and 1.
    #[error("the confidence level must lie strictly between 0 and 1")]
    InvalidConfidence,
    /// A plan for an experiment that no experiment can follow.
    #[error(
        "the plan needs a share of persons between 0 and 1, a baseline with spread, a positive N*, a power above the error rate"
    )]
    InvalidDesign,
    /// No effect that the KPI can have, or no number of persons, gives the power that was asked for.
    #[error("no effect or number of persons within reach gives the power that was asked for")]
    Unreachable,
    /// Segments are compared with each other, so there must be two.
    #[error("fewer than two segments have an effect, so there is nothing to compare")]
    FewerThanTwoSegments,
    /// Too few persons lie on one side of a quantile to bound it there.
    #[error("too few persons lie on one side of this quantile to say how sure it is")]
    TooFewBesideQuantile,
    /// A share that must lie strictly between 0 and 1.
    #[error("the share of a quantile must lie strictly between 0 and 1")]
    InvalidShare,
    /// A comparison of arm sizes needs two arms that are meant to receive persons.
    #[error("fewer than two arms have a positive weight, so there is no split to check")]
    FewerThanTwoArms,
    /// The weights are not one finite number, zero or more, for each arm.
    #[error("the weights must be one finite number, zero or more, for each arm")]
    InvalidWeights,
    /// Nobody has converted, so there is no first conversion to draw an arm for.
    #[error("nobody has converted yet, so nothing says which arm converts more")]
    NoConverters,
    /// A side of a rate ratio's set is open: one arm has no converters to bound it by.
    #[error("too few have converted in one of the arms, so the lift has no bound on this side")]
    TooFewConverters,
    /// The planned number of persons, which tunes a confidence sequence, is not a number of one or more.
    #[error("the planned number of persons must be one or more")]
    InvalidPlan,
    /// The standard deviation of a prior is not above zero.
    #[error("the standard deviation of the prior must be above zero")]
    InvalidPrior,
    /// The exact test of few converters bounds the lift alone.
    #[error("few have converted, so an exact test is used, which bounds the lift and not the difference")]
    BoundsLiftOnly,
    /// Under the method `sequential` there is no probability of an arm.
    #[error(
        "a probability of being better that is read again and again finds winners where there are none: method=bayesian \
         shows it as a description"
    )]
    SequentialGivesNoProbability,
    /// Under the method `frequentist` there is no probability of an arm.
    #[error("the method frequentist gives no probabilities of arms")]
    FrequentistGivesNoProbability,
    /// Under the method `bayesian` there is no test.
    #[error("the method bayesian gives probabilities of arms in place of p-values")]
    BayesianGivesNoTest,
    /// The method judges the difference without this number.
    #[error("this method judges the difference without that number")]
    NotOfThisMethod,
    /// Nobody joins the experiment, so no number of days leads anywhere.
    #[error("nobody joined the experiment on the days looked at, so how many days it takes can't be said")]
    NoTraffic,
    /// A rate of 0: no relative effect can be planned on it.
    #[error("nobody in control has converted so far, so there is no rate yet that an effect could be relative to")]
    NothingConverted,
    /// A rate of 1 leaves no spread and no room.
    #[error("everyone in control has converted, so there is no spread to plan with")]
    EveryoneConverted,
    /// Before the gate of contributors a confidence sequence gives no verdict.
    #[error(
        "fewer than 25 contributors are expected in the smaller arm at this number of persons, so no verdict is given"
    )]
    TooFewContributors,
    /// Quantiles have no confidence sequence here, so under the method `sequential` no verdict on one ever comes.
    #[error(
        "a quantile has no test that holds at any time, so the method sequential gives no verdict on it: plan with frequentist"
    )]
    NoSequenceOfQuantiles,
    /// Leaving crossovers out compares unlike groups, so no verdict comes of it.
    #[error(
        "the experiment leaves crossovers out (crossovers: exclude), which compares unlike groups and gives no verdict: plan \
         with crossovers: first"
    )]
    NoVerdictWithoutCrossovers,
    /// Credit is divided among touches.
    #[error("nobody was touched before a conversion, so there is nothing to credit it to")]
    NoTouches,
    /// The value that labels are credited with is not a positive sum.
    #[error("the conversions have no value, or corrections outweigh it, so there is no share of it")]
    NoValue,
    /// Nothing was converted.
    #[error("nobody has converted, so there is nothing to take a share of")]
    NothingToCredit,
    /// Labels that are told together.
    #[error("several labels are told together, and how they vary together is not kept")]
    SeveralTogether,
    /// Credit that a model gives to an arm as a whole.
    #[error("this model divides the credit of the whole arm, not that of each person, so nothing says how sure it is")]
    NoSumOverPersons,
    /// A difference that is shown alone.
    #[error("this difference is shown as it is: it is judged for labels only")]
    NotJudged,
    /// How long persons were watched after their first event is not known under a window.
    #[error(
        "the metric's window ends a time after the exposure, so how long persons were watched after their first event is not \
         known: use a metric without a window"
    )]
    WindowOfRepeats,
    /// A return on a cost that may not be there.
    #[error("the arm is not shown to cost more than the baseline, so there is no return on what it costs more")]
    CostMayBeZero,
    /// A cost for each of conversions that may not be there.
    #[error(
        "the arm is not shown to convert more persons than the baseline, so there is no cost for each conversion more"
    )]
    NoMoreConversions,
    /// What is lost or not gained pays nothing back.
    #[error("with nothing gained from a person or in a day, lump costs are never earned")]
    NothingGained,
    /// A number of another length of time, or of no sum at all.
    #[error(
        "the metric is not an amount per day, so the time before the exposure can't be held against a window of another length"
    )]
    OtherLength,
    /// An arm that should receive nobody received somebody: no test is needed to call that a fault.
    #[error("an arm of weight zero has received persons")]
    PersonsInClosedArm,
}

/// Lets a finite number through.
///
/// Every number of the inference leaves through this gate, so that an overflow becomes a reason instead of an
/// infinity.
pub(crate) fn finite(number: f64) -> Result<f64, Undefined> {
    if number.is_finite() { Ok(number) } else { Err(Undefined::OutOfRange) }
}

/// The share of repetitions that miss, `1 - confidence`, for a confidence strictly between 0 and 1.
pub(crate) fn miss_rate(confidence: f64) -> Result<f64, Undefined> {
    if confidence > 0.0 && confidence < 1.0 { Ok(1.0 - confidence) } else { Err(Undefined::InvalidConfidence) }
}
