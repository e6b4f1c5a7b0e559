//! A batch of what comes: the first item is waited for, and what is there already comes with it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use futures_core::Stream;

/// Waits for an item, and takes those that are there already, up to `max`. `None` where the stream has ended.
pub(crate) async fn gather<S: Stream + Unpin>(stream: &mut S, max: usize) -> Option<Vec<S::Item>> {
    let first = poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await?;
    let mut items = vec![first];
    while items.len() < max {
        let next = poll_fn(|context| match Pin::new(&mut *stream).poll_next(context) {
            Poll::Ready(next) => Poll::Ready(next),
            Poll::Pending => Poll::Ready(None),
        });
        let Some(item) = next.await else { break };
        items.push(item);
    }
    Some(items)
}
