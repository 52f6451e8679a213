//! Finds the ends of the elements of a JSON array (RFC 8259 §5) without reading them, to cut the
//! array into blocks.
//!
//! The opening bracket of the array is not searched: the source has replaced it by a space.

use memchr::memchr2;

use crate::input::bytes::from;

/// A fault between the elements of an array. Faults within an element are the fault of its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArrayFault {
    /// The input ends before the array does.
    #[error(
        "the JSON array does not end: the input is cut off, or a quote or bracket is missing from here on"
    )]
    NotClosed,
    /// Something else follows an element than a comma or the end of the array.
    #[error("a comma is missing here between two elements of the JSON array")]
    NoComma,
    /// A comma has no element on one side.
    #[error("an element is missing here beside a comma of the JSON array")]
    NoElement,
    /// Something follows the array.
    #[error("something follows the end of the JSON array: an input is one array, or NDJSON")]
    Behind,
}

/// The state of the search in a buffer that grows at its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ArrayEnds {
    /// All bytes before this one have been searched: white space, commas and whole elements. So the
    /// buffer may be cut here.
    at: usize,
    next: Expected,
    /// The tokens that may come first in the buffer.
    first: Expected,
    /// The number of whole elements so far.
    elements: u64,
    fault: Option<(usize, ArrayFault)>,
}

/// The tokens that may come next, besides white space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The first element, or the end of the array.
    ElementOrEnd,
    /// An element.
    Element,
    /// A comma, or the end of the array.
    CommaOrEnd,
    /// Nothing.
    End,
}

impl ArrayEnds {
    /// Returns a search that starts behind the opening bracket.
    pub(crate) fn new() -> ArrayEnds {
        ArrayEnds::of(Expected::ElementOrEnd)
    }

    fn of(first: Expected) -> ArrayEnds {
        ArrayEnds {
            at: 0,
            next: first,
            first,
            elements: 0,
            fault: None,
        }
    }

    /// Returns a search that starts where this one has come to.
    pub(crate) fn behind(&self) -> ArrayEnds {
        ArrayEnds::of(self.next)
    }

    /// Returns a search that starts where this one has started.
    pub(crate) fn restarted(&self) -> ArrayEnds {
        ArrayEnds::of(self.first)
    }

    /// Searches the bytes that were added to the buffer. Returns the last place where it may be cut,
    /// if that is not its start.
    ///
    /// White space and commas may be cut from their elements: white space of any length needs no
    /// memory, and an element need not wait for the comma behind it.
    pub(crate) fn search(&mut self, buffer: &[u8]) -> Option<usize> {
        while self.fault.is_none() {
            self.at += white_space(from(buffer, self.at));
            let Some(byte) = buffer.get(self.at) else {
                break;
            };
            match (self.next, byte) {
                (Expected::ElementOrEnd | Expected::CommaOrEnd, b']') => {
                    self.pass(1, Expected::End);
                }
                (Expected::CommaOrEnd, b',') => self.pass(1, Expected::Element),
                (Expected::ElementOrEnd | Expected::Element, b',' | b']') => {
                    self.fault = Some((self.at, ArrayFault::NoElement));
                }
                (Expected::ElementOrEnd | Expected::Element, _) => {
                    match element_length(from(buffer, self.at)) {
                        Some(length) => {
                            self.pass(length, Expected::CommaOrEnd);
                            self.elements += 1;
                        }
                        None => break,
                    }
                }
                (Expected::CommaOrEnd, _) => self.fault = Some((self.at, ArrayFault::NoComma)),
                (Expected::End, _) => self.fault = Some((self.at, ArrayFault::Behind)),
            }
        }
        Some(self.at).filter(|at| *at > 0)
    }

    /// Moves past an element, a comma or the closing bracket.
    fn pass(&mut self, length: usize, next: Expected) {
        self.at += length;
        self.next = next;
    }

    /// Returns the number of elements that were found.
    pub(crate) fn elements(&self) -> u64 {
        self.elements
    }

    /// Returns the fault that was found, and its place.
    pub(crate) fn fault(&self) -> Option<(usize, ArrayFault)> {
        self.fault
    }

    /// Returns the fault of an input that ends with the buffer, and its place.
    pub(crate) fn fault_at_end(&self) -> Option<(usize, ArrayFault)> {
        let is_closed = self.next == Expected::End;
        self.fault
            .or_else(|| (!is_closed).then_some((self.at, ArrayFault::NotClosed)))
    }
}

/// Returns the extent of the next element in a block, counted from `at`. The block was cut where the
/// search allows it, and the search has found no fault in it.
pub(crate) fn next_element(block: &[u8], mut at: usize) -> Option<std::ops::Range<usize>> {
    while let b' ' | b'\t' | b'\r' | b'\n' | b',' | b']' = block.get(at)? {
        at += 1;
    }
    let rest = from(block, at);
    // The end of the block is one of a number or word, too.
    Some(at..at + element_length(rest).unwrap_or(rest.len()))
}

/// Returns the number of bytes of JSON white space (RFC 8259 §2) at the start.
fn white_space(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
        .count()
}

/// Returns the length of the element at the start of these bytes, or `None` if its end is not among
/// them. Brackets and quotes are paired; the rest is not examined.
fn element_length(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        match bytes.get(at)? {
            b'"' => at = string_end(bytes, at + 1)?,
            b'{' | b'[' => {
                depth += 1;
                at += 1;
            }
            b'}' | b']' if depth > 0 => {
                depth -= 1;
                at += 1;
            }
            // What is no string, object or array ends before the next token of the array.
            b',' | b']' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => return Some(at),
            _ => {
                at += 1;
                continue;
            }
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// Returns the end of a string whose first character is at `at`, after its quote.
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', from(bytes, at))?;
        if bytes.get(at) == Some(&b'"') {
            return Some(at + 1);
        }
        // The byte behind a backslash neither ends nor escapes anything.
        at += 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the elements that are found in an array, and the fault of an input that ends with
    /// it, if the buffer grows byte by byte.
    fn found(array: &str) -> (Vec<&str>, Option<(usize, ArrayFault)>) {
        let text = array.replacen('[', " ", 1);
        let mut ends = ArrayEnds::new();
        let mut last = None;
        for end in 0..=text.len() {
            last = ends.search(&text.as_bytes()[..end]);
        }
        let at_once = ArrayEnds::new().search(text.as_bytes());
        assert_eq!(last, at_once, "{array}");
        let block = &text.as_bytes()[..last.unwrap_or_default()];
        let (mut elements, mut at) = (Vec::new(), 0);
        while let Some(place) = next_element(block, at) {
            at = place.end;
            elements.push(&array[place]);
        }
        assert_eq!(ends.elements(), elements.len() as u64, "{array}");
        (elements, ends.fault_at_end())
    }

    #[test]
    fn elements_are_cut_at_depth_one() {
        let check = |array: &str, want: &[&str]| {
            assert_eq!(found(array), (want.to_vec(), None), "{array}");
        };
        check("[]", &[]);
        check(" [ \n ] \r\n", &[]);
        check("[{}]", &["{}"]);
        check(
            "[{\"a\":[1,{}]} ,\n{\"b\":2}]\n",
            &["{\"a\":[1,{}]}", "{\"b\":2}"],
        );
        check(
            "[{\"a\":\"],}\\\"[\"},[1]]",
            &["{\"a\":\"],}\\\"[\"}", "[1]"],
        );
        check("[\"a\\\\\",1 ,null]", &["\"a\\\\\"", "1", "null"]);
        check("[{\"id\":1]]", &["{\"id\":1]"]);
    }

    #[test]
    fn faults_between_elements_are_found() {
        let check = |array: &str, want: &[&str], at: usize, fault: ArrayFault| {
            assert_eq!(found(array), (want.to_vec(), Some((at, fault))), "{array}");
        };
        check("[", &[], 1, ArrayFault::NotClosed);
        check("[1,{\"a\":\"x", &["1"], 3, ArrayFault::NotClosed);
        check("[1,2", &["1"], 3, ArrayFault::NotClosed);
        check("[{},", &["{}"], 4, ArrayFault::NotClosed);
        check("[{} {}]", &["{}"], 4, ArrayFault::NoComma);
        check("[1,{}}]", &["1", "{}"], 5, ArrayFault::NoComma);
        check("[1,]", &["1"], 3, ArrayFault::NoElement);
        check("[,1]", &[], 1, ArrayFault::NoElement);
        check("[1,,2]", &["1"], 3, ArrayFault::NoElement);
        check("[1][2]", &["1"], 3, ArrayFault::Behind);
        check("[1]}", &["1"], 3, ArrayFault::Behind);
    }
}
