//! What JSON Schema calls an integer and a plugin does not.
//!
//! `1.0` and `1e3` are integers to a schema, but not to a plugin that reads one; and `uint8` is a note to a schema that says
//! nothing of 300. Such params would be accepted and then kill their task, so they are refused with the others.
//! Start at [`marked`].

use jsonschema::{Keyword, ValidationError, ValidationOptions};
use serde_json::{Map, Number, Value};

/// The keyword that [`marked`] adds; its value is the format.
const MARK: &str = "x-taskhost-integer";

/// Keywords below which stand values, not schemas.
const VALUES: [&str; 4] = ["const", "enum", "default", "examples"];

/// The schema with a mark at each integer.
pub(super) fn marked(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => {
            let inner = |(key, value): (&String, &Value)| {
                let value = if VALUES.contains(&key.as_str()) { value.clone() } else { marked(value) };
                (key.clone(), value)
            };
            let mut object: Map<String, Value> = object.iter().map(inner).collect();
            if is_integer(&object) {
                let format = object.get("format").cloned().unwrap_or(Value::Null);
                object.insert(MARK.to_owned(), format);
            }
            Value::Object(object)
        }
        Value::Array(list) => Value::Array(list.iter().map(marked).collect()),
        other => other.clone(),
    }
}

/// Whether a number that fits has to be an integer.
fn is_integer(schema: &Map<String, Value>) -> bool {
    match schema.get("type") {
        Some(Value::String(one)) => one == "integer",
        Some(Value::Array(types)) => types.contains(&"integer".into()) && !types.contains(&"number".into()),
        _ => false,
    }
}

/// Lets the mark mean something.
pub(super) fn with_marks(options: ValidationOptions<'_>) -> ValidationOptions<'_> {
    options.with_keyword(MARK, |_schema, format, _place| {
        let range = format.as_str().and_then(Range::of);
        Ok(Box::new(Integer { range }) as Box<dyn for<'i> Keyword<'i>>)
    })
}

/// What a Rust integer holds, for its format.
#[derive(Debug, Clone, Copy)]
struct Range {
    format: &'static str,
    least: i128,
    most: i128,
}

impl Range {
    fn of(format: &str) -> Option<Self> {
        macro_rules! one {
            ($name:literal, $type:ty) => {
                Self { format: $name, least: i128::from(<$type>::MIN), most: i128::from(<$type>::MAX) }
            };
        }
        let all = [
            one!("uint8", u8),
            one!("uint16", u16),
            one!("uint32", u32),
            one!("uint64", u64),
            one!("uint", u64),
            one!("int8", i8),
            one!("int16", i16),
            one!("int32", i32),
            one!("int64", i64),
            one!("int", i64),
        ];
        all.into_iter().find(|range| range.format == format)
    }
}

/// The check at a mark.
struct Integer {
    range: Option<Range>,
}

impl Integer {
    /// What is wrong with a number; says nothing of its value, which may be a secret.
    fn fault(&self, number: &Number) -> Option<String> {
        let Some(whole) = number.as_i128() else {
            return Some("expected an integer, written without a point and without an exponent".to_owned());
        };
        let Range { least, most, .. } = self.range.filter(|range| !(range.least..=range.most).contains(&whole))?;
        Some(format!("expected an integer from {least} to {most}"))
    }
}

impl<'i> Keyword<'i> for Integer {
    fn validate(&self, instance: &'i Value) -> Result<(), ValidationError<'i>> {
        match instance.as_number().and_then(|number| self.fault(number)) {
            Some(fault) => Err(ValidationError::custom(fault)),
            None => Ok(()),
        }
    }

    fn is_valid(&self, instance: &'i Value) -> bool {
        instance.as_number().is_none_or(|number| self.fault(number).is_none())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::plugins::Kind;

    /// What is said of `value` as a param of this schema.
    #[track_caller]
    fn check(schema: &serde_json::Value, value: &str, expected: &str) {
        let kind = Kind::fake_with_schema("a.b", &json!({ "properties": { "n": schema } }));
        let params = serde_json::from_str(&format!("{{\"n\":{value}}}")).unwrap();
        let said: Vec<_> =
            kind.check_params(&params).into_iter().map(|e| format!("{}: {}", e.pointer, e.message)).collect();
        assert_eq!(said.join("; "), expected, "{value}");
    }

    #[test]
    fn an_integer_is_one_that_a_plugin_can_read() {
        let integer = json!({ "type": "integer", "format": "uint8", "minimum": 0 });
        check(&integer, "255", "");
        let written = "/n: expected an integer, written without a point and without an exponent";
        check(&integer, "1.0", written);
        check(&integer, "1e2", written);
        check(&integer, "256", "/n: expected an integer from 0 to 255");
        check(
            &json!({ "type": "integer", "format": "int64" }),
            "9223372036854775808",
            "/n: expected an integer from -9223372036854775808 to 9223372036854775807",
        );
        check(&json!({ "type": ["integer", "null"], "format": "uint32" }), "null", "");
        check(&json!({ "type": ["integer", "null"] }), "2.0", written);
    }

    #[test]
    fn other_numbers_and_values_are_left_alone() {
        check(&json!({ "type": "number", "format": "double" }), "1.0", "");
        check(&json!({ "type": ["integer", "number"] }), "1.0", "");
        check(&json!({ "const": { "type": "integer" } }), "{\"type\":\"integer\"}", "");
        check(&json!({ "properties": { "type": { "type": "string" } } }), "{\"type\":\"integer\"}", "");
    }
}
