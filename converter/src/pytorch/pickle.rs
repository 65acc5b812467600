//! The part of Python's pickle format that checkpoints are written in (protocols 2 to 4).

use std::collections::HashMap;
use std::rc::Rc;

use headwater::Result;

use crate::format_error;

/// A Python value, as far as checkpoints need it: truth values and floats are read over.
#[derive(Clone, Debug)]
pub enum Value {
    None,
    Bool,
    Int(i64),
    /// An integer of more than eight bytes, little-endian.
    Long(Vec<u8>),
    Float,
    Text(String),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    /// Also an OrderedDict.
    Dict(Vec<(Value, Value)>),
    /// `module.name`, not imported.
    Global(Rc<str>),
    /// What a global would have been called with.
    Call(Rc<str>, Vec<Value>),
    /// A persistent id.
    Persistent(Vec<Value>),
}

impl Value {
    /// What it is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Value::None => "None",
            Value::Bool => "a bool",
            Value::Int(_) | Value::Long(_) => "an integer",
            Value::Float => "a float",
            Value::Text(_) => "a text",
            Value::Tuple(_) => "a tuple",
            Value::List(_) => "a list",
            Value::Dict(_) => "a dictionary",
            Value::Global(_) => "a global",
            Value::Call(..) => "an object",
            Value::Persistent(_) => "a persistent id",
        }
    }

    /// Counts the values in this one, itself too, down from `budget`; `None` where that or `depth` is not enough.
    fn count(&self, depth: usize, budget: usize) -> Option<usize> {
        let budget = budget.checked_sub(1)?;
        let inner = |values: &[Value]| {
            let depth = depth.checked_sub(1)?;
            values.iter().try_fold(budget, |budget, value| value.count(depth, budget))
        };
        match self {
            Value::Tuple(v) | Value::List(v) | Value::Call(_, v) | Value::Persistent(v) => inner(v),
            Value::Dict(items) => {
                let depth = depth.checked_sub(1)?;
                items.iter().try_fold(budget, |budget, (k, v)| v.count(depth, k.count(depth, budget)?))
            }
            _ => Some(budget),
        }
    }
}

/// Reads pickles one after another.
pub struct Unpickler<'a> {
    bytes: &'a [u8],
    at: usize,
    name: &'a str,
}

/// Longer pickles are no checkpoint.
const MAX_OPERATIONS: usize = 50_000_000;

/// Values nested deeper than this are no checkpoint; cloning and dropping them would exhaust the stack.
const MAX_DEPTH: usize = 64;

/// Values that recalls from the memo may copy: a few bytes can ask for exponentially many.
const MAX_COPIES: usize = 1 << 24;

impl<'a> Unpickler<'a> {
    /// A reader of `bytes`; `name` is for messages.
    pub fn new(bytes: &'a [u8], name: &'a str) -> Unpickler<'a> {
        Unpickler { bytes, at: 0, name }
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// When there are fewer; `what` is for the message.
    pub fn take(&mut self, n: usize, what: &str) -> Result<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        if n > rest.len() {
            let message = format!("expected {n} bytes of {what} at offset {}, received {}", self.at, rest.len());
            return Err(format_error(self.name, message));
        }
        self.at += n;
        Ok(&rest[..n])
    }

    /// The next `N` bytes.
    ///
    /// # Errors
    /// As [`Unpickler::take`].
    pub fn take_array<const N: usize>(&mut self, what: &str) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N, what)?);
        Ok(out)
    }

    fn line(&mut self) -> Result<String> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|&b| b == b'\n');
        let end =
            end.ok_or_else(|| format_error(self.name, format!("expected the end of a line after offset {}", self.at)))?;
        self.at += end + 1;
        Ok(String::from_utf8_lossy(&rest[..end]).into_owned())
    }

    fn text(&mut self, n: usize) -> Result<Value> {
        Ok(Value::Text(String::from_utf8_lossy(self.take(n, "a text")?).into_owned()))
    }

    fn bad(&self, message: impl ToString) -> headwater::Error {
        format_error(self.name, format!("{} at offset {}", message.to_string(), self.at))
    }

    /// The next pickle's value.
    ///
    /// # Errors
    /// At the end of the bytes, and for anything a checkpoint does not hold.
    pub fn load(&mut self) -> Result<Value> {
        let mut stack: Vec<Value> = Vec::new();
        let mut marks: Vec<usize> = Vec::new();
        let mut memo: HashMap<u32, Value> = HashMap::new();
        let mut copies = MAX_COPIES;
        for _ in 0..MAX_OPERATIONS {
            let [op] = self.take_array("a pickle")?;
            match op {
                0x80 => drop(self.take(1, "a protocol")?),
                0x95 => drop(self.take(8, "a frame")?),
                b'.' => return stack.pop().ok_or_else(|| self.bad("expected a value before the end of a pickle")),
                b'N' => stack.push(Value::None),
                0x88 | 0x89 => stack.push(Value::Bool),
                b'K' => {
                    let [n] = self.take_array("an integer")?;
                    stack.push(Value::Int(n.into()));
                }
                b'M' => stack.push(Value::Int(u16::from_le_bytes(self.take_array("an integer")?).into())),
                b'J' => stack.push(Value::Int(i32::from_le_bytes(self.take_array("an integer")?).into())),
                0x8a => {
                    let [n] = self.take_array("an integer")?;
                    let digits = self.take(n.into(), "an integer")?;
                    stack.push(if digits.len() <= 8 {
                        Value::Int(signed(digits))
                    } else {
                        Value::Long(digits.to_vec())
                    });
                }
                b'G' => {
                    self.take(8, "a float")?;
                    stack.push(Value::Float);
                }
                b'X' => {
                    let n = u32::from_le_bytes(self.take_array("a text")?);
                    stack.push(self.text(n as usize)?);
                }
                0x8c => {
                    let [n] = self.take_array("a text")?;
                    stack.push(self.text(n.into())?);
                }
                b'}' => stack.push(Value::Dict(Vec::new())),
                b']' => stack.push(Value::List(Vec::new())),
                b')' => stack.push(Value::Tuple(Vec::new())),
                b'(' => marks.push(stack.len()),
                b't' => {
                    let items = self.since_mark(&mut stack, &mut marks)?;
                    self.shallow(&items)?;
                    stack.push(Value::Tuple(items));
                }
                0x85..=0x87 => {
                    let n = usize::from(op - 0x84);
                    let from =
                        stack.len().checked_sub(n).ok_or_else(|| self.bad("a tuple of values that are not there"))?;
                    let items = stack.split_off(from);
                    self.shallow(&items)?;
                    stack.push(Value::Tuple(items));
                }
                b'a' => {
                    let item = self.pop(&mut stack)?;
                    self.append(&mut stack, vec![item])?;
                }
                b'e' => {
                    let items = self.since_mark(&mut stack, &mut marks)?;
                    self.append(&mut stack, items)?;
                }
                b's' => {
                    let value = self.pop(&mut stack)?;
                    let key = self.pop(&mut stack)?;
                    self.set(&mut stack, vec![key, value])?;
                }
                b'u' => {
                    let items = self.since_mark(&mut stack, &mut marks)?;
                    self.set(&mut stack, items)?;
                }
                b'q' => {
                    let [n] = self.take_array("a memo")?;
                    self.remember(&stack, &mut memo, n.into(), &mut copies)?;
                }
                b'r' => {
                    let n = u32::from_le_bytes(self.take_array("a memo")?);
                    self.remember(&stack, &mut memo, n, &mut copies)?;
                }
                0x94 => {
                    let n = memo.len() as u32;
                    self.remember(&stack, &mut memo, n, &mut copies)?;
                }
                b'h' => {
                    let [n] = self.take_array("a memo")?;
                    stack.push(self.recall(&memo, n.into(), &mut copies)?);
                }
                b'j' => {
                    let n = u32::from_le_bytes(self.take_array("a memo")?);
                    stack.push(self.recall(&memo, n, &mut copies)?);
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    stack.push(Value::Global(format!("{module}.{name}").into()));
                }
                0x93 => {
                    let (name, module) = (self.pop(&mut stack)?, self.pop(&mut stack)?);
                    let (Value::Text(module), Value::Text(name)) = (module, name) else {
                        return Err(self.bad("expected a module and a name"));
                    };
                    stack.push(Value::Global(format!("{module}.{name}").into()));
                }
                b'R' => {
                    let (arguments, function) = (self.pop(&mut stack)?, self.pop(&mut stack)?);
                    let (Value::Tuple(arguments), Value::Global(function)) = (arguments, function) else {
                        return Err(self.bad("expected a call of a global"));
                    };
                    stack.push(match &*function {
                        "collections.OrderedDict" => Value::Dict(Vec::new()),
                        _ => Value::Call(function, arguments),
                    });
                }
                // State of an object: a state dictionary's `_metadata`, of no interest.
                b'b' => drop(self.pop(&mut stack)?),
                b'Q' => match self.pop(&mut stack)? {
                    Value::Tuple(id) => stack.push(Value::Persistent(id)),
                    other => {
                        return Err(self.bad(format!("expected a tuple as a persistent id, found {}", other.kind())))
                    }
                },
                other => return Err(self.bad(format!("pickle operation {other:#04x} is not used by checkpoints"))),
            }
        }
        Err(self.bad("a pickle of too many operations"))
    }

    fn pop(&self, stack: &mut Vec<Value>) -> Result<Value> {
        stack.pop().ok_or_else(|| self.bad("expected a value on the stack"))
    }

    fn since_mark(&self, stack: &mut Vec<Value>, marks: &mut Vec<usize>) -> Result<Vec<Value>> {
        let mark = marks.pop().filter(|&m| m <= stack.len()).ok_or_else(|| self.bad("expected a mark on the stack"))?;
        Ok(stack.split_off(mark))
    }

    fn append(&self, stack: &mut [Value], items: Vec<Value>) -> Result<()> {
        self.shallow(&items)?;
        match stack.last_mut() {
            Some(Value::List(list)) => list.extend(items),
            _ => return Err(self.bad("expected a list to append to")),
        }
        Ok(())
    }

    fn set(&self, stack: &mut [Value], items: Vec<Value>) -> Result<()> {
        self.shallow(&items)?;
        let Some(Value::Dict(dict)) = stack.last_mut() else {
            return Err(self.bad("expected a dictionary to fill"));
        };
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            dict.push((key, value));
        }
        Ok(())
    }

    /// Fails for values too deep to be put in another.
    fn shallow(&self, items: &[Value]) -> Result<()> {
        let fits = items.iter().all(|item| item.count(MAX_DEPTH, usize::MAX).is_some());
        fits.then_some(()).ok_or_else(|| self.bad(format!("values nested more than {MAX_DEPTH} deep")))
    }

    fn copy(&self, value: &Value, copies: &mut usize) -> Result<Value> {
        // What is put away or taken out may be nested as deep as what is in a container, and lie in one itself.
        *copies = value
            .count(MAX_DEPTH + 1, *copies)
            .ok_or_else(|| self.bad(format!("the memo copies more than {MAX_COPIES} values")))?;
        Ok(value.clone())
    }

    fn remember(&self, stack: &[Value], memo: &mut HashMap<u32, Value>, n: u32, copies: &mut usize) -> Result<()> {
        let value = stack.last().ok_or_else(|| self.bad("expected a value to remember"))?;
        // Containers are remembered before they are filled and never recalled by checkpoints: an empty one will do.
        let value = match value {
            Value::Dict(_) => Value::Dict(Vec::new()),
            Value::List(_) => Value::List(Vec::new()),
            other => self.copy(other, copies)?,
        };
        memo.insert(n, value);
        Ok(())
    }

    fn recall(&self, memo: &HashMap<u32, Value>, n: u32, copies: &mut usize) -> Result<Value> {
        let value = memo.get(&n).ok_or_else(|| self.bad(format!("memo {n} does not exist")))?;
        self.copy(value, copies)
    }
}

/// A little-endian two's-complement integer of up to eight bytes.
fn signed(digits: &[u8]) -> i64 {
    let mut out = if digits.last().is_some_and(|d| d & 0x80 != 0) { [0xff; 8] } else { [0; 8] };
    out[..digits.len()].copy_from_slice(digits);
    i64::from_le_bytes(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(bytes: &[u8]) -> String {
        Unpickler::new(bytes, "bad.pth").load().expect_err("not a checkpoint").to_string()
    }

    #[test]
    fn nesting_ends_before_the_stack_does() {
        let mut tuples = vec![b')'];
        tuples.resize(1_000_000, 0x85);
        assert!(error(&tuples).contains("nested more than 64 deep"), "{}", error(&tuples));
        // ]]]...aaa: lists, each put in the one before.
        let lists: Vec<u8> = [b']'; 100_000].into_iter().chain([b'a'; 99_999]).chain([b'.']).collect();
        assert!(error(&lists).contains("nested more than 64 deep"), "{}", error(&lists));
    }

    #[test]
    fn the_memo_does_not_multiply_without_bound() {
        // A pair of twice the value before, sixty times.
        let mut bytes = vec![b')', 0x94];
        for n in 0..60 {
            bytes.extend([b'h', n, b'h', n, 0x86, 0x94]);
        }
        assert!(error(&bytes).contains("the memo copies more than"), "{}", error(&bytes));
    }
}
