//! Images of a directory as examples, as Keras's `image_dataset_from_directory` gives them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use headwater_core::ops::hash_key;
use headwater_core::{Error, HostData, Result};

use super::folders::{folders, pixels, Fill};
use crate::data::{Dataset, Example};
use crate::HostTensor;

/// How classes become targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// The class's number, of shape `[1]`, for `sparseCategoricalCrossentropy`.
    #[default]
    Int,
    /// A vector with a 1 at the class, for `categoricalCrossentropy`.
    Categorical,
    /// 0 or 1, of shape `[1]`, for `binaryCrossentropy` of two classes.
    Binary,
    /// No targets.
    None,
}

/// Images in a directory with a folder for each class. Made by [`from_directory`].
#[derive(Clone, Debug)]
pub struct ImageFolder {
    names: Vec<String>,
    /// Files with the numbers of their classes, in the order in which they are given.
    files: Arc<Vec<(PathBuf, usize)>>,
    size: (usize, usize),
    grey: bool,
    fill: Fill,
    labels: Labels,
    threads: usize,
}

/// The images of a directory that holds a folder for each class, in sizes of 256 x 256, in an order that is drawn from `seed`.
///
/// ```
/// use headwater::data::images::{from_directory, Labels};
///
/// # fn main() -> headwater::Result<()> {
/// # let root = std::env::temp_dir().join(format!("headwater-flowers-{}", std::process::id()));
/// # for (class, value) in [("rose", 200u8), ("tulip", 40)] {
/// #     std::fs::create_dir_all(root.join(class)).expect("makes");
/// #     for i in 0..5 {
/// #         image::RgbImage::from_pixel(8, 6, image::Rgb([value, 0, i])).save(root.join(class).join(format!("{i}.png"))).expect("writes");
/// #     }
/// # }
/// // flowers/rose/0.png .. flowers/tulip/4.png
/// let flowers = from_directory(&root, 7)?.size(4, 4).labels(Labels::Categorical);
/// assert_eq!((flowers.class_names(), flowers.len()), (&["rose".to_owned(), "tulip".to_owned()][..], 10));
/// // The last fifth of the drawn order is for validation.
/// let (train, validation) = flowers.split(0.2)?;
/// let batches = train.examples().shuffle(100, 1).batch(4).prefetch(2);
/// let first = batches.iter()?.next().transpose()?.expect("a batch");
/// assert_eq!((&first.inputs[0].shape, &first.targets[0].shape), (&vec![4, 4, 4, 3], &vec![4, 2]));
/// assert_eq!((train.len(), validation.len(), batches.len()), (8, 2, Some(2)));
/// # drop(std::fs::remove_dir_all(root));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `ErrorKind::Format` naming the directory that cannot be read, has no folders, or a folder without images.
pub fn from_directory(directory: impl AsRef<Path>, seed: u32) -> Result<ImageFolder> {
    let found = folders(directory.as_ref())?;
    let names = found.classes.iter().map(|class| class.name.clone()).collect();
    let of = |(i, class): (usize, super::Class)| class.files.into_iter().map(move |file| (file, i));
    let files: Vec<(PathBuf, usize)> = found.classes.into_iter().enumerate().flat_map(of).collect();
    let mut keyed: Vec<_> = files.into_iter().enumerate().map(|(i, file)| (hash_key(seed, i as u32), file)).collect();
    keyed.sort();
    let files = Arc::new(keyed.into_iter().map(|(_, file)| file).collect());
    Ok(ImageFolder {
        names,
        files,
        size: (256, 256),
        grey: false,
        fill: Fill::Stretch,
        labels: Labels::Int,
        threads: std::thread::available_parallelism().map_or(1, usize::from),
    })
}

impl ImageFolder {
    /// The height and width that images are scaled to.
    #[must_use]
    pub fn size(mut self, height: usize, width: usize) -> ImageFolder {
        self.size = (height, width);
        self
    }

    /// Whether images have one channel instead of red, green and blue.
    #[must_use]
    pub fn greyscale(mut self, yes: bool) -> ImageFolder {
        self.grey = yes;
        self
    }

    /// What is done with images of other proportions; they are stretched by default.
    #[must_use]
    pub fn fill(mut self, fill: Fill) -> ImageFolder {
        self.fill = fill;
        self
    }

    /// How classes become targets.
    #[must_use]
    pub fn labels(mut self, labels: Labels) -> ImageFolder {
        self.labels = labels;
        self
    }

    /// Threads that read and decode images, as many as there are processors by default.
    #[must_use]
    pub fn threads(mut self, threads: usize) -> ImageFolder {
        self.threads = threads;
        self
    }

    /// Takes these classes only, in this order.
    ///
    /// # Errors
    /// `ErrorKind::Unknown` for a class that has no folder.
    pub fn classes(mut self, names: &[&str]) -> Result<ImageFolder> {
        if let Some(other) = names.iter().find(|name| !self.names.iter().any(|own| own == *name)) {
            return Err(Error::unknown("class", other));
        }
        let place = |class: usize| names.iter().position(|name| *name == self.names[class]);
        let files = self.files.iter().filter_map(|(file, class)| Some((file.clone(), place(*class)?))).collect();
        self.files = Arc::new(files);
        self.names = names.iter().map(|name| (*name).to_owned()).collect();
        Ok(self)
    }

    /// The classes, in the order of their numbers.
    pub fn class_names(&self) -> &[String] {
        &self.names
    }

    /// The files and the numbers of their classes, in the order in which they are given.
    pub fn files(&self) -> &[(PathBuf, usize)] {
        &self.files
    }

    /// How many images there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The first images of the drawn order, and the last, which are `fraction` of all: for training and for validation.
    ///
    /// # Errors
    /// `ErrorKind::Argument` when one of them would be empty.
    pub fn split(&self, fraction: f64) -> Result<(ImageFolder, ImageFolder)> {
        let first = (self.len() as f64 * (1.0 - fraction)).round() as usize;
        if !(1..self.len()).contains(&first) {
            let expected = format_args!("a part of {} images between 0 and 1 that leaves some", self.len());
            return Err(Error::argument("split", expected, fraction));
        }
        let part = |files: &[(PathBuf, usize)]| ImageFolder { files: Arc::new(files.to_vec()), ..self.clone() };
        Ok((part(&self.files[..first]), part(&self.files[first..])))
    }

    /// The images as they are asked for: float32 values from 0 to 255 of shape `[height, width, channels]`, and targets.
    /// Shuffled before they are read, they need no buffer of images: see [`ImageFolder::shuffled`].
    #[must_use]
    pub fn examples(&self) -> Dataset<Example> {
        self.load(Dataset::from_items(self.files.to_vec()))
    }

    /// As [`ImageFolder::examples`], in a new order in each pass.
    #[must_use]
    pub fn shuffled(&self, seed: u32) -> Dataset<Example> {
        self.load(Dataset::from_items(self.files.to_vec()).shuffle(self.len(), seed))
    }

    fn load(&self, files: Dataset<(PathBuf, usize)>) -> Dataset<Example> {
        let own = self.clone();
        files.map_parallel(self.threads, move |(file, class)| {
            let bytes = pixels(&file, own.size, own.fill, own.grey)?;
            let channels = if own.grey { 1 } else { 3 };
            let values = bytes.into_iter().map(f32::from).collect();
            let image = HostTensor::f32(vec![own.size.0, own.size.1, channels], values);
            Ok(Example { inputs: vec![image], targets: own.targets(class).into_iter().collect(), weight: None })
        })
    }

    fn targets(&self, class: usize) -> Option<HostTensor> {
        match self.labels {
            Labels::None => None,
            Labels::Int => Some(HostTensor { shape: vec![1], data: HostData::I32(vec![class as i32]) }),
            Labels::Binary => Some(HostTensor::f32(vec![1], vec![class as f32])),
            Labels::Categorical => {
                let one_hot = (0..self.names.len()).map(|i| f32::from(u8::from(i == class))).collect();
                Some(HostTensor::f32(vec![self.names.len()], one_hot))
            }
        }
    }
}
