//! Train and run models where the data is: tensors, gradients, layers, training.
