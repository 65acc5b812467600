//! Every metric: Keras's class name, the name that logs give it, its keys, and how it is computed.

use headwater_core::ops;

use super::args::{Args, Key, Kind};
use super::batch::Batch;
use super::{auc, classes, confusion, r2, values};
use headwater_core::calc::Term;

/// A metric's class.
pub(super) struct Class {
    pub class: &'static str,
    pub name: &'static str,
    pub keys: &'static [Key],
    pub rule: Rule,
}

/// How a metric is computed.
pub(super) enum Rule {
    /// The mean of a loss, by its name.
    Loss(&'static str),
    /// The mean of a value of each sample.
    Mean(for<'a> fn(&Args, &Batch<'a>) -> Term<'a>),
    /// So many sums: what a batch adds to each, and what they make.
    Sums(usize, for<'a> fn(&Args, &Batch<'a>) -> Vec<Term<'a>>, for<'a> fn(&Args, &[Term<'a>]) -> Term<'a>),
}

impl Rule {
    /// The number of sums.
    pub fn count(&self) -> usize {
        match self {
            Rule::Sums(count, ..) => *count,
            _ => 2,
        }
    }

    pub fn terms<'a>(&self, args: &Args, batch: &Batch<'a>) -> Vec<Term<'a>> {
        match self {
            Rule::Loss(name) => {
                let (t, y) = batch.paired();
                batch.mean_terms(values::loss(name, t, y))
            }
            Rule::Mean(value) => batch.mean_terms(value(args, batch)),
            Rule::Sums(_, terms, _) => terms(args, batch),
        }
    }

    pub fn result<'a>(&self, args: &Args, sums: &[Term<'a>]) -> Term<'a> {
        match self {
            Rule::Sums(_, _, result) => result(args, sums),
            _ => mean(args, sums),
        }
    }
}

fn mean<'a>(_: &Args, sums: &[Term<'a>]) -> Term<'a> {
    sums[0].over(sums[1])
}

impl Class {
    /// The class of a name: Keras's class name, its name in logs, or a short one, in any case, with underscores or without.
    pub fn find(name: &str) -> Option<&'static Class> {
        const SHORT: &[(&str, &str)] = &[
            ("mse", "MeanSquaredError"),
            ("mae", "MeanAbsoluteError"),
            ("mape", "MeanAbsolutePercentageError"),
            ("msle", "MeanSquaredLogarithmicError"),
            ("bce", "BinaryCrossentropy"),
        ];
        let long = SHORT.iter().find(|(short, _)| alike(short, name)).map_or(name, |(_, long)| long);
        CLASSES.iter().find(|c| alike(c.class, long) || alike(c.name, long))
    }
}

/// Whether names are the same but for case and underscores.
#[inline(never)]
fn alike(a: &str, b: &str) -> bool {
    let plain =
        |name: &'_ str| name.bytes().filter(|&c| c != b'_').map(|c| c.to_ascii_lowercase()).collect::<Vec<u8>>();
    plain(a) == plain(b)
}

const MOST: f64 = 1e9;
const THRESHOLD: Key = ("threshold", Kind::Number(0.5, f64::MIN, f64::MAX));
const THRESHOLDS: Key = ("thresholds", Kind::Optional(0.0, 1.0));
const TOP_K: Key = ("top_k", Kind::Optional(1.0, MOST));
const CLASS_ID: Key = ("class_id", Kind::Optional(0.0, MOST));
const K: Key = ("k", Kind::Number(5.0, 1.0, MOST));
const AXIS: Key = ("axis", Kind::Number(-1.0, -MOST, MOST));
const FROM_LOGITS: Key = ("from_logits", Kind::Flag(false));
const SMOOTHING: Key = ("label_smoothing", Kind::Number(0.0, 0.0, 1.0));
const IGNORED: Key = ("ignore_class", Kind::Optional(-MOST, MOST));
const COUNT: Key = ("num_thresholds", Kind::Number(200.0, 1.0, MOST));
const AVERAGE: Key = ("average", Kind::Word(&["", "micro", "macro", "weighted"]));
const CUT: Key = ("threshold", Kind::Optional(f64::MIN_POSITIVE, 1.0));
const CLASSES_OF: Key = ("num_classes", Kind::Needed(1.0, MOST));
const TARGETS: Key = ("target_class_ids", Kind::Needed(0.0, MOST));
const SPARSE_TRUE: Key = ("sparse_y_true", Kind::Flag(true));
const SPARSE_PRED: Key = ("sparse_y_pred", Kind::Flag(true));
const ONE_HOT_PRED: Key = ("sparse_y_pred", Kind::Flag(false));
const SHARE: Kind = Kind::Needed(0.0, 1.0);

const fn of(class: &'static str, name: &'static str, keys: &'static [Key], rule: Rule) -> Class {
    Class { class, name, keys, rule }
}

/// Every metric that is an object in Keras 3.
pub(super) static CLASSES: &[Class] = &[
    of("Mean", "mean", &[], Rule::Mean(|_, b| b.predicted)),
    of("Sum", "sum", &[], Rule::Sums(1, |_, b| vec![b.weighted(b.predicted).total()], |_, s| s[0])),
    of("MeanSquaredError", "mean_squared_error", &[], Rule::Loss("meanSquaredError")),
    of(
        "RootMeanSquaredError",
        "root_mean_squared_error",
        &[],
        Rule::Sums(2, |_, b| b.mean_terms(values::squared_error(b)), |a, s| mean(a, s).map(ops::sqrt)),
    ),
    of("MeanAbsoluteError", "mean_absolute_error", &[], Rule::Loss("meanAbsoluteError")),
    of("MeanAbsolutePercentageError", "mean_absolute_percentage_error", &[], Rule::Loss("meanAbsolutePercentageError")),
    of("MeanSquaredLogarithmicError", "mean_squared_logarithmic_error", &[], Rule::Loss("meanSquaredLogarithmicError")),
    of("LogCoshError", "logcosh", &[], Rule::Loss("logcosh")),
    of("Hinge", "hinge", &[], Rule::Loss("hinge")),
    of("SquaredHinge", "squared_hinge", &[], Rule::Loss("squaredHinge")),
    of("CategoricalHinge", "categorical_hinge", &[], Rule::Loss("categoricalHinge")),
    of("KLDivergence", "kl_divergence", &[], Rule::Loss("kullbackLeiblerDivergence")),
    of("Poisson", "poisson", &[], Rule::Loss("poisson")),
    of("CosineSimilarity", "cosine_similarity", &[AXIS], Rule::Mean(values::cosine_similarity)),
    of("PearsonCorrelation", "pearson_correlation", &[AXIS], Rule::Mean(values::pearson)),
    of("ConcordanceCorrelation", "concordance_correlation", &[AXIS], Rule::Mean(values::concordance)),
    of("BinaryCrossentropy", "binary_crossentropy", &[FROM_LOGITS, SMOOTHING], Rule::Mean(values::binary_crossentropy)),
    of(
        "CategoricalCrossentropy",
        "categorical_crossentropy",
        &[FROM_LOGITS, SMOOTHING, AXIS],
        Rule::Mean(values::categorical_crossentropy),
    ),
    of(
        "SparseCategoricalCrossentropy",
        "sparse_categorical_crossentropy",
        &[FROM_LOGITS, IGNORED, AXIS],
        Rule::Sums(2, values::sparse_crossentropy_terms, mean),
    ),
    of("Accuracy", "accuracy", &[], Rule::Mean(values::accuracy)),
    of("BinaryAccuracy", "binary_accuracy", &[THRESHOLD], Rule::Mean(values::binary_accuracy)),
    of("CategoricalAccuracy", "categorical_accuracy", &[], Rule::Mean(values::categorical_accuracy)),
    of(
        "SparseCategoricalAccuracy",
        "sparse_categorical_accuracy",
        &[],
        Rule::Mean(values::sparse_categorical_accuracy),
    ),
    of("TopKCategoricalAccuracy", "top_k_categorical_accuracy", &[K], Rule::Mean(values::top_k)),
    of(
        "SparseTopKCategoricalAccuracy",
        "sparse_top_k_categorical_accuracy",
        &[K, ("from_sorted_ids", Kind::Flag(false))],
        Rule::Mean(values::sparse_top_k),
    ),
    of("TruePositives", "true_positives", &[THRESHOLDS], Rule::Sums(4, confusion::terms, |_, s| s[0].bare())),
    of("FalsePositives", "false_positives", &[THRESHOLDS], Rule::Sums(4, confusion::terms, |_, s| s[1].bare())),
    of(
        "TrueNegatives",
        "true_negatives",
        &[THRESHOLDS],
        Rule::Sums(4, confusion::terms, |_, s| confusion::true_negatives(s).bare()),
    ),
    of(
        "FalseNegatives",
        "false_negatives",
        &[THRESHOLDS],
        Rule::Sums(4, confusion::terms, |_, s| confusion::false_negatives(s).bare()),
    ),
    of(
        "Precision",
        "precision",
        &[THRESHOLDS, TOP_K, CLASS_ID],
        Rule::Sums(4, confusion::terms, |_, s| confusion::precision(s).bare()),
    ),
    of(
        "Recall",
        "recall",
        &[THRESHOLDS, TOP_K, CLASS_ID],
        Rule::Sums(4, confusion::terms, |_, s| confusion::recall(s).bare()),
    ),
    of(
        "SensitivityAtSpecificity",
        "sensitivity_at_specificity",
        &[("specificity", SHARE), COUNT, CLASS_ID],
        Rule::Sums(4, confusion::terms, |a, s| {
            confusion::best(confusion::recall(s), confusion::specificity(s), a.number("specificity"))
        }),
    ),
    of(
        "SpecificityAtSensitivity",
        "specificity_at_sensitivity",
        &[("sensitivity", SHARE), COUNT, CLASS_ID],
        Rule::Sums(4, confusion::terms, |a, s| {
            confusion::best(confusion::specificity(s), confusion::recall(s), a.number("sensitivity"))
        }),
    ),
    of(
        "PrecisionAtRecall",
        "precision_at_recall",
        &[("recall", SHARE), COUNT, CLASS_ID],
        Rule::Sums(4, confusion::terms, |a, s| {
            confusion::best(confusion::precision(s), confusion::recall(s), a.number("recall"))
        }),
    ),
    of(
        "RecallAtPrecision",
        "recall_at_precision",
        &[("precision", SHARE), COUNT, CLASS_ID],
        Rule::Sums(4, confusion::terms, |a, s| {
            confusion::best(confusion::recall(s), confusion::precision(s), a.number("precision"))
        }),
    ),
    of(
        "AUC",
        "auc",
        &[
            ("num_thresholds", Kind::Number(200.0, 2.0, MOST)),
            ("curve", Kind::Word(&["ROC", "PR", "PRGAIN"])),
            ("summation_method", Kind::Word(&["interpolation", "minoring", "majoring"])),
            THRESHOLDS,
            ("multi_label", Kind::Flag(false)),
            ("num_labels", Kind::Optional(1.0, MOST)),
            ("label_weights", Kind::Optional(0.0, f64::MAX)),
            FROM_LOGITS,
        ],
        Rule::Sums(4, confusion::terms, auc::area),
    ),
    of("F1Score", "f1_score", &[AVERAGE, CUT], Rule::Sums(3, classes::score_terms, classes::score)),
    of(
        "FBetaScore",
        "fbeta_score",
        &[AVERAGE, ("beta", Kind::Number(1.0, f64::MIN_POSITIVE, f64::MAX)), CUT],
        Rule::Sums(3, classes::score_terms, classes::score),
    ),
    of(
        "IoU",
        "io_u",
        &[CLASSES_OF, TARGETS, IGNORED, SPARSE_TRUE, SPARSE_PRED, AXIS],
        Rule::Sums(3, classes::overlap_terms, classes::overlap),
    ),
    of(
        "MeanIoU",
        "mean_io_u",
        &[CLASSES_OF, IGNORED, SPARSE_TRUE, SPARSE_PRED, AXIS],
        Rule::Sums(3, classes::overlap_terms, classes::overlap),
    ),
    of(
        "OneHotIoU",
        "one_hot_io_u",
        &[CLASSES_OF, TARGETS, IGNORED, ONE_HOT_PRED, AXIS],
        Rule::Sums(3, classes::overlap_terms, classes::overlap),
    ),
    of(
        "OneHotMeanIoU",
        "one_hot_mean_io_u",
        &[CLASSES_OF, IGNORED, ONE_HOT_PRED, AXIS],
        Rule::Sums(3, classes::overlap_terms, classes::overlap),
    ),
    of(
        "BinaryIoU",
        "binary_io_u",
        &[("target_class_ids", Kind::Optional(0.0, 1.0)), THRESHOLD],
        Rule::Sums(3, classes::overlap_terms, classes::overlap),
    ),
    of(
        "R2Score",
        "r2_score",
        &[
            ("class_aggregation", Kind::Word(&["uniform_average", "variance_weighted_average", ""])),
            ("num_regressors", Kind::Number(0.0, 0.0, MOST)),
        ],
        Rule::Sums(5, r2::terms, r2::score),
    ),
];
