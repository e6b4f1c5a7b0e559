//! Which series changed in a stretch of time: all of them beside what they were like before.

use std::sync::Arc;

use axum::extract::State;
use lanner_core::TimeRange;
use lanner_core::time::{DAY_MS, WEEK_MS};
use lanner_detect::unlike::{Stretch, Unlike, unlike};
use lanner_io::store::{SeriesId, StoreError};
use lanner_wire::api::{ProblemView, UnlikeResponse, UnlikeSeries, When};
use serde::Deserialize;

use super::data::select;
use crate::expressions::Expressions;
use crate::http::{ApiError, Json, Limit, Query, blocking};

/// Stretches just before the one that is asked about.
const N_BEFORE: i64 = 8;
/// Series that one question may look at.
const MAX_SERIES: usize = 100_000;

/// Which series are compared, and in which time.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stretches {
    from: When,
    to: Option<When>,
    name: Option<String>,
    #[serde(rename = "match")]
    matchers: Option<String>,
    #[serde(default)]
    limit: Limit<50, 1_000>,
}

impl Stretches {
    /// All series, from `from` to `to`.
    pub(crate) fn new(from: When, to: When) -> Self {
        Self { from, to: Some(to), name: None, matchers: None, limit: Limit::default() }
    }
}

/// Rank series by how unlike their values between `from` and `to` are to those before: the eight stretches of the same length
/// before it, and the same time a day and a week earlier.
///
/// # Errors
/// 400, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/series/unlike", tag = "data", operation_id = "rank_series",
    params(
        ("from" = String, Query, description = "where the stretch begins, such as now-30m or a time", example = "now-30m"),
        ("to" = Option<String>, Query, description = "where it ends; now, if absent"),
        ("name" = Option<String>, Query, description = "name; * stands for any characters"),
        ("match" = Option<String>, Query, description = "label matchers, such as host=\"a\",dc=~\"eu.*\""),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 1_000, description = "maximum number; default 50"),
    ),
    responses((status = 200, body = UnlikeResponse))
))]
pub(crate) async fn rank(
    State(service): State<Arc<Expressions>>,
    Query(asked): Query<Stretches>,
) -> Result<Json<UnlikeResponse>, ApiError> {
    let now_ms = service.now_ms();
    let (from_ms, to_ms) = (asked.from.resolve(now_ms), asked.to.map_or(now_ms, |to| to.resolve(now_ms)));
    let wrong = |message: &str| ApiError::problems(vec![ProblemView::at("to", message)]);
    if to_ms <= from_ms {
        return Err(wrong("is not after from"));
    }
    let during = TimeRange::new(from_ms, to_ms);
    if during.length_ms() > 4 * WEEK_MS {
        return Err(wrong("is more than four weeks after from; choose a shorter time"));
    }
    let mut series = select(&service, asked.name.as_deref(), asked.matchers.as_deref())?;
    let truncated = series.len() > MAX_SERIES;
    series.truncate(MAX_SERIES);
    let compared = series.len() as u64;
    // As many at once as expressions: each reads all series.
    let turn = service.turn().await;
    let ranked = blocking(move || {
        let mut found = Vec::new();
        for (id, key) in series.into_iter().take_while(|_| !service.shutdown.has_begun()) {
            found.extend(of_series(&service, id, during)?.map(|unlike| (unlike, key)));
        }
        found.sort_by(|(one, a), (other, b)| other.score.total_cmp(&one.score).then_with(|| a.cmp(b)));
        found.truncate(asked.limit.0);
        drop(turn);
        Ok::<_, StoreError>(found)
    });
    let series = ranked.await??;
    let view = |(unlike, key): &(Unlike, Arc<lanner_core::SeriesKey>)| UnlikeSeries {
        name: key.name.to_string(),
        labels: key.labels.clone(),
        change: unlike.change.name().to_owned(),
        score: unlike.score,
        found: unlike.found,
        expected: unlike.expected,
    };
    let series = series.iter().map(view).collect();
    Ok(Json(UnlikeResponse { range: during.into(), compared, truncated, series }))
}

/// One series beside itself.
fn of_series(service: &Expressions, id: SeriesId, during: TimeRange) -> Result<Option<Unlike>, StoreError> {
    let length_ms = during.length_ms();
    let before = during.start_ms.saturating_sub(N_BEFORE * length_ms);
    // The one that is asked about, and those before it, the latest first.
    let mut near = [Stretch::default(); N_BEFORE as usize + 1];
    service.data.points(id, TimeRange::new(before, during.end_ms), &mut |time_ms, row| {
        let at = (during.end_ms - 1 - time_ms).max(0) / length_ms;
        if let Some(stretch) = near.get_mut(at as usize) {
            stretch.add(row.mean());
        }
    })?;
    let mut others = near[1..].to_vec();
    for shift_ms in [DAY_MS, WEEK_MS].into_iter().filter(|shift_ms| *shift_ms > N_BEFORE * length_ms) {
        let mut stretch = Stretch::default();
        let then = TimeRange::new(during.start_ms - shift_ms, during.end_ms - shift_ms);
        service.data.points(id, then, &mut |_, row| stretch.add(row.mean()))?;
        others.push(stretch);
    }
    Ok(unlike(&others, &near[0]).filter(|unlike| unlike.score > 1.0))
}
