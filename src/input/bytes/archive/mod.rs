//! zip archives (APPNOTE.TXT 6.3.10), those of rows as well as workbooks.
//!
//! - `directory`: opens an archive and reads the list of its members, within limits
//! - `member`: one member by its name and place, and a reader of its bytes
//! - `content`: unpacks the data of a member, and compares its checksum
//! - `fault`: archives and members that cannot be used
//!
//! The names in an archive are only shown and compared. They are never used as a path.

pub(crate) mod content;
pub(crate) mod directory;
pub(crate) mod fault;
pub(crate) mod member;
