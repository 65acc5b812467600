//! Images from files, and directories with a folder of images per class.

use std::fs;
use std::path::{Path, PathBuf};

use headwater_core::{Error, Result};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder, ImageReader};

/// What names of image files end in.
const EXTENSIONS: [&str; 3] = ["jpg", "jpeg", "png"];

/// An error about a file or directory.
fn file_error(path: &Path, message: impl std::fmt::Display) -> Error {
    Error::format(path.display(), message)
}

/// The images of a class.
#[derive(Debug, PartialEq)]
pub struct Class {
    /// The folder's name.
    pub name: String,
    /// Its images, in the order of their names.
    pub files: Vec<PathBuf>,
}

/// What lies in a directory with a folder per class.
#[derive(Debug)]
pub struct Folders {
    /// The classes, in the order of their names.
    pub classes: Vec<Class>,
    /// Files in the folders whose names are not those of images.
    pub ignored: usize,
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>> {
    let list = fs::read_dir(directory).and_then(|list| list.map(|e| e.map(|e| e.path())).collect());
    let mut list: Vec<PathBuf> = list.map_err(|e| file_error(directory, e))?;
    list.retain(|path| !path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.')));
    list.sort();
    Ok(list)
}

/// Lists a directory that holds a folder of images per class. Hidden files are passed over.
///
/// # Errors
/// `ErrorKind::Format` naming the directory that cannot be read, has no folders, or a folder without images.
pub fn folders(directory: &Path) -> Result<Folders> {
    let mut found = Folders { classes: Vec::new(), ignored: 0 };
    for folder in entries(directory)?.into_iter().filter(|path| path.is_dir()) {
        let is_image = |path: &PathBuf| {
            let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
            path.is_file() && extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
        };
        let (files, others): (Vec<_>, Vec<_>) = entries(&folder)?.into_iter().partition(is_image);
        if files.is_empty() {
            return Err(file_error(&folder, "expected .jpg, .jpeg or .png images, found none"));
        }
        found.ignored += others.len();
        let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        found.classes.push(Class { name, files });
    }
    if found.classes.is_empty() {
        return Err(file_error(directory, "expected a folder of images per class, found no folders"));
    }
    Ok(found)
}

/// What is done with images of other proportions than wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fill {
    /// They are stretched.
    #[default]
    Stretch,
    /// Their centre is taken.
    Crop,
    /// They get black borders.
    Pad,
}

/// Reads an image, turned as its camera noted, in `size` (height, width): bytes of red, green and blue, or of grey. Images are
/// scaled bilinearly; those that shrink are averaged.
///
/// # Errors
/// `ErrorKind::Format` naming the file.
pub fn pixels(path: &Path, (height, width): (usize, usize), fill: Fill, grey: bool) -> Result<Vec<u8>> {
    let bad = |e: image::ImageError| file_error(path, e);
    let reader = ImageReader::open(path).and_then(ImageReader::with_guessed_format).map_err(|e| file_error(path, e))?;
    let mut decoder = reader.into_decoder().map_err(bad)?;
    let orientation = decoder.orientation().map_err(bad)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(bad)?;
    image.apply_orientation(orientation);
    let side = |n: usize| u32::try_from(n).map_err(|e| file_error(path, e));
    let (width, height) = (side(width)?, side(height)?);
    if width == 0 || height == 0 || image.width() == 0 || image.height() == 0 {
        return Err(file_error(path, format!("expected sizes of at least 1, received {height} x {width}")));
    }
    let image = match fill {
        Fill::Stretch => image.resize_exact(width, height, FilterType::Triangle),
        Fill::Crop => image.resize_to_fill(width, height, FilterType::Triangle),
        Fill::Pad => {
            let scaled = image.resize(width, height, FilterType::Triangle);
            let mut whole = image::RgbImage::new(width, height);
            let (left, top) = ((width - scaled.width().min(width)) / 2, (height - scaled.height().min(height)) / 2);
            image::imageops::overlay(&mut whole, &scaled.to_rgb8(), left.into(), top.into());
            whole.into()
        }
    };
    Ok(if grey { image.to_luma8().into_raw() } else { image.to_rgb8().into_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory that is removed afterwards.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> std::io::Result<Directory> {
            let path = std::env::temp_dir().join(format!("headwater-images-{name}-{}", std::process::id()));
            fs::create_dir_all(&path)?;
            Ok(Directory(path))
        }

        fn file(&self, name: &str, bytes: &[u8]) -> std::io::Result<PathBuf> {
            let path = self.0.join(name);
            fs::create_dir_all(path.parent().unwrap_or(&self.0))?;
            fs::write(&path, bytes)?;
            Ok(path)
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.expect_err("an error").to_string()
    }

    #[test]
    fn directories_must_hold_classes() -> std::io::Result<()> {
        let directory = Directory::new("classes")?;
        let root = directory.0.display().to_string();
        let list = || folders(&directory.0);
        assert_eq!(message(list()), format!("{root}: expected a folder of images per class, found no folders"));
        directory.file("cat/2.JPG", b"")?;
        directory.file("cat/1.png", b"")?;
        directory.file("cat/notes.txt", b"")?;
        directory.file("cat/.hidden.png", b"")?;
        fs::create_dir(directory.0.join("dog"))?;
        assert!(message(list()).ends_with("dog: expected .jpg, .jpeg or .png images, found none"));
        let dog = directory.file("dog/a.jpeg", b"")?;
        let found = list().expect("two classes");
        let cat = ["1.png", "2.JPG"].map(|n| directory.0.join("cat").join(n)).to_vec();
        assert_eq!(found.classes[0], Class { name: "cat".into(), files: cat });
        assert_eq!(found.classes[1], Class { name: "dog".into(), files: vec![dog] });
        assert_eq!(found.ignored, 1);
        assert!(message(folders(&directory.0.join("nowhere"))).contains("nowhere"));
        Ok(())
    }

    #[test]
    fn images_are_cut_to_their_centre() -> std::io::Result<()> {
        let directory = Directory::new("pixels")?;
        // Red, a green square in the middle, blue.
        let image = image::RgbImage::from_fn(30, 10, |x, _| {
            let mut rgb = [0; 3];
            rgb[x as usize / 10] = 255;
            image::Rgb(rgb)
        });
        let path = directory.0.join("wide.png");
        image.save(&path).expect("writes");
        assert_eq!(pixels(&path, (10, 10), Fill::Crop, false).expect("reads"), [0u8, 255, 0].repeat(100));
        let padded = pixels(&path, (30, 30), Fill::Pad, false).expect("reads");
        assert!(padded[..900].iter().chain(&padded[1800..]).all(|&v| v == 0));
        assert_eq!((&padded[900..903], padded.len()), (&[255, 0, 0][..], 2700));
        let stretched = pixels(&path, (1, 3), Fill::Stretch, true).expect("reads");
        // Averaged over neighbours, and weighed as eyes do: green most.
        assert!(stretched.len() == 3 && stretched[1] > stretched[0] && stretched[0] > stretched[2], "{stretched:?}");
        let broken = directory.file("broken.png", b"not an image")?;
        assert!(message(pixels(&broken, (4, 4), Fill::Crop, false)).starts_with(&broken.display().to_string()));
        Ok(())
    }
}
