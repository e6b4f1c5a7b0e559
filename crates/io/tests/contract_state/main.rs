//! The store in one file keeps the contract of stores of state. So does [PostgreSQL](../state_postgresql/main.rs), in a program of
//! its own: whoever starts processes holds on to locks of files for a moment.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

mod contract;

use std::sync::Arc;

use lanner_io::store::{Store, StoreOptions};

macro_rules! on_sqlite {
    ($($name:ident)*) => {
        $(
            #[test]
            fn $name() {
                let folder = tempfile::tempdir().unwrap();
                contract::$name(&|| Arc::new(Store::open(folder.path(), StoreOptions::default()).unwrap()));
            }
        )*
    };
}

contract::contract!(on_sqlite);
