//! Configurations as bytes, which `encode.ts` writes and reads: less code than JSON, and numbers stay as they are.
//! A value is its kind and, little-endian: a number's 8 bytes; a text's size in 4 bytes and UTF-8; a list's number of values
//! in 4 bytes and the values; a map's as a list's, each value after its key.

use headwater::nn::{Map, Value};
use headwater::Error;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const NUMBER: u8 = 3;
const TEXT: u8 = 4;
const LIST: u8 = 5;
const MAP: u8 = 6;

/// Reads a value.
pub fn decode(mut bytes: &[u8]) -> Result<Value, Error> {
    read(&mut bytes).ok_or_else(|| Error::format("configuration", "it ends too soon"))
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (head, tail) = from.split_at_checked(count)?;
    *from = tail;
    Some(head)
}

fn count(from: &mut &[u8]) -> Option<usize> {
    Some(u32::from_le_bytes(take(from, 4)?.try_into().ok()?) as usize)
}

fn text(from: &mut &[u8]) -> Option<String> {
    let count = count(from)?;
    take(from, count).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn read(from: &mut &[u8]) -> Option<Value> {
    Some(match take(from, 1)?[0] {
        FALSE => Value::Bool(false),
        TRUE => Value::Bool(true),
        NUMBER => Value::Number(f64::from_le_bytes(take(from, 8)?.try_into().ok()?)),
        TEXT => Value::Text(text(from)?),
        LIST => Value::List((0..count(from)?).map(|_| read(from)).collect::<Option<_>>()?),
        MAP => Value::Map((0..count(from)?).map(|_| Some((text(from)?, read(from)?))).collect::<Option<Map>>()?),
        _ => Value::Null,
    })
}

/// Writes a value.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write(value, &mut bytes);
    bytes
}

fn write_text(text: &str, to: &mut Vec<u8>) {
    to.extend((text.len() as u32).to_le_bytes());
    to.extend(text.as_bytes());
}

fn write(value: &Value, to: &mut Vec<u8>) {
    match value {
        Value::Null => to.push(NULL),
        Value::Bool(yes) => to.push(if *yes { TRUE } else { FALSE }),
        Value::Number(n) => {
            to.push(NUMBER);
            to.extend(n.to_le_bytes());
        }
        Value::Text(text) => {
            to.push(TEXT);
            write_text(text, to);
        }
        Value::List(list) => {
            to.push(LIST);
            to.extend((list.len() as u32).to_le_bytes());
            list.iter().for_each(|value| write(value, to));
        }
        Value::Map(map) => {
            let items = map.iter();
            to.push(MAP);
            to.extend((items.len() as u32).to_le_bytes());
            for (key, value) in items {
                write_text(key, to);
                write(value, to);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back() {
        let mut map = Map::default();
        map.set("shape", vec![Some(3.0), None]);
        map.set("rate", 0.25);
        map.set("on", true);
        map.set("off", false);
        map.set("é", "ü");
        map.set("inner", Map::default());
        let value = Value::from(map);
        let bytes = encode(&value);
        assert_eq!(decode(&bytes).ok(), Some(value));
        assert!(decode(&bytes[..bytes.len() - 3]).is_err());
        assert!(decode(&[LIST, 255, 255, 255, 255]).is_err());
    }
}
