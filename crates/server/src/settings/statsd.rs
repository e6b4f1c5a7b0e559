//! The settings of StatsD.

use std::net::SocketAddr;

use lanner_core::document::Content;
use lanner_core::field::{Field, Type};
use lanner_core::reading::text;
use lanner_core::time::{HOUR_MS, SECOND_MS, parse_duration_ms};
use lanner_engine::document::{Check, Node};
use lanner_wire::statsd::Options;

/// `statsd` as a map.
pub(crate) const STATSD: &[Field] = &[
    Field::new("listen", "\":8125\"", "listen address, over UDP and TCP").required(),
    Field::new("interval", "10s", "length of the intervals that are summed up, 1s to 1h")
        .of(Type::Duration)
        .or("10s"),
    Field::new("percentiles", "[90, 99.9]", "percentiles of timers; below 0 those of the largest values")
        .of(Type::List(&Type::Number))
        .or("[90]"),
    Field::new(
        "expire",
        "1h",
        "how long a name that is not sent goes on, counters at 0 and gauges at their last value",
    )
    .of(Type::Duration)
    .or("1h"),
    Field::new("max_names", "20000", "largest number of names, each with its tags")
        .of(Type::Whole)
        .or("20000"),
    Field::new("legacy_names", "true", "whether counters are `stats_counts.NAME` and `stats.NAME`")
        .of(Type::Truth)
        .or("false"),
];

/// The port of `StatsD`.
const PORT: u16 = 8125;

/// Where `StatsD` is taken, and what is made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Statsd {
    /// Where it listens, by UDP and TCP.
    pub listen: SocketAddr,
    /// How lines are summed up.
    pub options: Options,
}

/// `off`, an address, or a map; `None` for nothing that listens.
/// - `address`: reads an address, whose port is the one given where it names none
pub(super) fn read(
    node: &Node,
    address: impl Fn(&Node, u16) -> Result<Option<SocketAddr>, String>,
    check: &mut Check,
) -> Option<Statsd> {
    const PATH: &str = "server.statsd";
    if !matches!(node.content, Content::Map(_)) {
        let listen = address(node, PORT).map_err(|why| check.problem(node, PATH, why)).ok()??;
        return Some(Statsd { listen, options: Options::default() });
    }
    let mut fields = check.map(node, PATH)?;
    let mut options = Options::default();
    fields.require("listen", "\":8125\"", check);
    let listen = fields.read("listen", check, |node| address(node, PORT));
    let interval_ms = fields.read("interval", check, |node| {
        let interval_ms = parse_duration_ms(&text(node)?).map_err(|error| error.to_string())?;
        let is_right = (SECOND_MS..=HOUR_MS).contains(&interval_ms);
        is_right.then_some(interval_ms).ok_or_else(|| "should be 1s to 1h".to_owned())
    });
    options.interval_ms = interval_ms.unwrap_or(options.interval_ms);
    let expire_ms = fields
        .read("expire", check, |node| parse_duration_ms(&text(node)?).map_err(|error| error.to_string()));
    options.expire_ms = expire_ms.unwrap_or(options.expire_ms);
    if let Some(node) = fields.get("percentiles") {
        options.percentiles = check.items(node).iter().filter_map(|node| percentile(node, check)).collect();
    }
    let max_names = fields.read("max_names", check, |node| match node.number() {
        Some(n) if (1.0..=1e6).contains(&n) && n.fract() == 0.0 => Ok(n as usize),
        _ => Err("should be a whole number from 1 to 1000000".to_owned()),
    });
    options.max_names = max_names.unwrap_or(options.max_names);
    options.legacy_names = fields.read("legacy_names", check, Node::truth).unwrap_or(false);
    fields.finish_of(STATSD, check);
    Some(Statsd { listen: listen??, options })
}

fn percentile(node: &Node, check: &mut Check) -> Option<f64> {
    let percentile = node.number().filter(|number| (0.0..=100.0).contains(&number.abs()) && *number != 0.0);
    if percentile.is_none() {
        let message = "should be a number above 0, at most 100, or below 0 for the largest values";
        check.problem(node, "server.statsd.percentiles", message);
    }
    percentile
}
