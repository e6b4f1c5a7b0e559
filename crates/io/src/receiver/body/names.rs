//! What a template may say of a message.

use lanner_core::Notification;
use serde_json::Value;

use crate::receiver::Links;
use crate::receiver::message::{Message, plain_text};

/// The names of a message: those of Lanner's own JSON, the whole as plain text, and the title of each alert.
pub(super) fn names(notification: &Notification, links: &Links) -> Value {
    let mut names = serde_json::to_value(Message::new(notification, links)).unwrap_or_default();
    names["text"] = plain_text(notification, links).into();
    if names.get("external_url").is_none() {
        names["external_url"] = Value::Null;
    }
    for (at, alert) in notification.alerts.iter().enumerate() {
        let shown = &mut names["alerts"][at];
        shown["title"] = alert.title().into();
        if shown.get("acknowledged").is_none() {
            shown["acknowledged"] = Value::Null;
        }
        if shown.get("evidence").is_none() {
            shown["evidence"] = Value::Null;
        }
    }
    names
}
