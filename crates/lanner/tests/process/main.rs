//! Tests of the whole program as a process: what it keeps when it is killed, and how it behaves when the disk,
//! the network, its callers or its receivers misbehave.
//!
//! `LANNER_CRASH_BIN` names another program to test, such as a release build.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod brokers;
mod crash;
mod database_full;
mod drill;
mod faults;
mod killed;
mod news;
mod partitions;
mod program;
mod random;
mod receiver;
mod room;
mod rubbish;
mod shared_fronts;
mod shared_load;
mod shared_people;
mod shared_results;
mod shared_state;
mod shared_tls;
mod shared_work;
mod stack;
mod standstill;
mod stopping;
mod told;
mod troubles;
mod verdict;
mod ways;
mod without_room;
