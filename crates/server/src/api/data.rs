//! Stored data: streams, series, queries, export.

use std::ops::ControlFlow;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use lanner_core::{Answer, Ask, Readings, RemoteAsk, Sample, SeriesKey, SourceError, TimeRange};
use lanner_engine::document::{Check, Node, Problems};
use lanner_engine::source::{
    Data, Fetched, Query as RuleQuery, RowScorer, SeriesQuery as SeriesMeasure, Stored, StreamQuery, gather,
    read_query, readings,
};
use lanner_io::store::{SeriesId, StoreError};
use lanner_wire::api::{
    ProblemView, QueryRequest, QueryResponse, QuerySeries, SeriesView, StreamView, Time, When,
};
use lanner_wire::{csv, events, line_protocol, matchers, ndjson};
use serde::Deserialize;

use crate::evaluate::read;
use crate::expressions::Expressions;
use crate::http::{ApiError, Json, Limit, Path, Query, blocking};
use crate::models::service::ModelService;

/// Series of one answer to a question.
const MAX_GROUPS: usize = 1_000;

/// List streams of events.
///
/// # Errors
/// 500.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/streams", tag = "data", operation_id = "list_streams",
    responses((status = 200, body = Vec<StreamView>))
))]
pub(crate) async fn streams(
    State(service): State<Arc<Expressions>>,
) -> Result<Json<Vec<StreamView>>, ApiError> {
    let view = |info: lanner_io::store::StreamInfo| StreamView {
        name: info.name.to_string(),
        events: info.n_events,
        first: Some(Time(info.first_ms)),
        last: Some(Time(info.last_ms)),
    };
    Ok(Json(service.data.streams()?.into_iter().map(view).collect()))
}

/// Which series are wanted.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeriesQuery {
    name: Option<String>,
    #[serde(rename = "match")]
    matchers: Option<String>,
    #[serde(default)]
    limit: Limit<1_000, 100_000>,
}

pub(crate) fn select(
    service: &Expressions,
    name: Option<&str>,
    text: Option<&str>,
) -> Result<Vec<(SeriesId, Arc<SeriesKey>)>, ApiError> {
    let wrong = |error: matchers::MatcherError| {
        ApiError::problems(vec![ProblemView::at(
            "match",
            format!("character {}: {}", error.column, error.message),
        )])
    };
    let text = text.filter(|text| !text.trim().is_empty());
    let matchers = text.map(matchers::parse_matchers).transpose().map_err(wrong)?.unwrap_or_default();
    Ok(service.data.select(name.unwrap_or("*"), &matchers)?)
}

/// List series by name and labels.
///
/// # Errors
/// 400, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/series", tag = "data", operation_id = "list_series",
    params(
        ("name" = Option<String>, Query, description = "name; * stands for any characters"),
        ("match" = Option<String>, Query, description = "label matchers, such as host=\"a\",dc=~\"eu.*\""),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 100_000, description = "maximum number; default 1000"),
    ),
    responses((status = 200, body = Vec<SeriesView>))
))]
pub(crate) async fn series(
    State(service): State<Arc<Expressions>>,
    Query(query): Query<SeriesQuery>,
) -> Result<Json<Vec<SeriesView>>, ApiError> {
    let found = select(&service, query.name.as_deref(), query.matchers.as_deref())?;
    let limit = query.limit.0;
    let view = |(id, key): (SeriesId, Arc<SeriesKey>)| {
        let (first_ms, last_ms) = service.data.extent(id)?.unzip();
        Ok(SeriesView::new(&key, first_ms, last_ms))
    };
    Ok(Json(found.into_iter().take(limit).map(view).collect::<Result<_, StoreError>>()?))
}

/// Query a stream or series over a time range, a value a step.
///
/// # Errors
/// 400, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    post, path = "/api/v1/query", tag = "data", operation_id = "query", request_body = QueryRequest,
    responses((status = 200, body = QueryResponse))
))]
pub(crate) async fn query(
    State(service): State<Arc<Expressions>>,
    State(models): State<Arc<ModelService>>,
    Json(request): Json<QueryRequest>,
) -> Result<Json<QueryResponse>, ApiError> {
    let (range, step_ms) =
        request.range(service.now_ms()).map_err(|problem| ApiError::problems(vec![problem]))?;
    let mut check = Check::default();
    let query = read_query(&Node::from_json(&request.query), "query", &mut check);
    let Some(query) = query.filter(|_| check.problems.is_empty()) else {
        return Err(Problems(check.problems).into());
    };
    let located = query.located(service.sources.streams()).map_err(|refused| {
        ApiError::problems(vec![ProblemView::at(format!("query.{}", query.kind()), refused.to_string())])
    })?;
    let query = located.unwrap_or(query);
    let done = blocking(move || measure((&service, &models), &*query, range, step_ms)).await;
    let series = done??;
    let truncated = series.len() > MAX_GROUPS;
    let series = series.into_iter().take(MAX_GROUPS).collect();
    Ok(Json(QueryResponse::new(range, step_ms, series, truncated)))
}

fn measure(
    (service, models): (&Expressions, &ModelService),
    query: &dyn RuleQuery,
    range: TimeRange,
    step_ms: i64,
) -> Result<Vec<QuerySeries>, ApiError> {
    let n_steps = usize::try_from(range.length_ms() / step_ms).unwrap_or(0);
    let step = |at: usize| {
        let start_ms = range.start_ms + at as i64 * step_ms;
        TimeRange::new(start_ms, start_ms + step_ms)
    };
    let mut scan = Scan { service, models, failed: None };
    match query.answer(&Ask::of_windows((0..n_steps).map(step).collect(), step_ms), &mut scan) {
        Ok(readings) => {
            let series = readings.groups.into_iter();
            let series =
                series.map(|it| QuerySeries { labels: it.group.labels().clone(), values: it.baselines });
            Ok(series.collect())
        }
        Err(why) => Err(scan.failed.map_or_else(
            || ApiError::problems(vec![ProblemView::at(format!("query.{}", query.kind()), why.to_string())]),
            ApiError::from,
        )),
    }
}

/// All that is stored, read anew: no measure is kept for a question that is asked once.
struct Scan<'a> {
    service: &'a Expressions,
    models: &'a ModelService,
    /// What became of the store.
    failed: Option<StoreError>,
}

impl Scan<'_> {
    fn note<T>(&mut self, read: Result<T, StoreError>) -> Result<T, SourceError> {
        read.map_err(|error| {
            let why = SourceError::Temporary(error.to_string());
            self.failed = Some(error);
            why
        })
    }
}

impl Data for Scan<'_> {
    fn stream(&mut self, ask: &Ask, query: &Arc<StreamQuery>) -> Answer {
        let windows = ask.windows();
        let all = windows.iter().copied().flatten().reduce(|all, window| all.hull(window));
        let Some(range) = all else { return Ok(Readings::default()) };
        let is_over = || self.service.shutdown.has_begun();
        let past =
            read::count_all((&*self.service.data, self.service.secret), query, ask.step_ms, range, &is_over);
        let past = self.note(past)?;
        let values = |window: &Option<TimeRange>| {
            window.and_then(|window| past.read(query, ask.step_ms, window)).unwrap_or_default()
        };
        let values: Vec<read::Values> = ask.baselines.iter().map(values).collect();
        let groups = gather(ask, query.measure.kind.value_when_empty, Vec::new(), &values);
        Ok(Readings { groups, first_data_ms: None })
    }

    fn series(&mut self, ask: &Ask, query: &SeriesMeasure) -> Answer {
        let is_over = || self.service.shutdown.has_begun();
        let values = read::series(&*self.service.data, query, &ask.windows(), &is_over);
        Ok(Readings { groups: readings(ask, self.note(values)?), first_data_ms: None })
    }

    fn graphite(&mut self) -> Result<Box<dyn Stored + '_>, SourceError> {
        let source = self.service.source();
        Ok(Box::new(self.note(source)?))
    }

    fn fetch(&mut self, source: &str, ask: &RemoteAsk) -> Fetched {
        self.service.sources.ask(source, ask).map(Arc::new)
    }

    fn model(&mut self, name: &str) -> Result<Arc<dyn RowScorer>, SourceError> {
        self.models.detector(name)
    }
}

/// What is to be exported.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExportQuery {
    format: Option<String>,
    name: Option<String>,
    #[serde(rename = "match")]
    matchers: Option<String>,
    from: Option<When>,
    to: Option<When>,
}

impl ExportQuery {
    fn range(&self, now_ms: i64) -> TimeRange {
        let bound = |when: Option<When>, default| when.map_or(default, |when| when.resolve(now_ms));
        TimeRange::new(bound(self.from, i64::MIN), bound(self.to, i64::MAX))
    }
}

/// A body that is written by a thread while it is read.
fn streamed(
    content_type: &'static str,
    write: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> bool) -> Result<(), StoreError> + Send + 'static,
) -> Response {
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes, std::io::Error>>(4);
    tokio::task::spawn_blocking(move || {
        let result = write(&mut |chunk| sender.blocking_send(Ok(chunk.into())).is_ok());
        if let Err(error) = result {
            // The status has gone out; breaking off tells the reader that the body is not whole.
            let _ = sender.blocking_send(Err(std::io::Error::other(error.to_string())));
        }
    });
    let body = Body::from_stream(Chunks(receiver));
    ([(header::CONTENT_TYPE, content_type)], body).into_response()
}

struct Chunks(tokio::sync::mpsc::Receiver<Result<Bytes, std::io::Error>>);

impl futures_core::Stream for Chunks {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}

/// Export samples, series by series: as NDJSON (`ndjson`, the default), CSV (`csv`) or line protocol (`line`).
///
/// # Errors
/// 400, 422.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/export", tag = "data", operation_id = "export_samples",
    params(
        ("format" = Option<String>, Query, pattern = "^(ndjson|csv|line)$", description = "ndjson (default), csv or line"),
        ("name" = Option<String>, Query, description = "name of series; * stands for any characters"),
        ("match" = Option<String>, Query, description = "label matchers, such as host=\"a\""),
        ("from" = Option<When>, Query, description = "samples at or after this time"),
        ("to" = Option<When>, Query, description = "samples before this time"),
    ),
    responses((status = 200, body = String, content_type = "application/x-ndjson"))
))]
pub(crate) async fn export(
    State(service): State<Arc<Expressions>>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let range = query.range(service.now_ms());
    let found = select(&service, query.name.as_deref(), query.matchers.as_deref())?;
    let keys: Vec<Arc<SeriesKey>> = found.iter().map(|(_, key)| key.clone()).collect();
    let store = Arc::clone(&service.data);
    let unwritable = |why: String| StoreError::Database { detail: why };
    // Asked before the status goes out: a body that breaks off says less.
    refuse_unwritable(query.format.as_deref(), &keys)?;
    match query.format.as_deref().unwrap_or("ndjson") {
        "ndjson" => Ok(streamed("application/x-ndjson", move |send| {
            for (id, key) in found {
                let mut chunk = Vec::new();
                for sample in store.samples(id, range)? {
                    ndjson::write_sample(&mut chunk, &key, sample).map_err(|e| unwritable(e.to_string()))?;
                }
                if !send(chunk) {
                    break;
                }
            }
            Ok(())
        })),
        "line" => Ok(streamed("text/plain", move |send| {
            for (id, key) in found {
                let mut chunk = String::new();
                for sample in store.samples(id, range)? {
                    line_protocol::write_sample(&mut chunk, &key, sample)
                        .map_err(|e| unwritable(e.to_string()))?;
                }
                if !send(chunk.into_bytes()) {
                    break;
                }
            }
            Ok(())
        })),
        "csv" => Ok(streamed("text/csv", move |send| {
            let out = ChunkWriter { chunk: Vec::new(), send };
            let writer = csv::Writer::new(out, keys.iter().map(|key| &**key));
            let mut writer = writer.map_err(|error| unwritable(error.to_string()))?;
            for (id, key) in found {
                for sample in store.samples(id, range)? {
                    writer.write(&key, sample).map_err(|error| unwritable(error.to_string()))?;
                }
            }
            let mut out = writer.finish().map_err(|error| unwritable(error.to_string()))?;
            std::io::Write::flush(&mut out).map_err(|error| unwritable(error.to_string()))
        })),
        other => {
            let message = format!("the format \"{other}\" is not known; write ndjson, csv or line");
            Err(ApiError::new(StatusCode::BAD_REQUEST, message))
        }
    }
}

/// Refuses series that the format cannot hold.
fn refuse_unwritable(format: Option<&str>, keys: &[Arc<SeriesKey>]) -> Result<(), ApiError> {
    let zero = Sample::new(0, 0.0);
    let why = match format {
        Some("line") => keys
            .iter()
            .find_map(|key| line_protocol::write_sample(&mut String::new(), key, zero).err())
            .map(|error| error.to_string()),
        Some("csv") => csv::Writer::new(std::io::sink(), keys.iter().map(|key| &**key))
            .err()
            .map(|error| error.to_string()),
        _ => None,
    };
    why.map_or(Ok(()), |why| Err(ApiError::new(StatusCode::BAD_REQUEST, why)))
}

/// Gathers what is written into chunks of 64 KiB.
struct ChunkWriter<'s> {
    chunk: Vec<u8>,
    send: &'s mut dyn FnMut(Vec<u8>) -> bool,
}

impl std::io::Write for ChunkWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.chunk.extend_from_slice(bytes);
        if self.chunk.len() >= 64 * 1024 {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        if chunk.is_empty() || (self.send)(chunk) {
            return Ok(());
        }
        Err(std::io::Error::new(std::io::ErrorKind::BrokenPipe, "the reader left"))
    }
}

/// Export the events of a stream as NDJSON, in order of time. An event whose text does not tell its time gets the field
/// `_time`.
///
/// # Errors
/// 400.
#[cfg_attr(feature = "openapi", utoipa::path(
    get, path = "/api/v1/export/events/{stream}", tag = "data", operation_id = "export_events",
    params(
        ("stream" = String, Path),
        ("from" = Option<When>, Query, description = "events at or after this time"),
        ("to" = Option<When>, Query, description = "events before this time"),
    ),
    responses((status = 200, body = String, content_type = "application/x-ndjson"))
))]
pub(crate) async fn export_events(
    State(service): State<Arc<Expressions>>,
    Path(stream): Path<String>,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let range = query.range(service.now_ms());
    let store = Arc::clone(&service.data);
    Ok(streamed("application/x-ndjson", move |send| {
        let mut chunk = Vec::new();
        let mut open = true;
        store.events(&stream, range, &mut |time_ms, json| {
            events::write(&mut chunk, time_ms, json);
            if chunk.len() >= 64 * 1024 {
                open = send(std::mem::take(&mut chunk));
            }
            if open { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        if open && !chunk.is_empty() {
            send(chunk);
        }
        Ok(())
    }))
}
