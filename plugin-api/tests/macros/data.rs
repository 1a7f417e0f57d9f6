//! `#[params]`, `#[output]` and `#[config]`.

use plugin_api::prelude::*;
use plugin_api::serde_json::{Map, Value, from_value, json, to_value};
use plugin_api::{TaskOutput, TaskParams};

/// Send
/// a mail.
#[params]
#[derive(Clone, PartialEq)]
struct Mail {
    /// To whom. More than one address
    /// may stand here.
    to: Vec<String>,
    /// how often
    #[serde(default = "once")]
    #[schemars(range(max = 3))]
    times: u32,
    /// the key
    ///
    /// of the server
    #[secret]
    key: Option<String>,
    #[serde(rename = "as")]
    format: Option<Format>,
}

fn once() -> u32 {
    1
}

#[params]
#[derive(Clone, PartialEq)]
#[serde(rename_all = "lowercase", tag = "type")]
enum Format {
    /// as it is
    Plain,
    Html {
        #[secret]
        signature: String,
    },
}

#[params]
struct Any {
    known: Option<u32>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[params]
struct Pair(u32, #[secret] String);

#[output]
struct Sent {
    id: u64,
}

#[config]
struct Settings {
    #[serde(default)]
    folder: PathBuf,
}

#[test]
fn a_schema_says_plainly_what_an_author_wrote() {
    let mut schema = to_value(Mail::params_schema()).unwrap();
    let format = schema.as_object_mut().unwrap().remove("$defs");
    assert_eq!(
        schema,
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Mail",
            "description": "Send a mail.",
            "type": "object",
            "properties": {
                "to": {
                    "description": "To whom. More than one address may stand here.",
                    "type": "array",
                    "items": {"type": "string"},
                },
                "times": {
                    "description": "how often",
                    "type": "integer",
                    "format": "uint32",
                    "minimum": 0,
                    "maximum": 3,
                    "default": 1,
                },
                "key": {"description": "the key\n\nof the server", "type": ["string", "null"], "writeOnly": true},
                "as": {"anyOf": [{"$ref": "#/$defs/Format"}, {"type": "null"}]},
            },
            "additionalProperties": false,
            "required": ["to"],
        })
    );
    let html = &format.unwrap()["Format"]["oneOf"][1];
    assert_eq!(html["properties"]["signature"], json!({"type": "string", "writeOnly": true}));
    assert_eq!(html["additionalProperties"], false);
}

#[test]
fn params_are_read_and_written_as_serde_is_told() {
    let json = json!({"to": ["a"], "times": 1, "key": null, "as": {"type": "html", "signature": "s"}});
    let mail: Mail = from_value(json!({"to": ["a"], "as": {"type": "html", "signature": "s"}})).unwrap();
    assert_eq!(to_value(&mail).unwrap(), json);
    assert_eq!(from_value::<Mail>(json).unwrap(), mail.clone());
}

#[test]
fn unknown_fields_are_refused_where_nothing_takes_them() {
    assert!(from_value::<Mail>(json!({"to": [], "cc": []})).is_err());
    assert!(from_value::<Format>(json!({"type": "html", "signature": "", "font": ""})).is_err());
    assert!(from_value::<Settings>(json!({"folders": "a"})).is_err());
    let any: Any = from_value(json!({"known": 1, "more": 2})).unwrap();
    assert_eq!((any.known, any.others.len()), (Some(1), 1));
    assert_eq!(from_value::<Sent>(json!({"id": 1, "newer": 2})).unwrap().id, 1);
}

#[test]
fn debug_hides_secrets() {
    let format = Some(Format::Html { signature: "sesame".to_owned() });
    let mail = Mail { to: vec!["a".to_owned()], times: 1, key: Some("sesame".to_owned()), format };
    let text = r#"Mail { to: ["a"], times: 1, key: [hidden], format: Some(Html { signature: [hidden] }) }"#;
    assert_eq!(format!("{mail:?}"), text);
    assert_eq!(format!("{:?}", Format::Plain), "Plain");
    assert_eq!(format!("{:?}", Pair(1, "sesame".to_owned())), "Pair(1, [hidden])");
}

#[test]
fn a_result_is_described_as_it_is_written() {
    let schema = to_value(Sent::result_schema()).unwrap();
    assert_eq!(schema["required"], json!(["id"]));
    assert_eq!(Sent { id: 7 }.to_json().unwrap(), br#"{"id":7}"#);
}

#[test]
fn a_config_with_defaults_is_read_from_nothing() {
    assert_eq!(from_value::<Settings>(json!({})).unwrap().folder, PathBuf::new());
}
