//! Kinds that end at once, with success.

use plugin_api::prelude::*;
use plugin_api::serde_json::value::RawValue;
use plugin_api::serde_json::{Map, Value};

/// Completes at once. The result is null.
#[task(name = "probe.noop", title = "Do nothing")]
pub(crate) async fn noop() -> TaskResult<()> {
    Ok(())
}

/// Any object.
// Kept as text: numbers come back digit by digit, which a parsed value does not promise.
#[params]
#[serde(transparent)]
pub(crate) struct Echo(#[schemars(with = "Map<String, Value>")] Box<RawValue>);

/// Completes at once. The result is the params, unchanged.
#[task(name = "probe.echo", title = "Give the params back")]
pub(crate) async fn echo(params: Echo) -> TaskResult<Echo> {
    Ok(params)
}

#[cfg(test)]
mod tests {
    use plugin_api::schemars::schema_for;
    use plugin_api::serde_json::{from_str, to_string};

    use super::*;

    #[test]
    fn an_echo_changes_no_digit() {
        let text = r#"{"b":1.10,"a":[18446744073709551617,1e400]}"#;
        let echo: Echo = from_str(text).unwrap();
        assert_eq!(to_string(&echo).unwrap(), text);
    }

    #[test]
    fn an_echo_asks_for_an_object() {
        assert_eq!(schema_for!(Echo).get("type"), Some(&Value::from("object")));
    }
}
