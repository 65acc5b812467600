//! The GPU engine of Headwater.
