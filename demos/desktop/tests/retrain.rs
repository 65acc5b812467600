//! The program from folders of images to the name of a new one.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs the program; what it printed to each stream.
fn run(arguments: &[&str]) -> (bool, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_headwater-desktop")).args(arguments).output().expect("starts");
    (status.success(), String::from_utf8_lossy(&stdout).into(), String::from_utf8_lossy(&stderr).into())
}

/// A fresh directory of this test.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("is made");
    path
}

/// A piece of a photograph, at a place that depends on `i`.
fn piece(photograph: &str, i: u32) -> image::DynamicImage {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/mobilenet").join(photograph);
    image::open(path).expect("fixture").crop_imm(i * 7 % 60, i * 13 % 60, 150, 150)
}

#[test]
fn learns_two_classes_and_names_a_new_image() {
    learns("cpu");
}

#[test]
fn learns_them_on_the_gpu() {
    learns("gpu");
}

fn learns(engine: &str) {
    let root = directory(&format!("learns-{engine}"));
    let (images, head) = (root.join("images"), root.join("head"));
    for class in ["china", "flower"] {
        fs::create_dir_all(images.join(class)).expect("is made");
        for i in 0..10 {
            let path = images.join(class).join(format!("{i}.png"));
            piece(&format!("{class}.png"), i).save(path).expect("writes");
        }
    }
    let text = |path: &Path| path.display().to_string();
    let engine = ["--engine", engine];
    let retrain = ["retrain", "--images", &text(&images), "--epochs", "8", "--output", &text(&head)];
    let (ok, out, err) = run(&[&retrain[..], &engine].concat());
    assert!(ok, "{err}");
    assert!(out.contains("held-out accuracy 100.0 % (4 of 4)"), "{out}");

    for class in ["china", "flower"] {
        let image = root.join(format!("new-{class}.png"));
        piece(&format!("{class}.png"), 77).save(&image).expect("writes");
        let classify = ["classify", "--image", &text(&image), "--head", &text(&head), "--top", "1"];
        let (ok, out, err) = run(&[&classify[..], &engine].concat());
        assert!(ok, "{err}");
        assert!(out.trim().ends_with(class) && out.lines().count() == 1, "{out}");
    }
}

#[test]
fn names_a_photograph_without_a_head() {
    let image = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/mobilenet/china.png");
    let (ok, out, err) = run(&["classify", "--image", image, "--top", "3"]);
    assert!(ok, "{err}");
    assert!(out.lines().count() == 3 && out.lines().next().is_some_and(|l| l.ends_with("class 698")), "{out}");
}

#[test]
fn mistakes_are_named() {
    let root = directory("mistakes");
    let path = root.display().to_string();
    let error = |arguments: &[&str]| {
        let (ok, _, err) = run(arguments);
        assert!(!ok);
        err
    };
    assert!(error(&["retrain", "--images", &path]).contains("found no folders"));
    for class in ["a", "b"] {
        fs::create_dir(root.join(class)).expect("is made");
        fs::write(root.join(class).join("x.png"), "no image").expect("writes");
    }
    assert!(error(&["retrain", "--images", &path]).contains("x.png: "));
    assert!(error(&["retrain", "--images", &path, "--engine", "abacus"]).contains("'abacus'"));
    assert!(error(&["classify", "--image", "nowhere.png"]).contains("nowhere.png"));
}
