//! JSON as somebody sent it: a key that stands twice is refused, since nobody can say which of the two was meant.
//!
//! Start at [`read`].

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The document, read in one go.
/// # Errors
/// What is wrong with it, with line and column; also more than 128 levels.
pub(super) fn read(text: &[u8]) -> serde_json::Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = deserializer.deserialize_any(Once)?;
    deserializer.end()?;
    Ok(value)
}

/// Reads a value whose objects have every key once.
struct Once;

impl<'de> DeserializeSeed<'de> for Once {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Once {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` stands here twice")));
            }
            object.insert(key, entries.next_value_seed(Self)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn it_is_read_as_the_library_reads_it() {
        for text in
            [r#" {"a":[1,-2,1.5,"x",null,true,{}],"b":{"a":18446744073709551615}} "#, "1e3", "\"\\u00e4\"", "[]"]
        {
            let expected: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(read(text.as_bytes()).unwrap(), expected, "{text}");
        }
        for text in ["", "{}x", "{\"a\":}", "1e999", "\u{feff}{}"] {
            let expected = serde_json::from_str::<serde_json::Value>(text).unwrap_err();
            assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), expected.to_string(), "{text}");
        }
        assert!(read("[".repeat(200).as_bytes()).unwrap_err().to_string().starts_with("recursion limit"));
    }

    #[test]
    fn a_key_that_stands_twice_is_refused_at_its_place() {
        let error = read(br#"{"a":1,"b":[{"c":1,"c":1}]}"#).unwrap_err();
        assert_eq!(error.to_string(), "the key `c` stands here twice at line 1 column 22");
        assert!(read(br#"{"a":1,"\u0061":2}"#).is_err(), "however it is written");
    }
}
