//! Which content worked.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use journey::{Items, Lens, LensKind, Path};
use metrics::lens::is_at_exposure;
use metrics::report::report_items;
use utoipa::IntoParams;

use super::described::{AsOf, OfComparison, OfLens, OfReading};
use super::lens::{SHARED, Seen, not_a_lens, one_selector, selectors, through, told, window_days};
use super::question::Asked;
use super::{Load, arm_key};
use crate::auth::Read;
use crate::document::KeyInPath;
use crate::problem::ApiError;
use crate::query::Parameters;
use crate::state::AppState;
use crate::wire::results::items::ItemsAnswer;
use crate::wire::results::tell_items::{arm_items, would_have};

/// The parameters of items, for the document.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one; this is their description")]
pub(crate) struct ItemsParams {
    /// Where an event says which item it showed; `properties.item_id` where it is absent.
    by: Option<String>,
    /// Which events show items: a name, or an object with `event` and `where`, such as `Email Delivered` for subject lines;
    /// exposures to the experiment where it is absent.
    shown: Option<String>,
    /// Which events are conversions: a name, or an object with `event` and `where`; `Order Completed` where it is absent.
    conversion: Option<String>,
    /// Where an event says which products it is about: up to 4 paths between commas, `[]` for each entry of a list;
    /// `properties.product_id,properties.products[].product_id` where it is absent.
    product: Option<String>,
    /// Which events accept an item that they are about, if they come after it was shown: names between commas, or a JSON array
    /// of names and of objects with `event` and `where`; without it, clicks on, views and additions of products, links and
    /// promotions, and orders.
    accepted: Option<String>,
    /// Where an event that shows an item says with which probability (above 0, at most 1) the item was drawn;
    /// `properties.item_weight` where it is absent.
    weight: Option<String>,
    /// Where an exposure says which item would have been shown; `properties.would_have` where it is absent.
    would_have: Option<String>,
}

const OWN: [&str; 7] = ["by", "shown", "conversion", "product", "accepted", "weight", "would_have"];
/// Events that click or buy a product.
const ACCEPTED: &str = "Product Clicked,Product Viewed,Product Added,Promotion Clicked,Email Link Clicked,Push Notification \
                        Tapped,Order Completed";
const PRODUCT: &str = "properties.product_id,properties.products[].product_id";
const COUNTED: &str = "each person stands with the first item that they were shown within the window, so that the items of an arm hold \
                       different persons; conversions and values are those that follow (all of the window, where the item was shown \
                       at the exposure). Acceptance looks at everyone who was ever shown the item";

/// Which content worked
///
/// Per arm the items that persons were shown (recommendations, offers, subject lines, templates), with conversions, values, and
/// the numbers to expect after shrinking. A description, but in two cases: where items were drawn at random within the arm
/// (`properties.item_weight`), each is estimated as if everyone had been shown it and compared with the arm; where the baseline's
/// exposures carry `properties.would_have`, persons with an item are compared with those who would have been shown it. Items that
/// are asked for the first time are measured from all events: 202 until that is done.
#[utoipa::path(
    get, path = "/v1/experiments/{key}/items", tag = "read", operation_id = "items",
    params(
        ("key" = String, Path, description = "The experiment's key", min_length = 1, max_length = 255),
        ItemsParams,
        OfLens, AsOf, OfComparison, OfReading,
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer: 304 where it still holds")
    ),
    responses(
        (status = 200, description = "The items", body = ItemsAnswer,
            headers(("ETag" = String, description = "A weak validator: the numbers are the same while it is"))),
        (status = 202, description = "They are being measured", body = crate::wire::results::lens::Pending),
        (status = 304, description = "Nothing has changed"),
        (status = 404, description = "There is no such experiment"),
        (status = 409, description = "The experiment is archived, and was never looked at this way")
    ),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn items(
    State(state): State<AppState>,
    Read(tenant): Read,
    KeyInPath(key): KeyInPath,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let known = [&OWN[..], &SHARED].concat();
    let asked = Asked::read_lens(&uri, &headers, &known)?;
    let lens = read(&mut Parameters::of(&uri, &known)?)?;
    let asking = (asked, "items", Load::Heavy);
    through(&state, &tenant, &key, &headers, asking, lens, |seen| Json(tell(seen)).into_response()).await
}

fn read(parameters: &mut Parameters) -> Result<Lens, ApiError> {
    let mut text = |name: &str, usual: &str| parameters.text(name).unwrap_or_else(|| usual.to_owned());
    let path = |name: &str, text: &str| Path::parse(text, &format!("/{name}")).map_err(|refusal| not_a_lens(&refusal));
    let by = path("by", &text("by", "properties.item_id"))?;
    let conversion = one_selector("conversion", &text("conversion", "Order Completed"))?;
    let product = text("product", PRODUCT).split(',').map(|one| path("product", one)).collect::<Result<_, _>>()?;
    let accepted = selectors("accepted", &text("accepted", ACCEPTED))?;
    let weight = path("weight", &text("weight", "properties.item_weight"))?;
    let would_have = path("would_have", &text("would_have", "properties.would_have"))?;
    let shown = parameters.text("shown").map(|shown| one_selector("shown", &shown)).transpose()?;
    let items = Items { by, shown, conversion, product, accepted, weight, would_have };
    Lens::validate(LensKind::Items(items), window_days(parameters)?).map_err(|refusal| not_a_lens(&refusal))
}

fn tell(mut seen: Seen<'_>) -> ItemsAnswer {
    let (found, by_item) = report_items(&seen.question, (&seen.arms, || seen.by_day(is_at_exposure)), seen.window_days);
    seen.checks.extend(by_item);
    told! { ItemsAnswer of &seen;
        counted: COUNTED,
        arms: found.arms.iter().map(|arm| arm_items(arm_key(seen.look, arm.arm), arm)).collect(),
        would_have: would_have(&found.would_have, seen.telling),
    }
}
