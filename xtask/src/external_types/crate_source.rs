//! Parses the modules of a library to syntax trees, without test modules.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use quote::ToTokens;
use syn::{Attribute, Item, ItemUse, UseTree};

use crate::failure::{Failure, Outcome};

/// All modules of one library.
pub(super) struct CrateSource {
    pub(super) modules: Vec<Module>,
}

/// The items of a module and the names that it imports.
pub(super) struct Module {
    pub(super) items: Vec<Item>,
    /// Full path, as segments, by imported name.
    pub(super) imports: HashMap<String, Vec<String>>,
}

impl CrateSource {
    /// Reads `lib.rs` and every module that it declares.
    pub(super) fn load(lib: &Path) -> Outcome<Self> {
        let mut modules = Vec::new();
        let folder = lib.parent().unwrap_or(lib);
        load_file(lib, folder, &mut modules)?;
        Ok(Self { modules })
    }

    #[cfg(test)]
    pub(super) fn parse(text: &str) -> Self {
        let items = syn::parse_file(text).unwrap().items;
        let mut modules = Vec::new();
        load_items(items, Path::new("/nowhere"), &mut modules).unwrap();
        Self { modules }
    }
}

fn load_file(file: &Path, folder: &Path, modules: &mut Vec<Module>) -> Outcome {
    let failed =
        |error: &dyn std::fmt::Display| Failure::new(format!("read {}: {error}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| failed(&error))?;
    let parsed = syn::parse_file(&text).map_err(|error| failed(&error))?;
    load_items(parsed.items, folder, modules)
}

/// Collects the items of a module and of its submodules, whose files are in `folder`.
fn load_items(items: Vec<Item>, folder: &Path, modules: &mut Vec<Module>) -> Outcome {
    let mut own = Vec::new();
    for item in items {
        match item {
            Item::Mod(module) if is_public_build(&module.attrs) => {
                let name = module.ident.to_string();
                let inner = folder.join(&name);
                match module.content {
                    Some((_, items)) => load_items(items, &inner, modules)?,
                    None => {
                        let beside = folder.join(format!("{name}.rs"));
                        let file = if beside.exists() {
                            beside
                        } else {
                            inner.join("mod.rs")
                        };
                        load_file(&file, &inner, modules)?;
                    }
                }
            }
            Item::Mod(_) => {}
            other => own.push(other),
        }
    }
    modules.push(Module {
        imports: imports(&own),
        items: own,
    });
    Ok(())
}

/// Returns whether the item is compiled outside of tests, shuttle models and fuzz targets.
pub(super) fn is_public_build(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .map(|attribute| attribute.meta.to_token_stream().to_string())
        .all(|condition| {
            let is_special = ["test", "shuttle", "\"fuzzing\""]
                .iter()
                .any(|flag| condition.contains(flag));
            !is_special || condition.contains("not")
        })
}

fn imports(items: &[Item]) -> HashMap<String, Vec<String>> {
    let mut imports = HashMap::new();
    for item in items {
        if let Item::Use(ItemUse { tree, .. }) = item {
            for (name, path) in names(tree) {
                imports.insert(name, path);
            }
        }
    }
    imports
}

/// Returns the names that a `use` imports, each with its full path.
pub(super) fn names(tree: &UseTree) -> Vec<(String, Vec<String>)> {
    match tree {
        UseTree::Path(path) => {
            let first = path.ident.to_string();
            let inner = names(&path.tree).into_iter();
            inner
                .map(|(name, mut segments)| {
                    // `use a::{self}` names `a` itself.
                    if segments == ["self"] {
                        let name = if name == "self" { first.clone() } else { name };
                        return (name, vec![first.clone()]);
                    }
                    segments.insert(0, first.clone());
                    (name, segments)
                })
                .collect()
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            vec![(name.clone(), vec![name])]
        }
        UseTree::Rename(rename) => {
            vec![(rename.rename.to_string(), vec![rename.ident.to_string()])]
        }
        UseTree::Glob(_) => vec![("*".to_owned(), vec!["*".to_owned()])],
        UseTree::Group(group) => group.items.iter().flat_map(names).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_have_full_paths() {
        let source = CrateSource::parse(
            "use a::{self, b::C, d::E as F}; use std::io::{self as stdio, Read};",
        );
        let imports = &source.modules[0].imports;
        let path = |name: &str| imports.get(name).map(|path| path.join("::"));
        for (name, full) in [
            ("a", "a"),
            ("C", "a::b::C"),
            ("F", "a::d::E"),
            ("stdio", "std::io"),
            ("Read", "std::io::Read"),
        ] {
            assert_eq!(path(name).as_deref(), Some(full), "{name}");
        }
    }

    #[test]
    fn tests_are_not_loaded() {
        let source = CrateSource::parse(
            "#[cfg(test)] mod a { pub fn f() {} } mod b { pub fn f() {} } #[cfg(not(shuttle))] mod c {}",
        );
        assert_eq!(source.modules.len(), 3, "b, c and the root");
    }
}
