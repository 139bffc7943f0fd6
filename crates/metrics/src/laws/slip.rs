//! The mistakes that the laws must notice.

/// One mistake that a fold, a tally or a reading could make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slip {
    /// Among exposures of one instant the last id counts.
    LastIdFirst,
    /// An exposure at `ends_at` counts.
    EndIncluded,
    /// An exposure at `starts_at` does not count.
    StartExcluded,
    /// A later exposure outside the dates makes a crossover.
    CrossesOutside,
    /// Dimensions know only what came before the instant of the exposure.
    DimensionBeforeInstant,
    /// Dimensions know only what sorts before the exposure.
    DimensionBeforeExposure,
    /// Dimensions know what came later.
    DimensionOfTheFuture,
    /// The days before an exposure have its own instant in them.
    BeforeTakesInstant,
    /// What was done to a person before the exposure is something that the person did.
    BeforeTakesAll,
    /// Events of the exposure's instant that sort before it do not count.
    InstantCutById,
    /// An event at the window's end counts.
    WindowEndIncluded,
    /// A window of days ends at the local time of day of the exposure, as far as the days' lengths tell.
    WindowByCalendar,
    /// The window closes for the reading one day after the day of its end.
    MaturedLate,
    /// A window that ends with the day has closed on it.
    MaturedAtMidnight,
    /// A person whose window is open counts as matured.
    MaturedTooSoon,
    /// `exclude` takes away only those who crossed before their window closed.
    CrossingAfterMaturityKept,
    /// `exclude` keeps the persons.
    CrossoversKept,
    /// Refunds add.
    RefundAdds,
    /// Refunds do nothing.
    RefundIgnored,
    /// A return at exactly `from_day` does not count.
    RetentionFromExcluded,
    /// A return at exactly `to_day` counts, where the window still runs.
    RetentionToIncluded,
    /// Foreign amounts count.
    ForeignTaken,
    /// Values are not capped.
    CapForgotten,
    /// Covariates are not capped.
    CapOfCovariateForgotten,
    /// Events of the exposure's instant are in the covariate.
    CovariateTakesInstant,
    /// An event exactly 14 days before the exposure is not in the covariate.
    CovariateStartExcluded,
    /// Sums beyond the bound stay in.
    LargeSumsKept,
    /// Covariates beyond the bound are not cut.
    LargeCovariateKept,
    /// A CLV's time under observation is the whole window from the start.
    WholeWindowObserved,
    /// Filters look at nothing.
    FiltersIgnored,
    /// `*` takes what is done to a person, too.
    AnyTakesAll,
    /// Exposures to other experiments and arms cost, too.
    EveryExposureCosts,
    /// One event fewer than asked for is enough.
    OneFewerIsEnough,
    /// The first answer stands, not the latest.
    FirstAnswerStands,
    /// Who gave no answer counts among those who did.
    SilenceIsAnAnswer,
}

impl Slip {
    /// Every slip.
    pub(super) const ALL: &'static [Self] = &[
        Self::LastIdFirst,
        Self::EndIncluded,
        Self::StartExcluded,
        Self::CrossesOutside,
        Self::DimensionBeforeInstant,
        Self::DimensionBeforeExposure,
        Self::DimensionOfTheFuture,
        Self::BeforeTakesInstant,
        Self::BeforeTakesAll,
        Self::InstantCutById,
        Self::WindowEndIncluded,
        Self::WindowByCalendar,
        Self::MaturedLate,
        Self::MaturedAtMidnight,
        Self::MaturedTooSoon,
        Self::CrossingAfterMaturityKept,
        Self::CrossoversKept,
        Self::RefundAdds,
        Self::RefundIgnored,
        Self::RetentionFromExcluded,
        Self::RetentionToIncluded,
        Self::ForeignTaken,
        Self::CapForgotten,
        Self::CapOfCovariateForgotten,
        Self::CovariateTakesInstant,
        Self::CovariateStartExcluded,
        Self::LargeSumsKept,
        Self::LargeCovariateKept,
        Self::WholeWindowObserved,
        Self::FiltersIgnored,
        Self::AnyTakesAll,
        Self::EveryExposureCosts,
        Self::OneFewerIsEnough,
        Self::FirstAnswerStands,
        Self::SilenceIsAnAnswer,
    ];
}
