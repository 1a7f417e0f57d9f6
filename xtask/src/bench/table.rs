//! What was measured: a row for each number, with all its runs.

use serde_json::{Value, json};

/// The rows of one section.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Row>);

#[derive(Debug)]
struct Row {
    what: String,
    unit: &'static str,
    /// Sorted.
    runs: Vec<f64>,
    note: String,
    /// Why a budget is missed that may not be.
    missed: Option<String>,
}

impl Table {
    /// Adds a number, as each run has measured it; answers the median.
    pub(super) fn add(&mut self, what: impl Into<String>, unit: &'static str, mut runs: Vec<f64>) -> f64 {
        runs.sort_by(f64::total_cmp);
        self.0.push(Row { what: what.into(), unit, runs, note: String::new(), missed: None });
        self.0.last().map_or(f64::NAN, Row::median)
    }

    /// Says something of the last row: a ratio, a budget.
    pub(super) fn note(&mut self, note: impl Into<String>) {
        if let Some(row) = self.0.last_mut() {
            row.note = note.into();
        }
    }

    /// The last row has to keep a budget.
    pub(super) fn demand(&mut self, is_kept: bool, otherwise: impl FnOnce() -> String) {
        if let Some(row) = self.0.last_mut().filter(|_| !is_kept) {
            row.missed = Some(otherwise());
        }
    }

    pub(super) fn missed(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter_map(|row| row.missed.clone())
    }

    /// As Markdown, which is what the document wants.
    pub(super) fn shown(&self) -> String {
        let head = "| what | median | least to most | |\n|---|---|---|---|".to_owned();
        std::iter::once(head).chain(self.0.iter().map(Row::shown)).collect::<Vec<_>>().join("\n")
    }

    pub(super) fn document(&self) -> Value {
        let row = |row: &Row| json!({ "what": row.what, "unit": row.unit, "median": row.median(), "runs": row.runs, "note": row.note });
        self.0.iter().map(row).collect()
    }
}

impl Row {
    fn median(&self) -> f64 {
        self.runs.get(self.runs.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn shown(&self) -> String {
        let Self { what, unit, runs, note, missed } = self;
        let (least, most) = (runs.first().copied().unwrap_or(f64::NAN), runs.last().copied().unwrap_or(f64::NAN));
        let missed = missed.as_ref().map(|_| " **missed**").unwrap_or_default();
        format!("| {what} | {} {unit} | {} to {} | {note}{missed} |", shown(self.median()), shown(least), shown(most))
    }
}

/// Three digits at least, and all before the point.
fn shown(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => thousands(number),
        size if size >= 10.0 => format!("{number:.1}"),
        size if size >= 1.0 => format!("{number:.2}"),
        _ => format!("{number:.3}"),
    }
}

fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut shown = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_its_median_and_its_spread_and_a_missed_budget_is_told() {
        let mut table = Table::default();
        assert!((table.add("lives", "/s", vec![2_000.0, 1_234_567.0, 0.25]) - 2_000.0).abs() < 0.1);
        table.demand(true, || unreachable!("it is kept"));
        assert_eq!(table.missed().count(), 0);
        table.note("2.0 × bare");
        table.demand(false, || "too few".to_owned());
        assert!(table.shown().ends_with("| lives | 2,000 /s | 0.250 to 1,234,567 | 2.0 × bare **missed** |"));
        assert_eq!(table.missed().collect::<Vec<_>>(), ["too few"]);
    }
}
