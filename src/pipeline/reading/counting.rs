//! Counting the rows of the inputs, so that a run's progress has a total.

use super::source::{BlockSource, Numbered};
use crate::input::RowRules;

/// Counts the rows. Returns `None` if the inputs cannot be read to their end, or if the number is
/// no longer wanted, which is asked for each block.
pub(crate) fn count_rows(
    mut source: BlockSource,
    rules: &RowRules,
    is_wanted: impl Fn() -> bool,
) -> Option<u64> {
    let mut rows = 0;
    while let Some(Numbered { content, .. }) = source.next() {
        if !is_wanted() {
            return None;
        }
        let source = content.ok()?;
        source
            .layout
            .parse(&source.block, rules, 0, &mut |_| rows += 1);
    }
    Some(rows)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::input::{InputName, KnownInput, RowRange};

    /// Counts the rows of files with these texts, as far as they are in the range.
    fn counted(texts: &[&str], range: RowRange, is_wanted: bool) -> Option<u64> {
        let folder = tempfile::tempdir().expect("a folder");
        let known = texts.iter().zip(1..).map(|(text, number)| {
            let path = folder.path().join(format!("{number}.csv"));
            fs::write(&path, text).expect("a file");
            KnownInput::look(InputName::Path(path), &Arc::default(), |_, _| {}).expect("an input")
        });
        let source = BlockSource::of(known.collect(), range);
        count_rows(source, &RowRules::default(), || is_wanted)
    }

    #[test]
    fn rows_of_all_files_are_counted_without_blank_ones() {
        let texts = ["id,job\n1,a\n,\n\n2,\"b\nc\"\nx,y\n", "id,job\n3,d"];
        assert_eq!(counted(&texts, RowRange::new(0, None), true), Some(4));
        assert_eq!(counted(&texts, RowRange::new(1, Some(2)), true), Some(2));
        assert_eq!(counted(&texts, RowRange::new(0, None), false), None);
    }
}
