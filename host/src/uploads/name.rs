//! The name under which a file is kept: what somebody sent may name anything, this names one file in one folder.

use std::fmt;

/// The longest name, in bytes; the system's limit is 255.
const NAME_MAX: usize = 150;

/// What a file is called whose name has nothing left.
const NAMELESS: &str = "upload";

/// A name for a file: no separators, no control characters, nothing that begins with a dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafeName(String);

impl SafeName {
    /// What is safe of a name that somebody sent, of which only the last part of a path counts. Letters of every script, digits
    /// and `-_.` stay; anything else becomes `_`.
    pub fn of(sent: &str) -> Self {
        let last = sent.rsplit(['/', '\\']).next().unwrap_or_default();
        let kept = last.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' });
        let kept: String = kept.collect();
        let name = shorten(kept.trim_start_matches('.'));
        Self(if name.is_empty() { NAMELESS.to_owned() } else { name })
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SafeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Cuts the stem: what follows the last dot says what the file is.
fn shorten(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let (stem, end) = name.rfind('.').map_or((name, ""), |dot| name.split_at(dot));
    let end = if end.len() <= NAME_MAX / 2 { end } else { "" };
    let mut length = (NAME_MAX - end.len()).min(stem.len());
    while !stem.is_char_boundary(length) {
        length -= 1;
    }
    format!("{}{end}", &stem[..length])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leaves_its_folder() {
        for (sent, kept) in [
            ("report.pdf", "report.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\anna\\scan 1.png", "scan_1.png"),
            ("/", "upload"),
            ("", "upload"),
            ("..", "upload"),
            ("...", "upload"),
            (".bashrc", "bashrc"),
            ("a\0b\nc", "a_b_c"),
            ("Übersicht 你好.txt", "Übersicht_你好.txt"),
            ("$(rm -rf ~);.sh", "__rm_-rf____.sh"),
            ("\u{202e}gpj.exe", "_gpj.exe"),
        ] {
            assert_eq!(SafeName::of(sent).as_str(), kept, "{sent:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_end() {
        let name = SafeName::of(&format!("{}.tar.gz", "ä".repeat(1_000)));
        assert!(name.as_str().ends_with("ä.gz") && name.as_str().len() <= NAME_MAX, "{name}");
        assert!(SafeName::of(&format!("a.{}", "x".repeat(1_000))).as_str().len() <= NAME_MAX);
        assert!(SafeName::of(&"x".repeat(1_000)).as_str().len() <= NAME_MAX);
    }
}
