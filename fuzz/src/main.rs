//! The fuzzer's program: `FUZZ_ENTRY=csv cargo fuzz run hindsight_fuzz fuzz/corpus/csv`.
//! tests/README.md says how it is built and run.

#![no_main]

mod entries;

use std::path::PathBuf;
use std::sync::OnceLock;

use entries::Entry;
use libfuzzer_sys::fuzz_target;

static CHOSEN: OnceLock<(Entry, PathBuf)> = OnceLock::new();

fuzz_target!(
    init: {
        // A caught panic of the Parquet reader is no finding; the fuzzer's own hook would end at it.
        let _ = std::panic::take_hook();
        rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("a pool");
        let name = std::env::var("FUZZ_ENTRY").expect("FUZZ_ENTRY names an entry");
        let entry = Entry::ALL.into_iter().find(|e| e.name() == name).expect("a known entry");
        let folder = tempfile::tempdir().expect("a folder").keep();
        CHOSEN.set((entry, folder)).expect("set once");
    },
    |data: &[u8]| {
        let (entry, folder) = CHOSEN.get().expect("chosen at the start");
        entry.run(data, folder);
    }
);
