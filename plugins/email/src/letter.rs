//! The mail as its recipients see it: addresses, headers, text.
//!
//! Not here: reading attachments (`attachment`), writing the mail (`outbox`). Start at [`Letter::address`].

use std::time::SystemTime;

use lettre::Message;
use lettre::message::{Mailbox, MessageBuilder, MultiPart, SinglePart};
use plugin_api::prelude::*;

/// One address or several.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(crate = "plugin_api::serde", untagged)]
#[schemars(crate = "plugin_api::schemars")]
pub(crate) enum Addresses {
    #[default]
    #[schemars(skip)]
    None,
    /// An address, such as `ada@example.org` or `Ada <ada@example.org>`.
    One(String),
    /// Several of them.
    Many(Vec<String>),
}

impl Addresses {
    fn written(&self) -> &[String] {
        match self {
            Self::None => &[],
            Self::One(address) => std::slice::from_ref(address),
            Self::Many(addresses) => addresses,
        }
    }

    /// The addresses, which stand in this param.
    fn read(&self, param: &str) -> TaskResult<Vec<Mailbox>> {
        let read = |written: &String| {
            written.parse().map_err(|error| {
                let message = format_args!("`{param}`: `{written}` is not an address: {error}");
                TaskError::fatal(message).with_code("address")
            })
        };
        self.written().iter().map(read).collect()
    }
}

/// What the mail says.
#[derive(Debug)]
pub(crate) enum Text {
    Plain(String),
    Html(String),
    /// The same as plain text, for those who read no HTML.
    Both {
        plain: String,
        html: String,
    },
}

impl Text {
    /// # Errors
    /// There is neither.
    pub(crate) fn new(plain: Option<String>, html: Option<String>) -> TaskResult<Self> {
        match (plain, html) {
            (Some(plain), Some(html)) => Ok(Self::Both { plain, html }),
            (Some(plain), None) => Ok(Self::Plain(plain)),
            (None, Some(html)) => Ok(Self::Html(html)),
            (None, None) => Err(TaskError::fatal("the mail has neither `text` nor `html`").with_code("no_text")),
        }
    }
}

/// A mail with its headers.
#[derive(Debug)]
pub(crate) struct Letter {
    headers: MessageBuilder,
    pub(crate) message_id: String,
    /// The addresses under `To`, without names.
    pub(crate) to: Vec<String>,
}

impl Letter {
    /// Addresses a mail. `key` is what makes its Message-ID: the same in each attempt.
    ///
    /// # Errors
    /// An address is none, or the subject no line.
    pub(crate) fn address(
        from: &Mailbox,
        [to, cc, bcc]: [&Addresses; 3],
        subject: &str,
        key: &str,
        now: SystemTime,
    ) -> TaskResult<Self> {
        let (to, cc, bcc) = (to.read("to")?, cc.read("cc")?, bcc.read("bcc")?);
        if to.is_empty() {
            return Err(TaskError::fatal("`to`: there is no address").with_code("address"));
        }
        if subject.contains(char::is_control) {
            return Err(TaskError::fatal("`subject`: a subject is one line").with_code("subject"));
        }
        // Behind `@` stands what is the sender's own, so that nobody else makes this id.
        let domain = Some(from.email.domain()).filter(|domain| domain.is_ascii()).unwrap_or("localhost");
        let message_id = format!("<{key}@{domain}>");
        // Whoever sends the file on is to read in it for whom it is, and takes that line out.
        let headers = Message::builder().keep_bcc().from(from.clone()).subject(subject).date(now);
        let headers = headers.message_id(Some(message_id.clone()));
        let addresses = to.iter().map(|mailbox| mailbox.email.to_string()).collect();
        let headers = to.into_iter().fold(headers, MessageBuilder::to);
        let headers = cc.into_iter().fold(headers, MessageBuilder::cc);
        let headers = bcc.into_iter().fold(headers, MessageBuilder::bcc);
        Ok(Self { headers, message_id, to: addresses })
    }

    /// The whole mail, as its bytes.
    ///
    /// # Errors
    /// The library finds it wanting.
    pub(crate) fn write(self, text: Text, attachments: Vec<SinglePart>) -> TaskResult<Vec<u8>> {
        let written = if attachments.is_empty() {
            match text {
                Text::Plain(plain) => self.headers.singlepart(SinglePart::plain(plain)),
                Text::Html(html) => self.headers.singlepart(SinglePart::html(html)),
                Text::Both { plain, html } => self.headers.multipart(MultiPart::alternative_plain_html(plain, html)),
            }
        } else {
            let mixed = MultiPart::mixed();
            let mixed = match text {
                Text::Plain(plain) => mixed.singlepart(SinglePart::plain(plain)),
                Text::Html(html) => mixed.singlepart(SinglePart::html(html)),
                Text::Both { plain, html } => mixed.multipart(MultiPart::alternative_plain_html(plain, html)),
            };
            self.headers.multipart(attachments.into_iter().fold(mixed, MultiPart::singlepart))
        };
        let mail = written.map_err(|error| TaskError::fatal(format_args!("this is no mail: {error}")))?;
        Ok(mail.formatted())
    }
}
