//! The rows of a plan: written by a check, compared before a run sends anything, and compared again
//! as each is sent.

use std::ops::Range;

use super::input_stop::ReadStop;
use super::reading::{Batch, BlockDigest, DigestContent, RowFilter};
use crate::input::InputError;
use crate::plan::{PlanError, Requests, RequestsWriter};
use crate::row::duplicates::{DuplicateFilter, Occurrence};
use crate::row::{Position, Row, RowContent};
use crate::schedule::StopReason;
use crate::text::with_causes;

/// The difference between an input and a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PlanDifference {
    /// This row has another request than the plan's, or one of the two has none.
    Changed(Position),
    /// The plan ends before this row.
    Added(Position),
    /// The input ends after so many rows, and the plan does not.
    Missing {
        /// The last row of the input.
        last_row: u64,
    },
}

/// The reason why rows are not those of a plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComparePlanError {
    /// The input cannot be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The plan cannot be read.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// They differ.
    #[error("the input differs from the plan")]
    Differs(PlanDifference),
}

/// Compares the rows of an input with a plan before anything is sent.
pub(crate) struct PlanComparison {
    requests: Requests,
    /// Applies `--unique`.
    ids: DuplicateFilter,
    last_row: u64,
}

/// Lets only rows of the plan be sent: the input may change after it was compared.
pub(crate) struct PlannedRows {
    requests: Requests,
    /// The last row of the input when it was compared.
    compared_to: u64,
    last_row: u64,
}

/// Adds the rows of a block to a plan.
pub(super) fn write(plan: &mut RequestsWriter, block: &BlockDigest) -> Result<(), PlanError> {
    block.rows.iter().try_for_each(|row| {
        let request = match row.content {
            DigestContent::Request { hash, .. } => Some(hash),
            DigestContent::None | DigestContent::Elsewhere => None,
        };
        plan.add(row.position.row, request)
    })
}

impl PlanComparison {
    pub(crate) fn new(requests: Requests, ids: DuplicateFilter) -> PlanComparison {
        PlanComparison {
            requests,
            ids,
            last_row: 0,
        }
    }

    /// Compares the rows of the next block.
    pub(crate) fn add(&mut self, block: &BlockDigest) -> Result<(), ComparePlanError> {
        for row in &block.rows {
            let position = row.position;
            self.last_row = position.row;
            if position.row > self.requests.rows() {
                return Err(ComparePlanError::Differs(PlanDifference::Added(position)));
            }
            let request = match (row.content, row.id) {
                // Another shard compares it.
                (DigestContent::Elsewhere, _) => continue,
                (DigestContent::Request { fields, hash }, Some(id)) => {
                    match self.ids.next(id, fields) {
                        Occurrence::Sent
                        | Occurrence::SentAgain
                        | Occurrence::SentInstead { .. }
                        | Occurrence::Unknown => Some(hash),
                        Occurrence::Superseded | Occurrence::Refused => None,
                    }
                }
                (DigestContent::Request { .. } | DigestContent::None, _) => None,
            };
            if !self.requests.has(position.row, request)? {
                return Err(ComparePlanError::Differs(PlanDifference::Changed(position)));
            }
        }
        Ok(())
    }

    /// Ends the comparison of these rows of the input, and returns the filter for reading it again.
    pub(crate) fn finish(self, rows: &Range<u64>) -> Result<PlannedRows, ComparePlanError> {
        let last_row = self.last_row;
        // Rows behind those that are asked for are left to a later process.
        if last_row < self.requests.rows().min(rows.end.saturating_sub(1)) {
            let missing = PlanDifference::Missing { last_row };
            return Err(ComparePlanError::Differs(missing));
        }
        Ok(PlannedRows {
            requests: self.requests.again(),
            compared_to: last_row,
            last_row: 0,
        })
    }
}

impl PlannedRows {
    fn compare(&mut self, row: &Row) -> Result<(), StopReason> {
        let request = match row.content {
            RowContent::Update { request, .. } => Some(request),
            RowContent::Invalid(_) | RowContent::Superseded => None,
            // It sends nothing, and the plan may have been made for other shards, too.
            RowContent::Unchanged | RowContent::Elsewhere => return Ok(()),
        };
        let row = row.position.row;
        match self.requests.has(row, request) {
            Ok(true) => Ok(()),
            Ok(false) => Err(StopReason::PlanDiffers { row }),
            Err(error) => Err(unusable(&error)),
        }
    }
}

impl RowFilter for PlannedRows {
    fn take_block(&mut self, batches: &mut [Batch]) -> Result<(), ReadStop> {
        for row in batches.iter().flat_map(|batch| &batch.rows) {
            self.compare(row)?;
            self.last_row = row.position.row;
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), ReadStop> {
        if self.last_row < self.compared_to {
            let row = self.last_row + 1;
            return Err(StopReason::PlanDiffers { row }.into());
        }
        Ok(())
    }
}

/// Returns the reason to stop after this error.
pub(super) fn unusable(error: &PlanError) -> StopReason {
    StopReason::PlanUnusable {
        message: with_causes(error),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::contract::{CustomerId, FieldSet};
    use crate::journal::RunDir;
    use crate::pipeline::reading::RowDigest;

    /// The plan of these requests.
    fn plan(requests: &[Option<u64>]) -> (tempfile::TempDir, Requests) {
        let folder = tempfile::tempdir().expect("a folder");
        let run_dir = RunDir::create(folder.path()).expect("a directory");
        let mut writer = RequestsWriter::create(&run_dir).expect("a plan");
        for (row, request) in (1..).zip(requests) {
            writer.add(row, *request).expect("a row");
        }
        let rows = writer.last_row();
        writer.finish(rows).expect("a finished plan");
        let requests = Requests::open(&run_dir).expect("a plan").expect("a plan");
        (folder, requests)
    }

    fn position(row: u64) -> Position {
        Position {
            row,
            input: 0,
            line: row + 1,
        }
    }

    fn digest(row: u64, content: DigestContent) -> RowDigest {
        RowDigest {
            position: position(row),
            id: CustomerId::new(7).ok(),
            content,
        }
    }

    fn request(hash: u64) -> DigestContent {
        DigestContent::Request {
            fields: FieldSet::ALL,
            hash,
        }
    }

    /// Compares rows from `first` with a plan.
    fn compared(
        planned: &[Option<u64>],
        first: u64,
        rows: &[DigestContent],
        asked: &Range<u64>,
    ) -> Result<PlannedRows, PlanDifference> {
        let (_folder, requests) = plan(planned);
        let mut comparison = PlanComparison::new(requests, DuplicateFilter::keep_all());
        let rows = (first..)
            .zip(rows)
            .map(|(row, content)| digest(row, *content));
        let mut block = BlockDigest::default();
        block.rows.extend(rows);
        let compared = comparison
            .add(&block)
            .and_then(|()| comparison.finish(asked));
        compared.map_err(|error| match error {
            ComparePlanError::Differs(difference) => difference,
            error => panic!("{error}"),
        })
    }

    #[test]
    fn every_row_has_the_request_of_the_plan() {
        use DigestContent::{Elsewhere, None as Nothing};
        let check = |planned: &[Option<u64>],
                     first: u64,
                     rows: &[DigestContent],
                     asked: Range<u64>,
                     want: Option<PlanDifference>| {
            let found = compared(planned, first, rows, &asked).err();
            assert_eq!(found, want, "{planned:?} {first} {rows:?} {asked:?}");
        };
        let all = || 1..u64::MAX;
        let planned = [Some(10), None, Some(30)];
        let same = [request(10), Nothing, request(30)];
        check(&planned, 1, &same, all(), None);
        check(&planned, 1, &[Elsewhere, Nothing, Elsewhere], all(), None);
        check(&planned, 2, &same[1..], 2..u64::MAX, None);
        check(&planned, 1, &same[..2], 1..3, None);
        let changed = |row| Some(PlanDifference::Changed(position(row)));
        check(
            &planned,
            1,
            &[request(11), Nothing, request(30)],
            all(),
            changed(1),
        );
        check(
            &planned,
            1,
            &[request(10), request(20), request(30)],
            all(),
            changed(2),
        );
        check(
            &planned,
            1,
            &[request(10), Nothing, Nothing],
            all(),
            changed(3),
        );
        check(
            &planned,
            1,
            &[request(30), Nothing, request(10)],
            all(),
            changed(1),
        );
        let missing = Some(PlanDifference::Missing { last_row: 2 });
        check(&planned, 1, &same[..2], all(), missing);
        let added = Some(PlanDifference::Added(position(3)));
        check(&planned[..2], 1, &same, all(), added);
        check(
            &planned[..2],
            1,
            &[request(10), Nothing, Nothing],
            all(),
            added,
        );
    }

    #[test]
    fn rows_that_are_refused_or_superseded_have_no_request() {
        let (_folder, requests) = plan(&[Some(10), None]);
        let mut comparison = PlanComparison::new(requests, DuplicateFilter::keep_first());
        let mut block = BlockDigest::default();
        block.rows = vec![digest(1, request(10)), digest(2, request(20))];
        comparison.add(&block).expect("the second is refused");
    }

    fn rows(first: u64, requests: &[Option<u64>]) -> Batch {
        let id = CustomerId::new(7).expect("an id");
        let rows = (first..).zip(requests).map(|(row, request)| Row {
            position: position(row),
            id: Some(id),
            hash: 0,
            raw: Bytes::new(),
            content: match request {
                None => RowContent::Superseded,
                Some(request) => RowContent::Update {
                    id,
                    body: Bytes::new(),
                    fields: FieldSet::ALL,
                    request: *request,
                    read_first: None,
                },
            },
        });
        Batch {
            rows: rows.collect(),
            ..Batch::default()
        }
    }

    #[test]
    fn a_row_that_changes_after_the_comparison_stops_the_reading() {
        let filter = |planned: &[Option<u64>]| {
            let rows: Vec<_> = planned
                .iter()
                .map(|hash| hash.map_or(DigestContent::None, request))
                .collect();
            compared(planned, 1, &rows, &(1..u64::MAX)).expect("the same rows")
        };
        let planned = [Some(10), None, Some(30)];
        let mut same = filter(&planned);
        same.take_block(&mut [rows(1, &planned[..2])])
            .expect("the same rows");
        let ended = same.end().expect_err("a row is missing");
        assert_eq!(ended.reason, StopReason::PlanDiffers { row: 3 });
        same.take_block(&mut [rows(3, &planned[2..])])
            .expect("the same row");
        same.end().expect("the same end");
        let check = |found: &[Option<u64>], row: u64| {
            let stop = filter(&planned).take_block(&mut [rows(1, found)]);
            let stop = stop.expect_err("another row");
            assert_eq!(stop.reason, StopReason::PlanDiffers { row }, "{found:?}");
        };
        check(&[Some(10), Some(20), Some(30)], 2);
        check(&[None, None, Some(30)], 1);
        check(&[Some(10), None, Some(30), None], 4);
    }
}
