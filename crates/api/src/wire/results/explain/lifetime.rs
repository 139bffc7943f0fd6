//! The steps of a customer lifetime value.

use metrics::lifespan::Lifespans;
use metrics::report::Kpi;
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::decimal::decimal;

/// The factors of a customer lifetime value: their product is the KPI.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ClvFactors)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClvInfo {
    /// Value per purchase.
    #[schema(required = true)]
    average_purchase_value: Option<f64>,
    /// Purchases per person and day under observation.
    #[schema(required = true)]
    purchase_frequency: Option<f64>,
    /// Days; null where they are to be estimated and can't be yet.
    #[schema(required = true)]
    lifespan_days: Option<f64>,
    /// What an estimated lifespan and its uncertainty come from.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    lifespan: Option<LifespanInfo>,
}

/// Sums of an estimated lifespan, `Σt / Σf`. Per person, t: the days until they left or were last watched for it; f: 1 for whoever
/// left; y: the value; d: the days under observation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LifespanSums)]
#[serde(deny_unknown_fields)]
pub(crate) struct LifespanInfo {
    /// What the variance of the value is made of.
    formula: &'static str,
    /// Σf.
    left: i64,
    /// Σt.
    days_at_risk: String,
    /// Σt².
    days_sum_of_squares: String,
    /// Σtf.
    days_of_those_who_left: String,
    /// Σyt.
    value_cross_sum_with_days: String,
    /// Σyf.
    value_of_those_who_left: String,
    /// Σdt.
    observed_cross_sum_with_days: String,
    /// Σdf.
    observed_of_those_who_left: String,
}

/// The factors of a KPI that is a customer lifetime value.
pub(super) fn factors(kpi: &Kpi) -> Option<ClvInfo> {
    kpi.factors.map(|factors| ClvInfo {
        average_purchase_value: factors.average_purchase_value,
        purchase_frequency: factors.purchase_frequency,
        lifespan_days: factors.lifespan_days,
        lifespan: kpi.moments.lifespans.as_deref().map(lifespan),
    })
}

fn lifespan(lives: &Lifespans) -> LifespanInfo {
    let (whole, first) = (|sum| decimal(&sum, 0), |sum| decimal(&sum, 6));
    LifespanInfo {
        formula: "variance of the value V: the sum of squares of (V/n)(y/ybar - d/dbar + t/tbar - f/fbar) over persons, times n/(n-1)",
        left: lives.left,
        days_at_risk: whole(lives.days),
        days_sum_of_squares: whole(lives.tt),
        days_of_those_who_left: whole(lives.tf),
        value_cross_sum_with_days: first(lives.yt),
        value_of_those_who_left: first(lives.yf),
        observed_cross_sum_with_days: first(lives.dt),
        observed_of_those_who_left: first(lives.df),
    }
}
