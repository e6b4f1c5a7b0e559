//! What series and files are called in findings and charts: as short as tells them apart, and without paths.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use lanner_core::SeriesKey;

use super::watched::Watched;
use crate::tables::{is_nameless, stem};

/// What each file is called in charts: its name without folders and endings, with as many folders as tell it from the
/// others.
pub(super) fn short_names(files: &[PathBuf]) -> Vec<String> {
    let mut depths = vec![0; files.len()];
    loop {
        let names: Vec<String> = files.iter().zip(&depths).map(|(file, depth)| name(file, *depth)).collect();
        let mut counts: HashMap<&str, usize> = HashMap::new();
        names.iter().for_each(|name| *counts.entry(name).or_default() += 1);
        let is_alike = |at: usize| counts[names[at].as_str()] > 1 && depths[at] < n_folders(&files[at]);
        let alike: Vec<usize> = (0..files.len()).filter(|at| is_alike(*at)).collect();
        if alike.is_empty() {
            return names;
        }
        alike.iter().for_each(|at| depths[*at] += 1);
    }
}

fn n_folders(file: &Path) -> usize {
    file.parent().map_or(0, |parent| parent.components().count())
}

fn name(file: &Path, depth: usize) -> String {
    let Some(stem) = stem(file) else { return "standard input".to_owned() };
    let folders: Vec<String> = file
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let from = folders.len().saturating_sub(depth);
    folders[from..].iter().chain([&stem]).map(String::as_str).collect::<Vec<_>>().join("/")
}

/// Names every series: labels that all share tell nothing, and neither does the file where names differ.
pub(super) fn name_series(series: &mut [Watched], files: &[String]) {
    let first = series.first().map(|watched| watched.key.labels.clone());
    let has_same_labels = series.iter().all(|watched| Some(&watched.key.labels) == first.as_ref());
    let is_alone = |key: &SeriesKey| is_nameless(&key.name) && (has_same_labels || key.labels.is_empty());
    let short = |watched: &Watched| {
        if has_same_labels { watched.key.name.to_string() } else { watched.key.to_string() }
    };
    let mut counts: HashMap<String, usize> = HashMap::new();
    series.iter().for_each(|watched| *counts.entry(short(watched)).or_default() += 1);
    for watched in series {
        let name = short(watched);
        let file = &files[watched.file];
        watched.series.name = match counts.get(&name) {
            _ if files.len() > 1 && is_alone(&watched.key) => file.clone(),
            Some(1) => name,
            _ => format!("{file}: {name}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_without_paths() {
        #[track_caller]
        fn check(files: &[&str], expected: &[&str]) {
            let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            assert_eq!(short_names(&files), expected);
        }
        check(&["/home/ana/secret/cpu.csv.gz"], &["cpu"]);
        check(&["x/a.csv", "y/b.csv"], &["a", "b"]);
        check(&["x/a.csv", "y/a.csv", "b.csv"], &["x/a", "y/a", "b"]);
        check(&["x/1/a.csv", "y/1/a.csv"], &["x/1/a", "y/1/a"]);
        check(&["a.csv", "a.csv"], &["a", "a"]);
        check(&["-"], &["standard input"]);
    }
}
