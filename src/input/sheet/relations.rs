//! The relationships between the parts of a package (ECMA-376 part 2 §6.5): a part is found through
//! the part that refers to it, and not by its name.

use std::collections::HashMap;

use super::fault::PartFault;
use super::package::Package;
use super::xml::{Node, attributes};

/// The most relationships of one part. All are held in memory.
const RELATIONS_MAX: usize = 10_000;

/// The parts that one part refers to.
pub(crate) struct Relations {
    by_id: HashMap<String, Relation>,
}

/// A reference to a part.
pub(crate) struct Relation {
    /// The last segment of the type. Strict workbooks have another address before it.
    pub(crate) kind: String,
    /// The part's name.
    pub(crate) part: String,
}

impl Relations {
    /// Reads the relationships of a part, or of the whole package if `file` is empty.
    pub(crate) fn of(
        package: &mut Package,
        folder: &str,
        file: &str,
    ) -> Result<Relations, PartFault> {
        let mut by_id = HashMap::new();
        let Some(mut xml) = package.part(&joined(folder, &format!("_rels/{file}.rels")))? else {
            return Ok(Relations { by_id });
        };
        let part = xml.part();
        loop {
            let element = match xml.next()? {
                Node::Start(element) if element.local_name().as_ref() == "Relationship" => element,
                Node::EndOfPart => return Ok(Relations { by_id }),
                Node::Start(_) | Node::End { .. } | Node::Text(_) | Node::Nothing => continue,
            };
            let (mut id, mut kind, mut target) = (String::new(), String::new(), String::new());
            for attribute in attributes(&element, &part) {
                match attribute? {
                    ("Id", value) => id = value.into_owned(),
                    ("Type", value) => value
                        .rsplit('/')
                        .next()
                        .unwrap_or_default()
                        .clone_into(&mut kind),
                    ("Target", value) => target = joined(folder, &value),
                    _ => {}
                }
            }
            by_id.insert(id, Relation { kind, part: target });
            if by_id.len() > RELATIONS_MAX {
                return Err(PartFault::unreadable(format!(
                    "{part}: it has more than {RELATIONS_MAX} relationships"
                )));
            }
        }
    }

    /// Returns the main part of a package, which may be missing.
    pub(crate) fn main_part(package: &mut Package) -> Result<String, PartFault> {
        let main = Relations::of(package, "", "")?.by_kind("officeDocument");
        let usual = if package.has("xl/workbook.bin") {
            "xl/workbook.bin"
        } else {
            "xl/workbook.xml"
        };
        Ok(main.unwrap_or_else(|| usual.to_owned()))
    }

    /// Returns the relationship of this id.
    pub(crate) fn by_id(&self, id: &str) -> Option<&Relation> {
        self.by_id.get(id)
    }

    /// Returns the part of this kind, if there is one.
    pub(crate) fn by_kind(&self, kind: &str) -> Option<String> {
        self.by_id
            .values()
            .find(|relation| relation.kind == kind)
            .map(|relation| relation.part.clone())
    }
}

/// Resolves the name of a part relative to a folder.
pub(crate) fn joined(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_named_from_where_they_are_named() {
        let check =
            |folder: &str, target: &str, want: &str| assert_eq!(joined(folder, target), want);
        check("xl", "worksheets/sheet1.xml", "xl/worksheets/sheet1.xml");
        check(
            "xl",
            "/xl/worksheets/sheet1.xml",
            "xl/worksheets/sheet1.xml",
        );
        check("xl", "../xl/./sheet1.xml", "xl/sheet1.xml");
        check("", "xl/workbook.xml", "xl/workbook.xml");
    }
}
