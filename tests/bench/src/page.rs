//! The page: lines of ratios in sections, each with its budget where it has one.

use std::fmt::{self, Display, Formatter, Write};

/// One page of what was measured.
#[derive(Debug, Default)]
pub struct Page {
    sections: Vec<Section>,
}

/// Lines that belong together.
#[derive(Debug)]
pub struct Section {
    title: String,
    /// What the ratios are ratios to, and how it was measured.
    explanation: String,
    lines: Vec<Line>,
    notes: Vec<String>,
}

/// One thing that was measured.
#[derive(Debug)]
pub struct Line {
    name: String,
    /// As people read it: `3.1 ms`.
    measured: String,
    /// What a budget is held against: a ratio, or a number of megabytes.
    value: Option<(f64, &'static str)>,
    budget: Option<Budget>,
}

/// What a line may come to.
#[derive(Debug, Clone, Copy)]
pub enum Budget {
    /// At most so much.
    AtMost(f64),
    /// At least so much.
    AtLeast(f64),
}

impl Page {
    /// Adds a section at the end.
    pub fn add(&mut self, section: Section) {
        self.sections.push(section);
    }

    /// The lines that miss their budget.
    pub fn misses(&self) -> Vec<&Line> {
        self.sections.iter().flat_map(|section| &section.lines).filter(|line| line.is_missed()).collect()
    }
}

impl Section {
    /// A section without lines.
    pub fn new(title: &str, explanation: &str) -> Self {
        Self {
            title: title.to_owned(),
            explanation: explanation.to_owned(),
            lines: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds a line that nothing is held against.
    pub fn line(&mut self, name: &str, measured: String) {
        self.lines.push(Line { name: name.to_owned(), measured, value: None, budget: None });
    }

    /// Adds a line with a ratio, and what it may be.
    pub fn ratio(&mut self, name: &str, measured: String, ratio: f64, budget: Option<Budget>) {
        self.lines.push(Line { name: name.to_owned(), measured, value: Some((ratio, "x")), budget });
    }

    /// Adds a line in megabytes (10^6 bytes), and how many there may be.
    pub fn megabytes(&mut self, name: &str, bytes: u64, budget: Budget) {
        let megabytes = bytes as f64 / 1e6;
        self.lines.push(Line {
            name: name.to_owned(),
            measured: format!("{bytes} bytes"),
            value: Some((megabytes, "MB")),
            budget: Some(budget),
        });
    }

    /// Adds a remark below the lines.
    pub fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

impl Line {
    /// What it is that was measured.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn is_missed(&self) -> bool {
        self.margin().is_some_and(|margin| margin < 0.0)
    }

    /// How far inside its budget it is, as a part of the budget; negative outside.
    fn margin(&self) -> Option<f64> {
        let (value, _) = self.value?;
        Some(match self.budget? {
            Budget::AtMost(most) => (most - value) / most,
            Budget::AtLeast(least) => (value - least) / least,
        })
    }
}

impl Display for Budget {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Budget::AtMost(most) => write!(formatter, "≤ {most}"),
            Budget::AtLeast(least) => write!(formatter, "≥ {least}"),
        }
    }
}

/// Markdown, which reads well on a terminal too.
impl Display for Page {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for section in &self.sections {
            writeln!(formatter, "## {}\n\n{}\n", section.title, section.explanation)?;
            let mut rows = vec![["", "measured", "value", "budget", "margin"].map(str::to_owned)];
            rows.extend(section.lines.iter().map(|line| {
                [
                    line.name.clone(),
                    line.measured.clone(),
                    line.value.map(|(value, unit)| format!("{value:.2} {unit}")).unwrap_or_default(),
                    line.budget.map(|budget| budget.to_string()).unwrap_or_default(),
                    line.margin().map(margin).unwrap_or_default(),
                ]
            }));
            write_table(formatter, &rows)?;
            for note in &section.notes {
                writeln!(formatter, "\n{note}")?;
            }
            writeln!(formatter)?;
        }
        Ok(())
    }
}

fn margin(margin: f64) -> String {
    let word = if margin < 0.0 { " MISSED" } else { "" };
    format!("{:+.0} %{word}", margin * 100.0)
}

fn write_table(formatter: &mut Formatter<'_>, rows: &[[String; 5]]) -> fmt::Result {
    let widths: Vec<usize> = (0..5)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max())
        .map(Option::unwrap_or_default)
        .collect();
    for (number, row) in rows.iter().enumerate() {
        let mut line = String::from("|");
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, " {cell:width$} |")?;
        }
        writeln!(formatter, "{line}")?;
        if number == 0 {
            let rule = widths.iter().map(|width| "-".repeat(width.saturating_add(2))).collect::<Vec<_>>();
            writeln!(formatter, "|{}|", rule.join("|"))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(value: f64, budget: Budget) -> Page {
        let mut section = Section::new("Latency", "÷ hello");
        section.ratio("feed", "20 µs".to_owned(), value, Some(budget));
        let mut page = Page::default();
        page.add(section);
        page
    }

    #[test]
    fn a_budget_is_kept_up_to_its_very_number() {
        assert!(page(1.1, Budget::AtMost(1.1)).misses().is_empty());
        assert!(page(20.0, Budget::AtLeast(20.0)).misses().is_empty());
    }

    #[test]
    fn what_is_over_or_under_its_budget_is_missed() {
        assert_eq!(page(1.2, Budget::AtMost(1.1)).misses().len(), 1);
        assert_eq!(page(19.0, Budget::AtLeast(20.0)).misses().len(), 1);
    }

    #[test]
    fn the_page_says_value_budget_and_margin() {
        let text = page(0.9, Budget::AtMost(1.0)).to_string();
        assert!(text.contains("| feed | 20 µs    | 0.90 x | ≤ 1    | +10 %  |"), "{text}");
        assert!(page(2.0, Budget::AtMost(1.0)).to_string().contains("-100 % MISSED"));
    }
}
