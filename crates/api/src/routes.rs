//! Every route, on one page.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::handlers::{analysis, events, experiments, keys, metrics, operations, results, segment, tenants};
use crate::openapi::with_twins;
use crate::stack::cors;
use crate::state::AppState;

/// The routes and the document that describes them.
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    let collect = OpenApiRouter::default()
        // Each also with a slash at its end; Segment's with the browser library's one-letter twins too.
        .routes(with_twins(routes!(events::collect), ""))
        .routes(with_twins(routes!(events::validate), ""))
        .routes(with_twins(routes!(segment::track), "/v1/t"))
        .routes(with_twins(routes!(segment::page), "/v1/p"))
        .routes(with_twins(routes!(segment::screen), "/v1/s"))
        .routes(with_twins(routes!(segment::identify), "/v1/i"))
        .routes(with_twins(routes!(segment::group), "/v1/g"))
        .routes(with_twins(routes!(segment::alias), "/v1/a"))
        .routes(with_twins(routes!(segment::batch), "/v1/b"))
        .routes(with_twins(routes!(segment::import), ""))
        .layer(cors());
    OpenApiRouter::with_openapi(crate::openapi::base())
        .merge(collect)
        .routes(routes!(experiments::list))
        .routes(routes!(experiments::get, experiments::put, experiments::delete))
        .routes(routes!(results::results))
        .routes(routes!(results::timeline::timeline))
        .routes(routes!(results::power::power))
        .routes(routes!(analysis::analyze))
        .routes(routes!(results::segments))
        .routes(routes!(results::retention::retention))
        .routes(routes!(results::clv::clv))
        .routes(routes!(results::funnel::funnel))
        .routes(routes!(results::paths::paths))
        .routes(routes!(results::stages::stages))
        .routes(routes!(results::attribution::attribution))
        .routes(routes!(results::roi::roi))
        .routes(routes!(results::before_after::before_after))
        .routes(routes!(results::holdout::holdout))
        .routes(routes!(results::uplift::uplift))
        .routes(routes!(results::changes::changes))
        .routes(routes!(results::channels::channels))
        .routes(routes!(results::items::items))
        .routes(routes!(metrics::list))
        .routes(routes!(metrics::catalogue))
        .routes(routes!(metrics::get, metrics::put, metrics::delete))
        .routes(routes!(keys::list, keys::create))
        .routes(routes!(keys::revoke))
        .routes(routes!(tenants::list, tenants::create))
        .routes(routes!(operations::root))
        .routes(routes!(operations::livez))
        .routes(routes!(operations::readyz))
        .routes(routes!(operations::metrics))
        .routes(routes!(operations::version))
        .routes(routes!(operations::openapi))
        .routes(routes!(operations::docs))
        .routes(routes!(operations::docs_program))
}
