//! Records of event files: TFRecord framing around messages of event.proto and summary.proto. The messages have a handful of
//! fields, which are written here by their numbers.

use crc::{Crc, CRC_32_ISCSI};

/// A message, or a part of one.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(mut self, mut value: u64) -> Message {
        while value >= 128 {
            self.0.push((value % 128) as u8 | 128);
            value /= 128;
        }
        self.0.push(value as u8);
        self
    }

    fn fixed(mut self, bytes: &[u8]) -> Message {
        self.0.extend_from_slice(bytes);
        self
    }

    // Fields: number and wire type, then the value.

    fn whole(self, field: u64, value: u64) -> Message {
        self.varint(field * 8).varint(value)
    }

    fn float(self, field: u64, value: f32) -> Message {
        self.varint(field * 8 + 5).fixed(&value.to_le_bytes())
    }

    fn double(self, field: u64, value: f64) -> Message {
        self.varint(field * 8 + 1).fixed(&value.to_le_bytes())
    }

    fn bytes(self, field: u64, value: &[u8]) -> Message {
        self.varint(field * 8 + 2).varint(value.len() as u64).fixed(value)
    }

    fn message(self, field: u64, value: &Message) -> Message {
        self.bytes(field, &value.0)
    }

    fn text(self, field: u64, value: &str) -> Message {
        self.bytes(field, value.as_bytes())
    }

    fn doubles(self, field: u64, values: &[f64]) -> Message {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.bytes(field, &bytes)
    }
}

/// Event: its time in seconds.
fn event(seconds: f64) -> Message {
    Message::default().double(1, seconds)
}

/// Event.summary of one Summary.Value. A description for people is in its metadata, together with the plugin that shows the value.
fn summary(at: At<'_>, plugin: &str, value: impl FnOnce(Message) -> Message) -> Vec<u8> {
    let mut own = value(Message::default().text(1, at.tag));
    if let Some(description) = at.description {
        let plugin = Message::default().text(1, plugin);
        own = own.message(9, &Message::default().message(1, &plugin).text(3, description));
    }
    event(at.seconds).whole(2, at.step).message(5, &Message::default().message(1, &own)).0
}

/// When an event is, and what it is of.
#[derive(Clone, Copy)]
pub(super) struct At<'a> {
    pub seconds: f64,
    pub step: u64,
    pub tag: &'a str,
    pub description: Option<&'a str>,
}

/// What a file begins with.
pub(super) fn version(seconds: f64) -> Vec<u8> {
    event(seconds).text(3, "brain.Event:2").0
}

/// A number.
pub(super) fn scalar(at: At<'_>, value: f64) -> Vec<u8> {
    summary(at, "scalars", |own| own.float(2, value as f32))
}

/// How many of the finite values lie in each of `buckets` equal parts of their range.
pub(super) fn histogram(at: At<'_>, values: &[f32], buckets: usize) -> Vec<u8> {
    let values: Vec<f64> = values.iter().filter(|value| value.is_finite()).map(|&value| value.into()).collect();
    let min = values.iter().copied().fold(f64::INFINITY, f64::min);
    let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let parts = match values.len() {
        0 => 0,
        _ if max == min => 1,
        _ => buckets,
    };
    let mut counts = vec![0.0; parts];
    for value in &values {
        // The quotient is NaN, which is part 0, where all values are one.
        let part = ((value - min) / (max - min) * parts as f64) as usize;
        counts[part.min(parts - 1)] += 1.0;
    }
    let limit = |i: usize| if i + 1 == parts { max } else { min + (max - min) * (i + 1) as f64 / parts as f64 };
    let limits: Vec<f64> = (0..parts).map(limit).collect();
    let (sum, squares) = values.iter().fold((0.0, 0.0), |(sum, squares), v| (sum + v, squares + v * v));
    let mut own = Message::default();
    if parts > 0 {
        own = own.double(1, min).double(2, max);
    }
    let own = own.double(3, values.len() as f64).double(4, sum).double(5, squares);
    summary(at, "histograms", |value| value.message(5, &own.doubles(6, &limits).doubles(7, &counts)))
}

/// CRC-32C.
static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// A checksum, rotated and moved as TFRecord has it.
fn masked(bytes: &[u8]) -> [u8; 4] {
    CRC.checksum(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// A message in a TFRecord: length, its checksum, the message, its checksum.
pub(super) fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), message, &masked(message)].concat()
}
