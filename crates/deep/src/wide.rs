//! Loops over numbers in the wider registers that most processors have, and a program for all of them may not count on.

/// `sum + a b`: rounded once where the processor does so in one step, as in the library that multiplies matrices.
#[inline(always)]
pub(crate) fn add_product<const FUSED: bool>(sum: f32, a: f32, b: f32) -> f32 {
    if FUSED { a.mul_add(b, sum) } else { sum + a * b }
}

/// A function that is compiled twice: for registers of 256 bits, which it uses where this processor has them, and for any processor.
///
/// In its body, `FUSED` says what [`add_product`] does. What the body calls has to be `inline(always)`, or be written so itself; a closure that is
/// given to another function might be compiled once, for any processor.
macro_rules! wide {
    ($(#[$about:meta])* $vis:vis fn $name:ident($($argument:ident: $type:ty),* $(,)?) $(-> $result:ty)? $body:block) => {
        $(#[$about])*
        $vis fn $name($($argument: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx,avx2,fma")]
            fn with_avx2($($argument: $type),*) $(-> $result)? {
                #[allow(dead_code, reason = "some bodies have no sums of products")]
                const FUSED: bool = true;
                $body
            }
            #[allow(dead_code, reason = "some bodies have no sums of products")]
            const FUSED: bool = cfg!(target_arch = "aarch64");
            #[cfg(target_arch = "x86_64")]
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                #[expect(unsafe_code, reason = "only with these instructions, which the condition found")]
                // SAFETY: the processor has the instructions that the function is compiled with.
                return unsafe { with_avx2($($argument),*) };
            }
            $body
        }
    };
}
pub(crate) use wide;
