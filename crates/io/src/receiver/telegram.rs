//! `telegram`: a message of a bot to a chat of Telegram.
//!
//! Source: "Telegram Bot API", `sendMessage` and `ResponseParameters`. The bot's token is part of the address, so
//! addresses are never shown.

use std::path::PathBuf;

use lanner_core::Notification;
use lanner_core::field::{Field, Type};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::context::BuildContext;
use super::http::{Service, Target};
use super::kind::{CA_FILE, KindConfig, TIMEOUT, Timeout};
use super::message::{bounded_text, to_json};
use super::{Links, Problem, Secret, SendError, SendErrorKind, Sending, Transport};
use crate::remote::redact::{cleaned, described};

const URL: &str = "https://api.telegram.org";
/// The longest text of a message, in characters.
const MAX_TEXT_CHARS: usize = 4096;

/// A `telegram` receiver as the operator writes it.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct TelegramConfig {
    /// The bot's token.
    pub token: Secret,
    /// The chat.
    pub chat_id: String,
    /// The topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<i64>,
    /// Where to send instead.
    #[serde(skip_serializing_if = "Secret::is_empty")]
    pub url: Secret,
    /// Certificates to trust besides the system's.
    pub ca_file: Option<PathBuf>,
    /// For one attempt.
    pub timeout: Timeout,
}

/// The fields of a `telegram` receiver.
pub(super) const FIELDS: &[Field] = &[
    Field::new("token", "{ env: TELEGRAM_TOKEN }", "token of the bot, from @BotFather")
        .of(Type::Secret)
        .required(),
    Field::new("chat_id", "\"-1001234567890\"", "number of a chat, or \"@name\" of a channel").required(),
    Field::new("thread_id", "7", "number of a topic, in a group with topics").of(Type::Whole),
    Field::new("url", "https://telegram.example.org", "address of your own Bot API server")
        .of(Type::Secret)
        .or(URL),
    CA_FILE,
    TIMEOUT,
];

impl TelegramConfig {
    fn service(&self) -> Service<'_> {
        Service { url: &self.url, standard_url: URL, ca_file: self.ca_file.as_deref() }
    }
}

impl KindConfig for TelegramConfig {
    fn check(&self) -> Vec<Problem> {
        let mut problems = self.service().check();
        if self.token.is_empty() {
            problems.push(Problem::new("token", "is missing; write the token that @BotFather gave you"));
        } else if self.token.plain().is_some_and(|token| !is_token(token)) {
            problems
                .push(Problem::new("token", "is not the token of a bot, which looks like 123456:ABC-DEF"));
        }
        if !is_chat(&self.chat_id) {
            let message = "is missing or none; write the number of a chat, or \"@name\" of a channel";
            problems.push(Problem::new("chat_id", message));
        }
        problems
    }

    fn describe(&self) -> Value {
        described(self, &self.url, URL)
    }

    fn timeout(&self) -> Timeout {
        self.timeout
    }

    fn build(&self, context: &BuildContext) -> Result<Box<dyn Transport>, Vec<Problem>> {
        let token = self.token.resolve("token").map_err(|problem| vec![problem])?;
        if !is_token(&token) {
            let message = "is not the token of a bot, which looks like 123456:ABC-DEF";
            return Err(vec![Problem::new("token", message)]);
        }
        let mut target = self.service().target(context, vec![token.clone()])?;
        if let Ok(mut path) = target.url.path_segments_mut() {
            path.pop_if_empty().extend([&format!("bot{token}"), "sendMessage"]);
        }
        Ok(Box::new(Telegram { target, config: self.clone(), links: context.links.clone() }))
    }
}

fn is_token(text: &str) -> bool {
    let Some((bot, rest)) = text.split_once(':') else { return false };
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !bot.is_empty()
        && bot.chars().all(|c| c.is_ascii_digit())
        && !rest.is_empty()
        && rest.chars().all(is_word)
}

fn is_chat(text: &str) -> bool {
    text.parse::<i64>().is_ok() || (text.len() > 1 && text.starts_with('@'))
}

struct Telegram {
    target: Target,
    config: TelegramConfig,
    links: Links,
}

impl Transport for Telegram {
    fn send<'a>(&'a self, notification: &'a Notification) -> Sending<'a> {
        let chat_id = &self.config.chat_id;
        let chat = chat_id.parse::<i64>().map_or_else(|_| Value::from(chat_id.as_str()), Value::from);
        let mut body = json!({
            "chat_id": chat,
            "text": bounded_text(notification, &self.links, MAX_TEXT_CHARS, escaped),
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": true},
        });
        if let Some(thread_id) = self.config.thread_id {
            body["message_thread_id"] = thread_id.into();
        }
        Box::pin(async move {
            let answer = self.target.send(&notification.key, to_json(&body)).await?;
            judge(&answer.text, &self.target.secrets)
        })
    }
}

/// What an answer with status 200 says; a proxy or a server of one's own may put a refusal into one.
fn judge(answer: &str, secrets: &[String]) -> Result<(), SendError> {
    let Ok(answer) = serde_json::from_str::<Value>(answer) else { return Ok(()) };
    if answer["ok"] != false {
        return Ok(());
    }
    let why = cleaned(answer["description"].as_str().unwrap_or("no reason given"), secrets);
    let wait_s = answer["parameters"]["retry_after"].as_i64();
    let is_worth_it = wait_s.is_some() || matches!(answer["error_code"].as_i64(), Some(429 | 500..=599));
    let kind = if is_worth_it { SendErrorKind::Retry } else { SendErrorKind::Permanent };
    let message = match answer["parameters"]["migrate_to_chat_id"].as_i64() {
        Some(id) => format!("Telegram refused: {why}; write chat_id: {id}"),
        None => format!("Telegram refused: {why}"),
    };
    Err(SendError { kind, message, retry_after_ms: wait_s.map(|seconds| seconds.clamp(0, 3_600) * 1_000) })
}

/// Text that cannot be taken for HTML.
fn escaped(c: char) -> String {
    match c {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        other => other.to_string(),
    }
}
