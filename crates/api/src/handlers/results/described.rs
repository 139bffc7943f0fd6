//! What the routes that read an experiment have in common in the document: parameters and answers, described once.

#![expect(dead_code, reason = "parameters are read one by one, and answers made one by one; this is their description")]

use utoipa::{IntoParams, IntoResponses};

/// The experiment in the path.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OfExperiment {
    /// The experiment's key
    #[param(min_length = 1, max_length = 255)]
    key: String,
}

/// What the client holds already.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct Held {
    /// The `ETag` of an earlier answer: 304 where it still holds
    #[param(rename = "If-None-Match")]
    if_none_match: Option<String>,
}

/// How it is read.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfReading {
    /// The confidence of intervals; 0.95 where it is absent.
    #[param(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    confidence: Option<f64>,
    /// `strong` (the default): everything acknowledged is in the numbers. `eventual`: as they stand.
    #[param(pattern = "^(strong|eventual)?$")]
    consistency: Option<String>,
}

/// As of when.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOf {
    /// As of the end of this day, in the tenant's time zone; without it, as of now.
    #[param(format = "date")]
    as_of: Option<String>,
}

/// What is compared with what.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfComparison {
    /// How lifts are tested; without it, as the experiment says.
    #[param(value_type = Option<crate::wire::schema::Method>)]
    method: Option<String>,
    /// The arm that the others are compared with; without it, control.
    baseline: Option<String>,
}

/// Of whom it speaks.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfPersons {
    /// The reading of the main fields: `matured` (closed windows, the default) or `live` (everyone exposed).
    #[param(pattern = "^(matured|live)?$")]
    maturity: Option<String>,
    /// What happens to crossovers; without it, as the experiment says.
    #[param(value_type = Option<crate::wire::schema::Crossovers>)]
    crossovers: Option<String>,
    /// Whether the steps are told.
    explain: Option<bool>,
}

/// What of a journey a lens looks at, and of whom it speaks.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfLens {
    /// So many days after the exposure count; without it, the experiment's window.
    #[param(minimum = 1, maximum = 3650)]
    window_days: Option<u32>,
    /// The reading: `matured` (closed windows, the default) or `live` (everyone exposed).
    #[param(pattern = "^(matured|live)?$")]
    maturity: Option<String>,
}

/// What is answered in place of numbers.
#[derive(IntoResponses)]
pub(crate) enum Otherwise {
    /// Nothing has changed
    #[response(status = 304)]
    Unchanged,
    /// There is no such experiment
    #[response(status = 404)]
    Nothing,
}
