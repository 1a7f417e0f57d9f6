//! `#[task]`: the function stays, and beside it comes a type of the same name that implements `Task` or `BlockingTask`.
//!
//! A function lives among the values and a type with braces among the types, so both can have the one name: `plugin!(resize)`
//! takes the type, a unit test calls the function.
//!
//! Not here: the keys in the parentheses (`settings`). Start at [`expand`].

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Error, Expr, ExprLit, FnArg, GenericArgument, Lit, LitStr, Meta, PathArguments, Result, ReturnType,
    Safety, Signature, Type, Visibility,
};

use crate::settings::Settings;

/// A function whose body is left as it is: a body that does not parse yet is the compiler's to complain about.
struct Function {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: TokenStream,
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        Ok(Self {
            attributes: input.call(Attribute::parse_outer)?,
            visibility: input.parse()?,
            signature: input.parse()?,
            body: input.parse()?,
        })
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.attributes.iter().for_each(|attribute| attribute.to_tokens(tokens));
        self.visibility.to_tokens(tokens);
        self.signature.to_tokens(tokens);
        self.body.to_tokens(tokens);
    }
}

/// What the function takes.
#[derive(Default)]
struct Takes {
    params: Option<Type>,
    context: Option<Type>,
}

/// The function, the type, and every error that can be told at once.
pub(crate) fn expand(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let Ok(function) = syn::parse2::<Function>(item.clone()) else {
        let error = Error::new(Span::call_site(), "`#[task]` goes above a function");
        let error = error.into_compile_error();
        return quote!(#error #item);
    };
    let settings = Settings::parse(arguments);
    let kind = declaration(&function);
    let (implementation, fault) = match implementation(&function, &settings) {
        Ok(implementation) => (implementation, None),
        Err(error) => (stand_in(&function, &settings), Some(error)),
    };
    let errors = settings.errors.iter().chain(&fault).map(Error::to_compile_error);
    quote! {
        #(#errors)*
        #[allow(
            clippy::missing_errors_doc,
            clippy::needless_pass_by_value,
            clippy::unnecessary_wraps,
            clippy::unused_async,
            reason = "a task has the shape of a task"
        )]
        #function
        #kind
        #implementation
    }
}

/// The type that stands for the kind.
fn declaration(function: &Function) -> TokenStream {
    let Function { attributes, visibility, signature, .. } = function;
    let name = &signature.ident;
    let conditions = conditions(attributes);
    let about = format!("The kind that [`{name}`](fn@{name}) is, for `plugin!` and for tests.");
    quote! {
        #(#conditions)*
        #[doc = #about]
        #[derive(::core::fmt::Debug)]
        #[allow(non_camel_case_types, reason = "the kind has the name of its function")]
        #visibility struct #name {}
    }
}

fn implementation(function: &Function, settings: &Settings) -> Result<TokenStream> {
    let signature = &function.signature;
    check(signature, settings)?;
    let takes = takes(signature, settings.blocking.is_some())?;
    let result = result(signature)?;
    let name = &signature.ident;
    let params = takes.params.as_ref().map_or_else(|| quote!(::plugin_api::NoParams), ToTokens::to_token_stream);
    // At the place of the function's own types, so that what does not fit is shown there.
    let params = quote_spanned!(takes.params.span()=> type Params = #params;);
    let output = quote_spanned!(result.span()=> type Output = #result;);
    let given = [takes.params.as_ref().map(|_| quote!(params)), takes.context.as_ref().map(|_| quote!(cx))];
    let given = given.iter().flatten();
    let call = quote!(#name(#(#given),*));
    let (title, description) = words(settings, &function.attributes);
    let (kind, defaults) = (kind_name(function, settings), &settings.defaults);
    let conditions = conditions(&function.attributes);
    let (task, run) = if settings.blocking.is_some() {
        let run = quote! {
            fn run(params: Self::Params, cx: ::plugin_api::BlockingContext) -> ::plugin_api::TaskResult<Self::Output> {
                #call
            }
        };
        (quote!(BlockingTask), run)
    } else {
        let run = quote_spanned! {name.span()=>
            fn run(
                params: Self::Params,
                cx: ::plugin_api::Context,
            ) -> impl ::core::future::Future<Output = ::plugin_api::TaskResult<Self::Output>> + ::core::marker::Send {
                #call
            }
        };
        (quote!(Task), run)
    };
    Ok(quote! {
        #(#conditions)*
        #[allow(unused_variables, reason = "a task need not take its params and its context")]
        impl ::plugin_api::#task for #name {
            const NAME: &'static str = #kind;
            const TITLE: &'static str = #title;
            const DESCRIPTION: &'static str = #description;
            const DEFAULTS: ::plugin_api::Defaults = ::plugin_api::Defaults::new() #defaults;
            #params
            #output
            #run
        }
    })
}

/// An empty kind in the place of one that cannot be: `plugin!` has nothing to add to what is wrong.
fn stand_in(function: &Function, settings: &Settings) -> TokenStream {
    let (name, kind) = (&function.signature.ident, kind_name(function, settings));
    let conditions = conditions(&function.attributes);
    quote! {
        #(#conditions)*
        impl ::plugin_api::Task for #name {
            const NAME: &'static str = #kind;
            type Params = ::plugin_api::NoParams;
            type Output = ();
            async fn run(_: ::plugin_api::NoParams, _: ::plugin_api::Context) -> ::plugin_api::TaskResult<()> {
                ::core::result::Result::Ok(())
            }
        }
    }
}

/// The name of the kind; where it is missing, beside its error, one that no other has.
fn kind_name(function: &Function, settings: &Settings) -> String {
    settings.name.as_ref().map_or_else(|| function.signature.ident.to_string(), LitStr::value)
}

/// What no task can be.
fn check(signature: &Signature, settings: &Settings) -> Result<()> {
    let at = |tokens: &dyn ToTokens, message: &str| Err(Error::new_spanned(tokens.to_token_stream(), message));
    match (&signature.asyncness, settings.blocking) {
        (Some(_), Some(blocking)) => {
            let message = "an `async fn` does not block: remove `blocking`, or remove `async`";
            return Err(Error::new(blocking, message));
        }
        (None, None) => {
            let message = "a plain `fn` blocks a thread: write `async fn`, or `#[task(…, blocking)]`";
            return Err(Error::new(signature.fn_token.span, message));
        }
        _ => {}
    }
    if !signature.generics.params.is_empty() {
        return at(&signature.generics, "a task has no type parameters: it is one kind, with params of one type");
    }
    match (&signature.safety, &signature.abi) {
        (Safety::Default, None) => Ok(()),
        (_, Some(abi)) => at(abi, "a task is a plain Rust function; `plugin!` exports it"),
        (safety, _) => at(safety, "a task is called by safe code: put what needs care inside of it"),
    }
}

fn takes(signature: &Signature, blocking: bool) -> Result<Takes> {
    const SHAPE: &str = "a task takes its params, its context, or both in this order: `(params: Resize, cx: ";
    let context = if blocking { "BlockingContext" } else { "Context" };
    let mut takes = Takes::default();
    for input in &signature.inputs {
        let argument = match input {
            FnArg::Receiver(receiver) => {
                return Err(Error::new_spanned(receiver, "a task is a function of its own, outside of any `impl`"));
            }
            FnArg::Typed(argument) => argument,
        };
        let kind = &*argument.ty;
        if let Type::Reference(reference) = kind {
            let inner = &reference.elem;
            let message = format!("a task owns what it is given: write `{}` without the `&`", inner.to_token_stream());
            return Err(Error::new_spanned(reference, message));
        }
        match last_name(kind).as_deref() {
            Some(name @ ("Context" | "BlockingContext")) if name != context => {
                let what = if blocking { "a blocking" } else { "an async" };
                return Err(Error::new_spanned(
                    kind,
                    format!("{what} task is given a `{context}`: write `cx: {context}`"),
                ));
            }
            Some(name) if name == context && takes.context.is_none() => takes.context = Some(kind.clone()),
            _ if takes.params.is_none() && takes.context.is_none() => takes.params = Some(kind.clone()),
            _ => return Err(Error::new_spanned(input, format!("{SHAPE}{context})`"))),
        }
    }
    Ok(takes)
}

/// The `T` of `TaskResult<T>` or `Result<T, TaskError>`: as written, so that complaints about it point there.
fn result(signature: &Signature) -> Result<&Type> {
    let returned = match &signature.output {
        ReturnType::Type(_, returned) => &**returned,
        ReturnType::Default => {
            let message = "a task returns a `TaskResult`: write `-> TaskResult<()>`, and `Ok(())` at the end";
            return Err(Error::new(signature.ident.span(), message));
        }
    };
    let last = match returned {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    if let Some(last) = last
        && let PathArguments::AngleBracketed(arguments) = &last.arguments
    {
        let types: Vec<&Type> = arguments.args.iter().filter_map(of_type).collect();
        match (last.ident.to_string().as_str(), &types[..]) {
            ("TaskResult", [result]) => return Ok(result),
            ("Result", [result, error]) if last_name(error).as_deref() == Some("TaskError") => return Ok(result),
            _ => {}
        }
    }
    let message = "a task returns a `TaskResult`: write `TaskResult<…>` here; its `?` takes any error";
    Err(Error::new_spanned(returned, message))
}

fn of_type(argument: &GenericArgument) -> Option<&Type> {
    match argument {
        GenericArgument::Type(of) => Some(of),
        _ => None,
    }
}

fn last_name(of: &Type) -> Option<String> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
        _ => None,
    }
}

/// `cfg`s, which hold for all that stands for the function.
fn conditions(attributes: &[Attribute]) -> impl Iterator<Item = &Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
}

/// Title and description. The doc comment's first paragraph is the title, unless there is one; the rest describes.
fn words(settings: &Settings, attributes: &[Attribute]) -> (String, String) {
    let doc = doc(attributes);
    if let Some(title) = &settings.title {
        return (title.value(), doc);
    }
    let (first, rest) = doc.split_once("\n\n").unwrap_or((&doc, ""));
    let title = first.replace('\n', " ");
    let description = if rest.trim().is_empty() { first } else { rest.trim() };
    (title.strip_suffix('.').unwrap_or(&title).to_owned(), description.to_owned())
}

fn doc(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    });
    let lines: Vec<String> = lines.map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}
