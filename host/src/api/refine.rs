//! What the macros at the handlers cannot say of the API's document.
//!
//! Start at [`refine`].

use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{AdditionalProperties, SchemaType, Type};
use utoipa::openapi::{Content, OpenApi, RefOr, Schema};

/// Makes the document say more than it was told.
pub(super) fn refine(document: &mut OpenApi) {
    let mut bodies = Vec::new();
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        operation.parameters.iter_mut().flatten().for_each(|parameter| {
            if let RefOr::T(parameter) = parameter {
                never_null(parameter);
            }
        });
        if let Some(RefOr::T(body)) = &operation.request_body {
            bodies.extend(body.content.values().filter_map(name));
        }
    }
    let Some(components) = &mut document.components else { return };
    for body in bodies {
        if let Some(RefOr::T(Schema::Object(object))) = components.schemas.get_mut(&body) {
            // An unknown key is refused.
            object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let all = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
    all.into_iter().flatten()
}

/// The name of the shape of a body, if it stands among the components.
fn name(content: &RefOr<Content>) -> Option<String> {
    match content {
        RefOr::T(Content { schema: Some(RefOr::Ref(named)), .. }) => {
            named.ref_location.rsplit('/').next().map(str::to_owned)
        }
        RefOr::T(_) | RefOr::Ref(_) => None,
    }
}

/// A header may be missing, but none is `null`.
fn never_null(parameter: &mut Parameter) {
    if parameter.parameter_in != ParameterIn::Header {
        return;
    }
    match &mut parameter.schema {
        Some(RefOr::T(Schema::Object(object))) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|one| *one != Type::Null);
            }
        }
        Some(RefOr::T(Schema::OneOf(one_of))) => {
            if let Some(other) = one_of.items.iter().find(|item| matches!(item, RefOr::Ref(_))) {
                parameter.schema = Some(other.clone());
            }
        }
        Some(RefOr::T(_) | RefOr::Ref(_)) | None => {}
    }
}
