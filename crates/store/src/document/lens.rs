//! How lenses are written.

use journey::{Contacts, Invalid, Items, Lens, LensKind, Name, Path, Selector, Stage, StepOrder, Touch};
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
    Attribution {
        /// A path; absent: the event's name.
        by: Option<String>,
        conversion: SelectorBody,
        lookback_days: Option<u32>,
        half_life_micros: i64,
    },
    Channels {
        channel: String,
        conversion: SelectorBody,
        trigger: Option<SelectorBody>,
        delivered: Vec<SelectorBody>,
        undelivered: Vec<SelectorBody>,
        fallback: String,
        consent: String,
    },
    Items {
        by: String,
        /// Absent: exposures to the experiment.
        shown: Option<SelectorBody>,
        conversion: SelectorBody,
        product: Vec<String>,
        accepted: Vec<SelectorBody>,
        weight: String,
        would_have: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StageBody {
    name: String,
    rule: Option<SelectorBody>,
}

fn by_text(by: &Touch) -> Option<String> {
    match by {
        Touch::Event => None,
        Touch::Path(path) => Some(path.to_string()),
    }
}

fn by_of(by: Option<String>) -> Result<Touch, Invalid> {
    by.map_or(Ok(Touch::Event), |path| Path::parse(&path, "/by").map(Touch::Path))
}

impl From<&Lens> for LensBody {
    fn from(lens: &Lens) -> Self {
        let kind = match &lens.kind {
            LensKind::Funnel { steps, order } => LensKindBody::Funnel {
                steps: steps.iter().map(SelectorBody::from).collect(),
                order: order.word().to_owned(),
            },
            LensKind::Paths { by, conversion, depth } => {
                LensKindBody::Paths { by: by_text(by), conversion: conversion.into(), depth: *depth }
            }
            LensKind::Attribution { by, conversion, lookback_days, half_life_micros } => LensKindBody::Attribution {
                by: by_text(by),
                conversion: conversion.into(),
                lookback_days: *lookback_days,
                half_life_micros: *half_life_micros,
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
            LensKind::Channels(contacts) => {
                let bodies = |selectors: &[Selector]| selectors.iter().map(SelectorBody::from).collect();
                LensKindBody::Channels {
                    channel: contacts.channel.to_string(),
                    conversion: (&contacts.conversion).into(),
                    trigger: contacts.trigger.as_ref().map(SelectorBody::from),
                    delivered: bodies(&contacts.delivered),
                    undelivered: bodies(&contacts.undelivered),
                    fallback: contacts.fallback.to_string(),
                    consent: contacts.consent.to_string(),
                }
            }
            LensKind::Items(items) => LensKindBody::Items {
                by: items.by.to_string(),
                shown: items.shown.as_ref().map(SelectorBody::from),
                conversion: (&items.conversion).into(),
                product: items.product.iter().map(Path::to_string).collect(),
                accepted: items.accepted.iter().map(SelectorBody::from).collect(),
                weight: items.weight.to_string(),
                would_have: items.would_have.to_string(),
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
            LensKindBody::Paths { by, conversion, depth } => {
                LensKind::Paths { by: by_of(by)?, conversion: conversion.try_into()?, depth }
            }
            LensKindBody::Attribution { by, conversion, lookback_days, half_life_micros } => LensKind::Attribution {
                by: by_of(by)?,
                conversion: conversion.try_into()?,
                lookback_days,
                half_life_micros,
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
            LensKindBody::Channels { channel, conversion, trigger, delivered, undelivered, fallback, consent } => {
                let read = |bodies: Vec<SelectorBody>| -> Result<Vec<Selector>, Invalid> {
                    bodies.into_iter().map(Selector::try_from).collect()
                };
                LensKind::Channels(Contacts {
                    channel: Path::parse(&channel, "/channel")?,
                    conversion: conversion.try_into()?,
                    trigger: trigger.map(Selector::try_from).transpose()?,
                    delivered: read(delivered)?,
                    undelivered: read(undelivered)?,
                    fallback: Path::parse(&fallback, "/fallback")?,
                    consent: Path::parse(&consent, "/consent")?,
                })
            }
            LensKindBody::Items { by, shown, conversion, product, accepted, weight, would_have } => {
                LensKind::Items(Items {
                    by: Path::parse(&by, "/by")?,
                    shown: shown.map(Selector::try_from).transpose()?,
                    conversion: conversion.try_into()?,
                    product: product.iter().map(|path| Path::parse(path, "/product")).collect::<Result<_, _>>()?,
                    accepted: accepted.into_iter().map(Selector::try_from).collect::<Result<_, _>>()?,
                    weight: Path::parse(&weight, "/weight")?,
                    would_have: Path::parse(&would_have, "/would_have")?,
                })
            }
        };
        Self::validate(kind, body.window_days)
    }
}
