//! Kinds that end at once, with success.

use plugin_api::prelude::*;
use plugin_api::serde_json::value::RawValue;
use plugin_api::serde_json::{Map, Value};

use crate::Nothing;

/// `probe.noop`.
#[derive(Debug)]
pub(crate) struct Noop;

impl Task for Noop {
    const NAME: &'static str = "probe.noop";
    const TITLE: &'static str = "Do nothing";
    const DESCRIPTION: &'static str = "Completes at once. The result is null.";
    type Params = Nothing;
    type Output = ();

    async fn run(_: Nothing, _: Context) -> TaskResult<()> {
        Ok(())
    }
}

/// Any object.
// Kept as text: numbers come back digit by digit, which a parsed value does not promise.
#[derive(Debug, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct Echo(#[schemars(with = "Map<String, Value>")] Box<RawValue>);

impl Task for Echo {
    const NAME: &'static str = "probe.echo";
    const TITLE: &'static str = "Give the params back";
    const DESCRIPTION: &'static str = "Completes at once. The result is the params, unchanged.";
    type Params = Self;
    type Output = Self;

    async fn run(params: Self, _: Context) -> TaskResult<Self> {
        Ok(params)
    }
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

    #[test]
    fn no_params_are_an_empty_object() {
        let reads = |text| from_str::<Nothing>(text).is_ok();
        assert_eq!([reads("{}"), reads(r#"{"a":1}"#)], [true, false]);
    }
}
