//! `#[params]`, `#[output]` and `#[config]`: derives with the attributes that make them work without further dependencies.
//!
//! Not here: the schema itself (`schemars`), the `Debug` that hides secrets (`secret`). Start at [`expand`].

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Attribute, Data, DeriveInput, Error, Field, Fields, Meta, Path, Result, Token, Type, parse_quote};

use crate::secret;

/// What the type is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Params,
    Output,
    Config,
}

impl Role {
    fn attribute(self) -> &'static str {
        match self {
            Self::Params => "#[params]",
            Self::Output => "#[output]",
            Self::Config => "#[config]",
        }
    }
}

/// What each role derives.
const DERIVED: [&str; 4] = ["Serialize", "Deserialize", "JsonSchema", "Debug"];

/// The item with its derives; the item as it was, and the error, if it cannot be one.
pub(crate) fn expand(role: Role, arguments: &TokenStream, item: &TokenStream) -> TokenStream {
    if !arguments.is_empty() {
        let message = format!("`{}` takes nothing in parentheses", role.attribute());
        return refused(&Error::new_spanned(arguments, message), item);
    }
    let Ok(mut input) = syn::parse2::<DeriveInput>(item.clone()) else {
        let message = format!("`{}` goes above a struct or an enum", role.attribute());
        return refused(&Error::new(proc_macro2::Span::call_site(), message), item);
    };
    match derive(role, &mut input) {
        Ok(expanded) => expanded,
        Err(error) => {
            fields_mut(&mut input).for_each(|field| field.attrs.retain(|attribute| !is_secret_mark(attribute)));
            refused(&error, &input.into_token_stream())
        }
    }
}

fn refused(error: &Error, item: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #item)
}

fn derive(role: Role, input: &mut DeriveInput) -> Result<TokenStream> {
    check(role, input)?;
    let has_secrets = fields(input).any(is_secret);
    let debug = if has_secrets { secret::debug(input, is_secret) } else { TokenStream::new() };
    let derive_debug = (!has_secrets).then(|| quote!(#[derive(::core::fmt::Debug)]));
    let strict = (role != Role::Output && refuses_unknown_fields(input)).then(|| quote!(, deny_unknown_fields));
    for field in fields_mut(input) {
        for attribute in field.attrs.iter_mut().filter(|attribute| is_secret_mark(attribute)) {
            *attribute = parse_quote!(#[schemars(extend("writeOnly" = true))]);
        }
    }
    Ok(quote! {
        #[derive(
            ::plugin_api::serde::Serialize,
            ::plugin_api::serde::Deserialize,
            ::plugin_api::schemars::JsonSchema,
        )]
        #derive_debug
        #[serde(crate = "::plugin_api::serde" #strict)]
        #[schemars(crate = "::plugin_api::schemars")]
        #input
        #debug
    })
}

fn check(role: Role, input: &DeriveInput) -> Result<()> {
    let attribute = role.attribute();
    match &input.data {
        Data::Struct(data) if matches!(data.fields, Fields::Unit) => {
            let name = &input.ident;
            let message = format!("in JSON this would be null, not an object: write `struct {name} {{}}`");
            return Err(Error::new(name.span(), message));
        }
        Data::Union(data) => {
            let message = format!("`{attribute}` goes above a struct or an enum");
            return Err(Error::new(data.union_token.span, message));
        }
        Data::Struct(_) | Data::Enum(_) => {}
    }
    for path in derived(&input.attrs)? {
        let Some(name) = path.segments.last().map(|last| last.ident.to_string()) else { continue };
        if DERIVED.contains(&name.as_str()) {
            return Err(Error::new_spanned(path, format!("`{attribute}` derives `{name}` already: remove it here")));
        }
    }
    for field in fields(input) {
        if let Type::Reference(reference) = &field.ty {
            let message = format!("`{attribute}` is read from JSON, so it owns its data: `String` instead of `&str`");
            return Err(Error::new(reference.span(), message));
        }
        let secret = field.attrs.iter().find(|attribute| is_secret_mark(attribute));
        if let Some(secret) = secret {
            if role == Role::Output {
                let message = "who may see a task sees its result: leave the secret out of it";
                return Err(Error::new_spanned(secret, message));
            }
            secret
                .meta
                .require_path_only()
                .map_err(|_| Error::new_spanned(secret, "`#[secret]` stands alone, without a value"))?;
        }
    }
    Ok(())
}

/// What stands in the derives below the attribute.
fn derived(attributes: &[Attribute]) -> Result<Vec<Path>> {
    let mut paths = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        paths.extend(attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated)?);
    }
    Ok(paths)
}

/// Whether serde is to be told: it has something to refuse, was not told yet, and no field takes what is left over.
fn refuses_unknown_fields(input: &DeriveInput) -> bool {
    let has_names = fields(input).any(|field| field.ident.is_some())
        || matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
    has_names && !says(&input.attrs, "deny_unknown_fields") && !fields(input).any(|field| says(&field.attrs, "flatten"))
}

/// Whether an attribute of serde has this word. An attribute that cannot be read is left to serde to complain about.
fn says(attributes: &[Attribute], word: &str) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("serde")).any(|attribute| {
        let words = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        words.is_ok_and(|words| words.iter().any(|meta| meta.path().is_ident(word)))
    })
}

fn is_secret(field: &Field) -> bool {
    field.attrs.iter().any(is_secret_mark)
}

fn is_secret_mark(attribute: &Attribute) -> bool {
    attribute.path().is_ident("secret")
}

fn fields(input: &DeriveInput) -> impl Iterator<Item = &Field> {
    let all: Vec<&Fields> = match &input.data {
        Data::Struct(data) => vec![&data.fields],
        Data::Enum(data) => data.variants.iter().map(|variant| &variant.fields).collect(),
        Data::Union(_) => Vec::new(),
    };
    all.into_iter().flat_map(Fields::iter)
}

fn fields_mut(input: &mut DeriveInput) -> impl Iterator<Item = &mut Field> {
    let all: Vec<&mut Fields> = match &mut input.data {
        Data::Struct(data) => vec![&mut data.fields],
        Data::Enum(data) => data.variants.iter_mut().map(|variant| &mut variant.fields).collect(),
        Data::Union(_) => Vec::new(),
    };
    all.into_iter().flat_map(Fields::iter_mut)
}
