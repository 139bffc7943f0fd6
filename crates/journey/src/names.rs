//! Event names that mean something to the measurement.

/// The event that puts a person into an arm.
pub const EXPOSURE: &str = "Experiment Viewed";
/// Another platform's spelling of an exposure.
pub const FLAG_CALLED: &str = "$feature_flag_called";
/// What an `identify` call is kept as.
pub const IDENTIFIED: &str = "Identified";
/// What an `alias` call is kept as.
pub const ALIASED: &str = "Aliased";
/// What a `group` call is kept as.
pub const GROUPED: &str = "Grouped";
/// What a `page` call is kept as.
pub const PAGE: &str = "Page Viewed";
/// What a `screen` call is kept as.
pub const SCREEN: &str = "Screen Viewed";
/// An order; its refunds lower the value of what was ordered.
pub const ORDER: &str = "Order Completed";
/// The refund of an order, a negative value.
pub const REFUND: &str = "Order Refunded";
/// A cost of treating a person.
pub const COST: &str = "Cost Incurred";

/// A message on its way: nobody was reached by it yet.
pub const ATTEMPTS: &[&str] = &["Email Sent", "Push Notification Sent", "SMS Sent", "Message Sent"];
/// A message arrived.
pub const DELIVERED: &[&str] = &[
    "Email Delivered",
    "Push Notification Delivered",
    "Push Notification Received",
    "SMS Delivered",
    "Message Delivered",
];
/// A message did not arrive.
pub const UNDELIVERED: &[&str] = &["Email Bounced", "Push Notification Bounced", "SMS Bounced", "Message Bounced"];

/// An e-mail that was opened, or fetched by a proxy that opens them all.
pub const OPENED: &str = "Email Opened";

/// Whether `name` is an exposure.
#[must_use]
pub fn is_exposure(name: &str) -> bool {
    name == EXPOSURE || name == FLAG_CALLED
}

/// Whether the event is a point at which business and person touch, whoever acts: all but exposures, identities, costs,
/// refunds and what a system notes.
#[must_use]
pub fn is_touchpoint(name: &str) -> bool {
    !is_exposure(name) && !name.starts_with('$') && ![IDENTIFIED, ALIASED, GROUPED, COST, REFUND].contains(&name)
}

/// Whether the person did it: `*` in a metric means these.
///
/// Exposures, deliveries, bounces, costs and system events are done to a person. Opens are
/// fetched by mail proxies, so they are no sign of a person either.
#[must_use]
pub fn is_by_person(name: &str) -> bool {
    const DONE_TO: &[&str] = &[
        IDENTIFIED,
        ALIASED,
        GROUPED,
        REFUND,
        COST,
        "Email Sent",
        "Email Delivered",
        "Email Bounced",
        OPENED,
        "Email Marked as Spam",
        "Push Notification Sent",
        "Push Notification Delivered",
        "Push Notification Received",
        "Push Notification Bounced",
        "SMS Sent",
        "SMS Delivered",
        "SMS Bounced",
        "Message Sent",
        "Message Delivered",
        "Message Bounced",
        "Application Installed",
        "Application Updated",
        "Application Crashed",
    ];
    !is_exposure(name) && !name.starts_with('$') && !DONE_TO.contains(&name)
}
