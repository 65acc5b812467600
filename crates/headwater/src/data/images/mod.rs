//! Files and folders of images.

mod directory;
mod folders;

pub use directory::{from_directory, ImageFolder, Labels};
pub use folders::{folders, pixels, Class, Fill, Folders};
