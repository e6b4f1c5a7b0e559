//! `lanner vuln enrich`: lists of exploited vulnerabilities from files, without any access to the internet.

use std::fs::File;
use std::path::{Path, PathBuf};

use lanner_vuln::{read_epss, read_kev};
use lanner_wire::api::{VulnerabilityList, VulnerabilityListTaken};
use serde_json::Value;

use crate::client::{self, Access, Client};
use crate::failure::{Failure, Outcome, Result, remark};
use crate::output;

/// Entries are sent in parts of this many.
const PART: usize = 20_000;

/// Bring in EPSS and CISA's KEV from files.
///
/// Findings can then be chosen by `epss` and `exploited`. For open findings whose vulnerability became known to be exploited the stream
/// `vulnerabilities` gets an event, without any new scan.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lanner vuln enrich --epss epss_scores-current.csv.gz --kev known_exploited_vulnerabilities.json
  lanner vuln list --filter 'exploited == true or epss > 0.5'")]
pub(super) struct Args {
    /// Predictions of EPSS: its CSV, plain or gzip.
    #[arg(long, value_name = "FILE", required_unless_present = "kev")]
    epss: Option<PathBuf>,
    /// CISA's catalogue of known exploited vulnerabilities: its JSON, plain or gzip.
    #[arg(long, value_name = "FILE")]
    kev: Option<PathBuf>,
    #[command(flatten)]
    server: client::ServerArgs,
}

/// A list that was read.
struct Listed {
    list: &'static str,
    provenance: String,
    entries: Vec<Value>,
}

pub(super) fn run(args: &Args) -> Result<Outcome> {
    let mut lists = Vec::new();
    if let Some(path) = &args.epss {
        lists.push(epss(path)?);
    }
    if let Some(path) = &args.kev {
        lists.push(kev(path)?);
    }
    client::with_access(&args.server, Access::Change, async |client| {
        for list in lists {
            send(client, list).await?;
        }
        Ok(Outcome::Fine)
    })
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| Failure::file("read", path, &error))
}

fn epss(path: &Path) -> Result<Listed> {
    let mut entries = Vec::new();
    let read = read_epss(open(path)?, &mut |entry| entries.extend(serde_json::to_value(entry).ok()));
    let provenance = read.map_err(|error| Failure::user(format!("{}: {error}", path.display())))?;
    Ok(Listed { list: "epss", provenance, entries })
}

fn kev(path: &Path) -> Result<Listed> {
    let read = read_kev(open(path)?);
    let (provenance, listed) = read.map_err(|error| Failure::user(format!("{}: {error}", path.display())))?;
    Ok(Listed {
        list: "kev",
        provenance,
        entries: listed.iter().filter_map(|one| serde_json::to_value(one).ok()).collect(),
    })
}

async fn send(client: &Client, list: Listed) -> Result<()> {
    let mut became = Vec::new();
    for (at, entries) in list.entries.chunks(PART).enumerate() {
        let part = VulnerabilityList {
            provenance: list.provenance.clone(),
            first: at == 0,
            entries: entries.to_vec(),
        };
        let taken: VulnerabilityListTaken =
            client.post(&["api", "v1", "findings", "lists", list.list], &part).await?;
        became.extend(taken.became_exploited);
    }
    let count = output::counted(list.entries.len() as u64, "entry").replace("entrys", "entries");
    remark(&format!("{}: {count} ({})", list.list, list.provenance));
    became.iter().try_for_each(|cve| output::line(&format!("{cve} became known to be exploited")))
}
