//! Kinds that end at once, with success.

use std::time::{SystemTime, UNIX_EPOCH};

use plugin_api::prelude::*;
use plugin_api::serde_json::value::RawValue;
use plugin_api::serde_json::{Map, Value};

/// Nothing that is looked at.
#[params]
pub(crate) struct Noop {
    /// Makes the params as long as those of a task of real use
    #[serde(default, rename = "pad")]
    _pad: String,
}

/// Completes at once. The result is null.
#[task(name = "probe.noop", title = "Do nothing")]
pub(crate) async fn noop(_params: Noop) -> TaskResult<()> {
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

/// When a plugin was entered, as the system's clock has it.
#[output]
pub(crate) struct Entered {
    /// Microseconds since 1970
    entered_us: u64,
}

/// Completes at once. The result is the time when it began: a bench learns from it how long the host took to get here.
#[task(name = "probe.clock", title = "Tell when it began")]
pub(crate) async fn clock() -> TaskResult<Entered> {
    #[expect(clippy::disallowed_methods, reason = "this is what the kind is for")]
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Entered { entered_us: u64::try_from(since_1970.as_micros()).unwrap_or(u64::MAX) })
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
