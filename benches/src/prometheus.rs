//! The peer: Prometheus as Debian 12 ships it, with its data in a folder of ours.

use std::path::Path;
use std::time::Duration;

use crate::http::Http;
use crate::process::{Process, free_port};
use crate::setup::Setup;

/// A running Prometheus.
pub(crate) struct Prometheus {
    pub(crate) process: Process,
    pub(crate) port: u16,
    pub(crate) ready_after: Duration,
}

impl Prometheus {
    /// Starts it with `rules`, the text of a rules file; `None` when the run has no peer.
    pub(crate) fn start(setup: &Setup, folder: &Path, rules: Option<&str>) -> Option<Self> {
        Self::start_with(setup, folder, rules, &[])
    }

    /// Starts it with further options.
    pub(crate) fn start_with(
        setup: &Setup,
        folder: &Path,
        rules: Option<&str>,
        options: &[String],
    ) -> Option<Self> {
        let program = setup.prometheus.as_ref()?.join("prometheus");
        std::fs::create_dir_all(folder).unwrap();
        let config = folder.join("prometheus.yml");
        let mut text = "global: { evaluation_interval: 1m }\n".to_owned();
        if let Some(rules) = rules {
            std::fs::write(folder.join("rules.yml"), rules).unwrap();
            text.push_str("rule_files: [rules.yml]\n");
        }
        std::fs::write(&config, text).unwrap();
        let port = free_port();
        let mut arguments = vec![
            format!("--config.file={}", config.display()),
            format!("--storage.tsdb.path={}", folder.join("data").display()),
            "--storage.tsdb.retention.time=100y".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
            "--web.enable-remote-write-receiver".to_owned(),
            "--log.level=error".to_owned(),
        ];
        arguments.extend_from_slice(options);
        let mut process = Process::start(&program, &arguments);
        let ready_after =
            process.wait_until(|| Http::connect(port).is_some_and(|mut http| http.get("/-/ready").0 == 200));
        Some(Self { process, port, ready_after })
    }

    pub(crate) fn http(&self) -> Http {
        Http::connect(self.port).unwrap()
    }

    /// Its own metrics.
    pub(crate) fn metrics(&self) -> String {
        String::from_utf8(self.http().get("/metrics").1).unwrap()
    }
}

/// The headers of remote write 1.0.
pub(crate) const REMOTE_WRITE: &str = "Content-Encoding: snappy\r\nContent-Type: application/x-protobuf\r\nX-Prometheus-Remote-Write-Version: 0.1.0\r\n";

/// A remote write request: one sample for each of some series, given by their labels in order of their names.
///
/// The message is `WriteRequest { timeseries: [{ labels: [{ name, value }], samples: [{ value, timestamp }] }] }`.
pub(crate) fn remote_write<'s>(samples: impl Iterator<Item = (&'s [(String, String)], i64, f64)>) -> Vec<u8> {
    let (mut request, mut series, mut label) = (Vec::new(), Vec::new(), Vec::new());
    for (labels, time_ms, value) in samples {
        series.clear();
        for (name, text) in labels {
            label.clear();
            field(&mut label, 1, name.as_bytes());
            field(&mut label, 2, text.as_bytes());
            field(&mut series, 1, &label);
        }
        label.clear();
        label.push(1 << 3 | 1);
        label.extend_from_slice(&value.to_le_bytes());
        label.push(2 << 3);
        varint(&mut label, time_ms.cast_unsigned());
        field(&mut series, 2, &label);
        field(&mut request, 1, &series);
    }
    snap::raw::Encoder::new().compress_vec(&request).unwrap()
}

/// A field that holds bytes.
fn field(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
