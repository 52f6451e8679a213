//! Tests of the file of images: its lines, kills, power cuts and damage.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use jiff::Timestamp;
use proptest::prelude::*;
use tempfile::TempDir;

use super::power_cut::{CUTS, Model, Moment, Random, Syncs};
use super::run_directory;
use crate::contract::{Countries, CustomerId, Image};
use crate::journal::disk::Disk as _;
use crate::journal::images::{IMAGES_NAME, ImageEntry, ImageIndex, ImagesError, ImagesFile};
use crate::journal::{RunDir, RunDirError, WriteError};

fn id(id: u64) -> CustomerId {
    CustomerId::new(id).expect("an id")
}

fn entry(row: u64, customer: u64, job: &str) -> ImageEntry {
    let body = serde_json::json!({"data": {"id": customer, "job": job, "email": null}}).to_string();
    let image = Image::of_answer(body.as_bytes(), id(customer)).expect("the customer is shown");
    let at = Timestamp::from_millisecond(1_700_000_000_123).expect("a time");
    ImageEntry::new(row, id(customer), image, br#"{"job":"Doctor"}"#, at)
}

fn index_of(run_dir: &RunDir) -> Result<ImageIndex, ImagesError> {
    ImageIndex::read(run_dir, &mut Countries::default())
}

/// The images of the customer, by their rows.
fn rows(index: &ImageIndex, customer: u64) -> Vec<u64> {
    let images = index.images(id(customer));
    images.map(|image| image.expect("an image").row).collect()
}

/// A run directory with a file of images.
struct Directory {
    _folder: TempDir,
    run_dir: RunDir,
}

impl Directory {
    fn new() -> Directory {
        let (folder, run_dir) = run_directory();
        Directory {
            _folder: folder,
            run_dir,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.run_dir.file(IMAGES_NAME)).expect("the file")
    }

    /// Writes the file and indexes it.
    fn index(&self, bytes: &[u8]) -> Result<ImageIndex, ImagesError> {
        fs::write(self.run_dir.file(IMAGES_NAME), bytes).expect("the file");
        index_of(&self.run_dir)
    }

    /// Writes the file and continues it. Returns its bytes afterwards.
    fn resume(&self, bytes: &[u8]) -> Result<Vec<u8>, ImagesError> {
        fs::write(self.run_dir.file(IMAGES_NAME), bytes).expect("the file");
        let resumed = ImagesFile::resume(&self.run_dir);
        let left = self.bytes();
        match resumed {
            Ok(resumed) => {
                assert_eq!(
                    resumed.torn_bytes,
                    u64::try_from(bytes.len() - left.len()).expect("small")
                );
                Ok(left)
            }
            Err(error) => {
                assert_eq!(left, bytes, "what is refused stays as it is");
                Err(error)
            }
        }
    }
}

/// Writes images of three customers, each number of them with one sync, and ends in order. The jobs
/// are of different lengths.
fn file_of(batches: &[u8], directory: &Directory) -> Vec<u8> {
    let mut file = ImagesFile::begin(&directory.run_dir).expect("a file");
    let mut row = 0;
    for batch in batches {
        for _ in 0..*batch {
            row += 1;
            let job = "j".repeat(usize::try_from(row * 37 % 50).expect("small"));
            file.push(&entry(row, 1 + row % 3, &job)).expect("short");
        }
        file.push_country(i64::from(*batch), "Country");
        file.sync().expect("a sync");
    }
    file.close().expect("a sync");
    directory.bytes()
}

/// The offset of each line, and the end of the last one.
fn offsets(bytes: &[u8]) -> Vec<usize> {
    let ends = memchr::memchr_iter(b'\n', bytes).map(|end| end + 1);
    std::iter::once(0).chain(ends).collect()
}

#[test]
fn images_are_found_by_their_customers_the_oldest_first() {
    let directory = Directory::new();
    let mut file = ImagesFile::begin(&directory.run_dir).expect("a file");
    for (row, customer) in [(1, 9), (2, 4), (3, 9), (4, u64::MAX >> 1), (5, 9)] {
        file.push(&entry(row, customer, "Nurse")).expect("short");
    }
    file.push_country(4, "Country 4");
    file.close().expect("a sync");
    let text = String::from_utf8(directory.bytes()).expect("UTF-8");
    let first = text.lines().find(|line| line.contains("\"row\":1,"));
    assert!(
        first.expect("the first image").starts_with(
            r#"{"row":1,"id":9,"image":{"email":null,"job":"Nurse"},"sent":{"job":"Doctor"},"at":"2023-11-14T22:13:20.123Z","crc":""#
        ),
        "{text}"
    );
    assert!(
        text.contains(r#"{"country_id":4,"country_name":"Country 4","crc":""#),
        "{text}"
    );
    let mode = fs::metadata(directory.run_dir.file(IMAGES_NAME))
        .expect("the file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let index = index_of(&directory.run_dir).expect("an index");
    assert_eq!(index.len(), 5);
    let customers: Vec<_> = index.customers().map(CustomerId::get).collect();
    assert_eq!(customers, [4, 9, u64::MAX >> 1]);
    assert_eq!(rows(&index, 9), [1, 3, 5]);
    assert_eq!(rows(&index, 4), [2]);
    assert_eq!(rows(&index, 5), [0; 0]);
    let image = index.images(id(4)).next().expect("one").expect("an image");
    let want = entry(2, 4, "Nurse");
    assert_eq!(
        (image.row, image.id, image.image, image.at),
        (want.row, want.id, want.image, want.at)
    );
    assert_eq!(image.sent.get(), r#"{"job":"Doctor"}"#);
}

#[test]
fn a_pair_is_written_once_over_all_processes() {
    let directory = Directory::new();
    let mut file = ImagesFile::begin(&directory.run_dir).expect("a file");
    file.push_country(4, "Country 4");
    file.push_country(4, "Country 4");
    file.close().expect("a sync");
    let mut file = ImagesFile::resume(&directory.run_dir).expect("a file").file;
    assert_eq!(file.countries().id("Country 4"), Some(4));
    file.push_country(4, "Country 4");
    file.push_country(5, "Country 5");
    file.close().expect("a sync");
    let pairs = memchr::memmem::find_iter(&directory.bytes(), b"country_id").count();
    assert_eq!(pairs, 2);
    let mut countries = Countries::default();
    ImageIndex::read(&directory.run_dir, &mut countries).expect("an index");
    assert_eq!(countries.id("Country 5"), Some(5));
}

#[test]
fn a_line_of_a_later_version_is_passed_over() {
    let directory = Directory::new();
    let mut bytes = file_of(&[2], &directory);
    let start = bytes.len();
    bytes.extend_from_slice(br#"{"later":1}"#);
    crate::journal::line::seal(&mut bytes, start);
    assert_eq!(directory.index(&bytes).expect("an index").len(), 2);
    assert_eq!(directory.resume(&bytes).expect("a file"), bytes);
    let start = bytes.len();
    bytes.extend_from_slice(br#"{"row":"later"}"#);
    crate::journal::line::seal(&mut bytes, start);
    let error = directory.resume(&bytes).expect_err("no image").to_string();
    let want = format!("the line at byte {start} of ");
    assert!(error.starts_with(&want), "{error}");
}

#[test]
fn a_new_run_does_not_add_to_the_images_of_another() {
    let directory = Directory::new();
    drop(ImagesFile::begin(&directory.run_dir).expect("a file"));
    // A process was killed before it wrote a line.
    file_of(&[1], &directory);
    let error = ImagesFile::begin(&directory.run_dir).expect_err("images of another run");
    assert!(matches!(error, ImagesError::OfAnotherRun { .. }), "{error}");
}

#[test]
fn only_a_regular_file_is_used() {
    let directory = Directory::new();
    let missing = ImagesFile::resume(&directory.run_dir).expect_err("no file");
    assert!(
        matches!(missing, ImagesError::RunDir(RunDirError::Open { .. })),
        "{missing}"
    );
    fs::create_dir(directory.run_dir.file(IMAGES_NAME)).expect("a directory");
    for error in [
        ImagesFile::begin(&directory.run_dir).map(drop),
        ImagesFile::resume(&directory.run_dir).map(drop),
        index_of(&directory.run_dir).map(drop),
    ] {
        let error = error.expect_err("a directory").to_string();
        assert!(
            error.contains("before.ndjson is a directory, not a regular file"),
            "{error}"
        );
    }
}

#[test]
fn a_line_is_no_longer_than_can_be_read() {
    let directory = Directory::new();
    let mut file = ImagesFile::begin(&directory.run_dir).expect("a file");
    let error = file.push(&entry(17, 1, &"j".repeat(1 << 19)));
    let error = error.expect_err("a long line").to_string();
    assert_eq!(error, "row 17 and its customer take more than 512 KiB");
    file.push(&entry(18, 1, &"j".repeat((1 << 19) - 200)))
        .expect("short");
    file.close().expect("a sync");
    let index = index_of(&directory.run_dir).expect("an index");
    assert_eq!(rows(&index, 1), [18]);
}

#[test]
fn a_file_that_is_taken_away_is_noticed_before_requests_leave() {
    let directory = Directory::new();
    let mut file = ImagesFile::begin(&directory.run_dir).expect("a file");
    file.push(&entry(1, 1, "Nurse")).expect("short");
    file.sync().expect("a sync");
    fs::remove_file(directory.run_dir.file(IMAGES_NAME)).expect("the file");
    file.push(&entry(2, 1, "Nurse")).expect("short");
    let error = file.sync().expect_err("no file");
    assert!(
        matches!(error, ImagesError::Lost(WriteError::Lost { .. })),
        "{error}"
    );
    assert!(
        error.to_string().contains("before.ndjson was deleted"),
        "{error}"
    );
}

#[test]
fn a_process_that_cannot_write_says_which_file() {
    let directory = Directory::new();
    let model = Model::of(Moment::default(), Syncs::Honest, 0);
    model.state().room = 100;
    let mut file = ImagesFile::resume_on(Box::new(model), 0, Countries::default()).expect("a file");
    file.push(&entry(1, 1, "Nurse")).expect("short");
    let error = file.sync().expect_err("no room");
    assert_eq!(error.to_string(), "the model cannot be written");
    drop(directory);
}

#[test]
fn the_mode_of_a_file_does_not_change_what_is_read() {
    let directory = Directory::new();
    let bytes = file_of(&[1], &directory);
    fs::set_permissions(
        directory.run_dir.file(IMAGES_NAME),
        Permissions::from_mode(0o400),
    )
    .expect("the file");
    let index = index_of(&directory.run_dir).expect("an index");
    assert_eq!(index.len(), 1);
    assert_eq!(directory.bytes(), bytes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// A kill leaves the beginning of a file.
    #[test]
    fn the_whole_lines_of_a_cut_file_are_kept(batches in prop::collection::vec(0_u8..3, 1..4)) {
        let directory = Directory::new();
        let bytes = file_of(&batches, &directory);
        let offsets = offsets(&bytes);
        for end in 0..=bytes.len() {
            let whole = offsets.iter().rfind(|offset| **offset <= end).expect("the first");
            let cut = bytes.get(..end).expect("within");
            let index = directory.index(cut).expect("an index");
            let images = memchr::memmem::find_iter(bytes.get(..*whole).expect("within"), b"{\"row\":").count();
            prop_assert_eq!(index.len(), images, "cut at {}", end);
            let left = directory.resume(cut).expect("a file");
            prop_assert_eq!(&left, bytes.get(..*whole).expect("within"), "cut at {}", end);
        }
    }

    /// All lines before the last mark are durable, so their damage is none of a power cut.
    #[test]
    fn any_byte_that_changed_is_found(batches in prop::collection::vec(0_u8..3, 1..4), bit in 0_u8..8) {
        let directory = Directory::new();
        let bytes = file_of(&batches, &directory);
        let offsets = offsets(&bytes);
        let last_line = offsets.iter().rev().nth(1).copied().unwrap_or(0);
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            if let Some(byte) = damaged.get_mut(at) {
                *byte ^= 1 << bit;
            }
            let line = *offsets.iter().rfind(|offset| **offset <= at).expect("the first");
            for found in [directory.index(&damaged).map(drop), directory.resume(&damaged).map(drop)] {
                match found {
                    Ok(()) => prop_assert!(line == last_line, "byte {} of {}", at, last_line),
                    Err(ImagesError::Damaged { offset, .. }) => {
                        prop_assert_eq!(usize::try_from(offset).expect("small"), line, "byte {}", at);
                        prop_assert!(line < last_line, "byte {} of {}", at, last_line);
                    }
                    Err(other) => panic!("byte {at}: {other}"),
                }
            }
        }
    }

    #[test]
    fn lines_that_are_missing_are_noticed(batches in prop::collection::vec(1_u8..4, 2..6), which in any::<prop::sample::Index>()) {
        let directory = Directory::new();
        let bytes = file_of(&batches, &directory);
        let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
        let removed = which.index(lines.len() - 1);
        lines.remove(removed);
        let error = directory.index(&lines.concat()).expect_err("a line is missing");
        prop_assert!(matches!(error, ImagesError::Damaged { .. }), "{}", error);
    }
}

#[test]
fn damage_is_told_with_its_place_and_no_value() {
    let directory = Directory::new();
    let mut bytes = file_of(&[200], &directory);
    let line = *offsets(&bytes).get(60).expect("a line");
    *bytes.get_mut(line + 30).expect("a byte") ^= 1;
    let error = directory.index(&bytes).expect_err("damage").to_string();
    let place = format!(
        "before.ndjson is damaged at byte {}: ",
        crate::text::grouped(u64::try_from(line).expect("small"))
    );
    assert!(line > 8_192 && error.contains(&place), "{error}");
}

#[test]
fn damage_that_is_longer_than_an_unsynced_tail_is_no_torn_tail() {
    let directory = Directory::new();
    let mut bytes = file_of(&[3], &directory);
    let end = bytes.len();
    bytes.resize(end + (1 << 20), 0);
    assert_eq!(
        directory.resume(&bytes).expect("a torn tail").len(),
        end,
        "a power cut leaves zeros"
    );
    bytes.push(0);
    let error = directory.resume(&bytes).expect_err("too long");
    assert!(matches!(error, ImagesError::Damaged { .. }), "{error}");
}

/// Continues the disk's file like a process, with random writes and syncs.
fn process(model: &Model, random: &mut Random, next_row: &mut u64) -> Result<(), ImagesError> {
    let bytes = model.bytes().expect("the model's size");
    let mut file = ImagesFile::resume_on(Box::new(model.clone()), bytes, Countries::default())?;
    for _ in 0..10 {
        for _ in 0..=random.below(6) {
            let job = "j".repeat(random.index(400));
            file.push(&entry(*next_row, 1 + random.below(3), &job))?;
            *next_row += 1;
        }
        file.sync()?;
    }
    if random.below(2) == 0 {
        file.close()
    } else {
        Ok(())
    }
}

#[test]
fn what_was_synced_outlasts_any_power_cut() {
    let directory = Directory::new();
    for run in 0..10 {
        let mut random = Random(run);
        let (mut begin, mut next_row) = (Moment::default(), 1);
        for number in 0..3 {
            let model = Model::of(begin, Syncs::Honest, random.next());
            process(&model, &mut random, &mut next_row).expect("room for all");
            let moments = model.state().moments.clone();
            for (at, moment) in moments.iter().enumerate() {
                for cut in CUTS {
                    let what = format!("run {run}, process {number}, call {at}, {cut:?}");
                    let found = moment.after(cut, &mut random);
                    let left = directory
                        .resume(&found)
                        .unwrap_or_else(|error| panic!("{what}: {error}"));
                    assert!(moment.shown.starts_with(&left), "{what}");
                    assert!(left.len() >= moment.safe.len(), "{what}");
                }
            }
            let last = moments.get(random.index(moments.len())).expect("a moment");
            let cut = CUTS.get(random.index(CUTS.len())).expect("a cut");
            let left = directory
                .resume(&last.after(*cut, &mut random))
                .expect("a file");
            begin = Moment {
                shown: left.clone(),
                safe: left,
            };
        }
    }
}
