//! An undo puts every field back that its run has changed, leaves alone what others have changed
//! since, and names the fields that it does not put back.

mod edits;
mod kills;
mod pages;
mod refusals;
pub(crate) mod world;
mod worlds;
