//! Along which touchpoints persons come to a conversion, or to none.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Lens, LensKind, Path, Touch, names};
use metrics::inference::wilson_interval;
use metrics::paths::{ArmPaths, Branch, Node, arm_paths, branches, edges, frequent};
use utoipa::IntoParams;

use super::described::{AsOf, OfComparison, OfLens, OfReading};
use super::lens::{SHARED, Seen, main_of, not_a_lens, one_selector, through, window_days};
use super::look::Look;
use super::question::Asked;
use super::{Load, arm_key, told_interval};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::{Parameters, invalid};
use crate::state::AppState;
use crate::wire::results::build;
use crate::wire::results::lens::lens_info;
use crate::wire::results::paths::{ArmPathsInfo, EdgeArm, EdgeInfo, NodeInfo, PathInfo, PathList, PathsAnswer};

/// The parameters of paths, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
pub(crate) struct PathsParams {
    /// Which events are conversions: a name, or an object with `event` and `where`; `Order Completed` where it is absent.
    conversion: Option<String>,
    /// What a touchpoint is called by: `event` (the default: its name), `channel`, `stage`, or a path such as
    /// `properties.campaign`; events without it are no touchpoints.
    by: Option<String>,
    /// So many touchpoints of a path are told apart; 5 where it is absent.
    #[param(minimum = 1, maximum = 10)]
    depth: Option<u8>,
    /// So many paths of each arm and end are told, the most frequent; 20 where it is absent.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<usize>,
    /// So many touchpoints at each place have a node of their own, the most frequent; 12 where it is absent.
    #[param(minimum = 1, maximum = 50)]
    branches: Option<usize>,
}

const OWN: [&str; 5] = ["conversion", "by", "depth", "limit", "branches"];
const DEPTH: u8 = 5;
const LIMIT: usize = 20;
const BRANCHES: usize = 12;
const DESCRIPTION: &str = "who comes by a touchpoint is a consequence of the arm, so what they do next describes and is no effect; \
                           intervals are those of one reading. What an arm caused: /results, and /funnel over everyone exposed";

/// Along which touchpoints persons convert, or don't
///
/// The most frequent sequences of touchpoints after the exposure up to the first conversion, or without one, per arm; and all of
/// them as nodes and weighted edges, with the share of each branch and how it differs from the baseline's. Repetitions of a
/// touchpoint are left out, and what lies beyond the depth is counted. A description throughout. Paths that are asked for the
/// first time are measured from all events: 202 until that is done.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/paths", tag = "read", operation_id = "paths",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        PathsParams,
        OfLens, AsOf, OfComparison, OfReading,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The paths", body = PathsAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 202, description = "They are being measured", body = crate::wire::results::lens::Pending),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment"),
        (status = 409, description = "The experiment is archived, and was never looked at this way")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn paths(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = [&OWN[..], &SHARED].concat();
    let (asked, own) = {
        let mut parameters = Parameters::of(&uri, &known)?;
        let own = Own::read(&mut parameters)?;
        (Asked::read_lens(&uri, &headers, &known)?, own)
    };
    let route = format!("paths {} {}", own.limit, own.branches);
    let (asking, lens) = ((asked, route.as_str(), Load::Heavy), own.lens.clone());
    through(&state, &tenant, &key, &headers, asking, lens, move |seen| Json(tell(&seen, &own)).into_response()).await
}

/// What is asked here and nowhere else.
struct Own {
    lens: Lens,
    limit: usize,
    branches: usize,
}

impl Own {
    fn read(parameters: &mut Parameters) -> Result<Self, ApiError> {
        let conversion = parameters.text("conversion").unwrap_or_else(|| names::ORDER.to_owned());
        let conversion = one_selector("conversion", &conversion)?;
        let by = match parameters.text("by").as_deref() {
            None | Some("event") => Touch::Event,
            Some(path) => Touch::Path(Path::parse(path, "/by").map_err(|refusal| not_a_lens(&refusal))?),
        };
        let depth = parameters.parse("depth", "a whole number from 1 to 10")?.unwrap_or(DEPTH);
        let lens = Lens::validate(LensKind::Paths { by, conversion, depth }, window_days(parameters)?);
        let lens = lens.map_err(|refusal| not_a_lens(&refusal))?;
        Ok(Self {
            lens,
            limit: within(parameters, "limit", 200)?.unwrap_or(LIMIT),
            branches: within(parameters, "branches", 50)?.unwrap_or(BRANCHES),
        })
    }
}

fn within(parameters: &mut Parameters, name: &str, most: usize) -> Result<Option<usize>, ApiError> {
    let wanted = format!("a whole number from 1 to {most}");
    match parameters.parse(name, &wanted)? {
        Some(number) if (1..=most).contains(&number) => Ok(Some(number)),
        Some(number) => Err(invalid(name, &number.to_string(), &wanted)),
        None => Ok(None),
    }
}

fn tell(seen: &Seen<'_>, own: &Own) -> PathsAnswer {
    let (look, asked, maturity) = (seen.look, seen.asked, seen.maturity);
    let definition = &*look.measured.definition;
    let arms: Vec<ArmPaths> = seen.arms.iter().map(|arm| arm_paths(main_of(arm, maturity))).collect();
    let frequent = frequent(&arms, own.branches);
    let graphs: Vec<_> = arms.iter().map(|arm| edges(&arm.paths, &frequent)).collect();
    let branches = branches(&graphs, look.plan.baseline, asked.confidence);
    let mut nodes: Vec<&Node> = branches.keys().flat_map(|(from, to)| [from, to]).collect();
    nodes.sort_unstable();
    nodes.dedup();
    let number = |node: &Node| nodes.binary_search(&node).unwrap_or(0);
    let as_of = match maturity {
        metrics::report::Maturity::Matured => look.through.matured,
        metrics::report::Maturity::Live => look.through.live,
    };
    PathsAnswer {
        experiment: definition.experiment.key.as_str().to_owned(),
        control: arm_key(look, definition.experiment.control),
        baseline: arm_key(look, look.plan.baseline),
        lens: lens_info(&own.lens),
        window_days: seen.window_days,
        as_of: as_of.to_string(),
        confidence: asked.confidence,
        maturity: build::maturity_word(maturity),
        causal: false,
        anytime: false,
        reason: DESCRIPTION,
        fresh: look.fresh(),
        measuring: look.measuring(),
        checks: seen.checks.iter().map(build::check).collect(),
        arms: arms
            .iter()
            .enumerate()
            .map(|(arm, paths)| ArmPathsInfo {
                arm: arm_key(look, arm),
                persons: paths.persons,
                converted: list(paths, true, own.limit, asked.confidence),
                dropped_off: list(paths, false, own.limit, asked.confidence),
            })
            .collect(),
        nodes: nodes.iter().enumerate().map(|(at, node)| node_info(at, node)).collect(),
        edges: branches
            .iter()
            .map(|((from, to), branch)| EdgeInfo {
                from: number(from),
                to: number(to),
                arms: (0..arms.len()).map(|arm| edge_arm(look, arm, branch)).collect(),
            })
            .collect(),
    }
}

fn list(arm: &ArmPaths, converted: bool, limit: usize, confidence: f64) -> PathList {
    let all: Vec<_> = arm.paths.iter().filter(|(path, _)| path.converted == converted).collect();
    let persons: i64 = all.iter().map(|(_, n)| n).sum();
    let told = all.iter().take(limit).map(|(path, n)| PathInfo {
        touches: path.touches.iter().map(ToString::to_string).collect(),
        more: path.more,
        persons: *n,
        share: *n as f64 / arm.persons.max(1) as f64,
        interval: told_interval(wilson_interval(*n, arm.persons, confidence)),
    });
    let paths: Vec<PathInfo> = told.collect();
    let named: i64 = paths.iter().map(|path| path.persons).sum();
    PathList { persons, other_paths: all.len() - paths.len(), other_persons: persons - named, paths }
}

fn node_info(node: usize, what: &Node) -> NodeInfo {
    let (kind, place, touch) = match what {
        Node::Exposure => ("exposure", None, None),
        Node::Touch(place, Some(touch)) => ("touch", Some(*place), Some(touch.to_string())),
        Node::Touch(place, None) => ("other_touches", Some(*place), None),
        Node::Later => ("later_touches", None, None),
        Node::Converted => ("converted", None, None),
        Node::DroppedOff => ("dropped_off", None, None),
    };
    NodeInfo { node, kind, place, touch }
}

fn edge_arm(look: &Look, arm: usize, branch: &Branch) -> EdgeArm {
    let (at_node, persons) = (branch.at[arm], branch.went[arm]);
    let difference = branch.differences[arm].as_ref().and_then(|difference| difference.as_ref().ok());
    EdgeArm {
        arm: arm_key(look, arm),
        persons,
        at_node,
        share: (at_node > 0).then(|| persons as f64 / at_node as f64),
        interval: told_interval(branch.intervals[arm]),
        difference: difference.map(|difference| difference.value),
        difference_interval: told_interval(
            difference.map(|found| found.interval).ok_or(metrics::inference::Undefined::NoPersons),
        ),
    }
}
