//! Files of scalars and histograms that TensorBoard shows.

mod event;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use headwater_core::{Error, Result};

use event::At;

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// Writes events of scalars and histograms, each at once: to a file, which [`Writer::create`] makes, or wherever bytes go.
///
/// TensorBoard takes the files of a folder for one run, and shows the runs of a folder of folders together.
///
/// ```
/// use headwater::summary::Writer;
///
/// # fn main() -> headwater::Result<()> {
/// let folder = std::env::temp_dir().join("headwater-doc-summary");
/// let mut writer = Writer::create(folder.join("run"))?;
/// writer.describe("loss", "The mean squared error.");
/// for step in 0..100 {
///     writer.scalar("loss", 1.0 / (1.0 + step as f64), step)?;
/// }
/// writer.histogram("dense/kernel", &[-1.0, 0.5, 0.25], 99, 30)?;
/// // tensorboard --logdir FOLDER
/// assert_eq!(std::fs::read_dir(folder.join("run")).map_or(0, |files| files.count()), 1);
/// # drop(std::fs::remove_dir_all(folder));
/// # Ok(())
/// # }
/// ```
pub struct Writer<W: Write = File> {
    out: W,
    /// What errors name.
    to: String,
    descriptions: HashMap<String, String>,
    clock: fn() -> f64,
}

impl Writer {
    /// Makes a file of events in a folder, which is made where there is none.
    ///
    /// # Errors
    /// `ErrorKind::Format` naming the path, when it cannot be made or written.
    pub fn create(folder: impl AsRef<Path>) -> Result<Writer> {
        /// Tells the files apart that a program makes within a second.
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let (id, number) = (std::process::id(), FILES.fetch_add(1, Ordering::Relaxed));
        // TensorBoard knows files by the word in their names.
        let name = format!("events.out.tfevents.{}.localhost.{id}.{number}.v2", now() as u64);
        let path = folder.as_ref().join(name);
        let file = fs::create_dir_all(&folder).and_then(|()| File::create_new(&path));
        let file = file.map_err(|e| Error::format(path.display(), format!("could not be made: {e}")))?;
        Writer::begin(file, path.display().to_string(), now)
    }
}

impl<W: Write> Writer<W> {
    /// Writes to what takes bytes.
    ///
    /// # Errors
    /// `ErrorKind::Format` when it does not.
    pub fn new(out: W) -> Result<Writer<W>> {
        Writer::begin(out, "summary".into(), now)
    }

    fn begin(out: W, to: String, clock: fn() -> f64) -> Result<Writer<W>> {
        let mut writer = Writer { out, to, descriptions: HashMap::new(), clock };
        writer.put(&event::version(clock()))?;
        Ok(writer)
    }

    /// Has TensorBoard show a text, in Markdown, with what is written under a name from now on.
    pub fn describe(&mut self, name: &str, text: &str) {
        self.descriptions.insert(name.into(), text.into());
    }

    /// A number at a step.
    ///
    /// # Errors
    /// `ErrorKind::Format` naming the file, when it cannot be written.
    pub fn scalar(&mut self, name: &str, value: f64, step: u64) -> Result<()> {
        let event = event::scalar(self.at(name, step), value);
        self.put(&event)
    }

    /// How values are distributed at a step, in so many equal parts of their range. Values that are not finite are left out.
    ///
    /// # Errors
    /// `ErrorKind::Argument` for 0 buckets; as [`Writer::scalar`].
    pub fn histogram(&mut self, name: &str, values: &[f32], step: u64, buckets: usize) -> Result<()> {
        if buckets == 0 {
            return Err(Error::argument("histogram", "a positive number of buckets", buckets));
        }
        let event = event::histogram(self.at(name, step), values, buckets);
        self.put(&event)
    }

    fn at<'a>(&'a self, tag: &'a str, step: u64) -> At<'a> {
        At { seconds: (self.clock)(), step, tag, description: self.descriptions.get(tag).map(String::as_str) }
    }

    fn put(&mut self, event: &[u8]) -> Result<()> {
        let written = self.out.write_all(&event::record(event));
        written.map_err(|e| Error::format(&self.to, format!("could not be written: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// Bytes of base64 without line breaks.
    fn decoded(text: &str) -> Vec<u8> {
        let value = |c: u8| match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        let digits: Vec<u8> = text.bytes().filter(|&c| c != b'=').map(value).collect();
        let word = |four: &[u8]| four.iter().enumerate().fold(0, |sum, (i, &d)| sum | u32::from(d) << (18 - 6 * i));
        digits.chunks(4).flat_map(|four| word(four).to_be_bytes()[1..four.len()].to_vec()).collect()
    }

    #[test]
    fn events_are_byte_for_byte_those_that_tensorflow_writes() -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tensorboard/events.json");
        let frozen: Value = serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON");
        assert_eq!(frozen["seconds"], 1_700_000_000.25);
        let mut bytes = Vec::new();
        let mut writer = Writer::begin(&mut bytes, "memory".into(), || 1_700_000_000.25)?;
        writer.describe("größe", "how far off");
        writer.describe("dense/kernel", &"x".repeat(200));
        writer.scalar("loss", 0.1, 1)?;
        writer.scalar("größe", -1.5e-30, 300)?;
        writer.scalar("loss", f64::INFINITY, (1 << 40) + 5)?;
        let values = [-1.0, f32::NAN, 0.0, 1.0, 2.0, 2.0, 4.0, f32::INFINITY];
        writer.histogram("dense/kernel", &values, 7, 4)?;
        writer.histogram("same", &[2.0; 3], 8, 30)?;
        assert_eq!(bytes, decoded(frozen["base64"].as_str().expect("text")));
        Ok(())
    }

    #[test]
    fn a_writer_tells_what_it_cannot_write() -> Result<()> {
        let mut room = [0; 40];
        let mut writer = Writer::new(&mut room[..])?;
        assert_eq!(writer.histogram("a", &[1.0], 0, 0).expect_err("no buckets").code(), "argument");
        let full = writer.scalar("a", 1.0, 0).expect_err("full").to_string();
        assert!(full.contains("summary") && full.contains("could not be written"), "{full}");
        Writer::new(Vec::new())?.histogram("nothing", &[f32::NAN], 1, 30)?;
        let file = std::env::temp_dir().join(format!("headwater-summary-{}", std::process::id()));
        fs::write(&file, "").expect("written");
        let error = Writer::create(file.join("run")).err().map(|e| e.to_string()).unwrap_or_default();
        fs::remove_file(&file).expect("removed");
        assert!(error.contains("events.out.tfevents") && error.contains("could not be made"), "{error}");
        Ok(())
    }
}
