//! Readers and writers of model formats, and the headwater command.
