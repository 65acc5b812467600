//! What is done to data before a model: numbers made of categories, images of one size, random variations in training.

mod affine;
mod augment;
mod encode;
mod images;
mod normalization;

use super::{layer, Make};

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("Normalization", |c| layer(normalization::Normalization::new(c)?)),
    ("Discretization", |c| layer(encode::Encoding::of_bins(c)?)),
    ("CategoryEncoding", |c| layer(encode::Encoding::of_categories(c)?)),
    ("Resizing", |c| layer(images::Resizing::new(c)?)),
    ("CenterCrop", |c| layer(images::CenterCrop::new(c)?)),
    ("RandomFlip", |c| layer(augment::Augment::new(c)?)),
    ("RandomBrightness", |c| layer(augment::Augment::new(c)?)),
    ("RandomContrast", |c| layer(augment::Augment::new(c)?)),
    ("RandomCrop", |c| layer(augment::Crop::new(c)?)),
    ("RandomHeight", |c| layer(augment::Stretch::new(c)?)),
    ("RandomWidth", |c| layer(augment::Stretch::new(c)?)),
    ("RandomRotation", |c| layer(affine::Affine::new(c)?)),
    ("RandomZoom", |c| layer(affine::Affine::new(c)?)),
    ("RandomTranslation", |c| layer(affine::Affine::new(c)?)),
];
