//! Which libraries are loaded, and with what words the others are refused.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;
use taskhost_core::ids::KindName;

use super::super::{Kinds as _, ParamError, PluginSettings, Registry, Search};
use super::Folder;

fn kind(name: &str) -> KindName {
    KindName::new(name).unwrap()
}

#[test]
fn a_sound_library_is_loaded_from_a_private_copy() {
    let folder = Folder::new();
    let meta = r#"META="{\"title\": \"Works\", \"timeout_ms\": 1500, \"queue\": \"mail\", \"unit\": \"files\", \"privileged\": true, \"retry\": {\"attempts\": 2}, \"later\": 1}""#;
    let path = folder.build("sound.so", "defects.c", &[meta]);
    let leftover = folder.state().join("generations/old-1.so");
    fs::create_dir_all(leftover.parent().unwrap()).unwrap();
    fs::write(&leftover, "of an earlier run").unwrap();

    let registry = folder.scan();
    let plugins = registry.plugins();
    assert_eq!((plugins.len(), plugins[0].name.as_str(), plugins[0].version.as_str()), (1, "sound", "1.2.3"));
    assert_eq!((&plugins[0].path, &plugins[0].error), (&path, &None));
    let found = registry.find(&kind("sound.work")).expect("its kind");
    assert_eq!((found.title.as_str(), found.unit.as_str(), found.privileged), ("Works", "files", true));
    assert_eq!(found.timeout.unwrap().as_millis(), 1500);
    assert_eq!(found.queue.as_ref().unwrap().as_str(), "mail");
    assert_eq!(found.retry.over(taskhost_core::retry::RetryPolicy::default()).attempts, 2);

    let generations = folder.state().join("generations");
    assert_eq!(fs::metadata(&generations).unwrap().permissions().mode() & 0o777, 0o700);
    let copies: Vec<_> = fs::read_dir(&generations).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let [copy] = <[_; 1]>::try_from(copies).expect("one copy").map(|name| name.into_string().unwrap());
    assert!(copy.starts_with(&format!("{}-", plugins[0].sha256)), "{copy}");
}

#[test]
fn a_library_without_this_abi_is_no_plugin() {
    let folder = Folder::new();
    folder.build("later.so", "defects.c", &["SYMBOL=taskhost_plugin_v2"]);
    folder.build("other.so", "defects.c", &["SYMBOL=something_else"]);
    fs::write(folder.plugins().join("notes.txt"), "no library").unwrap();
    fs::create_dir(folder.plugins().join("below.so")).unwrap();
    assert!(folder.scan().plugins().is_empty());
}

#[test]
fn a_cut_off_file_is_not_whole_wherever_it_ends() {
    let folder = Folder::new();
    let path = folder.build("cut.so", "defects.c", &[]);
    let whole = fs::read(&path).unwrap();
    for length in [0, 3, 40, 200, 4_096, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        let error = folder.scan_one().error.expect("a refusal");
        let expected = if length == 3 { "it is not a shared library: " } else { "the file is not whole: " };
        assert!(error.starts_with(expected), "{length}: {error}");
    }
}

#[test]
fn what_is_no_library_is_refused_and_the_others_load() {
    let folder = Folder::new();
    fs::write(folder.plugins().join("a-text.so"), "this is only text, whatever its name says").unwrap();
    let foreign = folder.build("b-foreign.so", "defects.c", &[r#"NAME="foreign""#, r#"KIND="foreign.work""#]);
    let mut bytes = fs::read(&foreign).unwrap();
    // The machine of an ELF header.
    bytes[18..20].copy_from_slice(&22_u16.to_le_bytes());
    fs::write(&foreign, bytes).unwrap();
    folder.build("c-sound.so", "defects.c", &[]);

    let registry = folder.scan();
    let views = registry.plugins();
    let errors: Vec<_> = views.iter().map(|view| (view.name.as_str(), view.error.as_deref().unwrap_or("-"))).collect();
    assert_eq!(errors[0].0, "a-text.so");
    assert!(errors[0].1.starts_with("it is not a shared library: "), "{errors:?}");
    assert_eq!(errors[1].0, "b-foreign.so");
    assert!(errors[1].1.starts_with("it is built for S390x (Elf), this host needs "), "{errors:?}");
    assert_eq!(errors[2], ("sound", "-"));
    assert!(registry.find(&kind("sound.work")).is_some());
}

#[test]
fn the_second_file_that_claims_a_name_is_refused_naming_the_first() {
    let folder = Folder::new();
    let first = folder.build("a.so", "defects.c", &[]);
    folder.build("b.so", "defects.c", &[r#"KIND="other.work""#]);
    folder.build("c.so", "defects.c", &[r#"NAME="copycat""#]);
    let registry = folder.scan();
    let errors: Vec<_> = registry.plugins().into_iter().filter_map(|view| view.error).collect();
    let first = first.display();
    let hint = "hint: remove one of the two files";
    assert_eq!(
        errors,
        [
            format!("kind `sound.work` is already provided by plugin `sound` in `{first}`\n{hint}"),
            format!("plugin `sound` is already provided by `{first}`\n{hint}"),
        ]
    );
    assert_eq!(registry.all().len(), 1);
}

#[test]
fn a_plugin_gets_the_config_of_its_name() {
    let configured = |schema: &str, answer: &str, config: Option<serde_json::Value>| {
        let mut folder = Folder::new();
        let meta = format!(r#"PLUGIN_META="{{\"name\": \"sound\", \"config_schema\": {schema}}}""#);
        folder.build("sound.so", "defects.c", &[&meta, answer]);
        let settings = PluginSettings { config, allow_in_process: false };
        folder.settings.insert("sound".parse().unwrap(), settings);
        folder.scan_one().error.map(|error| error.lines().next().unwrap_or_default().to_owned())
    };
    let needs_to = r#"{\"required\": [\"to\"]}"#;
    assert_eq!(configured(needs_to, "CONFIGURE=0", Some(json!({"to": 1}))), None);
    assert_eq!(
        configured(needs_to, "CONFIGURE=0", None).as_deref(),
        Some("the config of plugin `sound` does not fit: `to` is missing")
    );
    // The fixture answers its config as the error.
    assert_eq!(
        configured("true", "CONFIGURE=-1", Some(json!({"to": 1}))).as_deref(),
        Some(r#"the config of plugin `sound` does not fit: {"to":1}"#)
    );
    assert_eq!(
        configured("true", "CONFIGURE=-1", None).as_deref(),
        Some("the config of plugin `sound` does not fit: {}")
    );
    assert_eq!(
        configured("true", "NO_CONFIGURE", Some(json!({"to": 1}))).as_deref(),
        Some("the config of plugin `sound` does not fit: it takes no config")
    );
}

#[test]
fn a_secret_that_a_plugin_quotes_as_it_refuses_its_config_is_not_shown() {
    let mut folder = Folder::new();
    folder.build("sound.so", "defects.c", &["CONFIGURE=-1"]);
    let secret = folder.root.path().join("secret");
    std::fs::write(&secret, "hunter2\n").unwrap();
    let config = json!({ "url": format!("smtp://me:${{file:{}}}@host", secret.display()) });
    let settings = PluginSettings { config: Some(config), allow_in_process: false };
    folder.settings.insert("sound".parse().unwrap(), settings);
    let error = folder.scan_one().error.unwrap();
    assert!(error.contains(r#"does not fit: {"url":"smtp://me:[hidden]@host"}"#), "{error}");
}

#[test]
fn a_kind_that_wants_isolation_is_held_unless_it_is_allowed_here() {
    let mut folder = Folder::new();
    folder.build("sound.so", "defects.c", &["FLAGS=TH_K_ISOLATE"]);
    let held = folder.scan().find(&kind("sound.work")).expect("its kind").held.clone();
    assert_eq!(held.as_deref(), Some("kind `sound.work` runs only isolated, which is not supported by this version"));
    let allowed = PluginSettings { allow_in_process: true, config: None };
    folder.settings.insert("sound".parse().unwrap(), allowed);
    assert_eq!(folder.scan().find(&kind("sound.work")).expect("its kind").held, None);
}

#[test]
fn params_errors_point_at_the_value_and_do_not_show_it() {
    let folder = Folder::new();
    let schema =
        r#"META="{\"params_schema\": {\"required\": [\"to\"], \"properties\": {\"n\": {\"type\": \"integer\"}}}}""#;
    folder.build("sound.so", "defects.c", &[schema]);
    let found = folder.scan().find(&kind("sound.work")).expect("its kind");
    assert_eq!(found.check_params(&json!({"to": 1, "n": 2})), []);
    let mut errors = found.check_params(&json!({"n": "secret"}));
    errors.sort_by(|a, b| a.pointer.cmp(&b.pointer));
    let error = |pointer: &str, message: &str| ParamError { pointer: pointer.into(), message: message.into() };
    assert_eq!(errors, [error("", "\"to\" is a required property"), error("/n", "value is not of type \"integer\"")]);
}

#[test]
fn an_unknown_kind_is_answered_with_the_closest() {
    let folder = Folder::new();
    folder.build("sound.so", "defects.c", &[]);
    let registry = folder.scan();
    assert_eq!(registry.closest("sound.wrok"), Some(kind("sound.work")));
    assert_eq!(registry.closest("email.send"), None);
}

#[test]
fn an_unreadable_folder_is_named() {
    let folder = Folder::new();
    let missing = folder.root.path().join("nowhere");
    let search = Search { folders: vec![missing.clone()], ..folder.search() };
    let error = Registry::scan(search).unwrap_err();
    let expected =
        format!("plugin folder `{}` cannot be read: No such file or directory (os error 2)", missing.display());
    assert_eq!(error.to_string(), expected);
    assert!(error.hint().contains("[host] plugins"));
}
