//! The customers that a preview reads, and its expectation.

use std::num::NonZeroU32;

use crate::config::resolver::Resolver;
use crate::config::setting::of_process;
use crate::config::value::number_in;

/// The customers that a preview reads, and its expectation.
#[derive(Debug, Clone)]
pub struct PreviewSettings {
    /// The number of customers who are read; without it, all are.
    pub sample: Option<NonZeroU32>,
    /// Whether the preview fails if anything would change.
    pub expect_equal: bool,
    /// Whether the preview leaves no list of changes, only the hashes of a plan.
    pub hashes_only: bool,
}

impl PreviewSettings {
    pub(in crate::config) fn read(resolver: &mut Resolver) -> Self {
        Self {
            sample: resolver.optional(
                of_process("sample"),
                number_in(NonZeroU32::MIN..=NonZeroU32::MAX),
            ),
            expect_equal: resolver.boolean(of_process("expect-equal")),
            hashes_only: resolver.boolean(of_process("hashes-only")),
        }
    }
}
