//! Subscriptions and features.

use journey::{Role, Tactic};

use super::NamedBy::{Journeylift, Software};
use super::{Entry, source};

const SUBSCRIPTIONS: &str = "no specification has subscriptions: send this event when one begins or changes";

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        key: "trial_start_rate",
        name: "Trials started",
        definition: r#"{"kind":"conversion","event":"Trial Started","goal":"increase","unit":"share of persons",
            "description":"Share of the persons exposed who start a trial within the window."}"#,
        formula: "persons with Trial Started / persons exposed",
        tactics: &[Tactic::Onboarding, Tactic::Offer, Tactic::Pricing, Tactic::Content],
        role: Role::Secondary,
        events: &[source(Software, "Trial Started", &[])],
        caveats: &["more trials are no more customers: decide by those who pay"],
        route: Some("/v1/experiments/{key}/funnel?steps=Trial Started,Subscription Started"),
    },
    Entry {
        key: "trial_to_paid",
        name: "Trial to paid",
        definition: r#"{"kind":"conversion","event":"Subscription Started","goal":"increase","unit":"share of persons",
            "description":"Share of the persons exposed who pay within the window."}"#,
        formula: "persons with Subscription Started / persons exposed",
        tactics: &[Tactic::Onboarding, Tactic::Offer, Tactic::Pricing, Tactic::Support],
        role: Role::Primary,
        events: &[source(Journeylift, "Subscription Started", &[])],
        caveats: &[
            SUBSCRIPTIONS,
            "expose at the start of the trial, and everyone exposed is in one: of those alone who start a trial after the exposure the \
             share is no effect",
            "the window must be longer than the trial",
        ],
        route: Some("/v1/experiments/{key}/funnel?steps=Trial Started,Subscription Started"),
    },
    Entry {
        key: "monthly_recurring_revenue",
        name: "Monthly recurring revenue",
        definition: r#"{"kind":"latest","event":"Subscription Updated","of":"properties.mrr","goal":"increase",
            "unit":"currency per person and month","description":"The latest monthly price of each person exposed, 0 without one."}"#,
        formula: "sum of the latest properties.mrr / persons exposed",
        tactics: &[Tactic::Pricing, Tactic::Offer, Tactic::Onboarding, Tactic::Predictive, Tactic::Support],
        role: Role::Primary,
        events: &[source(Journeylift, "Subscription Updated", &["properties.mrr"])],
        caveats: &[
            SUBSCRIPTIONS,
            "a cancellation is an update to 0",
            "prices that were set before the exposure and did not change since are not seen: send the event on the day of the exposure, too",
        ],
        route: None,
    },
    Entry {
        key: "feature_adoption",
        name: "Feature adoption",
        definition: r#"{"kind":"conversion","event":"Feature Used","at_least":3,"goal":"increase","unit":"share of persons",
            "description":"Share of the persons exposed who use the feature at least three times within the window."}"#,
        formula: "persons with 3 or more Feature Used / persons exposed",
        tactics: &[Tactic::Onboarding, Tactic::Content, Tactic::Support, Tactic::Behavioral, Tactic::Contextual],
        role: Role::Primary,
        events: &[source(Journeylift, "Feature Used", &[])],
        caveats: &["of any feature: name one with \"where\": {\"properties.feature\": \"..\"}"],
        route: None,
    },
];
