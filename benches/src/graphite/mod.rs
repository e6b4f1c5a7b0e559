//! Requests of dashboards and checks, compared with graphite-web: functions in memory, `/render`, a poll of a
//! thousand series, and the same poll as a rule that remembers.
//!
//! Both get the same files. Reading order: [`data`] (what is in them), [`functions`], [`render`], [`turns`], [`peer`].

mod data;
mod functions;
mod peer;
mod render;
mod turns;

use std::path::Path;
use std::process::Command;

use crate::lanner::Lanner;
use crate::process::{ALL_CORES, CORE};
use crate::setup::Setup;
use crate::table::Row;
use data::Data;
use peer::GraphiteWeb;

pub(crate) fn run(setup: &Setup) -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let data = Data::write(folder.path());
    if setup.graphite_web.is_none() {
        eprintln!("PEER NOT MEASURED: graphite-web is not here; the run said above why");
    }
    let mut rows = functions::run(&data, peer::functions(setup, &data).as_ref());
    let stored = folder.path().join("lanner");
    import(setup, &data, &stored);
    let poll = render::rows_of_polls(
        {
            let lanner = Lanner::start_on(ALL_CORES, setup, &stored);
            render::poll(lanner.port, &data)
        },
        GraphiteWeb::start_on(ALL_CORES, setup, &data).map(|peer| render::poll(peer.port, &data)),
    );
    let week = render::rows_of_weeks(
        {
            let lanner = Lanner::start(setup, &stored);
            render::week(&lanner.process, lanner.port, &data)
        },
        GraphiteWeb::start_on(CORE, setup, &data).map(|peer| render::week(&peer.process, peer.port, &data)),
    );
    rows.extend(week.into_iter().chain(poll));
    rows.extend(turns::run(&data, &folder.path().join("turns")));
    rows
}

/// Puts the files into a data folder, as people do who leave Graphite.
fn import(setup: &Setup, data: &Data, stored: &Path) {
    let (started, files) = (std::time::Instant::now(), data.folder.join("whisper"));
    let mut import = Command::new(&setup.lanner);
    let import = import.arg("import").arg("--data").arg(stored).arg(files);
    assert!(import.status().unwrap().success(), "the files were not taken");
    eprintln!("imported {} files in {:.1} s", data::N_SERIES, started.elapsed().as_secs_f64());
}
