//! Rows of files that no row has changed yet wait: such files stay as they are.

use std::collections::HashMap;

use arrow::array::RecordBatch;

use super::known::Figures;

#[derive(Debug, Default)]
struct File {
    touched: bool,
    waiting: Vec<RecordBatch>,
    figures: Figures,
}

#[derive(Debug, Default)]
pub struct TouchedFiles {
    files: HashMap<String, File>,
}

impl TouchedFiles {
    /// Takes rows of a file; answers those that are to be written now.
    pub fn take(&mut self, file: &str, rows: RecordBatch, figures: Figures) -> Vec<RecordBatch> {
        let file = self.files.entry(file.to_owned()).or_default();
        file.touched |= figures.updated + figures.deleted > 0;
        file.figures.add(figures);
        file.waiting.push(rows);
        match file.touched {
            true => std::mem::take(&mut file.waiting),
            false => Vec::new(),
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        let touched = self.files.iter().filter(|(_, file)| file.touched);
        touched.map(|(name, _)| name.as_str())
    }

    pub fn figures(&self) -> Figures {
        let mut sum = Figures::default();
        let touched = self.files.values().filter(|file| file.touched);
        touched.for_each(|file| sum.add(file.figures));
        sum
    }
}
