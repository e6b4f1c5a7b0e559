//! Templates of Prometheus, Alertmanager and Grafana as Lanner's.
//!
//! Source: "Template reference" of the documentation of Prometheus, release 3.

/// A text with `{{ $labels.x }}` and `{{ $value }}` as a template of Lanner's.
///
/// # Errors
/// What of it has no counterpart.
pub(super) fn converted(text: &str) -> Result<String, String> {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(&plain(before)?);
        let (inside, after) = after.split_once("}}").ok_or("\"{{\" without \"}}\"")?;
        out.push_str(&format!("{{{{ {} }}}}", action(inside.trim().trim_matches('-').trim())?));
        rest = after;
    }
    out.push_str(&plain(rest)?);
    Ok(out)
}

/// Text that Jinja would take for its own is refused.
fn plain(text: &str) -> Result<String, String> {
    match ["{%", "{#"].iter().find(|mark| text.contains(**mark)) {
        Some(mark) => Err(format!("\"{mark}\" means something else in templates of Lanner")),
        None => Ok(text.to_owned()),
    }
}

/// `$labels.instance | reReplaceAll ...` and so on.
fn action(text: &str) -> Result<String, String> {
    let mut parts = text.split('|').map(str::trim);
    let mut value = operand(parts.next().unwrap_or_default())?;
    for filter in parts {
        value.push_str(&filtered(filter)?);
    }
    Ok(value)
}

fn operand(text: &str) -> Result<String, String> {
    if let Some(rest) = text.strip_prefix("printf ") {
        return printed(rest.trim());
    }
    if let Some((function, argument)) = text.split_once(' ')
        && let Ok(filter) = filtered(function)
    {
        return Ok(operand(argument.trim())? + &filter);
    }
    match text {
        "$value" | ".Value" | "$values.A" | "$values.A.Value" | "$values.B" | "$values.B.Value" => {
            return Ok("value".to_owned());
        }
        "$labels" | ".Labels" => return Ok("group".to_owned()),
        "$labels.alertname" => return Ok("rule".to_owned()),
        _ => {}
    }
    let label = ["$labels.", ".Labels."].iter().find_map(|start| text.strip_prefix(start));
    let is_name =
        |label: &&str| label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !label.is_empty();
    match label.filter(is_name) {
        // There these are the labels of the series, and one that it lacks is empty; here that is an error.
        Some(label) => Ok(format!("group.{label} | default('')")),
        None => Err(format!("the template {{{{ {text} }}}} has no counterpart")),
    }
}

/// What is done with a number to show it.
fn filtered(filter: &str) -> Result<String, String> {
    let filter = match filter {
        "humanizePercentage" => "percent",
        "humanize" | "humanize1024" | "humanizeDuration" => "number(2)",
        "title" => "title",
        "toUpper" => "upper",
        "toLower" => "lower",
        other => match other.strip_prefix("printf ") {
            Some(format) => return Ok(format!(" | {}", digits(format)?)),
            None => return Err(format!("the function `{other}` has no counterpart")),
        },
    };
    Ok(format!(" | {filter}"))
}

/// `"%.2f" $value`.
fn printed(text: &str) -> Result<String, String> {
    let (format, value) = text.rsplit_once(' ').ok_or_else(|| format!("printf {text} has no counterpart"))?;
    Ok(format!("{} | {}", operand(value)?, digits(format)?))
}

fn digits(format: &str) -> Result<String, String> {
    let format = format.trim().trim_matches(['"', '`']);
    let n = format.strip_prefix("%.").and_then(|rest| rest.strip_suffix(['f', 'g'])).unwrap_or_default();
    match (n.parse::<u8>(), format) {
        (Ok(n), _) => Ok(format!("number({n})")),
        (Err(_), "%d" | "%.f" | "%0.f") => Ok("number(0)".to_owned()),
        (Err(_), "%f" | "%v" | "%g" | "%s") => Ok("number(2)".to_owned()),
        _ => Err(format!("the format {format} has no counterpart")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_converted() {
        for (from, to) in [
            ("plain", "plain"),
            (
                "{{ $labels.instance }} of {{$labels.job}}",
                "{{ group.instance | default('') }} of {{ group.job | default('') }}",
            ),
            ("{{ $value }}", "{{ value }}"),
            ("{{ $value | humanizePercentage }}", "{{ value | percent }}"),
            ("{{ humanize $value }}", "{{ value | number(2) }}"),
            ("{{ printf \"%.1f\" $value }} %", "{{ value | number(1) }} %"),
            ("{{ $value | printf \"%.0f\" }}", "{{ value | number(0) }}"),
            ("{{- .Labels.pod -}}", "{{ group.pod | default('') }}"),
            ("{{ $labels.alertname }}", "{{ rule }}"),
        ] {
            assert_eq!(converted(from).as_deref(), Ok(to), "{from}");
        }
    }

    #[test]
    fn what_has_no_counterpart_is_named() {
        for (from, named) in [
            ("{{ with query \"up\" }}{{ end }}", "with query"),
            ("{{ $externalLabels.cluster }}", "$externalLabels.cluster"),
            ("{{ $value | first }}", "`first`"),
            ("{{ printf \"%5.1x\" $value }}", "%5.1x"),
            ("{{ $value", "without"),
            ("{% raw %}", "{%"),
            ("{{ }}", "no counterpart"),
        ] {
            let said = converted(from).unwrap_err();
            assert!(said.contains(named), "{from}: {said}");
        }
    }
}
