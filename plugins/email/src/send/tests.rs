//! Whole mails, read back by a parser that is not ours.

use std::fs;

use mailparse::{MailHeaderMap as _, ParsedMail, parse_mail};
use plugin_api::serde_json::{Value, json};
use plugin_api::testing::{Outcome, Run};
use tempfile::TempDir;

use super::*;

/// A folder for attachments, and in it the outbox.
struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn send(&self, params: Value) -> Outcome {
        let config = json!({ "transport": "file", "path": self.outbox(), "from": "Ops <ops@example.org>" });
        Run::of::<send>(params).config::<Settings>(config).finish()
    }

    fn outbox(&self) -> PathBuf {
        self.0.path().join("outbox")
    }

    fn mails(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.outbox()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().path()).collect()
    }

    /// The one mail there.
    fn mail(&self) -> Vec<u8> {
        let mails = self.mails();
        assert_eq!(mails.len(), 1, "{mails:?}");
        fs::read(&mails[0]).unwrap()
    }
}

fn header(mail: &ParsedMail<'_>, name: &str) -> String {
    mail.get_headers().get_first_value(name).unwrap_or_default()
}

/// The types of a part and of all below it, in order.
fn shape(part: &ParsedMail<'_>) -> Vec<String> {
    let below = part.subparts.iter().flat_map(shape);
    [part.ctype.mimetype.clone()].into_iter().chain(below).collect()
}

#[test]
fn a_mail_of_text_is_one_file_that_others_can_read() {
    let scene = Scene::new();
    let end = scene.send(json!({ "to": "Ada <ada@example.org>", "subject": "Grüße", "text": "Guten Tag.\nÄ" }));
    let sent: Value = end.ok();
    let mail = scene.mail();
    let mail = parse_mail(&mail).unwrap();
    assert_eq!(header(&mail, "From"), "Ops <ops@example.org>");
    assert_eq!(header(&mail, "To"), "Ada <ada@example.org>");
    assert_eq!(header(&mail, "Subject"), "Grüße");
    assert_eq!(header(&mail, "Message-ID"), sent["message_id"].as_str().unwrap());
    assert_eq!((&*mail.ctype.mimetype, mail.get_body().unwrap().trim_end()), ("text/plain", "Guten Tag.\r\nÄ"));
    assert_eq!((&sent["to"], &sent["subject"]), (&json!(["ada@example.org"]), &json!("Grüße")));
    let sent_at = sent["sent_at"].as_str().unwrap();
    assert!(sent_at.len() == "2026-12-24T18:00:00.000000Z".len() && sent_at.ends_with('Z'), "{sent_at}");
    let date = mailparse::dateparse(&header(&mail, "Date")).unwrap();
    assert_eq!(
        DateTime::from_timestamp(date, 0).unwrap().to_rfc3339_opts(SecondsFormat::Secs, true)[..19],
        sent_at[..19]
    );
    end.logged("the mail to ada@example.org is in ");
}

#[test]
fn several_recipients_are_a_list_and_the_file_says_who_gets_a_hidden_copy() {
    let scene = Scene::new();
    let params =
        json!({ "to": ["a@x.org", "B <b@x.org>"], "cc": "c@x.org", "bcc": ["d@x.org"], "subject": "s", "text": "t" });
    let sent: Value = scene.send(params).ok();
    assert_eq!(sent["to"], json!(["a@x.org", "b@x.org"]));
    let mail = scene.mail();
    let mail = parse_mail(&mail).unwrap();
    let headers = ["To", "Cc", "Bcc"].map(|name| header(&mail, name));
    assert_eq!(headers, ["a@x.org, B <b@x.org>", "c@x.org", "d@x.org"]);
}

#[test]
fn html_has_its_plain_text_beside_it() {
    let scene = Scene::new();
    scene.send(json!({ "to": "a@x.org", "subject": "s", "text": "t", "html": "<b>t</b>" })).ok::<Value>();
    let mail = scene.mail();
    let mail = parse_mail(&mail).unwrap();
    assert_eq!(shape(&mail), ["multipart/alternative", "text/plain", "text/html"]);
    assert_eq!(mail.subparts[1].get_body().unwrap(), "<b>t</b>");
}

#[test]
fn attachments_arrive_byte_by_byte_with_their_names_and_types() {
    let scene = Scene::new();
    let noise: Vec<u8> = (0..100_000_u32).map(|number| (number % 251) as u8).collect();
    let files = [scene.file("noise.pdf", &noise), scene.file("Übersicht.txt", "one\ntwo\r\n"), scene.file("empty", "")];
    let params = json!({ "to": "a@x.org", "subject": "s", "text": "t", "html": "<b>t</b>", "attachments": files });
    let end = scene.send(params);
    end.ok::<Value>();
    let mail = scene.mail();
    let mail = parse_mail(&mail).unwrap();
    let shape = shape(&mail);
    assert_eq!(shape[..2], ["multipart/mixed", "multipart/alternative"]);
    assert_eq!(shape[4..], ["application/pdf", "text/plain", "application/octet-stream"]);
    let names = mail.subparts[1..].iter().map(|part| part.get_content_disposition().params["filename"].clone());
    assert_eq!(names.collect::<Vec<_>>(), ["noise.pdf", "Übersicht.txt", "empty"]);
    let contents: Vec<_> = mail.subparts[1..].iter().map(|part| part.get_body_raw().unwrap()).collect();
    assert_eq!(contents, [noise, b"one\ntwo\r\n".to_vec(), Vec::new()]);
    end.progressed(100_009, 100_009);
}

#[test]
fn what_only_a_person_can_mend_is_fatal_and_leaves_nothing() {
    let scene = Scene::new();
    let there = json!("a@x.org");
    let cases = [
        (json!({ "to": "nobody", "subject": "s", "text": "t" }), "`to`: `nobody` is not an address"),
        (json!({ "to": "a@x.org, b@x.org", "subject": "s", "text": "t" }), "is not an address"),
        (json!({ "to": [], "subject": "s", "text": "t" }), "`to`: there is no address"),
        (json!({ "to": there, "bcc": ["x@"], "subject": "s", "text": "t" }), "`bcc`: `x@` is not an address"),
        (json!({ "to": "a@x.org\r\nBcc: b@x.org", "subject": "s", "text": "t" }), "is not an address"),
        (json!({ "to": there, "subject": "s\r\nBcc: b@x.org", "text": "t" }), "a subject is one line"),
        (json!({ "to": there, "subject": "s" }), "neither `text` nor `html`"),
        (json!({ "to": there, "subject": "s", "text": "t", "attachments": ["/no/such"] }), "cannot attach `/no/such`"),
    ];
    for (params, says) in cases {
        scene.send(params).expect_fatal(says);
    }
    assert!(scene.mails().is_empty());
}

#[test]
fn an_outbox_that_cannot_be_written_is_worth_another_attempt() {
    let scene = Scene::new();
    scene.file("outbox", "no folder");
    scene.send(json!({ "to": "a@x.org", "subject": "s", "text": "t" })).expect_retry("cannot create the folder");
}

#[test]
fn a_second_attempt_makes_the_same_mail_not_another() {
    let scene = Scene::new();
    let params = json!({ "to": "a@x.org", "subject": "s", "text": "t" });
    let [first, second] = [0; 2].map(|_| scene.send(params.clone()).ok::<Value>()["message_id"].clone());
    assert_eq!(first, second);
    let key = scene.mails()[0].file_stem().unwrap().to_str().unwrap().to_owned();
    assert_eq!((scene.mails().len(), first), (1, json!(format!("<{key}@example.org>"))));
}

#[test]
fn a_cancel_anywhere_leaves_no_mail() {
    let scene = Scene::new();
    let files = [scene.file("a", "a"), scene.file("b", "b")];
    let params = json!({ "to": "a@x.org", "subject": "s", "text": "t", "attachments": files });
    let config = json!({ "transport": "file", "path": scene.outbox(), "from": "ops@example.org" });
    let run = Run::of::<send>(params).config::<Settings>(config);
    let mut is_first = true;
    run.cancel_at_every_await(|end| {
        // The first one is not cancelled.
        if std::mem::take(&mut is_first) {
            return fs::remove_file(&scene.mails()[0]).unwrap();
        }
        end.expect_cancelled();
        assert!(scene.mails().is_empty());
    });
}

#[test]
fn without_a_config_a_mail_says_what_to_write_where() {
    let run = Run::of::<send>(json!({ "to": "a@x.org", "subject": "s", "text": "t" })).config::<Settings>(json!({}));
    run.finish().expect_fatal("say in tasks.toml [plugins.email] config = {");
}

#[test]
fn unknown_params_are_refused() {
    use plugin_api::serde_json::from_value;
    assert!(from_value::<Send>(json!({ "to": "a", "subject": "s" })).is_ok());
    assert!(from_value::<Send>(json!({ "to": "a", "subject": "s", "body": "b" })).is_err());
}
