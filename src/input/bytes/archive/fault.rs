//! Archives and members that cannot be used.

use std::io;

/// The reason why an archive, or a member of it, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveFault {
    /// The archive cannot be opened or read.
    #[error("cannot be opened")]
    Open(#[source] io::Error),
    /// The end of the archive is missing. It has the list of the members.
    #[error("is a zip file that is cut off: its end is missing; copy or download it again")]
    CutOff,
    /// The archive contradicts itself or the format. Holds the reason, safe to show.
    #[error("is a zip file that cannot be read: {0}; unpack it first")]
    Unreadable(String),
    /// The list of the members takes too many bytes.
    #[error("is a zip file with too long a list of members: unpack it first")]
    LongDirectory,
    /// There are too many members.
    #[error("is a zip file with {members} members, more than {members_max}: unpack it first")]
    TooMany {
        /// The number of members.
        members: usize,
        /// The most members.
        members_max: usize,
    },
    /// Two members have one name.
    #[error("is a zip file in which two members have the same name: unpack it first")]
    SameName,
    /// Members share bytes, so that a small archive can hold far more than its size.
    #[error("is a zip file whose members overlap, as in malicious files: unpack it first")]
    Overlap,
    /// The member is encrypted.
    #[error("is encrypted with a password: unpack it first, with `7z x`, which asks for it")]
    Encrypted,
    /// The member is packed by a method that is not read. Holds its name, safe to show.
    #[error("is packed by a method that is not supported ({0}): unpack it first")]
    Method(String),
    /// The archive is another one than when its members were listed.
    #[error("has changed since the start: restore the original")]
    Changed,
}
