//! The picture of a terminal in README.md, `docs/terminal.svg`. It is made from the program's output,
//! so its words cannot drift.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use quick_xml::Reader as XmlReader;
use quick_xml::events::Event;

use super::measured::{is_of_slow_runs, masked};
use super::pages::{FRONT, Page, ROOT};
use super::shell::{Reader, text};

const PICTURE: &str = "docs/terminal.svg";
/// The variable with which the picture is made anew.
const RENEW: &str = "CUSTSYNC_RENEW_PICTURE";
/// The commands that it shows.
const COMMANDS: [&str; 2] = [
    "custsync check samples/customers.csv",
    "custsync run samples/customers.csv --sandbox",
];
/// The columns of the terminal. Longer lines go on in the next one.
const COLUMNS: usize = 80;
/// The lines that are shown of a longer output, at its beginning and at its end.
const FIRST_LINES: usize = 8;
const LAST_LINES: usize = 6;

/// The height of a line, of the letters, and the margins, in pixels.
const LINE_HEIGHT: usize = 19;
const FONT_SIZE: usize = 14;
const MARGIN: usize = 18;
/// The height of the window's bar.
const BAR_HEIGHT: usize = 30;

/// The looks of a piece of text, by the names of their classes. A terminal's codes are translated
/// into them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Look {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Doubtful,
}

impl Look {
    /// The look after a terminal's code, as in `1` or `32`.
    fn after(self, code: &str) -> Look {
        match code {
            "" | "0" | "22" | "39" => Look::Plain,
            "1" if self == Look::Plain => Look::Bold,
            "2" => Look::Dim,
            "31" | "91" => Look::Bad,
            "32" | "92" => Look::Good,
            "33" | "93" => Look::Doubtful,
            _ => self,
        }
    }

    fn class(self) -> Option<&'static str> {
        match self {
            Look::Plain => None,
            Look::Bold => Some("bold"),
            Look::Dim => Some("dim"),
            Look::Good => Some("good"),
            Look::Bad => Some("bad"),
            Look::Doubtful => Some("doubtful"),
        }
    }
}

/// A line of the terminal: pieces of text, each with its look.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line(Vec<(Look, String)>);

impl Line {
    fn of(look: Look, text: &str) -> Line {
        Line(vec![(look, text.to_owned())])
    }

    /// Reads a line of output with a terminal's codes for looks.
    fn read(output: &str) -> Line {
        let (mut pieces, mut look) = (Vec::new(), Look::Plain);
        for (n, part) in output.split("\u{1b}[").enumerate() {
            let text = match part.split_once('m') {
                Some((codes, text)) if n > 0 => {
                    look = codes.split(';').fold(look, Look::after);
                    text
                }
                _ => part,
            };
            if !text.is_empty() {
                pieces.push((look, text.to_owned()));
            }
        }
        Line(pieces)
    }

    fn text(&self) -> String {
        self.0.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// The lines of at most [`COLUMNS`] that a terminal makes of it.
    fn wrapped(&self) -> Vec<Line> {
        let mut lines = vec![Line(Vec::new())];
        let mut columns = 0;
        for (look, text) in &self.0 {
            for character in text.chars() {
                if columns == COLUMNS {
                    lines.push(Line(Vec::new()));
                    columns = 0;
                }
                columns += 1;
                let pieces = &mut lines.last_mut().expect("there is a line").0;
                match pieces.last_mut() {
                    Some((last, piece)) if last == look => piece.push(character),
                    _ => pieces.push((*look, character.to_string())),
                }
            }
        }
        lines
    }
}

/// All lines of the terminal after the commands were typed in.
fn screen() -> Vec<Line> {
    let reader = Reader::new();
    let mut screen = Vec::new();
    for command in COMMANDS {
        if !screen.is_empty() {
            screen.push(Line(Vec::new()));
        }
        let prompt = (Look::Dim, "$ ".to_owned());
        screen.push(Line(vec![prompt, (Look::Bold, command.to_owned())]));
        let printed = text(&reader.shell(&format!("CUSTSYNC_COLOR=always {command}")));
        let lines = printed.lines().filter(|line| !is_of_slow_runs(line));
        let lines: Vec<_> = lines.map(Line::read).collect();
        screen.extend(shortened(&lines));
    }
    screen
}

/// The beginning and the end of a long output, and between them how much is left out.
fn shortened(lines: &[Line]) -> Vec<Line> {
    let left_out = lines.len().saturating_sub(FIRST_LINES + LAST_LINES);
    if left_out <= 1 {
        return lines.to_vec();
    }
    let (first, rest) = lines.split_at(FIRST_LINES);
    let gap = Line::of(Look::Dim, &format!("  … {left_out} more lines …"));
    [first, &[gap], &rest[left_out..]].concat()
}

/// The picture of a screen. Each line of text is a line of the file.
fn svg(screen: &[Line]) -> String {
    let lines: Vec<_> = screen.iter().flat_map(Line::wrapped).collect();
    // Monospaced letters are about 0.6 times as wide as high.
    let width = 2 * MARGIN + (COLUMNS * FONT_SIZE * 61).div_ceil(100);
    let height = BAR_HEIGHT + lines.len() * LINE_HEIGHT + MARGIN;
    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">
<title>custsync checks a file of 1,000 customers, and sends it to the sandbox</title>
<style>
:root {{ --paper: #f6f8fa; --edge: #d0d7de; --ink: #1f2328; --dim: #59636e; --good: #116329; --bad: #b3001b; --doubtful: #7d4e00; }}
@media (prefers-color-scheme: dark) {{
:root {{ --paper: #0d1117; --edge: #3d444d; --ink: #e6edf3; --dim: #9198a1; --good: #56d364; --bad: #ff7b72; --doubtful: #e3b341; }}
}}
text {{ font: {FONT_SIZE}px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: var(--ink); }}
.window {{ fill: var(--paper); stroke: var(--edge); }}
.knob {{ fill: var(--edge); }}
.bold {{ font-weight: 600; }}
.dim {{ fill: var(--dim); }}
.good {{ fill: var(--good); }}
.bad {{ fill: var(--bad); }}
.doubtful {{ fill: var(--doubtful); }}
</style>
<rect class="window" x="0.5" y="0.5" width="{}" height="{}" rx="8" fill="#f6f8fa" stroke="#d0d7de"/>
"##,
        width - 1,
        height - 1
    );
    for n in 0..3 {
        writeln!(
            svg,
            r##"<circle class="knob" cx="{}" cy="15" r="5" fill="#d0d7de"/>"##,
            MARGIN + 5 + 17 * n
        )
        .unwrap();
    }
    for (n, line) in lines.iter().enumerate() {
        let y = BAR_HEIGHT + (n + 1) * LINE_HEIGHT - 5;
        writeln!(
            svg,
            r#"<text x="{MARGIN}" y="{y}" xml:space="preserve">{}</text>"#,
            spans(line)
        )
        .unwrap();
    }
    svg + "</svg>\n"
}

fn spans(line: &Line) -> String {
    let span = |(look, text): &(Look, String)| match look.class() {
        None => escaped(text),
        Some(class) => format!(r#"<tspan class="{class}">{}</tspan>"#, escaped(text)),
    };
    line.0.iter().map(span).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The texts of a picture, a line each.
fn words(svg: &str) -> String {
    let lines = svg.lines().filter(|line| line.starts_with("<text"));
    let text = |line: &str| {
        let pieces = line.split('<').filter_map(|part| part.split_once('>'));
        let text: String = pieces.map(|(_, text)| text).collect();
        text.replace("&lt;", "<")
            .replace("&gt;", ">")
            .replace("&amp;", "&")
            + "\n"
    };
    lines.map(text).collect()
}

/// A picture without its texts: places, looks, and the frame.
fn skeleton(svg: &str) -> String {
    let lines = svg.lines().map(|line| {
        let is_text = line.starts_with("<text");
        let tags = line.split_inclusive('>').map(|part| match part.find('<') {
            Some(tag) if is_text => &part[tag..],
            _ => part,
        });
        tags.collect::<String>() + "\n"
    });
    lines.collect()
}

#[test]
fn the_picture_shows_what_the_commands_print() {
    let now = svg(&screen());
    let path = Path::new(ROOT).join(PICTURE);
    if env::var_os(RENEW).is_some() {
        fs::write(path, now).unwrap();
        return;
    }
    let kept = fs::read_to_string(path).unwrap_or_default();
    let renew = format!("if this is right, renew it: {RENEW}=1 cargo test --test it docs::picture");
    assert_eq!(
        masked(&words(&kept)),
        masked(&words(&now)),
        "{PICTURE} has other words; {renew}"
    );
    assert_eq!(
        skeleton(&kept),
        skeleton(&now),
        "{PICTURE} looks different; {renew}"
    );
}

#[test]
fn the_picture_is_safe_and_fits_its_window() {
    let kept = Page::read(PICTURE).text;
    let mut xml = XmlReader::from_str(&kept);
    let mut texts = 0;
    loop {
        match xml.read_event().expect("the picture is XML") {
            Event::Eof => break,
            Event::Start(tag) | Event::Empty(tag) => {
                let name = tag.name().as_ref().to_owned();
                let known = ["svg", "title", "style", "rect", "circle", "text", "tspan"];
                assert!(known.contains(&name.as_str()), "{PICTURE} has <{name}>");
                texts += usize::from(name == "text");
            }
            _ => {}
        }
    }
    assert!(texts > 10, "the picture has lines");
    assert!(
        !kept.contains("href") && !kept.contains("url("),
        "it loads nothing"
    );
    for line in words(&kept).lines() {
        assert!(line.chars().count() <= COLUMNS, "{line}");
    }
    assert!(
        Page::read(FRONT).text.contains(&format!("]({PICTURE})\n")),
        "{FRONT} shows {PICTURE}"
    );
}

#[test]
fn a_terminal_s_codes_become_classes_and_text_stays_text() {
    let line = Line::read("\u{1b}[1;32m9 of 10\u{1b}[0m <sent> & \u{1b}[31mone\u{1b}[39m");
    assert_eq!(line.text(), "9 of 10 <sent> & one");
    let drawn = svg(std::slice::from_ref(&line));
    assert!(
        drawn.contains(r#"<tspan class="good">9 of 10</tspan> &lt;sent&gt; &amp; <tspan class="bad">one</tspan>"#),
        "{drawn}"
    );
    assert_eq!(words(&drawn), "9 of 10 <sent> & one\n");
    assert!(!skeleton(&drawn).contains("sent"), "{drawn}");
}

#[test]
fn a_long_line_goes_on_and_a_long_output_is_shortened() {
    let long = Line::of(Look::Bad, &"x".repeat(COLUMNS + 1));
    let wrapped = long.wrapped();
    assert_eq!(wrapped[1], Line::of(Look::Bad, "x"));
    let lines: Vec<_> = (0..30)
        .map(|n| Line::of(Look::Plain, &n.to_string()))
        .collect();
    let shown: Vec<_> = shortened(&lines).iter().map(Line::text).collect();
    assert_eq!(shown.len(), FIRST_LINES + 1 + LAST_LINES);
    assert_eq!(shown[FIRST_LINES], "  … 16 more lines …");
    assert_eq!(
        (shown[0].as_str(), shown[shown.len() - 1].as_str()),
        ("0", "29")
    );
    let short = &lines[..FIRST_LINES + LAST_LINES];
    assert_eq!(shortened(short), short);
}
