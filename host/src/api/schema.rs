//! The shapes of core's words in the API's document. Core itself knows nothing of OpenAPI.
//!
//! A field of a document says `#[schema(value_type = …)]` with one of these.

use std::borrow::Cow;

use taskhost_core::ids::NAME_MAX;
use taskhost_core::log::{LINES_KEPT, LogLevel};
use taskhost_core::priority::Priority;
use taskhost_core::query::{PageLimit, SearchText};
use taskhost_core::task::Status;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

macro_rules! words {
    ($($(#[$doc:meta])+ $name:ident = $shape:expr;)+) => {$(
        $(#[$doc])+
        #[derive(Debug)]
        pub(super) struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                RefOr::T(Schema::Object($shape.build()))
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                stringify!($name).into()
            }
        }
    )+};
}

words! {
    /// A task's id.
    Id = text("A UUIDv7; ids sort by the time of their creation and are never reused.", "01939f2c-5f1e-7c3a-9d51-6a0d1f6b2c11")
        .format(Some(SchemaFormat::Custom("uuid".to_owned())))
        .pattern(Some("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"));
    /// An instant.
    Time = text("RFC 3339; answers are in UTC with six fraction digits, so text order is time order.", "2026-12-24T18:00:00.000000Z")
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)));
    /// A duration.
    Duration = text("Whole numbers with units, the larger unit first: `d`, `h`, `m`, `s`, `ms`.", "1h30m")
        .pattern(Some("^([0-9]{1,6}d)?([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?$"))
        .min_length(Some(2));
    /// How long an answer may be held.
    Wait = text("At most `1m`: a whole number of seconds, or of milliseconds.", "30s")
        .pattern(Some("^(1m|([0-5]?[0-9]|60)s|[1-5]?[0-9]{1,4}ms)$"));
    /// The version of a job, for `If-Match`.
    Version = text("The `ETag` that it was seen with, or `*`.", "\"1\"").pattern(Some("^(\\*|\"[0-9]{1,19}\")$"));
    /// The name of a kind, a queue or a job.
    Name = text("Letters, digits, `-`, `_` and `.`; begins with a letter or a digit.", "files.checksum")
        .pattern(Some("^[A-Za-z0-9][A-Za-z0-9._-]*$"))
        .max_length(Some(NAME_MAX));
    /// What tells one call from another.
    IdempotencyKey = text("1 to 255 visible ASCII characters, in quotes or without.", "8e03978e-40d5-43dd-bc93-6894a57f9324")
        .pattern(Some("^[!-~]{1,255}$"));
    /// Where a task stands.
    TaskStatus = text("Where the task stands.", "running").enum_values(Some(Status::ALL.map(Status::as_str)));
    /// A text to look for.
    Search = text("In the params, as they were written, capitals count, or in the id. Params with secrets are not searched.", "ann@example.org")
        .min_length(Some(1))
        .max_length(Some(SearchText::MAX));
    /// How many tasks a page has.
    PageSize = ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer))
        .minimum(Some(1))
        .maximum(Some(PageLimit::MAX))
        .default(Some(PageLimit::DEFAULT.into()));
    /// Where the next page begins.
    Cursor = text("`next_cursor` of the page before; its text means nothing.", "00000000000004d2")
        .pattern(Some("^[0-9a-f]{16}$"));
    /// A word to find tasks by.
    Tag = text("Any text that is not empty.", "monthly").min_length(Some(1));
    /// The level inside a queue.
    PriorityLevel = text("Which of two ready tasks of a queue starts first.", "normal")
        .enum_values(Some(Priority::ALL.map(Priority::as_str)));
    /// How much a line of a log matters.
    Level = text("How much the line matters.", "info").enum_values(Some(LogLevel::ALL.map(LogLevel::as_str)));
    /// How many lines of a log.
    LineCount = ObjectBuilder::new().schema_type(SchemaType::new(Type::Integer))
        .minimum(Some(1))
        .maximum(Some(LINES_KEPT))
        .default(Some(LINES_KEPT.into()));
    /// JSON of any shape.
    AnyJson = ObjectBuilder::new().schema_type(SchemaType::AnyValue);
}

/// What `Idempotency-Key` does.
pub(super) const KEY: &str = "Sent again with the same key and body, the call is answered as the first time and makes \
    nothing new. Another call under the key is 422, one that comes while the first is under way 409. Calls that were refused \
    are not kept. A key is kept for 24 h.";

fn text(description: &str, example: &str) -> ObjectBuilder {
    let object = ObjectBuilder::new().schema_type(SchemaType::new(Type::String));
    object.description(Some(description)).examples([example])
}
