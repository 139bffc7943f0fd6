//! How much persons do, and whether they stay.

use journey::{Role, Tactic};

use super::NamedBy::{Ecommerce, Journeylift, Pages};
use super::{ANYTHING, Entry, source};

const ONES_OWN: &str = "no specification has such an event: send it with this property when the page is left";

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        key: "engagement_score",
        name: "Engagement score",
        definition: r#"{"kind":"score","parts":[{"event":"Page Viewed","weight":1},{"event":"Product Viewed","weight":2},
            {"event":"Product Added to Wishlist","weight":3},{"event":"Product Added","weight":5},
            {"event":"Product Shared","weight":5},{"event":"Product Reviewed","weight":5}],"goal":"increase",
            "unit":"points per person","description":"Weighted events within the window, over everyone exposed."}"#,
        formula: "(1 Page Viewed + 2 Product Viewed + 3 Product Added to Wishlist + 5 Product Added + 5 Product Shared + 5 Product \
                  Reviewed) / persons exposed",
        tactics: &[Tactic::Content, Tactic::Recommendation, Tactic::Onboarding, Tactic::Behavioral, Tactic::Contextual],
        role: Role::Secondary,
        events: &[
            source(Pages, "Page Viewed", &[]),
            source(Ecommerce, "Product Viewed", &[]),
            source(Ecommerce, "Product Added to Wishlist", &[]),
            source(Ecommerce, "Product Added", &[]),
            source(Ecommerce, "Product Shared", &[]),
            source(Ecommerce, "Product Reviewed", &[]),
        ],
        caveats: &["the weights are a convention: fix them before the experiment, and decide by what they stand for"],
        route: None,
    },
    Entry {
        key: "time_on_page",
        name: "Time on page",
        definition: r#"{"kind":"ratio","numerator":{"event":"Page Timed","of":"properties.seconds"},
            "denominator":{"event":"Page Timed","of":"count"},"goal":"increase","unit":"seconds per page",
            "description":"Seconds on pages over pages, of all persons together."}"#,
        formula: "properties.seconds of Page Timed / number of Page Timed",
        tactics: &[Tactic::Content, Tactic::Contextual, Tactic::Onboarding],
        role: Role::Secondary,
        events: &[source(Journeylift, "Page Timed", &["properties.seconds"])],
        caveats: &[ONES_OWN, "longer is not always better: a page that answers at once is left at once"],
        route: None,
    },
    Entry {
        key: "scroll_depth",
        name: "Scroll depth",
        definition: r#"{"kind":"ratio","numerator":{"event":"Page Scrolled","of":"properties.depth"},
            "denominator":{"event":"Page Scrolled","of":"count"},"goal":"increase","unit":"share of the page",
            "description":"Depth that was reached on pages over pages, of all persons together."}"#,
        formula: "properties.depth of Page Scrolled / number of Page Scrolled",
        tactics: &[Tactic::Content, Tactic::Contextual, Tactic::Onboarding],
        role: Role::Secondary,
        events: &[source(Journeylift, "Page Scrolled", &["properties.depth"])],
        caveats: &[ONES_OWN, "send it once per page, with the deepest point as a share from 0 to 1"],
        route: None,
    },
    Entry {
        key: "retention_day_7",
        name: "Retention on day 7",
        definition: r#"{"kind":"retention","event":"*","from_day":7,"to_day":8,"curve":true,"goal":"increase",
            "unit":"share of persons","description":"Share of the persons exposed who come back in the 24 hours after seven days."}"#,
        formula: "persons with an event of their own in [exposure + 7 d, exposure + 8 d) / persons exposed",
        tactics: &[],
        role: Role::Secondary,
        events: &[ANYTHING],
        caveats: &["events that are done to a person (deliveries, opens, exposures, costs) are no return"],
        route: Some("/v1/experiments/{key}/retention"),
    },
    Entry {
        key: "churn",
        name: "Churn",
        definition: r#"{"kind":"retention","event":"*","from_day":28,"window_days":56,"curve":true,"goal":"increase",
            "unit":"share of persons","description":"Share of the persons exposed who are active in the four weeks after the first four; churn is the rest."}"#,
        formula: "churn = 1 - persons with an event of their own in [exposure + 28 d, exposure + 56 d) / persons exposed",
        tactics: &[Tactic::Support, Tactic::Predictive, Tactic::Behavioral, Tactic::Onboarding, Tactic::Offer],
        role: Role::Secondary,
        events: &[ANYTHING],
        caveats: &[
            "the metric is the share that stays, so more is better: churn is 1 minus it, with the same difference turned round",
            "it takes eight weeks to mature; the route shows the curve so far, and churn per day with inactive_days",
        ],
        route: Some("/v1/experiments/{key}/retention?inactive_days=28"),
    },
];
