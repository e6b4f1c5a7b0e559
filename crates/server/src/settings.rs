//! The settings of the server: the sections `server` and `retention` of a configuration file.

mod guard;
mod heartbeat;
pub(crate) mod live;
pub(crate) mod openid;
pub(crate) mod origins;
mod roles;
pub mod schemas;
mod sections;
mod state;
mod statsd;
pub(crate) mod token;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use lanner_core::field::{Field, Type, to_json};
use lanner_core::reading::text;
use lanner_core::time::HOUR_MS;
use lanner_engine::document::{Check, Fields, Node, Problem};
use lanner_engine::source::Elsewhere;
use lanner_io::consume::{ConsumeConfig, NOTES, NOTES_KEEP_MS};
use lanner_io::receiver::{Links, Power, Secret, host_name};
use lanner_io::remote_write::RemoteWriteConfig;
use lanner_io::result_index::{self, ResultIndexConfig};
use lanner_io::scrape::ScrapeConfig;
use lanner_io::source::SourceConfig;
use lanner_io::store::{EventRetention, RetentionRule, StoreOptions, Tier, parse_keep_ms};

pub(crate) use self::guard::GUARD;
pub use self::guard::Guard;
use self::guard::read_guard;
use self::heartbeat::{HEARTBEAT, read_heartbeat};
pub use self::heartbeat::{Heartbeat, To};
use self::openid::{OPENID, OpenId};
use self::roles::ROLES;
pub use self::roles::Roles;
use self::schemas::{SchemaRetention, Schemas};
pub use self::sections::SettingSections;
use self::state::STATE;
pub use self::state::StateIn;
use self::statsd::STATSD;
pub use self::statsd::Statsd;
use crate::clock::Clock;

/// How long before its end people are notified of a switch, if nothing else is said, milliseconds.
const NOTICE_MS: i64 = HOUR_MS;

/// The port of HTTP.
pub const HTTP_PORT: u16 = 9797;
/// The port of carbon's plaintext protocol.
pub const CARBON_PORT: u16 = 2003;
/// The port of carbon's pickle protocol.
pub const CARBON_PICKLE_PORT: u16 = 2004;
/// The port of OTLP by gRPC.
const OTLP_GRPC_PORT: u16 = 4317;
/// The port of syslog.
const SYSLOG_PORT: u16 = 514;

/// The `server` section.
pub const SERVER: &[Field] = &[
    Field::new("data", "/var/lib/lanner", "data folder, created if missing").or("lanner-data"),
    Field::new("listen", "0.0.0.0:9797", "HTTP listen address; addresses other than loopback need a token")
        .or("127.0.0.1:9797"),
    Field::new("carbon", "\":2003\"", "listen address of carbon's plaintext protocol, or off")
        .or("127.0.0.1:2003"),
    Field::new(
        "carbon_pickle",
        "\":2004\"",
        "listen address of carbon's pickle protocol, or off; off by default if `carbon` is set",
    )
    .or("127.0.0.1:2004"),
    Field::new(
        "token",
        "{ env: LANNER_TOKEN }",
        "token that callers must send, as `Authorization: Bearer TOKEN`",
    )
    .of(Type::Secret),
    Field::new(
        "openid",
        "{ issuer: 'https://login.example.org', client_id: lanner, client_secret: { file: /etc/lanner/openid }, scopes: { admin: [platform] } }",
        "a provider of OpenID Connect, through which people sign in on the page",
    )
    .of(Type::Map(OPENID)),
    Field::new("tls", "{ cert: /etc/lanner/cert.pem, key: /etc/lanner/key.pem }", "certificate for HTTPS")
        .of(Type::Map(TLS)),
    Field::new("allow", "[log]", "what receivers created over the API may do on this machine; those in the configuration may do everything")
        .of(Type::List(&Type::OneOf(&["command", "log", "file", "env"]))),
    Field::new("hosts", "[lanner]", "host names by which programs reach this server, besides this machine's and that of `external_url`")
        .of(Type::List(&Type::Text)),
    Field::new("cors", "[https://shop.example]", "origins of web pages that may evaluate kill switches")
        .of(Type::List(&Type::Text)),
    Field::new("max_body", "33554432", "largest accepted body, after decompression, in bytes")
        .of(Type::Whole)
        .or("33554432"),
    Field::new("max_writers", "32", "number of concurrent write requests; further ones are told to retry")
        .of(Type::Whole)
        .or("32"),
    Field::new(
        "ofrep_per_second",
        "500",
        "OpenFeature protocol requests answered per second; by default all",
    )
    .of(Type::Whole),
    Field::new(
        "external_url",
        "https://lanner.example.org",
        "address at which people reach this server, for links in messages",
    ),
    Field::new(
        "heartbeat",
        "{ to: https://hc.example.org/ping/TOKEN, every: 1m }",
        "regular signal that rules are evaluated; by default none",
    )
    .of(Type::Map(HEARTBEAT)),
    Field::new("guard", "50%", "how much a switch may block without approval: a share, off, or a map")
        .of(Type::Either(&[Type::Share, Type::Map(GUARD)]))
        .or("50%"),
    Field::new("switch_notice", "1h", "how long before a switch ends by itself its notification is sent")
        .of(Type::Duration)
        .or("1h"),
    Field::new(
        "switch_key",
        "{ file: /etc/lanner/switch-key }",
        "private key that signs snapshots of switches: 64 hexadecimal digits",
    )
    .of(Type::Secret),
    Field::new(
        "storage_schemas",
        "/etc/carbon/storage-schemas.conf",
        "carbon's file with the resolution that Graphite clients see, and how long series are kept",
    ),
    Field::new(
        "storage_aggregation",
        "/etc/carbon/storage-aggregation.conf",
        "carbon's file with the methods that aggregate values into coarser ones",
    ),
    Field::new("time_zone", "Europe/Berlin", "time zone of times without a zone, in Graphite requests and in syslog")
        .or("UTC"),
    Field::new(
        "state",
        "{ postgresql: { url: 'postgresql://db.example.org/lanner' } }",
        "where rules, alerts, switches and messages are kept: file (the data folder), or a database; series and events stay in the data folder",
    )
    .of(Type::Either(&[Type::OneOf(&["file"]), Type::Map(STATE)]))
    .or("file"),
    Field::new(
        "result_index",
        "{ url: 'https://opensearch.example.org:9200', keep: 90d }",
        "an OpenSearch that is sent every evaluation, to be searched by rule, group, time and value",
    )
    .of(Type::Map(result_index::FIELDS)),
    Field::new(
        "roles",
        "[api, notify]",
        "which part of the work this server does: all, or api and notify, or api, or worker; servers share it by a `state` in a database",
    )
    .of(ROLES)
    .or("all"),
    Field::new("carbon_udp", "\":2003\"", "listen address of carbon's plaintext protocol over UDP, or off")
        .or("off"),
    Field::new("syslog", "\":5514\"", "listen address of syslog, over UDP and TCP, or off; messages are events of the stream `syslog`")
        .or("off"),
    Field::new(
        "otlp_grpc",
        "\":4317\"",
        "listen address of OTLP by gRPC, or off; for a program that was built with the feature `grpc`",
    )
    .or("off"),
    Field::new("statsd", "\":8125\"", "listen address of StatsD, over UDP and TCP, or off, or a map")
        .of(Type::Either(&[Type::Text, Type::Map(STATSD)]))
        .or("off"),
];

/// `tls`.
pub(crate) const TLS: &[Field] = &[
    Field::new("cert", "/etc/lanner/cert.pem", "certificate and intermediate certificates, PEM").required(),
    Field::new("key", "/etc/lanner/key.pem", "private key of the certificate, PEM").required(),
];

/// The `retention` section.
pub const RETENTION: &[Field] = &[
    Field::new(
        "series",
        "[{ pattern: 'raw.*', keep: forever }, { keep: [1m:7d, 1h:2y] }]",
        "resolution and retention of samples; the first pattern that matches applies",
    )
    .of(Type::List(&Type::Map(SERIES_RETENTION))),
    Field::new(
        "events",
        "[{ pattern: payments, keep: 90d }]",
        "retention of events; the first pattern that matches applies",
    )
    .of(Type::List(&Type::Map(EVENT_RETENTION))),
];

/// How long samples are kept.
pub(crate) const SERIES_RETENTION: &[Field] = &[
    Field::new("pattern", "'raw.*'", "names of series; `*` stands for any characters").or("*"),
    Field::new(
        "keep",
        "[10s:1d, 1m:30d, 1h:3y]",
        "forever, or steps and how long each is kept: one value for each 10 s for a day, and so on",
    )
    .of(Type::List(&Type::Text))
    .required(),
];

/// How long events are kept.
pub(crate) const EVENT_RETENTION: &[Field] = &[
    Field::new("pattern", "payments", "names of streams; `*` stands for any characters").or("*"),
    Field::new("keep", "90d", "retention time").of(Type::Duration).required(),
];

/// What can be set about the server.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder.
    pub folder: PathBuf,
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// Where carbon's plaintext protocol listens; `None` for nowhere.
    pub carbon: Option<SocketAddr>,
    /// Where carbon's pickle protocol listens; `None` for nowhere.
    pub carbon_pickle: Option<SocketAddr>,
    /// Where carbon's plaintext protocol is taken by UDP; `None` for nowhere.
    pub carbon_udp: Option<SocketAddr>,
    /// Where syslog is taken, by UDP and TCP; `None` for nowhere.
    pub syslog: Option<SocketAddr>,
    /// Where OTLP is taken by gRPC; `None` for nowhere.
    pub otlp_grpc: Option<SocketAddr>,
    /// Where `StatsD` is taken, by UDP and TCP, and what is made of it; `None` for nowhere.
    pub statsd: Option<Statsd>,
    /// The token that callers must show; needed as soon as an address is not loopback.
    pub token: Option<Secret>,
    /// How the audit calls whoever shows it.
    pub token_name: String,
    /// The provider of OpenID Connect that people sign in through.
    pub openid: Option<OpenId>,
    /// The certificate that makes HTTP HTTPS.
    pub tls: Option<Tls>,
    /// What receivers that came over the API may do on this machine.
    pub allow: BTreeSet<Power>,
    /// Names by which programs reach this server, besides those of this machine and of `external_url`.
    pub hosts: Vec<String>,
    /// Origins of the pages that may ask kill switches.
    pub cors: Vec<String>,
    /// The largest body accepted, after decompression, bytes.
    pub max_body_bytes: usize,
    /// Requests that write at one time; further ones are asked to come back.
    pub max_writers: usize,
    /// Questions by OpenFeature's protocol that are answered within a second; `None` for all.
    pub ofrep_per_second: Option<usize>,
    /// Where people reach this server; goes into messages as a link.
    pub external_url: Option<String>,
    /// Who is notified regularly that Lanner is well; `None` for nobody.
    pub heartbeat: Option<Heartbeat>,
    /// What the store keeps.
    pub store: StoreOptions,
    /// Where state is kept.
    pub state: StateIn,
    /// Where evaluations are sent to be searched.
    pub result_index: Option<ResultIndexConfig>,
    /// Which part of the work this server does.
    pub roles: Roles,
    /// How finely Graphite's clients see series, by name.
    pub schemas: Arc<Schemas>,
    /// The time zone of times that name none: in Graphite's language, and in syslog.
    pub time_zone: TimeZone,
    /// What time it is; the machine's clock, unless a program that holds the server says otherwise.
    pub clock: Clock,
    /// The private key that snapshots of switches are signed with: 64 hexadecimal digits.
    pub switch_key: Option<Secret>,
    /// How much a switch may block without a second look.
    pub guard: Guard,
    /// How long before its end people are notified of a switch, milliseconds.
    pub switch_notice_ms: i64,
    /// Servers elsewhere that queries may ask.
    pub sources: Arc<Vec<SourceConfig>>,
    /// Streams whose events lie in sources.
    pub streams: Arc<Elsewhere>,
    /// Targets that are asked for their metrics.
    pub scrape: Arc<Vec<ScrapeConfig>>,
    /// Brokers whose messages are taken.
    pub consume: Arc<Vec<ConsumeConfig>>,
    /// Who is sent samples.
    pub remote_write: Arc<Vec<RemoteWriteConfig>>,
    /// What the configuration file says, section by section, to be compared when it is read again.
    pub written: serde_json::Value,
    /// Whether rules are evaluated and the store is kept up; not in a process that only reads or changes what is stored.
    pub evaluate: bool,
    /// Whether nothing in the data folder may change.
    pub read_only: bool,
}

/// The files of a certificate and its key, in PEM form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The certificate, and those that lead from it to one that clients know.
    pub cert: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

impl Settings {
    /// The settings of a server with this data folder and nothing else said.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], HTTP_PORT)),
            carbon: Some(SocketAddr::from(([127, 0, 0, 1], CARBON_PORT))),
            carbon_pickle: Some(SocketAddr::from(([127, 0, 0, 1], CARBON_PICKLE_PORT))),
            carbon_udp: None,
            syslog: None,
            otlp_grpc: None,
            statsd: None,
            token: None,
            token_name: token::CONFIGURED.to_owned(),
            openid: None,
            tls: None,
            allow: BTreeSet::new(),
            hosts: Vec::new(),
            cors: Vec::new(),
            max_body_bytes: 32 << 20,
            max_writers: 32,
            ofrep_per_second: None,
            external_url: None,
            heartbeat: None,
            store: StoreOptions::default(),
            state: StateIn::default(),
            result_index: None,
            roles: Roles::default(),
            schemas: Arc::default(),
            time_zone: TimeZone::UTC,
            clock: Clock::default(),
            switch_key: None,
            guard: Guard::default(),
            switch_notice_ms: NOTICE_MS,
            sources: Arc::default(),
            streams: Arc::default(),
            scrape: Arc::default(),
            consume: Arc::default(),
            remote_write: Arc::default(),
            written: serde_json::Value::Null,
            evaluate: true,
            read_only: false,
        }
    }

    /// Where people find this server. Without `external_url` that is where it listens; on all addresses, by this
    /// machine's name.
    #[must_use]
    pub(crate) fn links(&self) -> Links {
        Links::new(self.external_url.clone(), Some(self.reached_at(self.listen)))
    }

    /// Whether nobody but this machine can reach any of the addresses.
    #[must_use]
    pub(crate) fn is_local(&self) -> bool {
        self.public_address().is_none()
    }

    /// An address that other machines can reach.
    #[must_use]
    pub(crate) fn public_address(&self) -> Option<SocketAddr> {
        let statsd = self.statsd.as_ref().map(|statsd| statsd.listen);
        let of_samples = [self.carbon, self.carbon_pickle, self.carbon_udp, statsd];
        let addresses = [&[Some(self.listen), self.syslog, self.otlp_grpc][..], &of_samples].concat();
        addresses.into_iter().flatten().find(|address| !address.ip().to_canonical().is_loopback())
    }

    /// Of a server that receives no data, except as requests that it hands on.
    #[must_use]
    pub(crate) fn listening_for_http_only(self) -> Self {
        Self {
            carbon: None,
            carbon_pickle: None,
            carbon_udp: None,
            syslog: None,
            otlp_grpc: None,
            statsd: None,
            ..self
        }
    }

    /// Where other servers reach one that listens for HTTP at `address`.
    #[must_use]
    pub(crate) fn reached_at(&self, address: SocketAddr) -> String {
        let host = if address.ip().is_unspecified() { host_name() } else { None };
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        match host {
            Some(host) => format!("{scheme}://{host}:{}", address.port()),
            None => format!("{scheme}://{address}"),
        }
    }

    /// Why this server cannot do its part, as far as that shows before it starts.
    #[must_use]
    pub(crate) fn objection_to_roles(&self) -> Option<String> {
        let shares = self.roles != Roles::All;
        (shares && !matches!(self.state, StateIn::PostgreSql(_))).then(|| {
            "servers share the work by a state that all of them reach; set server.state: { postgresql: { url: ... } }, \
             or leave the role all"
                .to_owned()
        })
    }

    /// Takes over what the sections `server`, `retention`, `sources`, `streams`, `scrape`, `consume` and `remote_write` say, and returns the problems
    /// in them.
    pub fn read(&mut self, sections: SettingSections<'_>) -> Vec<Problem> {
        let SettingSections { server, retention, sources, streams, scrape, consume, remote_write } = sections;
        let mut check = Check::default();
        self.written = serde_json::json!({
            "server": server.map(|node| to_json(node, &[SERVER])),
            "retention": retention.map(|node| to_json(node, &[RETENTION])),
            "sources": sources.map(Node::to_json),
            "streams": streams.map(Node::to_json),
            "scrape": scrape.map(Node::to_json),
            "consume": consume.map(Node::to_json),
            "remote_write": remote_write.map(Node::to_json),
        });
        if let Some(mut fields) = server.and_then(|node| check.map(node, "server")) {
            self.read_server(&mut fields, &mut check);
            fields.finish_of(SERVER, &mut check);
        }
        if let Some(mut fields) = retention.and_then(|node| check.map(node, "retention")) {
            self.read_retention(&mut fields, &mut check);
            fields.finish_of(RETENTION, &mut check);
        }
        if let Some(node) = sources {
            self.sources = Arc::new(SourceConfig::read_all(node, "sources", &mut check));
        }
        if let Some(node) = streams {
            let sources = Arc::clone(&self.sources);
            let kind_of = |name: &str| sources.iter().find(|it| it.name() == name).map(SourceConfig::kind);
            self.streams = Arc::new(Elsewhere::read(node, "streams", &kind_of, &mut check));
        }
        if let Some(node) = scrape {
            self.scrape = Arc::new(ScrapeConfig::read_all(node, "scrape", &mut check));
        }
        if let Some(node) = consume {
            self.consume = Arc::new(ConsumeConfig::read_all(node, "consume", &mut check));
            let notes = EventRetention { pattern: format!("{NOTES}*"), keep_ms: NOTES_KEEP_MS };
            self.store.event_retention.insert(0, notes);
        }
        if let Some(node) = remote_write {
            self.remote_write = Arc::new(RemoteWriteConfig::read_all(node, "remote_write", &mut check));
        }
        if let Some(node) = streams {
            self.refuse_two_places(node, &mut check);
        }
        self.keep_as_schemas_say(retention, &mut check);
        check.problems
    }

    /// A stream whose events lie elsewhere is not one that this server fills: nobody would count those.
    fn refuse_two_places(&self, streams: &Node, check: &mut Check) {
        let consumed =
            self.consume.iter().filter_map(|it| Some((it.stream()?, format!("consume.{}", it.name()))));
        let syslog = self.syslog.map(|_| ("syslog", "server.syslog".to_owned()));
        for (stream, by) in consumed.chain(syslog).filter(|(stream, _)| self.streams.place(stream).is_some())
        {
            let message =
                format!("lies elsewhere, and {by} fills the stream of this name here; give one another name");
            check.problem(streams, &format!("streams.{stream}"), message);
        }
    }

    /// Series are kept as carbon's `storage-schemas.conf` says, where `retention.series` says nothing of them. Where the two
    /// contradict one another they are refused.
    fn keep_as_schemas_say(&mut self, written: Option<&Node>, check: &mut Check) {
        let asked = Arc::clone(&self.schemas);
        let asked = asked.retention();
        for (at, rule) in self.store.retention.iter().enumerate() {
            let Some(node) = written else { break };
            let is_contradicted = |schema: &&SchemaRetention| {
                !schema.pattern.is_apart_from(&rule.pattern)
                    && !schema.tiers.iter().all(|tier| rule.keeps(*tier))
            };
            if let Some(schema) = asked.iter().find(is_contradicted) {
                let (pattern, keep) = (rule.pattern.as_str(), rule.keep_text());
                let (name, wanted) = (&schema.name, schema.rule(self.store.raw_keep_ms).keep_text());
                check.problem(
                    node,
                    &format!("retention.series[{at}]"),
                    format!(
                        "\"{pattern}\" keeps {keep}, and [{name}] of server.storage_schemas asks for {wanted}; \
                         remove one of the two, or keep here at least what is asked for there"
                    ),
                );
            }
        }
        let rules = asked.iter().map(|schema| schema.rule(self.store.raw_keep_ms));
        self.store.retention.extend(rules);
    }

    /// Where data is taken, besides HTTP.
    fn read_listeners(&mut self, fields: &mut Fields<'_>, check: &mut Check) {
        let address_or_off = |node: &Node, port: u16| match text(node)?.as_str() {
            "off" | "false" => Ok(None),
            address => parse_address(address, port).map(Some),
        };
        if let Some(carbon) = fields.read("carbon", check, |node| address_or_off(node, CARBON_PORT)) {
            self.carbon = carbon;
            // Who says where carbon listens, or that it does not, means its other port as well.
            self.carbon_pickle = None;
        }
        let pickle = fields.read("carbon_pickle", check, |node| address_or_off(node, CARBON_PICKLE_PORT));
        self.carbon_pickle = pickle.unwrap_or(self.carbon_pickle);
        let udp = fields.read("carbon_udp", check, |node| address_or_off(node, CARBON_PORT));
        self.carbon_udp = udp.unwrap_or(self.carbon_udp);
        let syslog = fields.read("syslog", check, |node| address_or_off(node, SYSLOG_PORT));
        self.syslog = syslog.unwrap_or(self.syslog);
        let otlp_grpc = fields.read("otlp_grpc", check, |node| address_or_off(node, OTLP_GRPC_PORT));
        self.otlp_grpc = otlp_grpc.unwrap_or(self.otlp_grpc);
        if let Some(node) = fields.get("statsd") {
            self.statsd = statsd::read(node, address_or_off, check);
        }
    }

    fn read_server(&mut self, fields: &mut Fields<'_>, check: &mut Check) {
        if let Some(folder) = fields.read("data", check, text) {
            self.folder = folder.into();
        }
        if let Some(listen) = fields.read("listen", check, |node| parse_address(&text(node)?, HTTP_PORT)) {
            self.listen = listen;
        }
        self.read_listeners(fields, check);
        if let Some(zone) = fields.read("time_zone", check, time_zone) {
            self.time_zone = zone;
        }
        let secret = |node: &Node| {
            serde_json::from_value(Type::Secret.to_json(node))
                .map_err(|_| "should be { env: NAME }, { file: PATH } or text".to_owned())
        };
        let token = |node: &Node| {
            let token: Secret = secret(node)?;
            token.plain().map_or(Ok(()), token::check).map(|()| token)
        };
        self.token = fields.read("token", check, token).or_else(|| self.token.take());
        if let Some(node) = fields.get("openid") {
            self.openid = openid::read(node, secret, check);
        }
        if let Some(tls) = fields.get("tls").and_then(|node| read_tls(node, check)) {
            self.tls = Some(tls);
        }
        self.allow.extend(read_list(fields, "allow", check, |node| Power::parse(&text(node)?)));
        self.hosts.extend(read_list(fields, "hosts", check, text));
        self.cors.extend(read_list(fields, "cors", check, |node| origins::read_origin(&text(node)?)));
        self.switch_key = fields.read("switch_key", check, secret).or_else(|| self.switch_key.take());
        let count = |node: &Node| match node.number() {
            Some(n) if n >= 1.0 && n.fract() == 0.0 => Ok(n as usize),
            _ => Err("should be a whole number above 0".to_owned()),
        };
        let mut schemas = Schemas::default();
        for (field, read) in [
            ("storage_schemas", Schemas::read_schemas as fn(&mut _, &str) -> Result<(), Vec<String>>),
            ("storage_aggregation", Schemas::read_aggregations),
        ] {
            let taken = fields.read(field, check, |node| {
                let path = text(node)?;
                let text =
                    std::fs::read_to_string(&path).map_err(|error| format!("cannot read {path}: {error}"))?;
                read(&mut schemas, &text).map_err(|problems| format!("{path}: {}", problems.join("; ")))
            });
            if taken.is_some() {
                self.schemas = Arc::new(schemas.clone());
            }
        }
        self.max_body_bytes = fields.read("max_body", check, count).unwrap_or(self.max_body_bytes);
        self.max_writers = fields.read("max_writers", check, count).unwrap_or(self.max_writers);
        self.ofrep_per_second = fields.read("ofrep_per_second", check, count).or(self.ofrep_per_second);
        if let Some(guard) = fields.get("guard").and_then(|node| read_guard(node, check)) {
            self.guard = guard;
        }
        let duration = |node: &Node| {
            lanner_core::time::parse_duration_ms(&text(node)?).map_err(|error| error.to_string())
        };
        self.switch_notice_ms =
            fields.read("switch_notice", check, duration).unwrap_or(self.switch_notice_ms);
        self.external_url = fields.read("external_url", check, text).or_else(|| self.external_url.take());
        if let Some(node) = fields.get("heartbeat") {
            self.heartbeat = read_heartbeat(node, check);
        }
        if let Some(state) = fields.get("state").and_then(|node| state::read(node, check)) {
            self.state = state;
        }
        if let Some(node) = fields.get("result_index") {
            self.result_index = ResultIndexConfig::read(node, "server.result_index", check);
        }
        if let Some(roles) = fields.get("roles").and_then(|node| roles::read(node, check)) {
            self.roles = roles;
        }
    }

    fn read_retention(&mut self, fields: &mut Fields<'_>, check: &mut Check) {
        if let Some(node) = fields.get("series") {
            let mut rules = Vec::new();
            for (at, node) in check.items(node).into_iter().enumerate() {
                rules.extend(read_tiers(node, &format!("retention.series[{at}]"), check));
            }
            // The last rule matches what no other does.
            rules.append(&mut self.store.retention);
            self.store.retention = rules;
        }
        if let Some(node) = fields.get("events") {
            let mut rules = Vec::new();
            for (at, node) in check.items(node).into_iter().enumerate() {
                let Some(mut fields) = check.map(node, &format!("retention.events[{at}]")) else { continue };
                let pattern = fields.read("pattern", check, text).unwrap_or_else(|| "*".to_owned());
                let keep_ms = fields
                    .require("keep", "30d", check)
                    .and_then(|_| fields.read("keep", check, |node| parse_keep_ms(&text(node)?)));
                fields.finish_of(EVENT_RETENTION, check);
                rules.extend(keep_ms.map(|keep_ms| EventRetention { pattern, keep_ms }));
            }
            rules.append(&mut self.store.event_retention);
            self.store.event_retention = rules;
        }
    }
}

/// `{ cert: /etc/lanner/cert.pem, key: /etc/lanner/key.pem }`
fn read_tls(node: &Node, check: &mut Check) -> Option<Tls> {
    let mut fields = check.map(node, "server.tls")?;
    fields.require("cert", "/etc/lanner/cert.pem", check);
    fields.require("key", "/etc/lanner/key.pem", check);
    let (cert, key) = (fields.read("cert", check, text), fields.read("key", check, text));
    fields.finish_of(TLS, check);
    Some(Tls { cert: cert?.into(), key: key?.into() })
}

/// The items of a list that are fine.
fn read_list<T>(
    fields: &mut Fields<'_>,
    name: &str,
    check: &mut Check,
    read: impl Fn(&Node) -> Result<T, String>,
) -> Vec<T> {
    let Some(node) = fields.get(name) else { return Vec::new() };
    let path = fields.path_of(name);
    let mut items = Vec::new();
    for (at, node) in check.items(node).into_iter().enumerate() {
        match read(node) {
            Ok(item) => items.push(item),
            Err(why) => check.problem(node, &format!("{path}[{at}]"), why),
        }
    }
    items
}

fn read_tiers(node: &Node, path: &str, check: &mut Check) -> Option<RetentionRule> {
    let mut fields = check.map(node, path)?;
    let pattern = fields.read("pattern", check, text).unwrap_or_else(|| "*".to_owned());
    let keep = fields.require("keep", "[10s:1d, 1m:30d, 1h:3y]", check)?;
    if keep.scalar_text().as_deref() == Some("forever") {
        fields.finish_of(SERIES_RETENTION, check);
        return Some(RetentionRule::forever(pattern));
    }
    let mut tiers = Vec::new();
    for node in check.items(keep) {
        match text(node).and_then(|text| Tier::parse(&text)) {
            Ok(tier) => tiers.push(tier),
            Err(message) => check.problem(node, &fields.path_of("keep"), message),
        }
    }
    fields.finish_of(SERIES_RETENTION, check);
    Some(RetentionRule { pattern: pattern.into(), tiers })
}

fn time_zone(node: &Node) -> Result<TimeZone, String> {
    let name = text(node)?;
    TimeZone::get(&name)
        .map_err(|_| format!("there is no time zone \"{name}\"; write for example Europe/Berlin"))
}

/// Reads `host:port`, `:port` (loopback) or `host` alone (the default port).
///
/// # Errors
/// A sentence that says what to write instead.
pub fn parse_address(text: &str, default_port: u16) -> Result<SocketAddr, String> {
    let wrong = || format!("\"{text}\" is not an address; write for example 127.0.0.1:{default_port}");
    if let Some(port) = text.strip_prefix(':') {
        return port.parse().map(|port| SocketAddr::from(([127, 0, 0, 1], port))).map_err(|_| wrong());
    }
    let host =
        text.strip_prefix("localhost").map_or_else(|| text.to_owned(), |rest| format!("127.0.0.1{rest}"));
    host.parse().or_else(|_| host.parse().map(|ip| SocketAddr::new(ip, default_port))).map_err(|_| wrong())
}

#[cfg(test)]
mod tests;
