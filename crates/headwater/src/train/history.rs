//! What was measured.

/// Measures by name, the loss first: of an epoch, or of an evaluation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Logs(Vec<(String, f64)>);

impl Logs {
    /// The value of a name: `loss`, `accuracy`, `val_loss`.
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(n, _)| n == name).map(|&(_, value)| value)
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, value)| (name.as_str(), *value))
    }

    /// Adds those of a validation, whose names begin with `val_`.
    pub(super) fn validated(&mut self, validation: Logs) {
        self.0.extend(validation.0.into_iter().map(|(name, value)| (format!("val_{name}"), value)));
    }
}

impl FromIterator<(String, f64)> for Logs {
    fn from_iter<T: IntoIterator<Item = (String, f64)>>(values: T) -> Logs {
        Logs(values.into_iter().collect())
    }
}

/// Losses and metrics by epoch.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The mean loss of each epoch.
    pub loss: Vec<f64>,
    /// The mean accuracy of each epoch, where it is one of the metrics.
    pub accuracy: Vec<f64>,
    /// The other measures.
    others: Vec<(String, Vec<f64>)>,
}

impl History {
    pub(super) fn push(&mut self, logs: &Logs) {
        for (name, value) in logs.iter() {
            let list = match name {
                "loss" => &mut self.loss,
                "accuracy" => &mut self.accuracy,
                _ => {
                    let at = self.others.iter().position(|(n, _)| n == name).unwrap_or_else(|| {
                        self.others.push((name.to_owned(), Vec::new()));
                        self.others.len() - 1
                    });
                    &mut self.others[at].1
                }
            };
            list.push(value);
        }
    }

    /// All measures by name.
    pub(super) fn columns(&self) -> Vec<(String, Vec<f64>)> {
        let own = [("loss", &self.loss), ("accuracy", &self.accuracy)];
        let own = own.into_iter().map(|(name, list)| (name.to_owned(), list.clone()));
        own.chain(self.others.iter().cloned()).collect()
    }

    /// The history that has these measures.
    pub(super) fn from_columns(columns: Vec<(String, Vec<f64>)>) -> History {
        let mut history = History::default();
        for (name, list) in columns {
            match name.as_str() {
                "loss" => history.loss = list,
                "accuracy" => history.accuracy = list,
                _ => history.others.push((name, list)),
            }
        }
        history
    }

    /// The values of a measure by epoch: `val_loss`, `output_accuracy`.
    pub fn get(&self, name: &str) -> Option<&[f64]> {
        let list = match name {
            "loss" => Some(&self.loss),
            "accuracy" => Some(&self.accuracy),
            _ => self.others.iter().find(|(n, _)| n == name).map(|(_, list)| list),
        };
        list.filter(|list| !list.is_empty()).map(Vec::as_slice)
    }

    /// The names of all measures, `loss` first.
    pub fn names(&self) -> Vec<&str> {
        let own = ["loss", "accuracy"].into_iter().filter(|name| self.get(name).is_some());
        own.chain(self.others.iter().map(|(name, _)| name.as_str())).collect()
    }
}
