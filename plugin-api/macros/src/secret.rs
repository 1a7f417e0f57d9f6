//! The `Debug` of a type with secrets: as the derived one, with `[hidden]` in their place.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Data, DeriveInput, Field, Fields, Ident};

/// The implementation, for a type whose secret fields `is_secret` knows.
pub(crate) fn debug(input: &DeriveInput, is_secret: impl Fn(&Field) -> bool) -> TokenStream {
    let name = &input.ident;
    let arms: Vec<TokenStream> = match &input.data {
        Data::Struct(data) => vec![arm(&quote!(Self), name, &data.fields, &is_secret)],
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| (&variant.ident, &variant.fields));
            variants.map(|(variant, fields)| arm(&quote!(Self::#variant), variant, fields, &is_secret)).collect()
        }
        Data::Union(_) => Vec::new(),
    };
    let (generics, arguments, wheres) = input.generics.split_for_impl();
    quote! {
        impl #generics ::core::fmt::Debug for #name #arguments #wheres {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                match self { #(#arms)* }
            }
        }
    }
}

fn arm(path: &TokenStream, name: &Ident, fields: &Fields, is_secret: &impl Fn(&Field) -> bool) -> TokenStream {
    let name = name.to_string();
    // Names of their own: a field may be called as the formatter is.
    let bound = (0..fields.len()).map(|index| format_ident!("field_{index}"));
    let (mut patterns, mut calls) = (Vec::new(), Vec::new());
    for (field, bound) in fields.iter().zip(bound) {
        let pattern = if is_secret(field) { quote!(_) } else { quote!(#bound) };
        let value = if is_secret(field) { quote!(&::core::format_args!("[hidden]")) } else { quote!(#bound) };
        if let Some(ident) = &field.ident {
            let shown = ident.to_string();
            let shown = shown.trim_start_matches("r#");
            patterns.push(quote!(#ident: #pattern));
            calls.push(quote!(.field(#shown, #value)));
        } else {
            patterns.push(pattern);
            calls.push(quote!(.field(#value)));
        }
    }
    match fields {
        Fields::Named(_) => quote!(#path { #(#patterns),* } => f.debug_struct(#name) #(#calls)* .finish(),),
        Fields::Unnamed(_) => quote!(#path(#(#patterns),*) => f.debug_tuple(#name) #(#calls)* .finish(),),
        Fields::Unit => quote!(#path => f.write_str(#name),),
    }
}
