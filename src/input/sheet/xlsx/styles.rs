//! The styles of an XML workbook.

use crate::input::sheet::fault::PartFault;
use crate::input::sheet::package::Package;
use crate::input::sheet::styles::{NumberFormats, Styles};
use crate::input::sheet::xml::{Node, attributes};

/// Reads the styles in the part of this name. Without styles, no cell is a date.
pub(super) fn read(package: &mut Package, name: &str) -> Result<Styles, PartFault> {
    let mut styles = Styles::default();
    let Some(mut xml) = package.part(name)? else {
        return Ok(styles);
    };
    let part = xml.part();
    let mut formats = NumberFormats::default();
    let mut is_inside = false;
    loop {
        let element = match xml.next()? {
            Node::Start(element) => element,
            Node::End { element, .. } => {
                is_inside &= element.local_name().as_ref() != "cellXfs";
                continue;
            }
            Node::EndOfPart => return Ok(styles),
            Node::Text(_) | Node::Nothing => continue,
        };
        let name = element.local_name();
        let (mut id, mut code) = (0, None);
        match name.as_ref() {
            "cellXfs" => is_inside = true,
            "numFmt" | "xf" => {
                for attribute in attributes(&element, &part) {
                    match attribute? {
                        ("numFmtId", value) => id = value.trim().parse().unwrap_or(0),
                        ("formatCode", value) => code = Some(value),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        match (name.as_ref(), code) {
            ("numFmt", Some(code)) => formats.add(id, &code, &part)?,
            ("xf", _) if is_inside => styles.add(formats.is_date(id), &part)?,
            _ => {}
        }
    }
}
