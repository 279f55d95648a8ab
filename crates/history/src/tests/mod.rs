//! Histories by hand and by chance, and what must be found in them.

mod generated;
mod model;
mod planted;
mod reading;
mod script;
