//! What the store keeps, and what damage, upgrades and other stores cost it.

mod contract_data;
mod contract_findings;
mod source;
mod store_audit;
mod store_damage;
mod store_files;
mod store_restore;
mod store_samples;
mod store_versions;
