//! Shapes, dtypes, errors, op declarations, the lazy graph, gradients, fusion and plans of Headwater.
