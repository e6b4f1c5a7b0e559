//! Loops over numbers in the wider registers that most processors have, and a program for all of them may not count on.

/// Does some work, compiled for registers of 256 bits where this processor has them. What the work calls has to be `inline(always)`.
///
/// Sums of products are rounded once instead of twice there, as in the library that multiplies matrices.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        #[expect(unsafe_code, reason = "only with these instructions, which the condition found")]
        // SAFETY: the processor has the instructions that the function is compiled with.
        return unsafe { with_avx2(work) };
    }
    work()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx,avx2,fma")]
fn with_avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
