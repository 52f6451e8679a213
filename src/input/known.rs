//! Inputs that were checked and closed again, to be opened when their turn comes. There may be more
//! of them than files that a process may have open, and every open one holds a block.

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::{fs, io};

use crate::download::{DownloadFault, StrongVersion};
use crate::input::blocks::block::Block;
use crate::input::bytes::name::InputName;
use crate::input::bytes::stream::EncodingDoubt;
use crate::input::error::{InputError, InputFault};
use crate::input::layout::Layout;
use crate::input::mapping::loose_names::LooseColumn;
use crate::input::open::{CheckedPart, Input, preflight};
use crate::input::options::InputRules;
use crate::input::read_as::ReadAs;

/// The size from which a workbook's shared strings are reported. Smaller ones are lost among the
/// rest of the memory.
const TEXTS_BYTES_SAID: usize = 16 << 20;

/// An input whose layout is known.
pub struct KnownInput {
    name: InputName,
    place_name: String,
    size: Option<u64>,
    read_as: ReadAs,
    notes: Vec<String>,
    /// The memory that a workbook's shared strings take, in bytes.
    texts_bytes: usize,
    encoding_doubt: Option<EncodingDoubt>,
    layout: Arc<Layout>,
    has_rows: bool,
    source: KnownSource,
}

/// The source of a known input's bytes.
enum KnownSource {
    /// A file that can be opened again by these rules.
    File(FileIdentity, Arc<InputRules>),
    /// A file on a server that can be opened again by these rules.
    Remote(StrongVersion, Arc<InputRules>),
    /// Standard input, a pipe, or a file on a server that does not tell its versions apart. It stays open because it can be read only once. `None` after it
    /// was taken.
    Stream(Option<Box<Input>>),
}

/// The identity of a file.
#[derive(Debug, Clone, Copy)]
struct FileIdentity {
    device: u64,
    inode: u64,
    /// The size when the file was checked.
    bytes: u64,
}

impl FileIdentity {
    /// Whether the file has this identity now. It may have grown.
    fn is_still(&self, now: FileIdentity) -> bool {
        (now.device, now.inode) == (self.device, self.inode) && now.bytes >= self.bytes
    }
}

impl KnownInput {
    /// Looks for faults that would stop a run in the first 4 MiB of an input that can be read twice,
    /// and closes it again. Of any other input, no more is read than opening it takes. Each block
    /// that was read is passed to `look_at`.
    pub fn look(
        name: InputName,
        rules: &Arc<InputRules>,
        look_at: impl FnMut(Block, &Layout),
    ) -> Result<KnownInput, InputError> {
        let identity = if name.is_regular_file() {
            Some(identity_of(&name)?)
        } else {
            None
        };
        let (input, seen) = preflight(name, rules, look_at)?;
        let version = input.version().cloned();
        let known = KnownInput {
            notes: notes(&input, seen),
            ..KnownInput::of_stream(input)
        };
        let source = match (identity, version) {
            (Some(identity), _) => KnownSource::File(identity, rules.clone()),
            (None, Some(version)) => KnownSource::Remote(version, rules.clone()),
            (None, None) => return Ok(known),
        };
        Ok(KnownInput { source, ..known })
    }

    /// Returns an open input that stays open.
    pub fn of_stream(input: Input) -> KnownInput {
        KnownInput {
            name: input.name().clone(),
            place_name: input.place_name(),
            size: input.size_bytes(),
            read_as: input.read_as().clone(),
            notes: Vec::new(),
            texts_bytes: input.texts_bytes(),
            encoding_doubt: input.encoding_doubt(),
            layout: input.layout().clone(),
            has_rows: input.has_rows(),
            source: KnownSource::Stream(Some(Box::new(input))),
        }
    }

    /// Shares the memory of the other input's layout, if both are equal.
    #[must_use]
    pub fn sharing_with(mut self, other: &KnownInput) -> KnownInput {
        if self.layout == other.layout {
            self.layout = other.layout.clone();
        }
        self
    }

    /// Returns a second reader of the same file, or `None` if it can be read only once.
    pub fn again(&self) -> Option<KnownInput> {
        let source = match &self.source {
            KnownSource::File(identity, rules) => KnownSource::File(*identity, rules.clone()),
            KnownSource::Remote(version, rules) => {
                KnownSource::Remote(version.clone(), rules.clone())
            }
            KnownSource::Stream(_) => return None,
        };
        Some(KnownInput {
            name: self.name.clone(),
            place_name: self.place_name.clone(),
            size: self.size,
            read_as: self.read_as.clone(),
            notes: self.notes.clone(),
            texts_bytes: self.texts_bytes,
            encoding_doubt: self.encoding_doubt,
            layout: self.layout.clone(),
            has_rows: self.has_rows,
            source,
        })
    }

    /// Returns a second reader, as [`again`](Self::again) does, if both together take little memory
    /// and nothing is downloaded twice.
    pub fn again_cheaply(&self) -> Option<KnownInput> {
        (self.is_regular_file() && self.texts_bytes < TEXTS_BYTES_SAID).then(|| self.again())?
    }

    /// Opens the input. A file that was replaced or has another layout is an error, because it was
    /// not checked.
    pub fn open(&mut self) -> Result<Input, InputError> {
        let error = |fault| InputError {
            name: self.name.clone(),
            fault,
        };
        let (input, is_same_file) = match &mut self.source {
            KnownSource::File(identity, rules) => {
                let input = Input::open(self.name.clone(), rules)?;
                (input, identity.is_still(identity_of(&self.name)?))
            }
            KnownSource::Remote(version, rules) => {
                let input = Input::open(self.name.clone(), rules)?;
                if input.version() != Some(version) {
                    let (line, fault) = (None, DownloadFault::Replaced);
                    return Err(error(InputFault::Download { line, fault }));
                }
                (input, true)
            }
            KnownSource::Stream(input) => {
                let input = input.take().map(|input| *input);
                return input.ok_or_else(|| error(InputFault::ReadAlready));
            }
        };
        if !is_same_file || input.layout() != &self.layout {
            return Err(error(InputFault::Changed));
        }
        Ok(input)
    }

    /// Returns the name as the user wrote it.
    pub fn name(&self) -> &InputName {
        &self.name
    }

    /// Returns the name as [`Input::place_name`] does.
    pub fn place_name(&self) -> String {
        self.place_name.clone()
    }

    /// Returns what to report before anything is sent, judged by the first 4 MiB.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// Whether it is a regular file, or a file on a server that tells its versions apart. Standard
    /// input and pipes can be read only once.
    pub fn can_be_read_twice(&self) -> bool {
        match self.source {
            KnownSource::File(..) | KnownSource::Remote(..) => true,
            KnownSource::Stream(_) => false,
        }
    }

    /// Whether it is a regular file, which never blocks its reader for long.
    pub fn is_regular_file(&self) -> bool {
        matches!(self.source, KnownSource::File(..))
    }

    /// Whether the same command reads the same input another time. Only a pipe needs the bytes
    /// again.
    pub fn can_be_named_again(&self) -> bool {
        self.can_be_read_twice() || matches!(self.name, InputName::Address(_))
    }

    /// Returns the size of the text in bytes, as [`Input::size_bytes`] does.
    pub fn size_bytes(&self) -> Option<u64> {
        self.size
    }

    /// Returns what the input was detected to be.
    pub fn read_as(&self) -> &ReadAs {
        &self.read_as
    }

    /// Returns the header names that were matched loosely (`--loose-headers`).
    pub fn loose_columns(&self) -> &[LooseColumn] {
        self.layout.loose_columns()
    }

    /// Returns what is doubtful about the encoding, judged by the first 4 MiB.
    pub fn encoding_doubt(&self) -> Option<EncodingDoubt> {
        self.encoding_doubt
    }

    /// Whether the input has a row, and not only a header.
    pub fn has_rows(&self) -> bool {
        self.has_rows
    }

    /// Returns the layout of the records.
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }
}

/// Returns what to report about a workbook. Hidden rows are counted as far as it was read.
fn notes(input: &Input, seen: CheckedPart) -> Vec<String> {
    let at_least = match seen {
        CheckedPart::All => "",
        CheckedPart::Beginning => " at least",
    };
    let name = input.place_name();
    let hidden = match input.hidden_rows() {
        0 => None,
        1 => Some(format!(
            "{name}:{at_least} 1 filtered or hidden row is also read"
        )),
        rows => Some(format!(
            "{name}:{at_least} {rows} filtered or hidden rows are also read"
        )),
    };
    let texts = input.texts_bytes();
    let texts = (texts >= TEXTS_BYTES_SAID).then(|| {
        format!(
            "{name}: the workbook's texts take {} MiB of memory",
            texts.div_ceil(1 << 20)
        )
    });
    hidden.into_iter().chain(texts).collect()
}

fn identity_of(name: &InputName) -> Result<FileIdentity, InputError> {
    let Some(path) = name.file() else {
        return Err(InputError {
            name: name.clone(),
            fault: InputFault::ReadAlready,
        });
    };
    let metadata = fs::metadata(path).map_err(|error| {
        let fault = match error.kind() {
            io::ErrorKind::NotFound => InputFault::Missing,
            _ => InputFault::Open(error),
        };
        InputError {
            name: name.clone(),
            fault,
        }
    })?;
    Ok(FileIdentity {
        device: metadata.dev(),
        inode: metadata.ino(),
        bytes: metadata.len(),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::input::BlockSize;

    const ROWS: &str = "id,job\n1,a\n";

    /// Returns what opening reports after `change` was applied to the file.
    fn opened_after(change: impl Fn(&Path)) -> Result<Option<usize>, InputFault> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.csv");
        fs::write(&path, ROWS).expect("a file");
        let mut known = KnownInput::look(InputName::Path(path.clone()), &Arc::default(), |_, _| {})
            .expect("a good file");
        change(&path);
        let block = known.open().and_then(|mut input| input.next_block());
        block
            .map(|block| block.map(|block| block.bytes.len()))
            .map_err(|error| error.fault)
    }

    #[test]
    fn a_file_that_was_looked_through_is_opened_as_it_was() {
        assert!(matches!(opened_after(|_| {}), Ok(Some(4))));
        let grown = opened_after(|path| fs::write(path, format!("{ROWS}2,b\n")).expect("our file"));
        assert!(
            matches!(grown, Ok(Some(8))),
            "rows that were appended are rows"
        );
    }

    #[test]
    fn a_file_that_has_changed_is_not_opened() {
        let write =
            |text: &'static str| move |path: &Path| fs::write(path, text).expect("our file");
        let has_changed = |fault| matches!(fault, Err(InputFault::Changed));
        assert!(
            has_changed(opened_after(write("id,address\n1,a\n"))),
            "another header"
        );
        assert!(
            has_changed(opened_after(write("id;job\n1;a\n2;b\n"))),
            "another delimiter"
        );
        assert!(has_changed(opened_after(write("id,job\n1,\n"))), "shorter");
        let replace = |path: &Path| {
            let other = path.with_extension("new");
            fs::write(&other, ROWS).expect("a file");
            fs::rename(other, path).expect("our file");
        };
        assert!(has_changed(opened_after(replace)), "another file");
        let gone = opened_after(|path| fs::remove_file(path).expect("our file"));
        assert!(matches!(gone, Err(InputFault::Missing)));
    }

    #[test]
    fn what_can_be_read_once_is_opened_once() {
        let reader = Box::new(ROWS.as_bytes());
        let input = Input::of_reader(
            InputName::Stdin,
            reader,
            &InputRules::default(),
            BlockSize::default(),
        );
        let mut known = KnownInput::of_stream(input.expect("a good input"));
        assert!(known.again().is_none() && !known.can_be_read_twice());
        assert!(known.open().is_ok());
        assert!(matches!(
            known.open().map_err(|error| error.fault),
            Err(InputFault::ReadAlready)
        ));
    }
}
