//! `email`: one mail per message through an SMTP server.
//!
//! An address that the server refuses does not keep the mail from the others: they get it, and the error names those
//! who do not.
//!
//! A connection is made for each mail and closed after it. `Message-ID` is made of the idempotency key, so
//! that mail servers and programs that know it drop a second copy; mails about one notification group form
//! a thread.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use lanner_core::Notification;
use lanner_core::field::{Field, Type};
use lettre::address::{Address, Envelope};
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::context::BuildContext;
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::plain_text;
use super::{Links, Problem, Secret, SendError, SendErrorKind, Sending, Transport};
use crate::remote::problem::check_absolute;
use crate::remote::redact::cleaned;
use crate::remote::tls::Authorities;
use lanner_core::cause::deepest;

/// Longer subjects are cut, in characters.
const MAX_SUBJECT_CHARS: usize = 200;

/// How often a mail that some have is tried for those whom the server asks to wait.
const MAX_TRIES_FOR_SOME: u32 = 8;

/// An `email` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct EmailConfig {
    /// The SMTP server.
    pub host: String,
    /// Its port.
    pub port: Option<u16>,
    /// How the connection is protected.
    pub tls: TlsMode,
    /// Credentials.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub username: String,
    /// The password that goes with `username`.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub password: Secret,
    /// Who sends.
    pub from: String,
    /// Who gets it.
    pub to: Vec<String>,
    /// Who gets a copy.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cc: Vec<String>,
    /// The name that Lanner introduces itself with.
    pub hello: Option<String>,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// How a connection to an SMTP server is protected.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TlsMode {
    /// Plain at first, then TLS; a server that does not offer it is refused.
    #[default]
    Starttls,
    /// TLS from the start.
    Tls,
    /// Not at all.
    None,
}

impl TlsMode {
    const fn default_port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// The fields of an `email` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("host", "smtp.example.org", "the SMTP server").required(),
    Field::new("port", "587", "its port: 587 with `starttls`, 465 with `tls`, 25 with `none` by default")
        .of(Type::Whole),
    Field::new("tls", "starttls", "starttls (must succeed), tls (from the start) or none")
        .of(Type::OneOf(&["starttls", "tls", "none"]))
        .or("starttls"),
    Field::new(
        "username",
        "lanner",
        "user to log in as; not with `tls: none` unless the server is on this machine",
    ),
    Field::new("password", "{ file: /etc/lanner/smtp }", "its password").of(Type::Secret),
    Field::new("from", "Lanner <lanner@example.org>", "sender").required(),
    Field::new("to", "[on-call@example.org]", "recipients").of(Type::List(&Type::Text)).required(),
    Field::new("cc", "[team@example.org]", "recipients of copies").of(Type::List(&Type::Text)),
    Field::new(
        "hello",
        "lanner.example.org",
        "name sent in the SMTP greeting; by default this machine's address",
    ),
    CA_FILE,
    TIMEOUT,
];

impl KindConfig for EmailConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |field: &str, message: &str| problems.push(Problem::new(field, message));
        if self.host.is_empty() {
            wrong("host", "is missing; write for example smtp.example.org");
        } else if self.host.contains(|c: char| c.is_whitespace() || "/@".contains(c)) {
            wrong("host", "is not a host's name; write for example smtp.example.org");
        }
        match (self.username.is_empty(), self.password.is_empty()) {
            (false, true) => wrong("password", "is missing beside `username`"),
            (true, false) => wrong("username", "is missing beside `password`"),
            (false, false) if self.tls == TlsMode::None && !is_this_machine(&self.host) => {
                wrong("tls", "none would send the password readable by others; write starttls or tls");
            }
            _ => {}
        }
        problems.extend(mailbox("from", &self.from).err());
        if self.to.is_empty() {
            problems.push(Problem::new("to", "is missing; write for example [on-call@example.org]"));
        }
        for (field, addresses) in [("to", &self.to), ("cc", &self.cc)] {
            problems.extend(addresses.iter().filter_map(|address| mailbox(field, address).err()));
        }
        problems.extend(self.ca_file.as_ref().and_then(|path| check_absolute("ca_file", path)));
        problems
    }

    fn describe(&self) -> Value {
        let mut described = serde_json::to_value(self).unwrap_or_default();
        described["port"] = Value::from(self.port());
        described
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let one = |problem: Problem| vec![problem];
        let boxes = |field: &str, texts: &[String]| {
            texts.iter().map(|text| mailbox(field, text)).collect::<Result<Vec<_>, _>>().map_err(one)
        };
        let mut secrets = Vec::new();
        let mut smtp = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&self.host)
            .port(self.port())
            .timeout(Some(Duration::from_millis(self.timeout.0)))
            .tls(self.tls_parameters().map_err(one)?);
        if let Some(hello) = &self.hello {
            smtp = smtp.hello_name(ClientId::Domain(hello.clone()));
        }
        if !self.username.is_empty() {
            let password = self.password.resolve("password").map_err(one)?;
            secrets.push(password.clone());
            smtp = smtp.credentials(Credentials::new(self.username.clone(), password));
        }
        Ok(Box::new(Mailer {
            smtp: smtp.build(),
            server: format!("{}:{}", self.host, self.port()),
            from: mailbox("from", &self.from).map_err(one)?,
            to: boxes("to", &self.to)?,
            cc: boxes("cc", &self.cc)?,
            links: context.links.clone(),
            secrets,
            arrived: Mutex::default(),
        }))
    }
}

impl EmailConfig {
    fn port(&self) -> u16 {
        self.port.unwrap_or(self.tls.default_port())
    }

    fn tls_parameters(&self) -> Result<Tls, Problem> {
        if self.tls == TlsMode::None {
            return Ok(Tls::None);
        }
        let authorities = Authorities::load(self.ca_file.as_deref())?;
        let unusable = |error| Problem::new("tls", format!("cannot prepare TLS: {}", deepest(&error)));
        let store =
            if authorities.with_builtin { CertificateStore::WebpkiRoots } else { CertificateStore::None };
        let mut builder = TlsParameters::builder(self.host.clone()).certificate_store(store);
        for certificate in authorities.certificates {
            builder =
                builder.add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(unusable)?);
        }
        let parameters = builder.build().map_err(unusable)?;
        Ok(if self.tls == TlsMode::Tls { Tls::Wrapper(parameters) } else { Tls::Required(parameters) })
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

fn mailbox(field: &str, text: &str) -> Result<Mailbox, Problem> {
    if text.is_empty() {
        return Err(Problem::new(field, "is missing; write for example Lanner <lanner@example.org>"));
    }
    let shown: String = text.chars().take(60).collect();
    text.parse().map_err(|error| {
        Problem::new(
            field,
            format!("\"{shown}\" is not a mail address ({error}); write for example a@example.org"),
        )
    })
}

struct Mailer {
    smtp: AsyncSmtpTransport<Tokio1Executor>,
    server: String,
    from: Mailbox,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    links: Links,
    secrets: Vec<String>,
    /// Mails that arrived with some and are to be tried for the others, by the message's key.
    arrived: Mutex<HashMap<String, Arrived>>,
}

/// With whom a mail arrived, and how often it was tried since.
#[derive(Debug, Clone, Default)]
struct Arrived {
    addresses: BTreeSet<String>,
    n_tries: u32,
}

impl Transport for Mailer {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        Box::pin(async move {
            let mail = self.mail(notification).map_err(|error| {
                SendError::permanent(format!(
                    "cannot write the mail: {error}; check the receiver's addresses"
                ))
            })?;
            self.deliver(&notification.key, mail.envelope(), &mail.formatted()).await
        })
    }
}

impl Mailer {
    /// Sends a mail to all who do not have it, together, or one by one where the server refuses some of them.
    async fn deliver(&self, key: &str, envelope: &Envelope, mail: &[u8]) -> Result<(), SendError> {
        let arrived = self.arrived().get(key).cloned().unwrap_or_default();
        let missing = envelope.to().iter().filter(|to| !arrived.addresses.contains(&to.to_string()));
        let missing: Vec<Address> = missing.cloned().collect();
        match self.post(envelope, missing.clone(), mail).await {
            Ok(()) => {
                self.arrived().remove(key);
                Ok(())
            }
            Err(error) if envelope.to().len() > 1 && is_about_recipients(&error) => {
                self.deliver_one_by_one(key, envelope, missing, arrived, mail).await
            }
            Err(error) => Err(self.failure(&error)),
        }
    }

    async fn deliver_one_by_one(
        &self,
        key: &str,
        envelope: &Envelope,
        missing: Vec<Address>,
        mut arrived: Arrived,
        mail: &[u8],
    ) -> Result<(), SendError> {
        let mut refused: Vec<(Address, SendError)> = Vec::new();
        for to in missing {
            match self.post(envelope, vec![to.clone()], mail).await {
                Ok(()) => drop(arrived.addresses.insert(to.to_string())),
                Err(error) => refused.push((to, self.failure(&error))),
            }
        }
        let waits = refused.iter().any(|(_, error)| error.kind == SendErrorKind::Retry);
        let reasons: Vec<String> = refused.iter().map(|(to, error)| format!("{to}: {error}")).collect();
        let reasons = reasons.join("; ");
        arrived.n_tries += 1;
        match (arrived.addresses.is_empty(), waits) {
            _ if refused.is_empty() => {}
            (true, true) => return Err(SendError::retry(reasons)),
            (true, false) => return Err(SendError::permanent(reasons)),
            (false, true) if arrived.n_tries < MAX_TRIES_FOR_SOME => {
                self.arrived().insert(key.to_owned(), arrived);
                return Err(SendError::retry(format!("the others have it, but not {reasons}")));
            }
            (false, _) => {
                self.arrived().remove(key);
                return Err(SendError::partly(format!("the others have it, but not {reasons}")));
            }
        }
        self.arrived().remove(key);
        Ok(())
    }

    async fn post(
        &self,
        envelope: &Envelope,
        to: Vec<Address>,
        mail: &[u8],
    ) -> Result<(), lettre::transport::smtp::Error> {
        // There is somebody to send to: whoever has the mail is not asked again, and a mail that all have is done.
        let Ok(envelope) = Envelope::new(envelope.from().cloned(), to) else { return Ok(()) };
        self.smtp.send_raw(&envelope, mail).await.map(drop)
    }

    fn arrived(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arrived>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn mail(&self, notification: &Notification) -> Result<Message, lettre::error::Error> {
        let domain = self.from.email.domain();
        let thread = lanner_core::alert::fingerprint(&notification.receiver, &notification.group);
        let mut mail = Message::builder()
            .from(self.from.clone())
            .subject(subject(notification))
            .message_id(Some(format!("<{}@{domain}>", notification.key)))
            .references(format!("<{thread}.group@{domain}>"))
            .raw_header(header("X-Idempotency-Key", &notification.key))
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        for cc in &self.cc {
            mail = mail.cc(cc.clone());
        }
        mail.body(plain_text(notification, &self.links))
    }

    fn failure(&self, error: &lettre::transport::smtp::Error) -> SendError {
        let reason = cleaned(&error.to_string(), &self.secrets);
        let certificate = reason.contains("certificate");
        let advice = if certificate {
            "; if it is signed by a private authority, set `ca_file`"
        } else if reason.contains("authentication")
            || matches!(error.status().map(u16::from), Some(530 | 535))
        {
            "; check `username` and `password`"
        } else {
            ""
        };
        let message = format!("the mail server {} did not accept the mail: {reason}{advice}", self.server);
        if error.is_permanent() { SendError::permanent(message) } else { SendError::retry(message) }
    }
}

/// Whether the server answered, and not about who Lanner is or that it is busy: then others may fare better.
fn is_about_recipients(error: &lettre::transport::smtp::Error) -> bool {
    error.status().map(u16::from).is_some_and(|code| !matches!(code, 421 | 454 | 530 | 534 | 535 | 538))
}

/// The title as one line.
fn subject(notification: &Notification) -> String {
    let title = notification.title();
    title.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SUBJECT_CHARS).collect()
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
