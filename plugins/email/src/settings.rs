//! The plugin's config: how mails leave, and whom they are from.
//!
//! Start at [`Settings`].

use lettre::message::Mailbox;
use plugin_api::prelude::*;

/// What was configured, all of it or nothing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(crate = "plugin_api::serde", try_from = "Written")]
#[schemars(crate = "plugin_api::schemars")]
pub(crate) enum Settings {
    /// Nothing. The plugin serves, so that a daemon without mail need not name it, and says what is missing when a mail comes.
    Unset,
    /// Each mail is a file in this folder.
    File {
        folder: PathBuf,
        #[schemars(with = "String")]
        from: Mailbox,
    },
}

/// The config as it stands in tasks.toml.
#[config]
struct Written {
    /// How mails leave.
    transport: Option<Transport>,
    /// The folder that gets the mails as `.eml` files. It is made if it is missing. A relative path begins in the folder of tasks.toml.
    path: Option<PathBuf>,
    /// The address that the mails are from, such as `taskhost@example.org` or `Backups <backups@example.org>`.
    from: Option<String>,
}

#[config]
#[serde(rename_all = "kebab-case")]
enum Transport {
    /// Each mail is written into the folder `path`.
    File,
}

const EXAMPLE: &str = r#"config = { transport = "file", path = "var/outbox", from = "taskhost@example.org" }"#;

impl TryFrom<Written> for Settings {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let missing = |key: &str| format!("`{key}` is missing, such as {EXAMPLE}");
        match written {
            Written { transport: None, path: None, from: None } => Ok(Self::Unset),
            Written { transport: None, .. } => Err(missing("transport")),
            Written { transport: Some(Transport::File), path, from } => {
                let folder = path.ok_or_else(|| missing("path"))?;
                let from = from.ok_or_else(|| missing("from"))?;
                let from = from.parse().map_err(|error| format!("`from` is not an address: {error}"))?;
                Ok(Self::File { folder, from })
            }
        }
    }
}

impl Settings {
    /// Where mails go, and whom they are from.
    ///
    /// # Errors
    /// Nothing was configured.
    pub(crate) fn outbox(&self) -> TaskResult<(&Path, &Mailbox)> {
        match self {
            Self::File { folder, from } => Ok((folder, from)),
            Self::Unset => {
                let message = format_args!(
                    "the plugin does not know where mails go: say in tasks.toml [plugins.email] {EXAMPLE}"
                );
                Err(TaskError::fatal(message).with_code("not_configured"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use plugin_api::serde_json::{Value, from_value, json};

    use super::*;

    fn refusal(config: Value) -> String {
        from_value::<Settings>(config).expect_err("this is no config").to_string()
    }

    #[test]
    fn a_file_transport_has_a_folder_and_a_sender() {
        let config = json!({ "transport": "file", "path": "var/outbox", "from": "Ops <ops@example.org>" });
        let settings: Settings = from_value(config).unwrap();
        let (folder, from) = settings.outbox().unwrap();
        assert_eq!((folder, from.to_string()), (Path::new("var/outbox"), "Ops <ops@example.org>".to_owned()));
    }

    #[test]
    fn without_config_the_plugin_serves_and_each_mail_is_told_what_is_missing() {
        let error = from_value::<Settings>(json!({})).unwrap().outbox().unwrap_err();
        assert!(error.is_fatal() && error.to_string().contains("[plugins.email] config = { transport"), "{error}");
        assert_eq!(error.code(), "not_configured");
    }

    #[test]
    fn half_a_config_is_refused_with_what_is_missing() {
        assert!(refusal(json!({ "path": "a" })).starts_with("`transport` is missing"));
        assert!(refusal(json!({ "transport": "file", "from": "a@b.org" })).starts_with("`path` is missing"));
        assert!(refusal(json!({ "transport": "file", "path": "a" })).starts_with("`from` is missing"));
        let refused = refusal(json!({ "transport": "file", "path": "a", "from": "nobody" }));
        assert!(refused.starts_with("`from` is not an address: ") && !refused.contains("nobody"), "{refused}");
        assert!(refusal(json!({ "transport": "file", "folder": "a" })).contains("unknown field `folder`"));
    }

    #[test]
    fn a_transport_that_is_not_there_is_refused() {
        let refused = refusal(json!({ "transport": "smtp", "path": "a", "from": "a@b.org" }));
        assert!(refused.contains("unknown variant `smtp`, expected `file`"), "{refused}");
    }
}
