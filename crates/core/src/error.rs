//! The one error type of the library.

use std::fmt;

/// `Result` with the library's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong. Every message names the op or file, what was expected and what came.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Error {
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

impl Error {
    /// A shape error of `op`.
    pub fn shape(op: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Error {
        Error::Shape { op: op.into(), expected: expected.to_string(), got: got.to_string() }
    }

    /// A dtype error of `op`.
    pub fn dtype(op: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Error {
        Error::DType { op: op.into(), expected: expected.to_string(), got: got.to_string() }
    }

    /// An argument error of `op`.
    pub fn argument(op: &str, expected: impl fmt::Display, got: impl fmt::Display) -> Error {
        Error::Argument { op: op.into(), expected: expected.to_string(), got: got.to_string() }
    }

    /// A device error of `engine`.
    pub fn device(engine: &str, message: impl fmt::Display) -> Error {
        Error::Device { engine: engine.into(), message: message.to_string() }
    }

    /// A stable identifier of the kind of error, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Shape { .. } => "shape",
            Error::DType { .. } => "dtype",
            Error::Argument { .. } => "argument",
            Error::Unknown { .. } => "unknown",
            Error::Disposed => "disposed",
            Error::Gradient(_) => "gradient",
            Error::Device { .. } => "device",
            Error::WouldBlock(_) => "would-block",
            Error::Format { .. } => "format",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Shape { op, expected, got } => {
                write!(f, "Error in {op}: expected {expected}, received {got}")
            }
            Error::DType { op, expected, got } => {
                write!(f, "Error in {op}: expected dtype {expected}, received {got}")
            }
            Error::Argument { op, expected, got } => {
                write!(f, "Error in {op}: expected {expected}, received {got}")
            }
            Error::Unknown { kind, name } => write!(f, "Unknown {kind}: '{name}'"),
            Error::Disposed => write!(f, "Tensor is disposed."),
            Error::Gradient(message) => write!(f, "{message}"),
            Error::Device { engine, message } => write!(f, "{engine} engine: {message}"),
            Error::WouldBlock(message) => write!(f, "{message}"),
            Error::Format { what, message } => write!(f, "{what}: {message}"),
        }
    }
}

impl std::error::Error for Error {}
