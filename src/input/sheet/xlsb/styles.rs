//! The styles of a binary workbook.

use super::records::Records;
use crate::input::sheet::fault::PartFault;
use crate::input::sheet::package::Package;
use crate::input::sheet::styles::{NumberFormats, Styles};

/// `BrtFmt`, `BrtXF`, and the start and end of the styles of cells ([MS-XLSB] §2.3.2).
const FORMAT: u32 = 44;
const STYLE: u32 = 47;
const CELL_STYLES: u32 = 617;
const END_OF_CELL_STYLES: u32 = 618;

/// Reads the styles in the part of this name. Without styles, no cell is a date.
pub(super) fn read(package: &mut Package, name: &str) -> Result<Styles, PartFault> {
    let mut styles = Styles::default();
    let Some((bytes, part)) = package.bytes(name)? else {
        return Ok(styles);
    };
    let mut records = Records::new(bytes, &part);
    let (mut formats, mut code, mut is_inside) = (NumberFormats::default(), String::new(), false);
    while let Some(mut record) = records.next(|kind| matches!(kind, FORMAT | STYLE))? {
        match record.kind {
            CELL_STYLES => is_inside = true,
            END_OF_CELL_STYLES => is_inside = false,
            FORMAT => {
                let id = record.fields.u16()?;
                record.fields.text(&mut code)?;
                formats.add(id.into(), &code, &part)?;
            }
            STYLE if is_inside => {
                let _parent = record.fields.u16()?;
                let format = record.fields.u16()?;
                styles.add(formats.is_date(format.into()), &part)?;
            }
            _ => {}
        }
    }
    Ok(styles)
}
