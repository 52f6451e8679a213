//! The settings of the care for customers, and its result.

use super::left_out::ProbeState;
use super::plan::PlannedCustomers;
use super::undo::{UndoCounts, Undoing};
use super::update::UpdateCare;
use crate::contract::Countries;
use crate::pipeline::image_writer::ImageWriter;
use crate::preview::Previewer;

/// The settings of what is done with a customer before and after its update.
#[derive(Debug)]
pub(crate) struct CareSettings {
    /// The use of the customer that is read before an update.
    pub mode: ReadMode,
    /// The knowledge of the fields that an update leaves out.
    pub left_out: ProbeState,
    /// The ids and names of countries.
    pub countries: Countries,
    /// Keeps images; `None` if no customer is read.
    pub images: Option<ImageWriter>,
    /// The customers of a plan, who are read before their updates, whatever the mode.
    pub plan: Option<PlannedCustomers>,
}

/// The use of the customer that is read before an update.
#[derive(Debug)]
pub(crate) enum ReadMode {
    /// None: it is not read.
    None,
    /// It decides about the update of a row.
    Update(UpdateCare),
    /// It is put back, as far as nobody else has changed it (`custsync undo`).
    Undo(Box<Undoing>),
    /// It is compared with the rows of an input, and nothing is sent (`custsync preview`).
    Preview(Box<Previewer>),
}

/// The result of the care.
#[derive(Debug)]
pub(crate) struct CareResult {
    /// The knowledge of the fields that updates leave out.
    pub left_out: ProbeState,
    /// Whether an update may have cleared fields without anybody knowing yet.
    pub is_open: bool,
    /// The findings of an undo.
    pub undone: Option<UndoCounts>,
    /// The findings of a preview.
    pub previewed: Option<Box<Previewer>>,
    /// Writes images of customers.
    pub images: Option<ImageWriter>,
}
