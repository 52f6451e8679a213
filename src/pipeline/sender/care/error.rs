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
            CareError::Preview(_) => StopReason::ReadsUnusable,
            CareError::Plan(error) => StopReason::PlanUnusable {
                message: with_causes(error),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_preview_stops_without_words_about_sending() {
        let error = io::Error::from(io::ErrorKind::StorageFull);
        let stop = CareError::Preview(PreviewError::List(error)).stop();
        assert_eq!(
            stop.to_string(),
            "what was read of customers cannot be kept any more"
        );
    }
}
