//! The one error type of the library.

use std::fmt;

/// `Result` with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong. One pointer wide: results are everywhere, and a wide error would be copied at every step of the way.
#[derive(Clone, Debug, PartialEq)]
pub struct Error(Box<ErrorKind>);

/// What can go wrong. Every message names the op or file, what was expected and what came.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes that do not fit the op.
    Shape {
        /// The op.
        op: String,
        /// What the op accepts.
        expected: String,
        /// What it received.
        got: String,
    },
    /// A dtype the op does not accept.
    DType {
        /// The op.
        op: String,
        /// What the op accepts.
        expected: String,
        /// What it received.
        got: String,
    },
    /// An argument outside its range.
    Argument {
        /// The op.
        op: String,
        /// What the op accepts.
        expected: String,
        /// What it received.
        got: String,
    },
    /// An op, layer, optimizer or loss that is not known under this name.
    Unknown {
        /// What kind of thing was looked up.
        kind: &'static str,
        /// The name that was not found.
        name: String,
    },
    /// A tensor used after it was disposed.
    Disposed,
    /// No gradient: the op has none, or the value does not depend on the input.
    Gradient(String),
    /// The device failed: lost, out of memory, a kernel that does not compile.
    Device {
        /// The engine's name.
        engine: String,
        /// What happened.
        message: String,
    },
    /// A read that would have to block where blocking is not possible.
    WouldBlock(String),
    /// A file or message that is not what its format says.
    Format {
        /// The file or part of it.
        what: String,
        /// What was expected and what came.
        message: String,
    },
}

/// The three texts of a mismatch. Not generic: every pair of types would be another copy.
#[cold]
fn mismatch(
    make: fn(String, String, String) -> ErrorKind,
    op: &str,
    expected: &dyn fmt::Display,
    got: &dyn fmt::Display,
) -> Error {
    Error(Box::new(make(op.into(), expected.to_string(), got.to_string())))
}

#[cold]
fn text(make: fn(String) -> ErrorKind, message: &dyn fmt::Display) -> Error {
    Error(Box::new(make(message.to_string())))
}

#[cold]
fn texts(make: fn(String, String) -> ErrorKind, a: &dyn fmt::Display, b: &dyn fmt::Display) -> Error {
    Error(Box::new(make(a.to_string(), b.to_string())))
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.0
    }

    /// A shape error of `op`.
    pub fn shape(op: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Error {
        mismatch(|op, expected, got| ErrorKind::Shape { op, expected, got }, op, &expected, &got)
    }

    /// A dtype error of `op`.
    pub fn dtype(op: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Error {
        mismatch(|op, expected, got| ErrorKind::DType { op, expected, got }, op, &expected, &got)
    }

    /// An argument error of `op`.
    pub fn argument(op: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Error {
        mismatch(|op, expected, got| ErrorKind::Argument { op, expected, got }, op, &expected, &got)
    }

    /// A name that is not known among things of `kind`.
    #[cold]
    pub fn unknown(kind: &'static str, name: impl fmt::Display) -> Error {
        Error(Box::new(ErrorKind::Unknown { kind, name: name.to_string() }))
    }

    /// A use of a disposed tensor.
    #[cold]
    pub fn disposed() -> Error {
        Error(Box::new(ErrorKind::Disposed))
    }

    /// A gradient that does not exist.
    pub fn gradient(message: impl fmt::Display) -> Error {
        text(ErrorKind::Gradient, &message)
    }

    /// A device error of `engine`.
    pub fn device(engine: &str, message: impl fmt::Display) -> Error {
        texts(|engine, message| ErrorKind::Device { engine, message }, &engine, &message)
    }

    /// A read that would have to block.
    pub fn would_block(message: impl fmt::Display) -> Error {
        text(ErrorKind::WouldBlock, &message)
    }

    /// Contents of `what` that are not what its format says.
    pub fn format(what: impl fmt::Display, message: impl fmt::Display) -> Error {
        texts(|what, message| ErrorKind::Format { what, message }, &what, &message)
    }

    /// A stable identifier of the kind of error, for programs.
    pub fn code(&self) -> &'static str {
        match self.kind() {
            ErrorKind::Shape { .. } => "shape",
            ErrorKind::DType { .. } => "dtype",
            ErrorKind::Argument { .. } => "argument",
            ErrorKind::Unknown { .. } => "unknown",
            ErrorKind::Disposed => "disposed",
            ErrorKind::Gradient(_) => "gradient",
            ErrorKind::Device { .. } => "device",
            ErrorKind::WouldBlock(_) => "would-block",
            ErrorKind::Format { .. } => "format",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            ErrorKind::Shape { op, expected, got } => {
                write!(f, "Error in {op}: expected {expected}, received {got}")
            }
            ErrorKind::DType { op, expected, got } => {
                write!(f, "Error in {op}: expected dtype {expected}, received {got}")
            }
            ErrorKind::Argument { op, expected, got } => {
                write!(f, "Error in {op}: expected {expected}, received {got}")
            }
            ErrorKind::Unknown { kind, name } => write!(f, "Unknown {kind}: '{name}'"),
            ErrorKind::Disposed => write!(f, "Tensor is disposed."),
            ErrorKind::Gradient(message) => write!(f, "{message}"),
            ErrorKind::Device { engine, message } => write!(f, "{engine} engine: {message}"),
            ErrorKind::WouldBlock(message) => write!(f, "{message}"),
            ErrorKind::Format { what, message } => write!(f, "{what}: {message}"),
        }
    }
}

impl std::error::Error for Error {}
