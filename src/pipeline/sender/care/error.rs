//! The reasons for which nothing can be decided about a row.

use crate::journal::ImagesError;
use crate::plan::PlanError;
use crate::preview::PreviewError;
use crate::schedule::StopReason;
use crate::text::with_causes;

/// The reason for which nothing can be decided about a row.
#[derive(Debug, thiserror::Error)]
pub(in crate::pipeline::sender) enum CareError {
    /// The images of a run cannot be read.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// A plan cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The findings of a preview cannot be kept.
    #[error(transparent)]
    Preview(#[from] PreviewError),
}

impl CareError {
    /// Returns the reason to stop.
    pub(in crate::pipeline::sender) fn stop(&self) -> StopReason {
        match self {
            CareError::Images(_) => StopReason::ImagesUnreadable,
            CareError::Preview(_) => StopReason::ImagesUnwritable,
            CareError::Plan(error) => StopReason::PlanUnusable {
                message: with_causes(error),
            },
        }
    }
}
