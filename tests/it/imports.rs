//! The imports between source files: a module imports from the layers below its own, and neither a
//! file nor a folder is part of an import cycle.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::tidy::{ORDER, Source, sources};

/// A module's path below the crate, such as `["input", "csv", "records"]`.
type Module = Vec<String>;

/// The imports of one source file.
#[derive(Default)]
struct Imports {
    /// Paths that its code names.
    named: Vec<Module>,
    /// Names that it exports from elsewhere, with their paths: `pub use`.
    reexported: HashMap<String, Module>,
}

/// The source files of the crate by module, without tests.
struct Crate {
    modules: BTreeMap<Module, Imports>,
}

impl Crate {
    fn read() -> Crate {
        let sources = sources();
        let code = sources.iter().filter(|source| !source.is_test());
        let code = code.map(|source| (module(&source.path), code_of(source)));
        Crate::of(&code.filter(|(module, _)| !module.is_empty()).collect())
    }

    /// The crate of these modules, with the text of each.
    fn of(texts: &BTreeMap<Module, String>) -> Crate {
        let modules = texts
            .iter()
            .map(|(module, text)| (module.clone(), imports_of(module, text, texts)));
        Crate {
            modules: modules.collect(),
        }
    }

    /// The module that defines the item of a path; re-exports are followed.
    fn resolve(&self, path: &[String]) -> Option<&Module> {
        let mut path = path.to_vec();
        // Each round follows one re-export; a chain of them is short.
        for _ in 0..10 {
            let length = (1..=path.len())
                .rev()
                .find(|length| self.modules.contains_key(&path[..*length]))?;
            let (module, imports) = self.modules.get_key_value(&path[..length]).unwrap();
            let item = path.get(length);
            match item.and_then(|item| imports.reexported.get(item)) {
                Some(elsewhere) => {
                    path = elsewhere
                        .iter()
                        .chain(&path[length + 1..])
                        .cloned()
                        .collect();
                }
                None => return Some(module),
            }
        }
        None
    }

    /// Each module, with the modules that it imports from.
    fn files(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut graph = BTreeMap::new();
        for (module, imports) in &self.modules {
            let found = imports.named.iter().filter_map(|path| self.resolve(path));
            let others = found.filter(|other| *other != module).cloned();
            graph.insert(module.clone(), others.collect());
        }
        graph
    }

    /// Each folder, with the sibling folders that its files import from.
    fn folders(&self) -> BTreeMap<Module, BTreeSet<Module>> {
        let mut graph: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (module, others) in self.files() {
            for other in others {
                let shared = module
                    .iter()
                    .zip(&other)
                    .take_while(|(one, other)| one == other)
                    .count();
                let is_folder = |module: &Module| self.has_children(&module[..=shared]);
                if shared < module.len()
                    && shared < other.len()
                    && is_folder(&module)
                    && is_folder(&other)
                {
                    let (from, to) = (module[..=shared].to_vec(), other[..=shared].to_vec());
                    graph.entry(to.clone()).or_default();
                    graph.entry(from).or_default().insert(to);
                }
            }
        }
        graph
    }

    /// Each file with the modules at the crate's root that it names, or imports from through
    /// re-exports.
    fn roots(&self) -> BTreeMap<&Module, BTreeSet<&str>> {
        let mut graph = BTreeMap::new();
        for (module, imports) in &self.modules {
            let mut roots = BTreeSet::new();
            for path in imports.named.iter().chain(imports.reexported.values()) {
                let defined = self.resolve(path).and_then(|module| module.first());
                roots.extend(
                    [path.first(), defined]
                        .into_iter()
                        .flatten()
                        .map(String::as_str),
                );
            }
            roots.remove(module[0].as_str());
            graph.insert(module, roots);
        }
        graph
    }

    fn has_children(&self, folder: &[String]) -> bool {
        self.modules
            .keys()
            .any(|module| module.len() > folder.len() && module.starts_with(folder))
    }
}

/// The module of a file below `src`; the module of the crate's root is empty.
fn module(path: &str) -> Module {
    let path = path.strip_suffix(".rs").expect("a source of Rust");
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    if matches!(
        module.last().map(String::as_str),
        Some("mod" | "lib" | "main")
    ) {
        module.pop();
    }
    module
}

fn code_of(source: &Source) -> String {
    let lines: Vec<_> = source.code().map(|(_, line)| line).collect();
    lines.join("\n")
}

/// The items of the crate that a file's code names.
fn imports_of(module: &Module, code: &str, all: &BTreeMap<Module, String>) -> Imports {
    let mut imports = Imports::default();
    let mut rest = code;
    let mut without_uses = String::new();
    while let Some((before, statement, behind)) = next_use(rest) {
        without_uses.push_str(before);
        for path in expanded(statement.tree) {
            let (path, name) = path
                .split_once(" as ")
                .map_or((path.as_str(), None), |(path, name)| (path, Some(name)));
            let Some(full) = absolute(module, path, all) else {
                continue;
            };
            if statement.is_public {
                let name = name.map_or_else(|| full.last().unwrap().clone(), str::to_owned);
                imports.reexported.insert(name, full);
            } else {
                imports.named.push(full);
            }
        }
        rest = behind;
    }
    without_uses.push_str(rest);
    // Paths within the code itself.
    let is_of_path =
        |character: char| character.is_alphanumeric() || matches!(character, '_' | ':');
    for word in without_uses.split(|character: char| !is_of_path(character)) {
        let path = word.trim_matches(':');
        if path.contains("::") {
            imports.named.extend(absolute(module, path, all));
        }
    }
    imports
}

struct Use<'t> {
    is_public: bool,
    tree: &'t str,
}

/// The text before the first `use`, that statement, and the text after it.
fn next_use(code: &str) -> Option<(&str, Use<'_>, &str)> {
    let mut from = 0;
    loop {
        let at = from + code.get(from..)?.find("use ")?;
        let line_start = code[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = code[line_start..at].trim();
        let end = at + code[at..].find(';')?;
        let tree = &code[at + "use ".len()..end];
        // The word may also begin a line of a string literal.
        let is_of_tree = |character: char| {
            character.is_alphanumeric()
                || character.is_whitespace()
                || matches!(character, '_' | ':' | '{' | '}' | ',' | '*')
        };
        let is_statement =
            (before.is_empty() || before.starts_with("pub")) && tree.chars().all(is_of_tree);
        if is_statement {
            let statement = Use {
                is_public: !before.is_empty(),
                tree,
            };
            return Some((&code[..line_start], statement, &code[end + 1..]));
        }
        from = at + 1;
    }
}

/// The paths of `a::{b, c::{self, d}}`.
fn expanded(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, inner)) = tree.split_once('{') else {
        return vec![tree.split_whitespace().collect::<Vec<_>>().join(" ")];
    };
    let inner = &inner[..inner.rfind('}').expect("braces are closed")];
    let (mut depth, mut start, mut parts) = (0, 0, Vec::new());
    for (at, character) in inner.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&inner[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    let parts = parts
        .into_iter()
        .filter(|part| !part.trim().is_empty())
        .flat_map(expanded);
    parts
        .map(|part| {
            format!("{}{part}", prefix.trim())
                .trim_end_matches("::self")
                .to_owned()
        })
        .collect()
}

/// A path from the crate's root; `None` for a path of another crate.
fn absolute(module: &Module, path: &str, all: &BTreeMap<Module, String>) -> Option<Module> {
    let mut parts: Vec<_> = path.split("::").map(str::to_owned).collect();
    let mut base = match parts.first().map(String::as_str)? {
        "crate" => {
            parts.remove(0);
            Module::new()
        }
        "self" => {
            parts.remove(0);
            module.clone()
        }
        "super" => module.clone(),
        child => {
            let child = module
                .iter()
                .cloned()
                .chain([child.to_owned()])
                .collect::<Module>();
            return all
                .contains_key(&child)
                .then(|| module.iter().cloned().chain(parts).collect());
        }
    };
    while parts.first().is_some_and(|part| part == "super") {
        base.pop();
        parts.remove(0);
    }
    base.extend(parts);
    Some(base)
}

/// The groups of nodes that reach one another, sorted.
fn circles(graph: &BTreeMap<Module, BTreeSet<Module>>) -> Vec<Vec<String>> {
    let reached_from = |start: &Module| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start]);
        while let Some(node) = open.pop() {
            for next in graph.get(node).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<_, _> = graph
        .keys()
        .map(|node| (node, reached_from(node)))
        .collect();
    let groups: BTreeSet<Vec<String>> = graph
        .keys()
        .filter(|node| reached[node].contains(node))
        .map(|node| {
            let both_ways = graph
                .keys()
                .filter(|other| reached[node].contains(other) && reached[other].contains(node));
            both_ways.map(|module| module.join("/")).collect()
        })
        .collect();
    groups.into_iter().collect()
}

/// The imports that the order of the layers forbids. The sandbox is a second opinion on the contract,
/// so it imports from no other module.
fn forbidden(graph: &BTreeMap<&Module, BTreeSet<&str>>) -> Vec<String> {
    let order = ORDER.concat();
    let place = |root: &str| order.iter().position(|name| *name == root);
    let mut found = Vec::new();
    for (module, roots) in graph {
        let own = module[0].as_str();
        let own_place = place(own).unwrap_or_else(|| panic!("`{own}` has its place in the order"));
        for root in roots {
            if own == "sandbox" || place(root).is_none_or(|place| place <= own_place) {
                found.push(format!("{} imports from {root}", module.join("/")));
            }
        }
    }
    found
}

#[test]
fn modules_import_downwards_only() {
    let all = Crate::read();
    let graph = all.roots();
    assert!(
        graph.values().map(BTreeSet::len).sum::<usize>() > 300,
        "imports are found"
    );
    assert_eq!(forbidden(&graph), Vec::<String>::new());
}

#[test]
fn forbidden_imports_are_found_through_re_exports() {
    let check = |module: &str, import: &str, want: &[&str]| {
        let texts = [
            (module, import),
            ("text", "pub use crate::contract::Cut;"),
            ("contract", "pub use crate::cli::Args;"),
            ("cli", ""),
        ];
        let module_of = |path: &str| path.split('/').map(str::to_owned).collect();
        let all = Crate::of(
            &texts
                .iter()
                .map(|(path, text)| (module_of(path), (*text).to_owned()))
                .collect(),
        );
        let found = forbidden(&all.roots());
        let found: Vec<_> = found
            .iter()
            .filter(|found| found.starts_with(module))
            .collect();
        assert_eq!(found, want, "{module}: {import}");
    };
    check("row/a", "use crate::contract::Claim;", &[]);
    check(
        "row/a",
        "use crate::contract::Args;",
        &["row/a imports from cli"],
    );
    check(
        "row/a",
        "use crate::pipeline::B;",
        &["row/a imports from pipeline"],
    );
    check(
        "row/a",
        "use super::super::cli::Args;",
        &["row/a imports from cli"],
    );
    check(
        "sandbox/a",
        "use crate::text::safe;",
        &["sandbox/a imports from text"],
    );
}

#[test]
fn no_file_is_part_of_a_circle() {
    let graph = Crate::read().files();
    assert!(
        graph.values().map(BTreeSet::len).sum::<usize>() > 300,
        "imports are found"
    );
    assert_eq!(circles(&graph), Vec::<Vec<String>>::new());
}

#[test]
fn no_folder_is_part_of_a_circle() {
    let graph = Crate::read().folders();
    assert!(
        graph.values().map(BTreeSet::len).sum::<usize>() > 15,
        "imports are found"
    );
    assert_eq!(circles(&graph), Vec::<Vec<String>>::new());
}

#[test]
fn circles_are_found() {
    let graph = |edges: &[(&str, &str)]| {
        let mut graph: BTreeMap<Module, BTreeSet<Module>> = BTreeMap::new();
        for (from, to) in edges {
            graph.entry(vec![(*to).to_owned()]).or_default();
            graph
                .entry(vec![(*from).to_owned()])
                .or_default()
                .insert(vec![(*to).to_owned()]);
        }
        graph
    };
    assert_eq!(
        circles(&graph(&[("a", "b"), ("b", "c"), ("a", "c")])),
        Vec::<Vec<String>>::new()
    );
    assert_eq!(
        circles(&graph(&[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")])),
        [["b", "c"]]
    );
}

#[test]
fn imports_are_found_however_they_are_written() {
    let texts = [("a", ""), ("a/b", ""), ("a/c", ""), ("d", "")];
    let all: BTreeMap<Module, String> = texts
        .iter()
        .map(|(path, text)| {
            (
                path.split('/').map(str::to_owned).collect(),
                (*text).to_owned(),
            )
        })
        .collect();
    let module: Module = vec!["a".to_owned()];
    let code = "use std::fmt;\nuse crate::d::{self, One,\n    two::{Three as Four}};\npub use b::Five;\n\
        // use crate::none::Six;\nfn f() { self::c::g(super::d::h()); c::i() }\nmod tests {\nuse crate::none::J;\n";
    let source = Source {
        path: "a.rs".to_owned(),
        text: code.to_owned(),
    };
    let found = imports_of(&module, &code_of(&source), &all);
    let named: Vec<_> = found.named.iter().map(|path| path.join("::")).collect();
    assert_eq!(
        named,
        ["d", "d::One", "d::two::Three", "a::c::g", "d::h", "a::c::i"]
    );
    assert_eq!(found.reexported["Five"], ["a", "b", "Five"]);
}
