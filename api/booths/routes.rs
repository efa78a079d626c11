//! The handlers of booth types and booths.

mod types;
mod units;

use utoipa_actix_web::service_config::ServiceConfig;

pub fn configure(config: &mut ServiceConfig<'_>) {
    config
        .service(types::list)
        .service(types::create)
        .service(types::read)
        .service(types::update)
        .service(types::remove)
        .service(units::list)
        .service(units::add)
        .service(units::update)
        .service(units::remove);
}
