use serde_json::json;

use super::*;

/// Plugins that find these misfits in whatever they get.
struct Finds(Vec<Misfit>);

impl Schemas for Finds {
    fn kinds(&self) -> Vec<KindName> {
        ["backup.create", "email.send"].map(|name| KindName::new(name).unwrap()).to_vec()
    }
    fn plugins(&self) -> Vec<PluginName> {
        vec![PluginName::new("email").unwrap()]
    }
    fn params(&self, kind: &KindName, _: &Json) -> Option<Vec<Misfit>> {
        self.kinds().contains(kind).then(|| self.0.clone())
    }
    fn config(&self, plugin: &PluginName, _: &Json) -> Option<Vec<Misfit>> {
        self.plugins().contains(plugin).then(|| self.0.clone())
    }
    fn queue(&self, kind: &KindName) -> Option<QueueName> {
        (kind.as_str() == "backup.create").then(|| QueueName::new("files").unwrap())
    }
}

fn value(pointer: &str) -> Misfit {
    let fault = Fault::Value("expected an integer, found a string".to_owned());
    Misfit { pointer: pointer.to_owned(), fault, hint: None }
}

fn missing(pointer: &str, key: &str) -> Misfit {
    let hint = Some("`key`: what opens the door".to_owned());
    Misfit { pointer: pointer.to_owned(), fault: Fault::MissingKey { key: key.to_owned() }, hint }
}

fn unknown(pointer: &str, key: &str) -> Misfit {
    let known = vec!["width".to_owned(), "height".to_owned()];
    Misfit { pointer: pointer.to_owned(), fault: Fault::UnknownKey { key: key.to_owned(), known }, hint: None }
}

fn found(text: &str, misfits_found: Vec<Misfit>) -> Vec<Diagnostic> {
    misfits(text, &Config::parse(text).unwrap(), &Finds(misfits_found))
}

/// The line, the marked text and the message of the one finding.
fn one(text: &str, misfit: Misfit) -> (usize, &str, String) {
    let mut found = found(text, vec![misfit]);
    assert_eq!(found.len(), 1, "{found:?}");
    let found = found.remove(0);
    (found.line, &text[found.span], found.message)
}

const EVERY_SHAPE: &str = r#"
[jobs.inline]
kind   = "email.send"
params = { a = "x", deep.b = "y", list = [{ c = 1 }, "z"], at = 2026-12-24T18:00:00Z, "odd key" = 1, "a/b~c" = 2 }
"#;

const SUBTABLES: &str = r#"
[jobs.sub]
kind = "email.send"
[jobs.sub.params]
a = "x"
[jobs.sub.params.deep]
b = "y"
[[jobs.sub.params.list]]
c = "z"
"#;

const DOTTED: &str = r#"
[jobs.dotted]
kind = "email.send"
params.keep.daily = "x"
"#;

#[test]
fn a_value_is_found_in_each_shape_of_a_table() {
    let wrong = ": expected an integer, found a string";
    for (text, pointer, line, marked, place) in [
        (EVERY_SHAPE, "/a", 4, "\"x\"", "`params.a` in [jobs.inline]"),
        (EVERY_SHAPE, "/deep/b", 4, "\"y\"", "`params.deep.b` in [jobs.inline]"),
        (EVERY_SHAPE, "/deep", 4, "deep", "`params.deep` in [jobs.inline]"),
        (EVERY_SHAPE, "/list/0/c", 4, "1", "`params.list[0].c` in [jobs.inline]"),
        (EVERY_SHAPE, "/list/1", 4, "\"z\"", "`params.list[1]` in [jobs.inline]"),
        (EVERY_SHAPE, "/at/year", 4, "2026-12-24T18:00:00Z", "`params.at` in [jobs.inline]"),
        (EVERY_SHAPE, "/odd key", 4, "1", "`params.\"odd key\"` in [jobs.inline]"),
        (EVERY_SHAPE, "/a~1b~0c", 4, "2", "`params.\"a/b~c\"` in [jobs.inline]"),
        (SUBTABLES, "/a", 5, "\"x\"", "`params.a` in [jobs.sub]"),
        (SUBTABLES, "/deep/b", 7, "\"y\"", "`params.deep.b` in [jobs.sub]"),
        (SUBTABLES, "/deep", 6, "[jobs.sub.params.deep]", "`params.deep` in [jobs.sub]"),
        (SUBTABLES, "/list/0/c", 9, "\"z\"", "`params.list[0].c` in [jobs.sub]"),
        (SUBTABLES, "", 4, "[jobs.sub.params]", "`params` in [jobs.sub]"),
        (DOTTED, "/keep/daily", 4, "\"x\"", "`params.keep.daily` in [jobs.dotted]"),
        (DOTTED, "/keep", 4, "keep", "`params.keep` in [jobs.dotted]"),
    ] {
        assert_eq!(one(text, value(pointer)), (line, marked, format!("{place}{wrong}")), "{pointer}");
    }
}

#[test]
fn a_missing_key_points_at_the_table_that_has_it_not() {
    let (line, marked, message) = one(EVERY_SHAPE, missing("/list/0", "key"));
    assert_eq!((line, marked), (4, "{ c = 1 }"));
    assert_eq!(message, "`params.list[0]` in [jobs.inline] has no `key`");
    let without = "[jobs.bare]\nkind = \"email.send\"\n";
    let (line, marked, message) = one(without, missing("", "key"));
    assert_eq!((line, marked, &*message), (1, "bare", "`params` in [jobs.bare] has no `key`"));
    let hint = found(without, vec![missing("", "key")]).remove(0).hint;
    assert_eq!(hint.as_deref(), Some("`key`: what opens the door"));
}

#[test]
fn an_unknown_key_is_marked_itself_and_the_known_one_named() {
    let text = "[plugins.email]\nconfig = { widht = 3 }\n";
    let found = found(text, vec![unknown("", "widht"), unknown("", "colour")]);
    assert_eq!(&text[found[1].span.clone()], "widht");
    assert_eq!(found[1].message, "unknown key `widht` in `config` of [plugins.email]");
    assert_eq!(found[1].hint.as_deref(), Some("did you mean `width`?"));
    assert_eq!(&text[found[0].span.clone()], "{ widht = 3 }", "one that is not in the file marks its table");
    assert_eq!(found[0].hint.as_deref(), Some("the keys here are width, height"));
}

#[test]
fn a_kind_that_nobody_provides_is_marked_with_the_one_that_was_meant() {
    let text = "[jobs.nightly]\nkind = \"bakcup.create\"\n[jobs.other]\nkind = \"x\"\n";
    let found = found(text, Vec::new());
    assert_eq!(&text[found[0].span.clone()], "\"bakcup.create\"");
    assert_eq!(found[0].message, "job `nightly` names kind `bakcup.create`, which no plugin provides");
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `backup.create`?"));
    assert_eq!(found[1].hint.as_deref(), Some("the kinds are backup.create, email.send"));
}

#[test]
fn a_section_of_a_plugin_that_is_not_there_is_a_warning() {
    let text = "[plugins.emial]\nallow_in_process = true\n";
    let found = found(text, Vec::new());
    assert_eq!((found[0].severity, &text[found[0].span.clone()]), (super::super::Severity::Warning, "emial"));
    assert_eq!(found[0].message, "[plugins.emial] is for a plugin that is not there");
    assert_eq!(found[0].hint.as_deref(), Some("did you mean `email`?"));
}

#[test]
fn a_misfit_that_follows_from_another_error_is_left_out() {
    let text = "[jobs.a]\nkind = \"email.send\"\nparams = { a = nan, b = 1 }\n";
    let mut draft = super::super::Draft::read(text);
    let config = draft.config.clone().unwrap();
    assert_eq!(config.jobs.values().next().unwrap().job.params.value(), &json!({ "a": null, "b": 1 }));
    draft.add(misfits(text, &config, &Finds(vec![value("/a"), value("/b")])));
    let messages: Vec<_> = draft.diagnostics.iter().map(|found| found.message.as_str()).collect();
    let wrong = "`params.b` in [jobs.a]: expected an integer, found a string";
    assert_eq!(messages, ["`params` in [jobs.a]: nan is no number in JSON", wrong]);
}

#[test]
fn a_key_that_is_missing_because_it_is_mistyped_is_one_mistake() {
    let text = "[jobs.a]\nkind = \"email.send\"\nparams = { widht = 1 }\n";
    let found = found(text, vec![unknown("", "widht"), missing("", "width"), missing("", "height")]);
    let messages: Vec<_> = found.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(messages, ["`params` in [jobs.a] has no `height`", "unknown key `widht` in `params` of [jobs.a]"]);
}

#[test]
fn a_wish_of_a_kind_that_the_file_does_not_grant_is_a_warning() {
    let job = |queue: &str| format!("[jobs.a]\nkind = \"backup.create\"\n{queue}");
    let text = job("");
    let warned = found(&text, Vec::new()).remove(0);
    assert!(!warned.is_error());
    assert_eq!(
        warned.message,
        "tasks of kind `backup.create` ask for queue `files`, which is not declared; those of job `a` wait in `default`"
    );
    assert_eq!(warned.hint.as_deref(), Some("declare it: [queues.files]; or say queue = \"default\" in [jobs.a]"));
    assert_eq!(found(&job("[queues.files]\n"), Vec::new()), []);
    assert_eq!(found(&job("queue = \"default\"\n"), Vec::new()), []);
}
