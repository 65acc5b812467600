//! Recurrent layers: cells, the layers that run them over time, and wrappers.

mod cell;
mod conv_cell;
mod gated;
mod rnn;
mod stacked;
mod wrappers;

use headwater_core::{Error, Result};

use super::super::config::Config;
use super::super::value::{Map, Value};
use super::{layer, unsqueezed, Make};
use cell::Cell;
use conv_cell::ConvCell;
use gated::{Gated, Kind};
use rnn::Rnn;
use stacked::Stacked;

pub(super) const LAYERS: &[(&str, Make)] = &[
    ("SimpleRNNCell", |c| layer(cell::CellLayer(gated(c, Kind::Simple)?))),
    ("LSTMCell", |c| layer(cell::CellLayer(gated(c, Kind::Lstm)?))),
    ("GRUCell", |c| layer(cell::CellLayer(gated(c, Kind::Gru)?))),
    ("ConvLSTM2DCell", |c| layer(cell::CellLayer(Box::new(ConvCell::new(c, 2)?)))),
    ("StackedRNNCells", |c| layer(cell::CellLayer(stacked(c)?))),
    ("SimpleRNN", |c| layer(Rnn::new(c, gated(c, Kind::Simple)?)?)),
    ("LSTM", |c| layer(Rnn::new(c, gated(c, Kind::Lstm)?)?)),
    ("GRU", |c| layer(Rnn::new(c, gated(c, Kind::Gru)?)?)),
    ("ConvLSTM1D", |c| unsqueezed::unsqueezed(c, "ConvLSTM2D")),
    ("ConvLSTM2D", |c| layer(Rnn::new(c, Box::new(ConvCell::new(c, 2)?))?)),
    #[cfg(feature = "layers-volumes")]
    ("ConvLSTM3D", |c| layer(Rnn::new(c, Box::new(ConvCell::new(c, 3)?))?)),
    ("RNN", |c| layer(Rnn::new(c, nested(c, "cell")?)?)),
    ("Bidirectional", |c| layer(wrappers::Bidirectional::new(c)?)),
    ("TimeDistributed", |c| layer(wrappers::TimeDistributed::new(c)?)),
];

fn gated(c: &Config<'_>, kind: Kind) -> Result<Box<dyn Cell>> {
    Ok(Box::new(Gated::new(c, kind)?))
}

fn stacked(c: &Config<'_>) -> Result<Box<dyn Cell>> {
    Ok(Box::new(Stacked::new(cells(c, "cells")?)?))
}

/// The cells of a list.
fn cells(c: &Config<'_>, key: &str) -> Result<Vec<Box<dyn Cell>>> {
    let wrong =
        || Error::argument(c.class, format_args!("a list of cells as '{key}'"), c.get(key).unwrap_or(&Value::Null));
    c.get(key).and_then(Value::list).ok_or_else(wrong)?.iter().map(cell).collect()
}

/// The cell of a key, or several as one.
fn nested(c: &Config<'_>, key: &str) -> Result<Box<dyn Cell>> {
    match c.get(key) {
        Some(Value::List(_)) => Ok(Box::new(Stacked::new(cells(c, key)?)?)),
        Some(value) => cell(value),
        None => Err(Error::argument(c.class, format_args!("a cell as '{key}'"), "null")),
    }
}

/// A cell of its class name and configuration.
fn cell(value: &Value) -> Result<Box<dyn Cell>> {
    let class = value.get("class_name").and_then(Value::text).unwrap_or("");
    let none = Value::Map(Map::default());
    let config = value.get("config").unwrap_or(&none);
    match class {
        "SimpleRNNCell" => gated(&Config::new("SimpleRNNCell", config), Kind::Simple),
        "LSTMCell" => gated(&Config::new("LSTMCell", config), Kind::Lstm),
        "GRUCell" => gated(&Config::new("GRUCell", config), Kind::Gru),
        "ConvLSTM2DCell" => Ok(Box::new(ConvCell::new(&Config::new("ConvLSTM2DCell", config), 2)?)),
        "StackedRNNCells" => stacked(&Config::new("StackedRNNCells", config)),
        _ => Err(Error::unknown("cell", class)),
    }
}

/// `{class_name, config}` of a cell.
fn written(cell: &dyn Cell) -> Value {
    let mut config = Map::default();
    cell.config(&mut config);
    let mut map = Map::default();
    map.set("class_name", cell.class_name());
    map.set("config", config);
    map.into()
}
