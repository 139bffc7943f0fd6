//! A tenant's keys.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use uuid::Uuid;

use super::gone;
use crate::auth::Admin;
use crate::document::Document;
use crate::problem::ApiError;
use crate::query::{NoParameters, Page, PageParams};
use crate::state::AppState;
use crate::wire::key::{self, KeyInfo, KeyRequestSchema, MadeKey};
use crate::wire::list::List;

/// Something that was made and holds secrets.
pub(crate) type Secret<T> = (StatusCode, [(HeaderName, HeaderValue); 1], Json<T>);

/// The answer with something that holds secrets: nothing on its way may keep it.
pub(crate) fn secret<T>(made: T) -> Secret<T> {
    (StatusCode::CREATED, [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))], Json(made))
}

/// Make a key
///
/// The secret is shown this once.
#[utoipa::path(
    post, path = "/v1/keys", tag = "manage", operation_id = "create_key",
    request_body = KeyRequestSchema,
    responses((status = 201, description = "It was made", body = MadeKey)),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    Admin(tenant): Admin,
    _: NoParameters,
    Document(json): Document,
) -> Result<Secret<MadeKey>, ApiError> {
    let draft = key::read(json, state.now())?;
    let made = tenant.create_key(draft).await?;
    Ok(secret(MadeKey::from(made)))
}

/// List keys
///
/// In the order in which they were made, revoked and expired ones too, without their secrets.
#[utoipa::path(
    get, path = "/v1/keys", tag = "manage", operation_id = "list_keys",
    params(PageParams),
    responses((status = 200, description = "A part of the list", body = List<KeyInfo>)),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn list(Admin(tenant): Admin, page: Page) -> Result<Json<List<KeyInfo>>, ApiError> {
    let found = tenant.keys(page.limit, page.after_id()?).await?;
    Ok(Json(List::new(found.items.iter().map(KeyInfo::from).collect(), found.next.as_deref())))
}

/// The id in the path.
pub(crate) struct IdInPath(Uuid);

impl FromRequestParts<AppState> for IdInPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let text = Path::<String>::from_request_parts(parts, state).await.map(|Path(text)| text).unwrap_or_default();
        Uuid::try_parse(&text)
            .map(Self)
            .map_err(|_| ApiError::parameter("invalid_id", "id", "it is no UUID: take it from the list of keys"))
    }
}

/// Revoke a key
///
/// It stops working everywhere within a second.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "manage", operation_id = "revoke_key",
    params(("id" = Uuid, Path, description = "The key's id")),
    responses((status = 204, description = "It is revoked"), (status = 404, description = "There is no such key")),
    security(("bearer" = []), ("api_key" = []))
)]
pub(crate) async fn revoke(
    Admin(tenant): Admin,
    IdInPath(id): IdInPath,
    _: NoParameters,
) -> Result<StatusCode, ApiError> {
    gone(tenant.revoke_key(id).await?, "key")
}
