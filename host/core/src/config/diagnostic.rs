//! What is wrong with a configuration, where, and what to do.
//!
//! Not here: finding it (the other modules of `config`; the host, which knows the kinds). Start at [`Diagnostic::render`].

use std::ops::Range;

use super::lines::Lines;

/// The longest source line that is shown, in characters; a terminal gains nothing from more.
const SHOWN_LINE_MAX: usize = 200;

/// How many findings a person is shown: nobody reads more at once.
pub const SHOWN_MAX: usize = 100;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It works as it is said to, which not everybody expects. There is nothing to put right.
    Note,
    /// It works, and may surprise.
    Warning,
    /// The text cannot be used as it is.
    Error,
}

impl Severity {
    /// The word before the message.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One finding in a configuration text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// What is wrong, and with what: lower case, no full stop.
    pub message: String,
    /// The offending part of the text, in bytes.
    pub span: Range<usize>,
    /// The line on which it begins, from 1.
    pub line: usize,
    /// The character of that line at which it begins, from 1.
    pub column: usize,
    /// The next step.
    pub hint: Option<String>,
}

impl Diagnostic {
    /// An error at `span`, in bytes, of `text`.
    pub fn new(text: &str, span: Range<usize>, message: impl Into<String>, hint: Option<String>) -> Self {
        Self::at(&Lines::of(text), span, message, hint)
    }

    /// The same where much may be found in one text: its lines are looked for once.
    pub fn at(lines: &Lines<'_>, span: Range<usize>, message: impl Into<String>, hint: Option<String>) -> Self {
        let (line, column) = lines.place(span.start);
        Self { severity: Severity::Error, message: message.into(), span, line, column, hint }
    }

    /// The same as a warning.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { severity: Severity::Warning, ..self }
    }

    /// The same as a note.
    #[must_use]
    pub fn note(self) -> Self {
        Self { severity: Severity::Note, ..self }
    }

    /// Whether the text cannot be used because of it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// The finding as a person reads it, ending with a newline; `text` is what was parsed.
    pub fn render(&self, file_name: &str, text: &str) -> String {
        let gutter = self.gutter();
        let excerpt = self.source(text).map(|(source, before, marked)| {
            // Tabs stay tabs, so that the caret stands below what it marks.
            let indent: String = before.chars().map(|char| if char == '\t' { '\t' } else { ' ' }).collect();
            let carets = "^".repeat(marked.chars().count().max(1));
            let bar = format!("{:gutter$} |", "");
            format!("{bar}\n{:>gutter$} | {source}\n{bar} {indent}{carets}\n", self.line)
        });
        self.told(file_name, &excerpt.unwrap_or_default())
    }

    /// As [`Diagnostic::render`], without the line of the text: there may be a secret in it, and logs are read by others.
    pub fn render_for_log(&self, file_name: &str) -> String {
        self.told(file_name, "")
    }

    fn told(&self, file_name: &str, excerpt: &str) -> String {
        let Self { severity, message, line, column, .. } = self;
        let (severity, gutter) = (severity.as_str(), self.gutter());
        let hint = self.hint.as_ref().map(|hint| format!("\nhint: {hint}\n")).unwrap_or_default();
        format!("{severity}: {message}\n{:gutter$}--> {file_name}:{line}:{column}\n{excerpt}{hint}", "")
    }

    /// How wide the numbers of lines are.
    fn gutter(&self) -> usize {
        self.line.to_string().len().max(2)
    }

    /// The line of the text, its part before the span, and the span's part of it.
    fn source<'a>(&self, text: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
        let (line_start, start) = line_around(text, self.span.start);
        let line = text[line_start..].lines().next().filter(|line| line.chars().count() <= SHOWN_LINE_MAX)?;
        let start = start.min(line_start + line.len()) - line_start;
        let end = floor(line, self.span.end.saturating_sub(line_start)).max(start);
        Some((line, &line[..start], &line[start..end]))
    }
}

/// The findings as a person reads them, each with an empty line behind it; of many the [`first`].
pub fn render(found: &[Diagnostic], file_name: &str, text: &str) -> String {
    let (shown, more) = first(found);
    let rendered: String = shown.iter().map(|found| found.render(file_name, text) + "\n").collect();
    match more {
        Some(more) => format!("{rendered}{more}\n\n"),
        None => rendered,
    }
}

/// The first [`SHOWN_MAX`] findings in the order of the text, errors before warnings before notes if there are more, and how many
/// more.
pub fn first(found: &[Diagnostic]) -> (Vec<&Diagnostic>, Option<String>) {
    let (mut shown, mut more) = (Vec::new(), Vec::new());
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let of_it = || found.iter().filter(|found| found.severity == severity);
        let room = SHOWN_MAX - shown.len();
        shown.extend(of_it().take(room));
        match of_it().count().saturating_sub(room) {
            0 => {}
            1 => more.push(format!("1 more {}", severity.as_str())),
            number => more.push(format!("{number} more {}s", severity.as_str())),
        }
    }
    shown.sort_by_key(|found| found.span.start);
    (shown, (!more.is_empty()).then(|| format!("and {}", more.join(", "))))
}

/// Where the line with byte `offset` begins, and the offset, moved into the text and onto a whole character.
fn line_around(text: &str, offset: usize) -> (usize, usize) {
    let offset = floor(text, offset);
    (text[..offset].rfind('\n').map_or(0, |newline| newline + 1), offset)
}

/// The last place up to `offset` where a character begins or the text ends.
fn floor(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len())).rev().find(|&place| text.is_char_boundary(place)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_where_and_what_next() {
        let text = "[jobs.nightly]\nkind   = \"bakcup.create\"\n";
        let start = text.find("\"bakcup").unwrap();
        let hint = Some("did you mean `backup.create`?".to_owned());
        let message = "job `nightly` names kind `bakcup.create`, which no plugin provides";
        assert_eq!(
            Diagnostic::new(text, start..start + 15, message, hint).render("tasks.toml", text),
            "error: job `nightly` names kind `bakcup.create`, which no plugin provides
  --> tasks.toml:2:10
   |
 2 | kind   = \"bakcup.create\"
   |          ^^^^^^^^^^^^^^^

hint: did you mean `backup.create`?
"
        );
    }

    #[test]
    fn of_many_findings_the_first_are_shown_and_the_rest_is_counted() {
        let text = "a\n".repeat(500);
        let error = |line: usize| Diagnostic::new(&text, line * 2..line * 2 + 1, "e", None);
        let few: Vec<_> = (0..60).map(error).chain((60..160).map(|line| error(line).warning())).collect();
        let shown = render(&few, "f", &text);
        assert_eq!((shown.matches("error: e\n").count(), shown.matches("warning: e\n").count()), (60, 40));
        assert!(shown.ends_with("\n\nand 60 more warnings\n\n"), "{shown}");
        let many: Vec<_> = (0..101).map(error).chain([error(200).warning()]).collect();
        let shown = render(&many, "f", &text);
        assert_eq!((shown.matches("error: e\n").count(), shown.matches("warning: e\n").count()), (100, 0));
        assert!(shown.ends_with("and 1 more error, 1 more warning\n\n"), "{shown}");
        assert!(!render(&few[..100], "f", &text).contains("more"));
        let noted: Vec<_> = [error(0).note()].into_iter().chain((1..101).map(|line| error(line).warning())).collect();
        let shown = render(&noted, "f", &text);
        assert!(!shown.contains("note: e\n") && shown.ends_with("and 1 more note\n\n"), "{shown}");
    }

    #[test]
    fn columns_count_characters_and_carets_keep_tabs() {
        let text = "\té = 1";
        let diagnostic = Diagnostic::new(text, 6..7, "m", None);
        assert_eq!((diagnostic.line, diagnostic.column), (1, 6));
        assert_eq!(diagnostic.render("f", text), "error: m\n  --> f:1:6\n   |\n 1 | \té = 1\n   | \t    ^\n");
    }

    #[test]
    fn a_span_at_or_behind_the_end_still_renders() {
        for span in [0..0, 2..2, 1..9, 7..9] {
            let rendered = Diagnostic::new("a\n", span, "m", None).render("f", "a\n");
            assert!(rendered.starts_with("error: m\n  --> f:"), "{rendered}");
        }
    }
}
