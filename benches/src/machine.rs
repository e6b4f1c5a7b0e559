//! The machine in words.

use std::fs::read_to_string;

/// Processor, memory and system, one sentence.
pub(crate) fn describe() -> String {
    let cpu = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("")
        .trim_matches([' ', '\t', ':']);
    let n_cores = std::thread::available_parallelism()
        .map_or(0, usize::from)
        .max(cpu.lines().filter(|line| line.starts_with("processor")).count());
    let memory = read_to_string("/proc/meminfo").unwrap_or_default();
    let kb: f64 = memory.split_whitespace().nth(1).and_then(|kb| kb.parse().ok()).unwrap_or(0.0);
    let system = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "Machine: {n_cores} cores of {model}, {:.0} GB memory, Linux {}. Load average at the start: {}.",
        kb / 1e6,
        system.trim(),
        load()
    )
}

/// The load average of one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(", ")
}
