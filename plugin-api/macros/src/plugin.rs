//! `plugin!`: reads what it is given, sees that no two kinds share a name, and hands all to `plugin-api`'s own macro.
//!
//! Not here: the exported symbol (`plugin_api::export`). Start at [`expand`].

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{Error, Ident, LitStr, Result, Token, Type};

use crate::name;
use crate::suggest::did_you_mean;

const KEYS: [&str; 3] = ["name", "version", "config"];

/// `kinds; settings`.
struct Plugin {
    kinds: Punctuated<Type, Token![,]>,
    name: Option<LitStr>,
    version: Option<LitStr>,
    config: Option<Type>,
}

impl Parse for Plugin {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let mut plugin = Self { kinds: Punctuated::new(), name: None, version: None, config: None };
        while !input.is_empty() && !input.peek(Token![;]) {
            if input.peek(Ident) && (input.peek2(Token![=]) || input.peek2(Token![:]) && !input.peek2(Token![::])) {
                return Err(input.error("settings stand behind the kinds: `plugin!(resize, crush; name = \"image\")`"));
            }
            plugin.kinds.push_value(input.parse()?);
            if !input.is_empty() && !input.peek(Token![;]) {
                plugin.kinds.push_punct(input.parse()?);
            }
        }
        if plugin.kinds.is_empty() {
            return Err(Error::new(Span::call_site(), "a plugin has at least one kind: `plugin!(resize)`"));
        }
        if input.parse::<Option<Token![;]>>()?.is_some() {
            plugin.parse_settings(input)?;
        }
        Ok(plugin)
    }
}

impl Plugin {
    fn parse_settings(&mut self, input: ParseStream<'_>) -> Result<()> {
        while !input.is_empty() {
            let key: Ident = input.parse()?;
            let word = key.to_string();
            if !KEYS.contains(&word.as_str()) {
                let hint = did_you_mean(&word, KEYS);
                let message = format!("`plugin!` knows `name`, `version` and `config`, not `{word}`{hint}");
                return Err(Error::new(key.span(), message));
            }
            input.parse::<Token![=]>()?;
            let is_new = match word.as_str() {
                "name" => self.name.replace(plugin_name(input)?).is_none(),
                "version" => self.version.replace(input.parse()?).is_none(),
                _ => self.config.replace(input.parse()?).is_none(),
            };
            if !is_new {
                return Err(Error::new(key.span(), format!("`{word}` stands here twice")));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }
}

fn plugin_name(input: ParseStream<'_>) -> Result<LitStr> {
    let text: LitStr = input.parse()?;
    match name::fault(&text.value()) {
        Some(fault) => Err(Error::new(text.span(), format!("`{}` is not a name for a plugin: {fault}", text.value()))),
        None => Ok(text),
    }
}

pub(crate) fn expand(input: TokenStream) -> Result<TokenStream> {
    let Plugin { kinds, name, version, config } = syn::parse2(input)?;
    let kinds: Vec<Type> = kinds.into_iter().collect();
    let distinct = kinds.iter().enumerate().skip(1).map(|(index, kind)| {
        let before = &kinds[..index];
        quote_spanned! {kind.span()=>
            const _: () = ::core::assert!(
                ::plugin_api::export::is_new(
                    ::plugin_api::export::name_of::<#kind, _>(),
                    &[#(::plugin_api::export::name_of::<#before, _>()),*],
                ),
                "this kind has the name of one before it: give each `#[task(name = …)]` a name of its own",
            );
        }
    });
    let name = name.into_iter();
    let version = version.into_iter();
    let config = config.into_iter();
    Ok(quote! {
        #(#distinct)*
        ::plugin_api::__plugin! { [#(#kinds),*] [#(#name)*] [#(#version)*] [#(#config)*] }
    })
}
