//! What is asked of an experiment: the query parameters, and what they mean for its definition.

use axum::http::{HeaderMap, Uri, header};
use journey::{CrossoverPolicy, Day, Definition, Method};
use metrics::report::{Adjust, Maturity};
use store::MAX_DIMENSION_VALUES;

use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::wire::results::build::maturity_word;

/// The parameters of results.
pub(crate) const RESULTS: &[&str] = &[
    "metric",
    "by",
    "as_of",
    "method",
    "confidence",
    "adjust",
    "cuped",
    "maturity",
    "baseline",
    "crossovers",
    "explain",
    "consistency",
];

/// The parameters of timelines.
pub(crate) const TIMELINE: &[&str] = &[
    "metric",
    "as_of",
    "method",
    "confidence",
    "adjust",
    "cuped",
    "maturity",
    "baseline",
    "crossovers",
    "explain",
    "consistency",
];

/// The parameters of segments.
pub(crate) const SEGMENTS: &[&str] = &[
    "metric",
    "by",
    "limit",
    "as_of",
    "method",
    "confidence",
    "maturity",
    "baseline",
    "crossovers",
    "explain",
    "consistency",
];

/// What was asked, before the experiment is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Asked {
    metric: Option<String>,
    /// The dimension by whose values it is asked for, too.
    pub(crate) by: Option<String>,
    /// How many values of the dimension are told one by one; `None`: as many as usual.
    pub(crate) limit: Option<usize>,
    /// The day up to whose end everything counts; `None`: as of now.
    pub(crate) as_of: Option<Day>,
    method: Option<Method>,
    /// The confidence of intervals.
    pub(crate) confidence: f64,
    /// How p-values are adjusted.
    pub(crate) adjust: Adjust,
    /// Whether differences are adjusted by the covariate; `None`: as each metric says.
    pub(crate) cuped: Option<bool>,
    /// The reading of the main fields.
    pub(crate) maturity: Maturity,
    baseline: Option<String>,
    crossovers: Option<CrossoverPolicy>,
    /// Whether the steps are told.
    pub(crate) explain: bool,
    /// Whether everything acknowledged must be in the numbers.
    pub(crate) strong: bool,
    /// Whether a table is wanted.
    pub(crate) csv: bool,
}

impl Asked {
    /// Reads the parameters, of which `known` are allowed, and what kind of answer is wanted.
    pub(crate) fn read(uri: &Uri, headers: &HeaderMap, known: &[&str]) -> Result<Self, ApiError> {
        let mut parameters = Parameters::of(uri, known)?;
        let limit = limit(&mut parameters)?;
        Ok(Self { limit, ..Self::of(parameters, headers)? })
    }

    /// The same where `metric`, `by` and `limit` mean something else.
    pub(crate) fn read_lens(uri: &Uri, headers: &HeaderMap, known: &[&str]) -> Result<Self, ApiError> {
        Ok(Self { metric: None, by: None, ..Self::of(Parameters::of(uri, known)?, headers)? })
    }

    fn of(mut parameters: Parameters, headers: &HeaderMap) -> Result<Self, ApiError> {
        let as_of = match parameters.text("as_of") {
            None => None,
            Some(text) => {
                let day = Day::parse(&text, "");
                Some(day.map_err(|_| invalid("as_of", &text, "a day in the tenant's time zone, such as 2026-11-24"))?)
            }
        };
        let confidence = parameters.parse("confidence", CONFIDENCE)?.unwrap_or(0.95);
        if !(confidence > 0.0 && confidence < 1.0) {
            return Err(invalid("confidence", &confidence.to_string(), CONFIDENCE));
        }
        Ok(Self {
            metric: parameters.text("metric"),
            by: parameters.text("by"),
            limit: None,
            as_of,
            method: one_of(&mut parameters, "method", &METHODS)?,
            confidence,
            adjust: one_of(&mut parameters, "adjust", &ADJUSTMENTS)?.unwrap_or(Adjust::ByRole),
            cuped: one_of(&mut parameters, "cuped", &FLAGS)?,
            maturity: one_of(&mut parameters, "maturity", &MATURITIES)?.unwrap_or(Maturity::Matured),
            baseline: parameters.text("baseline"),
            crossovers: one_of(&mut parameters, "crossovers", &CROSSOVERS)?,
            explain: one_of(&mut parameters, "explain", &FLAGS)?.unwrap_or(false),
            strong: one_of(&mut parameters, "consistency", &CONSISTENCIES)?.unwrap_or(true),
            csv: wants_csv(headers),
        })
    }

    /// What it means for an experiment.
    pub(crate) fn plan(&self, definition: &Definition) -> Result<Plan, ApiError> {
        let experiment = &definition.experiment;
        let arm_keys: Vec<&str> = experiment.arms.iter().map(|arm| arm.key.as_str()).collect();
        let metric_keys: Vec<&str> = definition.metrics.iter().map(|metric| metric.key.as_str()).collect();
        let dimensions: Vec<&str> = experiment.dimensions.iter().map(journey::Path::as_str).collect();
        let baseline = position("baseline", self.baseline.as_deref(), &arm_keys, "arm")?.unwrap_or(experiment.control);
        let policy = self.crossovers.unwrap_or(experiment.crossovers);
        let method = self.method.unwrap_or(experiment.method);
        let metric = position("metric", self.metric.as_deref(), &metric_keys, "metric")?;
        let shown = experiment.metrics.iter().enumerate().filter(|(at, _)| metric.is_none_or(|only| only == *at));
        let planned: Vec<bool> = shown.map(|(_, used)| used.cuped).collect();
        Ok(Plan {
            metric,
            cuped: self.cuped.unwrap_or_else(|| planned.contains(&true)),
            dimension: position("by", self.by.as_deref(), &dimensions, "dimension")?,
            baseline,
            policy,
            method,
            exploratory: method != experiment.method
                || policy != experiment.crossovers
                || baseline != experiment.control
                || self.cuped.is_some_and(|cuped| planned.iter().any(|planned| *planned != cuped)),
        })
    }

    /// The same question of another experiment, which has arms and metrics of its own.
    pub(crate) fn inside(&self) -> Self {
        Self { metric: None, by: None, baseline: None, ..self.clone() }
    }

    /// Everything that changes the answer, as texts.
    pub(crate) fn fingerprint(&self) -> [String; 14] {
        let Self {
            metric,
            by,
            limit,
            as_of,
            method,
            confidence,
            adjust,
            cuped,
            maturity,
            baseline,
            crossovers,
            explain,
            strong,
            csv,
        } = self;
        // An absent parameter is not the same as an empty one: 0 and 1 tell them apart.
        let text = |value: Option<&str>| value.map_or("0".to_owned(), |value| format!("1{value}"));
        [
            text(metric.as_deref()),
            text(by.as_deref()),
            text(limit.map(|limit| limit.to_string()).as_deref()),
            text(as_of.map(|day| day.to_string()).as_deref()),
            text(method.map(Method::word)),
            confidence.to_bits().to_string(),
            adjust_word(*adjust).to_owned(),
            text(cuped.map(|cuped| cuped.to_string()).as_deref()),
            maturity_word(*maturity).to_owned(),
            text(baseline.as_deref()),
            text(crossovers.map(CrossoverPolicy::word)),
            explain.to_string(),
            strong.to_string(),
            csv.to_string(),
        ]
    }
}

/// What a question means for an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The index of the only metric that is asked for.
    pub(crate) metric: Option<usize>,
    /// The index of the dimension.
    pub(crate) dimension: Option<usize>,
    /// The index of the arm that the others are compared with.
    pub(crate) baseline: usize,
    /// What happens to crossovers.
    pub(crate) policy: CrossoverPolicy,
    /// How lifts are tested.
    pub(crate) method: Method,
    /// Whether any of the metrics asked for is adjusted by its covariate.
    pub(crate) cuped: bool,
    /// Whether it differs from what the experiment planned.
    pub(crate) exploratory: bool,
}

const CONFIDENCE: &str = "a number between 0 and 1, such as 0.95";
const METHODS: [(&str, Method); 3] =
    [("sequential", Method::Sequential), ("frequentist", Method::Frequentist), ("bayesian", Method::Bayesian)];
const ADJUSTMENTS: [(&str, Adjust); 4] = [
    ("holm", Adjust::Holm),
    ("bh", Adjust::BenjaminiHochberg),
    ("ebh", Adjust::EBenjaminiHochberg),
    ("none", Adjust::None),
];
const FLAGS: [(&str, bool); 2] = [("true", true), ("false", false)];
const MATURITIES: [(&str, Maturity); 2] = [("matured", Maturity::Matured), ("live", Maturity::Live)];
const CROSSOVERS: [(&str, CrossoverPolicy); 2] =
    [("first", CrossoverPolicy::First), ("exclude", CrossoverPolicy::Exclude)];
const CONSISTENCIES: [(&str, bool); 2] = [("strong", true), ("eventual", false)];

/// The word for an adjustment.
pub(crate) fn adjust_word(adjust: Adjust) -> &'static str {
    match adjust {
        Adjust::ByRole => "by_role",
        Adjust::Holm => "holm",
        Adjust::BenjaminiHochberg => "bh",
        Adjust::EBenjaminiHochberg => "ebh",
        Adjust::None => "none",
    }
}

/// How many values are told one by one.
fn limit(parameters: &mut Parameters) -> Result<Option<usize>, ApiError> {
    let wanted = format!("a whole number from 1 to {MAX_DIMENSION_VALUES}");
    let found: Option<usize> = parameters.parse("limit", &wanted)?;
    match found {
        Some(limit) if i64::try_from(limit).is_ok_and(|limit| (1..=MAX_DIMENSION_VALUES).contains(&limit)) => {
            Ok(Some(limit))
        }
        Some(limit) => Err(invalid("limit", &limit.to_string(), &wanted)),
        None => Ok(None),
    }
}

fn one_of<T: Copy>(parameters: &mut Parameters, name: &str, known: &[(&str, T)]) -> Result<Option<T>, ApiError> {
    let Some(text) = parameters.text(name) else { return Ok(None) };
    let found = known.iter().find(|(word, _)| *word == text);
    let words: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
    found.map(|(_, value)| Some(*value)).ok_or_else(|| invalid(name, &text, &words.join(" or ")))
}

/// The index of what a parameter names.
fn position(name: &str, wanted: Option<&str>, known: &[&str], what: &str) -> Result<Option<usize>, ApiError> {
    let Some(wanted) = wanted else { return Ok(None) };
    let found = known.iter().position(|key| *key == wanted);
    let there_are = match known {
        [] => format!("nothing, since the experiment has no {what}"),
        _ if what.starts_with('a') => format!("an {what} of the experiment: {}", known.join(", ")),
        _ => format!("a {what} of the experiment: {}", known.join(", ")),
    };
    found.map(Some).ok_or_else(|| invalid(name, wanted, &there_are))
}

/// Whether the client would rather have a table: it names `text/csv`, and names JSON later or not at all.
fn wants_csv(headers: &HeaderMap) -> bool {
    let accept = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let types: Vec<String> = accept
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.split(';').next())
        .map(|range| range.trim().to_ascii_lowercase())
        .collect();
    let place = |wanted: &str| types.iter().position(|range| range == wanted);
    match (place("text/csv"), place("application/json")) {
        (Some(csv), Some(json)) => csv < json,
        (csv, _) => csv.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Result<Asked, ApiError> {
        let uri = format!("/x{query}").parse().unwrap();
        Asked::read(&uri, &HeaderMap::new(), RESULTS)
    }

    #[test]
    fn everything_has_a_default() {
        let asked = asked("").unwrap();
        assert_eq!((asked.confidence, asked.adjust, asked.maturity), (0.95, Adjust::ByRole, Maturity::Matured));
        assert!(asked.strong && asked.cuped.is_none() && !asked.explain && !asked.csv);
    }

    #[test]
    fn what_there_is_not_is_refused_with_what_there_is() {
        for (query, name) in [
            ("?method=optimistic", "sequential or frequentist or bayesian"),
            ("?adjust=bonferroni", "holm or bh or ebh or none"),
            ("?confidence=1", "between 0 and 1"),
            ("?confidence=NaN", "between 0 and 1"),
            ("?as_of=yesterday", "2026-11-24"),
            ("?cuped=yes", "true or false"),
            ("?maturity=ripe", "matured or live"),
            ("?consistency=none", "strong or eventual"),
            ("?metrics=x", "did you mean metric?"),
        ] {
            let error = format!("{:?}", asked(query).unwrap_err());
            assert!(error.contains(name), "{query}: {error}");
        }
    }

    #[test]
    fn what_the_experiment_has_not_is_refused_in_words() {
        let refused = |what, known: &[&str]| format!("{:?}", position("x", Some("z"), known, what).unwrap_err());
        assert!(refused("arm", &["off", "on"]).contains("use an arm of the experiment: off, on"));
        assert!(refused("metric", &["m"]).contains("use a metric of the experiment: m"));
        assert!(refused("dimension", &[]).contains("since the experiment has no dimension"));
    }

    #[test]
    fn every_parameter_changes_the_fingerprint() {
        let plain = asked("").unwrap().fingerprint();
        for query in [
            "?metric=m",
            "?by=d",
            "?as_of=2026-11-24",
            "?method=frequentist",
            "?confidence=0.9",
            "?adjust=bh",
            "?cuped=true",
            "?cuped=false",
            "?maturity=live",
            "?baseline=a",
            "?crossovers=first",
            "?explain=true",
            "?consistency=eventual",
        ] {
            assert_ne!(asked(query).unwrap().fingerprint(), plain, "{query}");
        }
    }

    #[test]
    fn a_limit_is_a_number_of_values() {
        let limit = |query: &str| Asked::read(&format!("/x{query}").parse().unwrap(), &HeaderMap::new(), SEGMENTS);
        assert_eq!(limit("?limit=7").unwrap().limit, Some(7));
        assert_ne!(limit("?limit=7").unwrap().fingerprint(), limit("").unwrap().fingerprint());
        for query in ["?limit=0", "?limit=1001", "?limit=-1", "?limit=many", "?limit=99999999999999999999"] {
            let error = format!("{:?}", limit(query).unwrap_err());
            assert!(error.contains("a whole number from 1 to 1000"), "{query}: {error}");
        }
    }

    #[test]
    fn a_table_is_given_to_those_who_ask_for_one() {
        let wants = |accept: &str| {
            let headers = [(header::ACCEPT, accept.parse().unwrap())].into_iter().collect();
            wants_csv(&headers)
        };
        assert!(wants("text/csv"));
        assert!(wants("text/csv;q=1, application/json"));
        assert!(!wants("application/json, text/csv"));
        assert!(!wants("*/*"));
    }
}
