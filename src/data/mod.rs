//! What a request log is: typed columns in event-time order, checked once by the loader and then
//! trusted by everything else.

mod arm_words;
mod buckets;
mod decimals;
mod filter;
mod left_out;
mod numbers;
mod request_ids;
mod request_log;
mod router;
mod time_order;

pub use arm_words::ArmWord;
pub use buckets::{TimeBuckets, bucket_width_us};
pub use decimals::Packed;
pub use filter::{Filter, FilterPart, MsRange};
pub use left_out::{LeftOut, RowsLeftOut};
pub use numbers::{Codes, Numbers};
pub use request_ids::RequestIds;
pub use request_log::{Arm, Clock, Doubt, Event, Outcome, Quantity, RequestLog, Segment, Units};
pub use router::{BucketHash, Buckets, Cut};
