//! What RustHDL's own derives leave out: a record made from bits, and a walk over a block's ports.
//!
//! Both are for test benches and for the emitter; no kernel knows of them. The generated code names
//! `crate::pins` in the RTL's own crates, which are one a configuration, and `ironwarp_hdl::pins`
//! in others.
#![forbid(unsafe_code)]

use proc_macro::TokenStream;
use proc_macro2::TokenStream as Tokens;
use quote::{quote, ToTokens};
use syn::{
    parse_macro_input, parse_quote, Data, DeriveInput, Error, Fields, Visibility, WherePredicate,
};

/// `Pin` for a `LogicStruct`, field after field from bit 0, or for a `LogicState`, variant by
/// number.
#[proc_macro_derive(Pin)]
pub fn pin(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand(&input, pin_of(&input))
}

/// `Ports` for a `LogicBlock`: its public fields are its ports, under their names.
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
    let Data::Struct(syn::DataStruct { fields: Fields::Named(fields), .. }) = &input.data else {
        return Err(Error::new_spanned(name, "a block is a struct with named fields"));
    };
    let public = fields.named.iter().filter(|it| matches!(it.vis, Visibility::Public(_)));
    let (idents, types): (Vec<_>, Vec<_>) = public.map(|it| (&it.ident, &it.ty)).unzip();
    let texts: Vec<_> = idents.iter().map(|it| it.to_token_stream().to_string()).collect();
    let mut generics = input.generics.clone();
    if !generics.params.is_empty() {
        // A port whose type is a parameter's has pins if the parameter is one that has.
        let clause = generics.make_where_clause();
        clause
            .predicates
            .extend(types.iter().map(|it| -> WherePredicate { parse_quote!(#it: #pins::Pins) }));
    }
    let (generics, arguments, bounds) = generics.split_for_impl();
    Ok(quote! {
        impl #generics #pins::Ports for #name #arguments #bounds {
            fn ports(&mut self, visitor: &mut dyn #pins::PinVisitor) {
                #(#pins::Pins::pins(&mut self.#idents, #texts, visitor);)*
            }
        }
    })
}
