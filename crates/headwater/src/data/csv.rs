//! Comma-separated values.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use csv::StringRecord;
use headwater_core::{AllOk, Error, Result};

use super::{Dataset, Example, Stream};
use crate::HostTensor;

/// A file of comma-separated values, read line by line in each pass.
///
/// ```
/// use headwater::data::csv::Csv;
///
/// # fn main() -> headwater::Result<()> {
/// let path = std::env::temp_dir().join("headwater-flowers.csv");
/// # let text = "length,width,species\n5.1,3.5,setosa\n6.2,,virginica\n";
/// # std::fs::write(&path, text).map_err(|e| headwater::Error::format("csv", e))?;
/// // length,width,species
/// // 5.1,3.5,setosa
/// // 6.2,,virginica
/// let flowers = Csv::open(&path)?.missing(0.0).categories("species", &["setosa", "virginica"]);
/// let examples = flowers.examples(&["species"])?.to_vec()?;
/// assert_eq!(examples[0].inputs[0].to_f32(), [5.1, 3.5]);
/// assert_eq!((examples[1].inputs[0].to_f32(), examples[1].targets[0].to_f32()), (vec![6.2, 0.0], vec![1.0]));
/// assert_eq!(flowers.rows().to_vec()?[1].text("species"), Some("virginica"));
/// # drop(std::fs::remove_file(path));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Csv {
    path: PathBuf,
    delimiter: u8,
    header: bool,
    columns: Arc<Vec<String>>,
    categories: Vec<(String, Vec<String>)>,
    missing: Option<f32>,
}

/// A line, as texts.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    columns: Arc<Vec<String>>,
    record: StringRecord,
}

impl Row {
    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The text in a column.
    pub fn text(&self, column: &str) -> Option<&str> {
        self.columns.iter().position(|name| name == column).and_then(|at| self.record.get(at))
    }

    /// The number in a column, where it is one.
    pub fn number(&self, column: &str) -> Option<f64> {
        self.text(column)?.trim().parse().ok()
    }
}

fn reader(path: &Path, delimiter: u8, header: bool) -> Result<csv::Reader<std::fs::File>> {
    let reader = csv::ReaderBuilder::new().delimiter(delimiter).has_headers(header).from_path(path);
    reader.map_err(|e| Error::format(path.display(), e))
}

impl Csv {
    /// A file whose first line has the names of the columns.
    ///
    /// # Errors
    /// `ErrorKind::Format` naming the file that cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Csv> {
        Csv::read(path.as_ref(), b',', true)
    }

    /// A file without names of columns: they are `0`, `1` and so on.
    ///
    /// # Errors
    /// As [`Csv::open`].
    pub fn without_header(path: impl AsRef<Path>) -> Result<Csv> {
        Csv::read(path.as_ref(), b',', false)
    }

    /// A file with another byte between values.
    ///
    /// # Errors
    /// As [`Csv::open`].
    pub fn delimited(self, delimiter: u8) -> Result<Csv> {
        let Csv { categories, missing, .. } = self;
        Ok(Csv { categories, missing, ..Csv::read(&self.path, delimiter, self.header)? })
    }

    fn read(path: &Path, delimiter: u8, header: bool) -> Result<Csv> {
        let first =
            reader(path, delimiter, header)?.headers().cloned().map_err(|e| Error::format(path.display(), e))?;
        let name = |(i, name): (usize, &str)| if header { name.trim().to_owned() } else { i.to_string() };
        let columns = Arc::new(first.iter().enumerate().map(name).collect());
        Ok(Csv { path: path.into(), delimiter, header, columns, categories: Vec::new(), missing: None })
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Takes texts of a column as their places in a list.
    #[must_use]
    pub fn categories(mut self, column: &str, texts: &[&str]) -> Csv {
        self.categories.push((column.into(), texts.iter().map(|t| (*t).to_owned()).collect()));
        self
    }

    /// Takes empty values as this number. Without it they are errors.
    #[must_use]
    pub fn missing(mut self, value: f32) -> Csv {
        self.missing = Some(value);
        self
    }

    /// The lines.
    #[must_use]
    pub fn rows(&self) -> Dataset<Row> {
        let Csv { path, delimiter, header, columns, .. } = self.clone();
        Dataset::new(move |_| {
            let (path, columns) = (path.clone(), columns.clone());
            let records = reader(&path, delimiter, header)?.into_records();
            Ok(Box::new(records.map(move |record| {
                let record = record.map_err(|e| Error::format(path.display(), e))?;
                Ok(Row { columns: columns.clone(), record })
            })) as Stream<Row>)
        })
    }

    /// Lines as examples: float32 vectors of the columns that are no labels, and of those that are.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for a label that is no column. Elements are errors that name file, line and column where a value is
    /// no number.
    pub fn examples(&self, labels: &[&str]) -> Result<Dataset<Example>> {
        let known = |name: &str| self.columns.iter().any(|column| column == name);
        let categories = self.categories.iter().map(|(name, _)| name.as_str());
        if let Some(other) = labels.iter().copied().chain(categories).find(|name| !known(name)) {
            return Err(Error::unknown("column", other));
        }
        let is_label = |column: &String| labels.contains(&column.as_str());
        let (targets, inputs): (Vec<usize>, Vec<usize>) =
            (0..self.columns.len()).partition(|&i| is_label(&self.columns[i]));
        let csv = self.clone();
        Ok(self.rows().map(move |row| {
            let vector = |of: &[usize]| -> Result<HostTensor> {
                let values = of.iter().map(|&i| csv.value(&row, i)).all_ok()?;
                Ok(HostTensor::f32(vec![of.len()], values))
            };
            let targets = if targets.is_empty() { Vec::new() } else { vec![vector(&targets)?] };
            Ok(Example { inputs: vec![vector(&inputs)?], targets, weight: None })
        }))
    }

    fn value(&self, row: &Row, i: usize) -> Result<f32> {
        let text = row.record.get(i).unwrap_or("").trim();
        let column = &self.columns[i];
        let wrong = |expected: &dyn Display| {
            let line = row.record.position().map_or(0, csv::Position::line);
            let message = format!("line {line}: expected {expected} in column '{column}', received '{text}'");
            Error::format(self.path.display(), message)
        };
        if let (true, Some(value)) = (text.is_empty(), self.missing) {
            return Ok(value);
        }
        match self.categories.iter().find(|(name, _)| name == column) {
            Some((_, texts)) => {
                let at = texts.iter().position(|t| t == text);
                at.map(|at| at as f32).ok_or_else(|| wrong(&format!("one of {}", texts.join(", "))))
            }
            None => text.parse().map_err(|_| wrong(&"a number")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_values_are_named() -> Result<()> {
        let path = std::env::temp_dir().join(format!("headwater-csv-{}.csv", std::process::id()));
        let write = |text: &str| std::fs::write(&path, text).map_err(|e| Error::format("csv", e));
        let message = |csv: &Csv| csv.examples(&["b"]).and_then(|e| e.to_vec()).err().map(|e| e.to_string());
        let place = path.display();
        write("a;b\n1;2\n\"x;y\";3\n")?;
        let csv = Csv::open(&path)?.delimited(b';')?;
        let expected = format!("{place}: line 3: expected a number in column 'a', received 'x;y'");
        assert_eq!(message(&csv), Some(expected));
        write("a,b\n1,2\n,3\n")?;
        let csv = Csv::open(&path)?;
        assert!(message(&csv).is_some_and(|m| m.ends_with("line 3: expected a number in column 'a', received ''")));
        assert_eq!(message(&csv.clone().missing(9.0)), None);
        let categories = csv.categories("b", &["2"]).missing(0.0);
        assert!(message(&categories).is_some_and(|m| m.ends_with("expected one of 2 in column 'b', received '3'")));
        assert_eq!(categories.examples(&["c"]).err().map(|e| e.to_string()).as_deref(), Some("Unknown column: 'c'"));
        write("1,2\n3\n")?;
        let plain = Csv::without_header(&path)?;
        assert_eq!(plain.columns(), ["0", "1"]);
        // Lines of different lengths.
        assert!(plain.examples(&[])?.to_vec().is_err());
        write("1,2\n3,4\n")?;
        assert_eq!(Csv::without_header(&path)?.examples(&["1"])?.to_vec()?.len(), 2);
        drop(std::fs::remove_file(&path));
        assert!(Csv::open(&path).is_err());
        Ok(())
    }
}
