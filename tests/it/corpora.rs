//! The fuzzer's corpora, with its findings, through the same entries: no fuzzer is needed for that.

#[path = "../../fuzz/src/entries.rs"]
mod entries;

use std::fs;
use std::path::Path;

use entries::Entry;

#[test]
fn every_input_of_the_corpora_keeps_what_must_hold() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let folder = tempfile::tempdir().unwrap();
    let mut n_bytes = 0;
    for entry in Entry::ALL {
        let inputs = fs::read_dir(corpora.join(entry.name())).unwrap();
        let mut paths: Vec<_> = inputs.map(|input| input.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{entry:?} has no corpus");
        for path in paths {
            println!("{}", path.display()); // names the input where something does not hold
            let data = fs::read(&path).unwrap();
            n_bytes += data.len();
            entry.run(&data, folder.path());
        }
    }
    assert!(
        n_bytes < 1 << 20,
        "the corpora are to stay small: {n_bytes} bytes"
    );
}
