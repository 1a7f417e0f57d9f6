//! References: written rightly and wrongly, and resolved.

use serde_json::json;

use super::*;

fn read(reference: Reference<'_>) -> Result<Vec<u8>, String> {
    match reference {
        Reference::Env("KEY") => Ok(b"k".to_vec()),
        Reference::Env("LINE") | Reference::File("line") => Ok(b"l\n".to_vec()),
        Reference::File("dos") => Ok(b"d\n\r\n".to_vec()),
        Reference::File("most") => Ok([vec![b'x'; SECRET_MAX], b"\n".to_vec()].concat()),
        Reference::File("more") => Ok(vec![b'x'; SECRET_MAX + 1]),
        Reference::File("bytes") => Ok(vec![0xff]),
        Reference::Env("NESTED") => Ok(b"${env:KEY}\"\\".to_vec()),
        _ => Err("it is not there".to_owned()),
    }
}

#[track_caller]
fn check(text: &str, expected: &str) {
    let resolved = resolve(&json!([text]).to_string(), read).map(|json| serde_json::from_str::<Vec<String>>(&json));
    assert_eq!(resolved.unwrap().unwrap(), [expected]);
    assert_eq!(refers(&json!({ "a": [text] })), text != expected);
}

#[test]
fn values_stand_in_the_place_of_references() {
    check("${env:KEY}", "k");
    check("a ${env:KEY}${env:KEY} b", "a kk b");
    check("ä${file:line}\"\n", "äl\"\n");
    check("", "");
}

#[test]
fn what_is_no_reference_is_a_text_as_any_other() {
    for text in ["${HOME}", "${HOME:-/root}", "$env:KEY", "{env:KEY}", "${", "$", "${}", "${x:y}", "${env}", "a } b"] {
        check(text, text);
    }
}

#[test]
fn a_doubled_dollar_stands_for_one() {
    check("$${env:KEY}", "${env:KEY}");
    check("$${x}", "${x}");
    check("$$${env:KEY}", "$${env:KEY}");
    check("${env:KEY}$${env:KEY}", "k${env:KEY}");
    check("$$", "$$");
    for text in ["${env:KEY}", "$${", "a $$${x} b"] {
        let json = json!({ "a": text }).to_string();
        assert_eq!(resolve(&escaped(&json), read).unwrap(), json);
    }
}

#[test]
fn one_line_end_of_a_file_does_not_count() {
    check("${file:line}", "l");
    check("${file:dos}", "d\n");
    check("${env:LINE}", "l\n");
}

#[test]
fn a_value_is_not_looked_into() {
    check("${env:NESTED}", "${env:KEY}\"\\");
}

#[test]
fn keys_and_the_digits_of_numbers_stay() {
    let json = r#"{ "${env:KEY}" : 1.10, "a\"": ["${env:KEY}", 12345678901234567890.5, null], "b": "\u00e4" }"#;
    assert_eq!(resolve(json, read).unwrap(), json.replacen("[\"${env:KEY}\"", "[\"k\"", 1));
}

#[test]
fn a_reference_without_a_good_value_is_named_and_its_value_is_not() {
    for (text, told) in [
        ("x${env:NONE}", "`${env:NONE}` cannot be resolved: it is not there"),
        ("${file:more}", "`${file:more}` cannot be resolved: it is larger than 64 KiB"),
        ("${file:bytes}", "`${file:bytes}` cannot be resolved: it is not UTF-8"),
    ] {
        assert_eq!(resolve(&json!({ "a": text }).to_string(), read).unwrap_err().to_string(), told);
    }
    assert!(resolve("[\"${file:most}\"]", read).is_ok());
}

#[test]
fn a_typing_error_is_told_at_its_place() {
    for (text, marked, message) in [
        ("a ${env:KEY", "${env:KEY", "`${env:` has no `}` at its end"),
        ("a ${env:} b", "${env:}", "`` does not name a variable: ASCII letters, digits and `_`, no digit first"),
        ("${env:A-B}", "${env:A-B}", "`A-B` does not name a variable: ASCII letters, digits and `_`, no digit first"),
        ("${env:1A}", "${env:1A}", "`1A` does not name a variable: ASCII letters, digits and `_`, no digit first"),
        ("${file:}", "${file:}", "`` does not name a file"),
        ("${evn:KEY} b", "${evn:KEY}", "`${evn:…}` is no reference"),
        ("${jobs.a.result.x}", "${jobs.a.result.x}", "`${jobs.…}` is not supported by this version"),
        ("${parent.result}!", "${parent.result}", "`${parent.…}` is not supported by this version"),
    ] {
        let error = references(text).unwrap_err();
        assert_eq!((&text[error.span.clone()], &*error.message), (marked, message));
        assert!(!refers(&json!(text)), "it was refused");
    }
    assert!(references("${evn:KEY}").unwrap_err().hint.starts_with("did you mean `${env:KEY}`?"));
    assert_eq!(references("${file:a b}").unwrap(), [(0..11, Reference::File("a b"))]);
}
