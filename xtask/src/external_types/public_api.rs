//! Finds third-party types in the public signatures of a library.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Fields, ImplItem, Item, ItemImpl, ItemTrait, Path, TraitItem, Type, Visibility};

use super::crate_source::{CrateSource, Module, is_public_build, names};

/// The path of a third-party type, and the public item whose signature contains it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    /// The path with the crate name, such as `bytes::Bytes`.
    pub(super) path: String,
    /// The name of a type, trait or function.
    pub(super) item: String,
}

/// Returns the uses of the crates `external` in the public API of a library.
pub(super) fn external(source: &CrateSource, external: &BTreeSet<String>) -> BTreeSet<Use> {
    let mut public = BTreeSet::new();
    let mut aliases = BTreeMap::new();
    for module in &source.modules {
        for item in &module.items {
            public.extend(public_name(item));
            if let Item::Type(alias) = item {
                aliases.insert(alias.ident.to_string(), (module, &*alias.ty));
            }
        }
    }
    let mut walk = Walk {
        external,
        public: &public,
        aliases: &aliases,
        module: None,
        item: String::new(),
        depth: 0,
        found: BTreeSet::new(),
    };
    for module in &source.modules {
        walk.module = Some(module);
        for item in &module.items {
            walk.item(item);
        }
    }
    walk.found
}

/// Returns the name of a public type or trait.
fn public_name(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    is_public(visibility).then(|| name.to_string())
}

const fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

struct Walk<'source> {
    external: &'source BTreeSet<String>,
    public: &'source BTreeSet<String>,
    aliases: &'source BTreeMap<String, (&'source Module, &'source Type)>,
    module: Option<&'source Module>,
    item: String,
    /// Number of nested aliases that are being resolved.
    depth: usize,
    found: BTreeSet<Use>,
}

/// Maximum depth of aliases, which ends the resolution of a cycle.
const MAX_ALIASES: usize = 4;

impl<'source> Walk<'source> {
    fn item(&mut self, item: &'source Item) {
        match item {
            Item::Struct(item) if is_public(&item.vis) => {
                self.item = item.ident.to_string();
                self.visit_generics(&item.generics);
                self.fields(&item.fields, true);
            }
            Item::Enum(item) if is_public(&item.vis) => {
                self.item = item.ident.to_string();
                self.visit_generics(&item.generics);
                for variant in &item.variants {
                    self.fields(&variant.fields, false);
                }
            }
            Item::Trait(item) if is_public(&item.vis) => self.public_trait(item),
            Item::Type(item) if is_public(&item.vis) => {
                self.item = item.ident.to_string();
                self.visit_type(&item.ty);
            }
            Item::Fn(item) if is_public(&item.vis) && is_public_build(&item.attrs) => {
                self.item = item.sig.ident.to_string();
                self.visit_signature(&item.sig);
            }
            Item::Const(item) if is_public(&item.vis) => {
                self.item = item.ident.to_string();
                self.visit_type(&item.ty);
            }
            Item::Use(item) if is_public(&item.vis) && is_public_build(&item.attrs) => {
                for (name, path) in names(&item.tree) {
                    self.item = format!("pub use {name}");
                    self.record(&path);
                }
            }
            Item::Impl(item) if is_public_build(&item.attrs) => self.implementation(item),
            _ => {}
        }
    }

    fn public_trait(&mut self, item: &'source ItemTrait) {
        self.item = item.ident.to_string();
        self.visit_generics(&item.generics);
        for bound in &item.supertraits {
            self.visit_type_param_bound(bound);
        }
        for item in &item.items {
            match item {
                TraitItem::Fn(function) => self.visit_signature(&function.sig),
                TraitItem::Const(constant) => self.visit_type(&constant.ty),
                TraitItem::Type(associated) => {
                    for bound in &associated.bounds {
                        self.visit_type_param_bound(bound);
                    }
                }
                _ => {}
            }
        }
    }

    fn implementation(&mut self, item: &'source ItemImpl) {
        let Some((_, path, _)) = &item.trait_ else {
            if self.names_public(&*item.self_ty) {
                self.item = last_name(&item.self_ty);
                self.visit_generics(&item.generics);
                self.methods(item);
            }
            return;
        };
        let arguments = path.segments.last().map(|segment| &segment.arguments);
        let takes_public = arguments.is_some_and(|arguments| self.names_public(arguments));
        if !(self.names_public(&*item.self_ty) || takes_public) {
            return;
        }
        self.item = last_name(&item.self_ty);
        self.visit_generics(&item.generics);
        self.visit_type(&item.self_ty);
        self.visit_path(path);
        for item in &item.items {
            if let ImplItem::Type(associated) = item {
                self.visit_type(&associated.ty);
            }
        }
    }

    fn methods(&mut self, item: &'source ItemImpl) {
        for item in &item.items {
            match item {
                ImplItem::Fn(function)
                    if is_public(&function.vis) && is_public_build(&function.attrs) =>
                {
                    self.visit_signature(&function.sig);
                }
                ImplItem::Const(constant) if is_public(&constant.vis) => {
                    self.visit_type(&constant.ty);
                }
                _ => {}
            }
        }
    }

    fn fields(&mut self, fields: &'source Fields, only_public: bool) {
        for field in fields {
            if !only_public || is_public(&field.vis) {
                self.visit_type(&field.ty);
            }
        }
    }

    /// Returns whether the tokens contain a public type or trait of this library.
    fn names_public(&self, tokens: &impl ToTokens) -> bool {
        let text = tokens.to_token_stream().to_string();
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .any(|word| self.public.contains(word))
    }

    fn record(&mut self, segments: &[String]) {
        if segments
            .first()
            .is_some_and(|first| self.external.contains(first))
        {
            self.found.insert(Use {
                path: segments.join("::"),
                item: self.item.clone(),
            });
        }
    }
}

impl<'source> Visit<'source> for Walk<'source> {
    fn visit_path(&mut self, path: &'source Path) {
        let mut segments: Vec<_> = path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let imported = self
            .module
            .and_then(|module| module.imports.get(&segments[0]));
        if let Some(full) = imported {
            segments.splice(..1, full.iter().cloned());
        }
        self.record(&segments);
        let alias = segments
            .last()
            .and_then(|name| self.aliases.get(name))
            .copied();
        let is_ours = !self.external.contains(&segments[0]);
        if let Some((module, ty)) = alias.filter(|_| is_ours && self.depth < MAX_ALIASES) {
            let here = self.module.replace(module);
            self.depth += 1;
            self.visit_type(ty);
            self.depth -= 1;
            self.module = here;
        }
        visit::visit_path(self, path);
    }

    /// Bodies and attributes are not parts of a signature.
    fn visit_attribute(&mut self, _attribute: &'source syn::Attribute) {}
}

fn last_name(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default(),
        Type::Reference(reference) => last_name(&reference.elem),
        other => other.to_token_stream().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let crates = ["bytes", "tower", "aws_config"].map(str::to_owned);
        external(&CrateSource::parse(text), &BTreeSet::from(crates))
            .into_iter()
            .map(|found| format!("{} in {}", found.path, found.item))
            .collect()
    }

    #[test]
    fn signatures_fields_and_bounds_are_searched() {
        for (text, expected) in [
            (
                "use bytes::Bytes; pub fn f(a: Option<Bytes>) {}",
                "bytes::Bytes in f",
            ),
            ("pub struct S { pub a: bytes::Bytes }", "bytes::Bytes in S"),
            ("pub enum E { A(bytes::Bytes) }", "bytes::Bytes in E"),
            (
                "pub struct S; impl S { pub fn f(&self) -> bytes::Bytes {} }",
                "bytes::Bytes in S",
            ),
            (
                "pub struct S<T: tower::Service<u8>>(T);",
                "tower::Service in S",
            ),
            (
                "pub fn f() -> impl tower::Service<u8> {}",
                "tower::Service in f",
            ),
            (
                "pub trait T { fn f(&self) -> &dyn tower::Layer; }",
                "tower::Layer in T",
            ),
            ("pub use bytes::Bytes as B;", "bytes::Bytes in pub use B"),
            (
                "type Inner = bytes::Bytes; pub fn f() -> Inner {}",
                "bytes::Bytes in f",
            ),
            (
                "pub struct S; impl tower::Service<u8> for S {}",
                "tower::Service in S",
            ),
            (
                "pub struct S; impl From<bytes::Bytes> for S {}",
                "bytes::Bytes in S",
            ),
            (
                "pub struct S; impl Iterator for S { type Item = bytes::Bytes; }",
                "bytes::Bytes in S",
            ),
        ] {
            assert_eq!(found(text), [expected], "{text}");
        }
    }

    #[test]
    fn private_parts_are_not_searched() {
        for text in [
            "fn f(a: bytes::Bytes) {}",
            "pub(crate) fn f(a: bytes::Bytes) {}",
            "pub struct S { a: bytes::Bytes }",
            "pub struct S; impl S { pub(crate) fn f(&self) -> bytes::Bytes {} }",
            "struct S; impl S { pub fn f(&self) -> bytes::Bytes {} }",
            "struct S; impl tower::Service<u8> for S {}",
            "pub fn f() { let a = bytes::Bytes::new(); }",
            "#[cfg(test)] mod tests { pub fn f(a: bytes::Bytes) {} }",
            "use std::io::Read; pub fn f(a: impl Read) {}",
        ] {
            assert_eq!(found(text), [""; 0], "{text}");
        }
    }
}
