//! Where the lines of a text begin, looked up once for all that is found in it.
//!
//! Start at [`Lines::place`].

/// A text and its lines.
#[derive(Debug, Clone)]
pub struct Lines<'t> {
    text: &'t str,
    /// In bytes, one for each line.
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Looks for the lines of a text.
    pub fn of(text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(newline, _)| newline + 1)).collect();
        Self { text, starts }
    }

    /// The text.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The line, from 1, on which byte `offset` of the text stands.
    pub fn line(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset.min(self.text.len()))
    }

    /// The line and the character of it, both from 1, at which byte `offset` of the text stands.
    pub fn place(&self, offset: usize) -> (usize, usize) {
        let line = self.line(offset);
        let start = self.starts[line - 1];
        let before = self.text[start..].char_indices().take_while(|(at, _)| start + at < offset).count();
        let is_inside = offset <= self.text.len() && !self.text.is_char_boundary(offset);
        (line, before + usize::from(!is_inside))
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn places_are_counted_in_lines_and_characters() {
        let lines = Lines::of("a\n\u{e9}b\n");
        let places =
            [(0, (1, 1)), (1, (1, 2)), (2, (2, 1)), (3, (2, 1)), (4, (2, 2)), (5, (2, 3)), (6, (3, 1)), (9, (3, 1))];
        for (offset, place) in places {
            assert_eq!((lines.place(offset), lines.line(offset)), (place, place.0), "{offset}");
        }
        assert_eq!((Lines::of("").place(0), Lines::of("").place(5)), ((1, 1), (1, 1)));
    }
}
