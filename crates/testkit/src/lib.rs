//! What tests of several crates share.
//!
//! Reading order: [`check_scorer`] (what every scorer keeps), [`shared_data`] (recorded data that lies beside the
//! checkout), [`free_port`], [`InfluxDb`], [`OpenSearch`], [`PostgreSql`], [`MariaDb`], [`Nats`],
//! [`RabbitMq`] and [`Kafka`] (servers for a test), [`Link`] (the way to one, which a test cuts and slows), [`stack`] (all of
//! Lanner's roles with such servers), [`Browser`] (what a person does on a page), [`api_traffic()`] (sessions of known classes),
//! [`python_package`] and [`javascript_package`] (as people install them).

mod api_traffic;
mod browser;
mod http;
mod influxdb;
mod kafka;
mod link;
mod mariadb;
mod nats;
mod opensearch;
mod packages;
mod port;
mod postgresql;
mod rabbitmq;
mod scorer;
pub mod stack;
mod watched;

use std::path::{Path, PathBuf};

pub use api_traffic::{ApiClient, ApiRequest, api_traffic};
pub use browser::Browser;
pub use influxdb::InfluxDb;
pub use kafka::Kafka;
pub use link::{Link, Way};
pub use mariadb::MariaDb;
pub use nats::Nats;
pub use opensearch::OpenSearch;
pub use packages::{javascript_package, python_package};
pub use port::free_port;
pub use postgresql::PostgreSql;
pub use rabbitmq::RabbitMq;
pub use scorer::check_scorer;

/// Runs a program that ends when the one that started it does, however that ends: standard input is closed then.
const WATCHED: &str = "trap '' INT; \"$@\" & cat > /dev/null; kill -QUIT $!; wait $!";

/// The file or folder `path` of the recorded data in `shared/data`, beside the checkout.
///
/// `None`, said loudly on standard error, when this machine has no such data: the test then returns early.
///
/// ```no_run
/// let Some(traces) = lanner_testkit::shared_data("accesslogs/traces") else { return };
/// assert!(traces.is_dir());
/// ```
#[must_use]
pub fn shared_data(path: &str) -> Option<PathBuf> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
    if data.exists() {
        return Some(data);
    }
    eprintln!("SKIPPED: this test needs ../shared/data/{path}, which is not beside this checkout");
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_that_is_not_there_is_none() {
        assert_eq!(shared_data("no/such/file"), None);
    }
}
