//! The fenced blocks and tables of a page.

/// The fence of a code block.
const FENCE: &str = "```";

/// One fenced block.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Its language.
    pub(super) language: String,
    /// The name of the file whose content it is, if there is one after the language.
    pub(super) file: Option<String>,
    /// Its lines.
    pub(super) body: String,
    /// The line of the page on which it starts.
    pub(super) line: usize,
}

impl Block {
    /// The commands of a console block.
    pub(super) fn commands(&self) -> impl Iterator<Item = &str> {
        self.body.lines().filter_map(|line| line.strip_prefix("$ "))
    }
}

/// All fenced blocks, in order.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((opening, line)) = lines.next() {
        let Some(info) = opening.strip_prefix(FENCE) else {
            continue;
        };
        let mut words = info.split_whitespace().map(str::to_owned);
        let (language, file) = (words.next().unwrap_or_default(), words.next());
        let mut body = String::new();
        loop {
            let (text, _) = lines
                .next()
                .unwrap_or_else(|| panic!("the block of line {line} has no end"));
            if text == FENCE {
                break;
            }
            body.push_str(text);
            body.push('\n');
        }
        blocks.push(Block {
            language,
            file,
            body,
            line,
        });
    }
    blocks
}

/// The cells of the table with this header, without the header and the line below it.
pub(super) fn table(text: &str, header: &str) -> Vec<Vec<String>> {
    let mut lines = text.lines().skip_while(|line| *line != header);
    assert_eq!(lines.next(), Some(header), "the table is there");
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        row.trim_matches('|')
            .split(" | ")
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(!rows.is_empty(), "the table `{header}` has rows");
    rows
}

/// The texts in backticks.
pub(super) fn in_backticks(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn blocks_tables_and_names_are_found() {
    let text = "a\n```sh x.sh\necho\n\n```\n| k | v |\n|---|---|\n| `a`, `b` | 1 |\n| `c` | 2 |\n\n```toml\n```\n";
    let found = blocks(text);
    let of = |block: &Block| {
        (
            block.language.clone(),
            block.file.clone(),
            block.body.clone(),
            block.line,
        )
    };
    assert_eq!(
        of(&found[0]),
        (
            "sh".to_owned(),
            Some("x.sh".to_owned()),
            "echo\n\n".to_owned(),
            2
        )
    );
    assert_eq!(of(&found[1]), ("toml".to_owned(), None, String::new(), 11));
    assert_eq!(found.len(), 2);
    assert_eq!(table(text, "| k | v |"), [["`a`, `b`", "1"], ["`c`", "2"]]);
    assert_eq!(
        in_backticks("`a`, `b` and c").collect::<Vec<_>>(),
        ["a", "b"]
    );
}
