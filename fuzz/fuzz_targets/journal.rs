//! A damaged journal settles no row that its good lines do not settle, or is refused.
#![no_main]

use std::collections::BTreeSet;

use custsync::testing::journal::{JOURNAL_NAME, JournalFile, Retry, RunDir, recover};
use libfuzzer_sys::fuzz_target;

const HEADER: &str = r#"{"custsync_journal":2,"run":"1","version":"0.2.0","purpose":"run","started":"2026-11-23T09:18:04.113Z","inputs":[],"settings":{}"#;

fn sealed(content: &str) -> String {
    format!("{content},\"crc\":\"{:08x}\"}}\n", crc32c::crc32c(content.as_bytes()))
}

fn journal() -> (Vec<u8>, BTreeSet<u64>) {
    let mut text = sealed(HEADER);
    for row in 1..=8 {
        let line = row + 1;
        text.push_str(&sealed(&format!(
            r#"{{"row":{row},"line":{line},"id":{row},"outcome":"updated","status":200,"attempts":1,"ms":4,"at":"2026-11-23T09:18:04.113Z","hash":"00000000000000{row:02x}""#
        )));
    }
    (text.into_bytes(), (1..=8).collect())
}

fuzz_target!(|edits: Vec<(u16, u8, u8)>| {
    let (mut bytes, settled) = journal();
    for (at, kind, byte) in edits.into_iter().take(4) {
        let at = usize::from(at) % bytes.len().max(1);
        match kind % 4 {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] = byte,
            2 => bytes.insert(at.min(bytes.len()), byte),
            3 if at < bytes.len() => drop(bytes.remove(at)),
            _ => {}
        }
    }
    let directory = tempfile::tempdir().expect("a directory");
    let run_dir = RunDir::create(directory.path()).expect("a run directory");
    std::fs::write(run_dir.file(JOURNAL_NAME), &bytes).expect("a file");
    let Ok(JournalFile::Existing(file)) = run_dir.open_journal() else {
        panic!("it is there and nobody has locked it")
    };
    let Ok(recovered) = recover(file, &run_dir, Retry::Failed) else { return };
    let found: BTreeSet<u64> = (1..=300).filter(|row| recovered.checkpoint.outcome(*row).is_some()).collect();
    assert!(found.is_subset(&settled), "{found:?}");
});
