//! Measures in a file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use headwater_core::{Error, Result};

use crate::nn::Network;
use crate::train::{Callback, Control, Kept, Logs, Optimizer, Run};

/// Writes a line of comma-separated measures for each epoch, after one with their names. A training that goes on from a
/// [`Backup`](crate::train::Backup) cuts off the lines of the epochs that it makes again.
///
/// ```
/// use headwater::nn::{layers::Dense, Sequential};
/// use headwater::train::{CsvLogger, Fit, Optimizer, Samples, Trainer};
/// use headwater::{cpu, DType, Result};
///
/// # fn main() -> Result<()> {
/// let device = cpu(1);
/// let x = device.zeros([4, 1], DType::F32)?;
/// let model = Sequential::new(&device, vec![None, Some(1)], 1).layer(Dense::new(1))?.build();
/// let mut trainer = Trainer { epochs: 2, ..Trainer::new(Optimizer::sgd(0.1)?, "mse")? };
/// let path = std::env::temp_dir().join("headwater-log.csv");
/// trainer.fit_with(&model, &Samples::new(&[&x], &[&x])?, Fit::new().callback(&mut CsvLogger::new(&path)))?;
/// assert_eq!(std::fs::read_to_string(&path).ok().as_deref(), Some("epoch,loss,accuracy\n0,0,1\n1,0,1\n"));
/// # drop(std::fs::remove_file(path));
/// # Ok(())
/// # }
/// ```
pub struct CsvLogger {
    path: PathBuf,
    append: bool,
    /// Whether the file's lines are of this training, which may have begun in another program.
    begun: bool,
    file: Option<File>,
}

impl CsvLogger {
    /// Writes a new file; its folder is made where there is none.
    pub fn new(path: impl AsRef<Path>) -> CsvLogger {
        CsvLogger { path: path.as_ref().into(), append: false, begun: false, file: None }
    }

    /// Goes on with a file that is there, without another line of names.
    #[must_use]
    pub fn append(mut self) -> CsvLogger {
        self.append = true;
        self
    }

    fn open(&self) -> std::io::Result<(File, bool)> {
        let mut options = OpenOptions::new();
        let append = self.append || self.begun;
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let file = options.create(true).write(true).append(append).truncate(!append).open(&self.path)?;
        let empty = file.metadata()?.len() == 0;
        Ok((file, empty))
    }

    fn write(&mut self, epoch: usize, logs: &Logs) -> std::io::Result<()> {
        let line = |cells: Vec<String>| format!("{}\n", cells.join(","));
        let mut text = String::new();
        if self.file.is_none() {
            let (file, empty) = self.open()?;
            (self.file, self.begun) = (Some(file), true);
            if empty {
                let names = logs.iter().map(|(name, _)| name.to_owned());
                text += &line(["epoch".to_owned()].into_iter().chain(names).collect());
            }
        }
        let values = logs.iter().map(|(_, value)| value.to_string());
        text += &line([epoch.to_string()].into_iter().chain(values).collect());
        self.file.as_mut().map_or(Ok(()), |file| file.write_all(text.as_bytes()))
    }

    /// Bytes of the file that are there to stay; 0 where there is none.
    fn len(&self) -> u64 {
        let stays = self.append || self.begun;
        std::fs::metadata(&self.path).ok().filter(|_| stays).map_or(0, |file| file.len())
    }

    /// Cuts off what comes after so many bytes.
    fn cut(&self, len: u64) -> std::io::Result<()> {
        if self.len() <= len {
            return Ok(());
        }
        OpenOptions::new().write(true).open(&self.path)?.set_len(len)
    }

    fn failed(&self, error: &std::io::Error) -> Error {
        Error::format(self.path.display(), error)
    }
}

impl Callback for CsvLogger {
    fn begin(&mut self, _: &Run, _: &dyn Network, _: &mut Optimizer) -> Result<()> {
        (self.file, self.begun) = (None, false);
        Ok(())
    }

    fn kept(&self) -> Kept {
        Kept { numbers: vec![self.len() as f64], ..Kept::default() }
    }

    fn restore(&mut self, kept: Kept) -> Result<()> {
        let [len] = kept.numbers[..] else {
            return Err(Error::argument("CsvLogger", "1 number that was kept", kept.numbers.len()));
        };
        // Without a line before the checkpoint, the file begins anew with the first.
        self.begun = len > 0.0;
        self.cut(len as u64).map_err(|e| self.failed(&e))
    }

    fn epoch_end(&mut self, run: &Run, logs: &Logs, _: &dyn Network, _: &mut Optimizer) -> Result<Control> {
        self.write(run.epoch, logs).map_err(|e| self.failed(&e))?;
        Ok(Control::Continue)
    }
}
