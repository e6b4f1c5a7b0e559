//! `/render`: series of expressions, in each of Graphite's formats, or as a picture.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use jiff::tz::TimeZone;
use lanner_graphite::{Query, Series, Source as _, at_time};
use lanner_wire::render::{Rendered, json, msgpack, pickle, text};

use super::answer::{self, Invalid};
use super::parameters::Parameters;
use super::picture;
use crate::expressions::{Asker, Expressions, StoreSource};

/// What is wanted of an answer.
struct Wanted {
    query: Query,
    format: String,
    jsonp: Option<String>,
    size: picture::Size,
    title: String,
}

/// `/render`, by GET or POST.
pub(super) async fn render(
    State(expressions): State<Arc<Expressions>>,
    parameters: Parameters,
) -> Result<Response, Invalid> {
    let wanted = wanted(&expressions, &parameters)?;
    // Who leaves while others have their turn is not worked for at all.
    let turn = expressions.turn().await;
    // Dropped with this future, which is when the client leaves.
    let (asker, _leaving) = Asker::waiting();
    let response = answer::blocking(move || {
        let _until_the_work_ends = turn;
        match expressions.source() {
            Ok(source) => answer(&source.asked_by(asker), &wanted),
            Err(error) => crate::http::ApiError::from(error).into_text(),
        }
    })
    .await;
    Ok(response)
}

fn wanted(expressions: &Expressions, parameters: &Parameters) -> Result<Wanted, Invalid> {
    let owned = |name: &str| parameters.last(name).map(str::to_owned);
    let zone = match parameters.last("tz") {
        Some(zone) => TimeZone::get(zone).map_err(|_| {
            Invalid::new(format_args!("there is no time zone '{zone}'; write for example Europe/Berlin"))
        })?,
        None => expressions.zone.clone(),
    };
    let now_s = expressions.now_ms() / 1000;
    let now_s = match parameters.last("now") {
        Some(now) => at_time(now, now_s, &zone).map_err(|why| Invalid::new(format_args!("now: {why}")))?,
        None => now_s,
    };
    let mut query = Query::new(parameters.all("target").map(str::to_owned).collect(), now_s);
    query.zone = zone;
    if let Some(factor) = parameters.last("xFilesFactor") {
        let factor = factor.parse().ok().filter(|factor| (0.0..=1.0).contains(factor));
        query.x_files_factor = factor.ok_or_else(|| Invalid::new("xFilesFactor is a number from 0 to 1"))?;
    }
    query.from = owned("from");
    query.until = owned("until");
    query.max_data_points = parameters.number("maxDataPoints")?.map(|points| points as u64);
    query.no_null_points = parameters.is_set("noNullPoints");
    query.variables = parameters.variables();
    let raw = parameters.last("rawData").is_some();
    let format = if raw { "raw".to_owned() } else { owned("format").unwrap_or_else(|| "svg".to_owned()) };
    let side =
        |name, default| Ok::<_, Invalid>(parameters.number(name)?.unwrap_or(default).clamp(100, 4_000));
    let size = picture::Size { width: side("width", 800)?, height: side("height", 400)? };
    let jsonp = owned("jsonp").filter(|name| json::is_callback(name));
    Ok(Wanted { query, format, jsonp, size, title: owned("title").unwrap_or_default() })
}

fn answer(source: &StoreSource, wanted: &Wanted) -> Response {
    let Wanted { query, format, jsonp, .. } = wanted;
    if !FORMATS.contains(&format.as_str()) {
        return Invalid::new(format_args!(
            "there is no format '{format}'; write one of {}",
            FORMATS.join(", ")
        ))
        .into_response();
    }
    let series = match query.answer(source) {
        Ok(series) => series,
        Err(refusals) => {
            let refusals: Vec<String> = refusals.iter().map(ToString::to_string).collect();
            return Invalid(refusals.join("; ")).into_response();
        }
    };
    // Writing it takes as long again.
    if let Err(why) = source.still_wanted() {
        return Invalid(why).into_response();
    }
    // As in Graphite, only JSON is made to fit the client's room.
    let series = if format == "json" { query.datapoints(series) } else { series };
    let rendered: Vec<Rendered<'_>> = series.iter().map(rendered).collect();
    let jsonp = jsonp.as_deref();
    let mut out = Vec::new();
    let kind = match format.as_str() {
        "json" => {
            json::write(&rendered, &json::Options { no_null_points: query.no_null_points, jsonp }, &mut out);
            json_kind(jsonp)
        }
        "rickshaw" => {
            json::write_rickshaw(&rendered, jsonp, &mut out);
            json_kind(jsonp)
        }
        "dygraph" => {
            if let Err(error) = json::write_dygraph(&rendered, jsonp, &mut out) {
                return Invalid::new(error).into_response();
            }
            json_kind(jsonp)
        }
        "csv" => {
            text::write_csv(&rendered, &query.zone, &mut out);
            "text/csv"
        }
        "raw" => {
            text::write_raw(&rendered, &mut out);
            "text/plain"
        }
        "pickle" => {
            pickle::write(&rendered, &mut out);
            "application/pickle"
        }
        "msgpack" => {
            msgpack::write(&rendered, &mut out);
            "application/x-msgpack"
        }
        // "png": whoever shows a picture goes by its content type.
        _ => {
            out = picture::svg(&series, &query.zone, wanted.size, &wanted.title).into_bytes();
            "image/svg+xml"
        }
    };
    answer::answer(StatusCode::OK, kind, Body::from(out))
}

const FORMATS: [&str; 9] = ["json", "csv", "raw", "pickle", "msgpack", "dygraph", "rickshaw", "svg", "png"];

fn json_kind(jsonp: Option<&str>) -> &'static str {
    if jsonp.is_some() { "text/javascript" } else { "application/json" }
}

fn rendered(series: &Series) -> Rendered<'_> {
    Rendered {
        path_expression: &series.path_expression,
        start_s: series.start_s,
        end_s: series.end_s,
        step_s: series.step_s,
        x_files_factor: series.x_files_factor,
        consolidation: series.consolidation.name(),
        ..Rendered::new(&series.name, &series.tags, &series.values)
    }
}
