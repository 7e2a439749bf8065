//! What a request log is: typed columns in event-time order, checked once by the loader and then
//! trusted by everything else.

mod buckets;
mod filter;
mod request_log;

pub use buckets::{TimeBuckets, bucket_width_us};
pub use filter::Filter;
pub use request_log::{Arm, Clock, Outcome, Quantity, RequestLog, Segment, Units};
