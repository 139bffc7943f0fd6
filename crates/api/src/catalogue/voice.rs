//! What persons say.

use journey::{Role, Tactic};

use super::NamedBy::{Ecommerce, Journeylift, LiveChat, Software};
use super::{Entry, source};

const OF_ANSWERS: &str = "of those who answered, each with the latest answer; the response rate stands beside it, and where it differs \
                          between the arms there is no verdict";
const SURVEYS: &str = "no specification has surveys: send Survey Answered with properties.survey and properties.score";

pub(super) const ENTRIES: &[Entry] = &[
    Entry {
        key: "net_promoter_score",
        name: "Net promoter score",
        definition: r#"{"kind":"rating","event":"Survey Answered","of":"properties.score","scale":"nps",
            "where":{"properties.survey":"nps"},"goal":"increase","unit":"points from -100 to 100",
            "description":"Share of promoters (9 and 10) less that of detractors (0 to 6), x 100, of the latest answers."}"#,
        formula: "100 x (persons whose latest answer is 9 or 10 - persons whose latest answer is 6 or less) / persons who answered",
        tactics: &[Tactic::Support, Tactic::Onboarding, Tactic::Content, Tactic::Channel],
        role: Role::Secondary,
        events: &[source(Journeylift, "Survey Answered", &["properties.survey", "properties.score"])],
        caveats: &[OF_ANSWERS, SURVEYS],
        route: None,
    },
    Entry {
        key: "customer_satisfaction",
        name: "Customer satisfaction",
        definition: r#"{"kind":"rating","event":"Survey Answered","of":"properties.score","scale":"csat","satisfied_from":4,
            "where":{"properties.survey":"csat"},"goal":"increase","unit":"share of those who answered",
            "description":"Share of the latest answers that are 4 or 5 of 5."}"#,
        formula: "persons whose latest answer is 4 or more / persons who answered",
        tactics: &[Tactic::Support, Tactic::Onboarding, Tactic::Content, Tactic::Channel],
        role: Role::Secondary,
        events: &[source(Journeylift, "Survey Answered", &["properties.survey", "properties.score"])],
        caveats: &[OF_ANSWERS, SURVEYS],
        route: None,
    },
    Entry {
        key: "sentiment",
        name: "Sentiment",
        definition: r#"{"kind":"rating","event":"Feedback Received","of":"properties.sentiment","scale":"mean","goal":"increase",
            "unit":"from -1 to 1","description":"Mean sentiment of the latest feedback of each person who gave any."}"#,
        formula: "sum of the latest properties.sentiment / persons with Feedback Received",
        tactics: &[Tactic::Support, Tactic::Content, Tactic::Channel],
        role: Role::Secondary,
        events: &[source(Journeylift, "Feedback Received", &["properties.sentiment"])],
        caveats: &[OF_ANSWERS, "the sentiment is what your own model says of the text: send it as a number"],
        route: None,
    },
    Entry {
        key: "product_rating",
        name: "Product rating",
        definition: r#"{"kind":"rating","event":"Product Reviewed","of":"properties.rating","scale":"mean","goal":"increase",
            "unit":"stars","description":"Mean of the latest rating of each person who reviewed a product."}"#,
        formula: "sum of the latest properties.rating / persons with Product Reviewed",
        tactics: &[Tactic::Recommendation, Tactic::Content, Tactic::Support],
        role: Role::Secondary,
        events: &[source(Ecommerce, "Product Reviewed", &["properties.rating"])],
        caveats: &[OF_ANSWERS],
        route: None,
    },
    Entry {
        key: "survey_response_rate",
        name: "Survey response rate",
        definition: r#"{"kind":"conversion","event":"Survey Answered","goal":"increase","unit":"share of persons",
            "description":"Share of the persons exposed who answer a survey within the window."}"#,
        formula: "persons with Survey Answered / persons exposed",
        tactics: &[Tactic::Support, Tactic::Onboarding, Tactic::Content, Tactic::Channel],
        role: Role::Secondary,
        events: &[source(Journeylift, "Survey Answered", &[])],
        caveats: &["read it beside any rating: where it differs, the ratings are not comparable", SURVEYS],
        route: None,
    },
    Entry {
        key: "referrals",
        name: "Referrals",
        definition: r#"{"kind":"count","event":"Invite Sent","goal":"increase","unit":"invites per person",
            "description":"Invites sent within the window, over everyone exposed."}"#,
        formula: "number of Invite Sent / persons exposed",
        tactics: &[Tactic::Onboarding, Tactic::Offer, Tactic::Support, Tactic::Behavioral],
        role: Role::Secondary,
        events: &[source(Software, "Invite Sent", &[])],
        caveats: &["who is invited may be in the other arm, which makes the arms more alike than they are"],
        route: None,
    },
    Entry {
        key: "support_contacts",
        name: "Support contacts",
        definition: r#"{"kind":"count","event":"Live Chat Conversation Started","goal":"decrease","unit":"contacts per person",
            "description":"Conversations with support within the window, over everyone exposed; the difference is contacts avoided."}"#,
        formula: "number of Live Chat Conversation Started / persons exposed; avoided = control - arm",
        tactics: &[Tactic::Support, Tactic::Onboarding, Tactic::Content],
        role: Role::Secondary,
        events: &[source(LiveChat, "Live Chat Conversation Started", &[])],
        caveats: &["an arm that hides the contact avoids contacts as well: read it with satisfaction"],
        route: None,
    },
];
