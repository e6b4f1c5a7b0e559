//! The first page.

use std::sync::Arc;

use axum::Extension;
use lanner_core::AlertState;
use lanner_page::now::{self, Filter};

use super::answer::{Html, Shown};
use super::fields::Fields;
use super::look::Looks;
use super::visitor::Who;
use crate::http::ApiError;

/// What is wrong now: of the look that all pages share, or of the alerts that the address asks for.
pub(super) async fn show(who: Who, Extension(looks): Extension<Option<Arc<Looks>>>, fields: Fields) -> Shown {
    let looks = looks.ok_or_else(|| ApiError::internal("there are no looks here"))?;
    let look = looks.look().await?;
    let filter = Filter { text: fields.get("q").to_owned(), state: AlertState::parse(fields.get("state")) };
    let parts: Vec<(&str, Arc<str>)> = if filter.is_open() {
        look.parts.iter().map(|part| (part.id, Arc::clone(&part.html))).collect()
    } else {
        now::PARTS.iter().map(|id| (*id, now::part(id, &look.now, &filter).into())).collect()
    };
    Ok(Html(now::page(&who.visitor, &filter, look.version, &parts)))
}
