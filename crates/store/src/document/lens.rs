//! How lenses are written.

use journey::{Invalid, Lens, LensKind, Name, Path, Selector, Stage, StepOrder, Touch};
use serde::{Deserialize, Serialize};

use super::metric::SelectorBody;

/// A lens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LensBody {
    kind: LensKindBody,
    window_days: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum LensKindBody {
    Funnel {
        steps: Vec<SelectorBody>,
        order: String,
    },
    Paths {
        /// A path; absent: the event's name.
        by: Option<String>,
        conversion: SelectorBody,
        depth: u8,
    },
    Stages {
        stages: Vec<StageBody>,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StageBody {
    name: String,
    rule: Option<SelectorBody>,
}

impl From<&Lens> for LensBody {
    fn from(lens: &Lens) -> Self {
        let kind = match &lens.kind {
            LensKind::Funnel { steps, order } => LensKindBody::Funnel {
                steps: steps.iter().map(SelectorBody::from).collect(),
                order: order.word().to_owned(),
            },
            LensKind::Paths { by, conversion, depth } => LensKindBody::Paths {
                by: match by {
                    Touch::Event => None,
                    Touch::Path(path) => Some(path.to_string()),
                },
                conversion: conversion.into(),
                depth: *depth,
            },
            LensKind::Stages { stages } => LensKindBody::Stages {
                stages: stages
                    .iter()
                    .map(|stage| StageBody {
                        name: stage.name.to_string(),
                        rule: stage.rule.as_ref().map(SelectorBody::from),
                    })
                    .collect(),
            },
        };
        Self { kind, window_days: lens.window_days }
    }
}

impl TryFrom<LensBody> for Lens {
    type Error = Invalid;

    fn try_from(body: LensBody) -> Result<Self, Invalid> {
        let kind = match body.kind {
            LensKindBody::Funnel { steps, order } => LensKind::Funnel {
                steps: steps.into_iter().map(Selector::try_from).collect::<Result<_, _>>()?,
                order: StepOrder::parse(&order, "/order")?,
            },
            LensKindBody::Paths { by, conversion, depth } => LensKind::Paths {
                by: by.map_or(Ok(Touch::Event), |path| Path::parse(&path, "/by").map(Touch::Path))?,
                conversion: conversion.try_into()?,
                depth,
            },
            LensKindBody::Stages { stages } => LensKind::Stages {
                stages: stages
                    .into_iter()
                    .map(|stage| {
                        Ok::<_, Invalid>(Stage {
                            name: Name::parse(&stage.name, "/stages")?,
                            rule: stage.rule.map(Selector::try_from).transpose()?,
                        })
                    })
                    .collect::<Result<_, _>>()?,
            },
        };
        Self::validate(kind, body.window_days)
    }
}
