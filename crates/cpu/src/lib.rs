//! The CPU engine of Headwater.
