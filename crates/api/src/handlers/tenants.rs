//! Tenants, for the operator.

use axum::Json;
use axum::extract::State;
use journey::TenantId;

use super::keys::{Secret, secret};
use crate::auth::Operator;
use crate::document::Document;
use crate::problem::ApiError;
use crate::query::{NoParameters, Page, PageParams};
use crate::state::AppState;
use crate::wire::list::List;
use crate::wire::tenant::{FirstKeys, MadeTenant, TenantInfo, TenantRequest, TenantRequestSchema};

/// Make a tenant
///
/// For the operator. The keys are shown this once.
#[utoipa::path(
    post, path = "/v1/tenants", tag = "manage", operation_id = "create_tenant",
    request_body = TenantRequestSchema,
    responses((status = 201, description = "It was made", body = MadeTenant)),
    security(("operator" = []))
)]
pub(crate) async fn create(
    State(state): State<AppState>,
    _: Operator,
    _: NoParameters,
    Document(json): Document,
) -> Result<Secret<MadeTenant>, ApiError> {
    let request = TenantRequest::read(json)?;
    let (tenant, keys) = state.store.operator().create(request.name, request.currency, request.zone).await?;
    let keys = FirstKeys { admin: keys.admin.secret, ingest: keys.ingest.secret, read: keys.read.secret };
    Ok(secret(MadeTenant { tenant: TenantInfo::from(&tenant), keys }))
}

/// List tenants
///
/// For the operator. In the order in which they were made.
#[utoipa::path(
    get, path = "/v1/tenants", tag = "manage", operation_id = "list_tenants",
    params(PageParams),
    responses((status = 200, description = "A part of the list", body = List<TenantInfo>)),
    security(("operator" = []))
)]
pub(crate) async fn list(
    State(state): State<AppState>,
    _: Operator,
    page: Page,
) -> Result<Json<List<TenantInfo>>, ApiError> {
    let after = page.after_id()?.map(TenantId);
    let found = state.store.operator().list(page.limit, after).await?;
    Ok(Json(List::new(found.items.iter().map(TenantInfo::from).collect(), found.next.as_deref())))
}
