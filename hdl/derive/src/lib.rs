//! What RustHDL's own derives leave out: a record made from bits, and a walk over a block's ports.
//!
//! Both are for test benches and for the emitter; no kernel knows of them. The generated code names
//! `crate::pins` or `ironwarp_hdl::pins`: the first in the crate whose path is the second.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{quote, ToTokens};
use syn::{parse_macro_input, Data, DeriveInput, Error, Expr, Fields, Lit, Meta, Visibility};

/// `Pin` for a `LogicStruct`, field after field from bit 0, or for a `LogicState`, variant by
/// number.
#[proc_macro_derive(Pin)]
pub fn pin(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, pin_of(&input))
}

/// `Ports` for a `LogicBlock`: its public fields are its ports, under their names and with what
/// their documentation says.
#[proc_macro_derive(Ports)]
pub fn ports(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, ports_of(&input))
}

fn expand(input: &DeriveInput, items: Result<Tokens, Error>) -> TokenStream {
    let name = &input.ident;
    items.unwrap_or_else(|error| Error::new_spanned(name, error).to_compile_error()).into()
}

/// Where `pins` is: the crate of the RTL goes by three names, one a configuration.
fn pins() -> Tokens {
    match std::env::var("CARGO_PKG_NAME") {
        Ok(name) if name.starts_with("ironwarp-hdl") => quote!(crate::pins),
        _ => quote!(ironwarp_hdl::pins),
    }
}

fn pin_of(input: &DeriveInput) -> Result<Tokens, Error> {
    let (name, pins) = (&input.ident, pins());
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let value = match &input.data {
        Data::Struct(data) => {
            let names: Vec<_> = data.fields.iter().map(|field| &field.ident).collect();
            let types: Vec<_> = data.fields.iter().map(|field| &field.ty).collect();
            let before = (0..types.len()).map(|n| {
                let earlier = &types[..n];
                quote!(offset #(+ <#earlier as rust_hdl::prelude::Synth>::BITS)*)
            });
            quote!(Self { #(#names: <#types as #pins::Pin>::from_bits(words, #before)),* })
        }
        Data::Enum(data) => {
            let variants = data.variants.iter().map(|variant| &variant.ident);
            quote! {
                let bits = <Self as rust_hdl::prelude::Synth>::BITS;
                let number = #pins::number(words, offset, bits);
                [#(Self::#variants),*].get(number).copied().unwrap_or_default()
            }
        }
        Data::Union(_) => return Err(Error::new_spanned(name, "a record is a struct or an enum")),
    };
    Ok(quote! {
        impl #generics #pins::Pin for #name #arguments #bounds {
            fn from_bits(words: &[u32], offset: usize) -> Self {
                #value
            }
        }
    })
}

fn ports_of(input: &DeriveInput) -> Result<Tokens, Error> {
    let (name, pins) = (&input.ident, pins());
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let Data::Struct(syn::DataStruct { fields: Fields::Named(fields), .. }) = &input.data else {
        return Err(Error::new_spanned(name, "a block is a struct with named fields"));
    };
    let ports: Vec<_> = fields
        .named
        .iter()
        .filter(|field| matches!(field.vis, Visibility::Public(_)))
        .filter_map(|field| Some((field.ident.as_ref()?, about(field))))
        .collect();
    let (idents, abouts): (Vec<_>, Vec<_>) = ports.into_iter().unzip();
    let texts: Vec<_> = idents.iter().map(|ident| ident.to_string()).collect();
    let summary = text_of(&input.attrs);
    Ok(quote! {
        impl #generics #pins::Ports for #name #arguments #bounds {
            fn ports(&mut self, visitor: &mut dyn #pins::PinVisitor) {
                #(#pins::Pins::pins(&mut self.#idents, #texts, visitor);)*
            }
            fn about() -> (&'static str, &'static [(&'static str, &'static str)]) {
                (#summary, &[#((#texts, #abouts)),*])
            }
        }
    })
}

fn about(field: &syn::Field) -> String {
    text_of(&field.attrs)
}

/// The lines of a documentation comment.
fn text_of(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                other => Some(other.to_token_stream().to_string()),
            },
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}
