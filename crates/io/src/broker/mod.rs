//! Brokers: where one is, how it is reached, and what it means when it is not.
//!
//! [`place`] is what an operator writes of any of them, and [`mechanism`] how Kafka is told who asks. `nats`, `amqp` and `kafka` make
//! connections, each behind a feature of this crate, since few sites have any; without it a document is still checked, and using it
//! says what to build.
//!
//! [`consume`](crate::consume) takes messages from them, and [receivers](crate::receiver) leave messages there.

#[cfg(feature = "amqp")]
pub(crate) mod amqp;
#[cfg(feature = "amqp")]
mod amqp_sockets;
#[cfg(any(feature = "amqp", feature = "nats"))]
pub(crate) mod gather;
#[cfg(feature = "kafka")]
pub(crate) mod kafka;
pub(crate) mod mechanism;
#[cfg(feature = "nats")]
pub(crate) mod nats;
pub(crate) mod place;

#[cfg(not(all(feature = "amqp", feature = "kafka", feature = "nats")))]
use crate::remote::Problem;

/// What is said of a broker that this program cannot reach, because the feature was not built.
#[cfg(not(all(feature = "amqp", feature = "kafka", feature = "nats")))]
pub(crate) fn not_built(broker: &str, feature: &str) -> Problem {
    let why = format!(
        "{broker} is not part of this program; build it with `cargo build --release --features {feature}`"
    );
    Problem::new("kind", why)
}
