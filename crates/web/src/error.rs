//! Errors as JavaScript sees them.

use headwater::Error;
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// `Result` whose error is a JavaScript `Error`.
pub type JsResult<T> = Result<T, JsValue>;

/// A JavaScript `Error` with the message and the code of `error`.
pub fn throw(error: Error) -> JsValue {
    let js = js_sys::Error::new(&error.to_string());
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&js, &"code".into(), &error.code().into());
    js.into()
}

/// The message of what was thrown.
#[cfg(any(feature = "gpu", feature = "training"))]
pub fn message(thrown: &JsValue) -> String {
    let message = Reflect::get(thrown, &"message".into()).ok().and_then(|m| m.as_string());
    message.or_else(|| thrown.as_string()).unwrap_or_else(|| "a value that is no Error".into())
}

/// An [`Error`] for what a JavaScript callback threw: its message survives.
#[cfg(feature = "training")]
pub fn caught(thrown: &JsValue) -> Error {
    Error::gradient(message(thrown))
}
