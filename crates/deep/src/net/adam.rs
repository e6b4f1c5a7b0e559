//! Adam: steps as long as the gradient's mean is steady.

/// How fast the means follow, and what keeps steps finite: the values that everybody uses.
const BETAS: (f32, f32) = (0.9, 0.999);
const EPSILON: f32 = 1e-8;

/// The optimiser's memory of the gradients so far.
///
/// # Source
/// D. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015.
#[derive(Debug, Clone)]
pub(crate) struct Adam {
    rate: f32,
    means: Vec<f32>,
    squares: Vec<f32>,
    /// The weights of what both means began with, 0.
    powers: (f64, f64),
}

impl Adam {
    pub(crate) fn new(n: usize, rate: f32) -> Self {
        Self { rate, means: vec![0.0; n], squares: vec![0.0; n], powers: (1.0, 1.0) }
    }

    /// One that goes on where another was.
    pub(crate) fn resume(rate: f32, [means, squares]: [Vec<f32>; 2], powers: (f64, f64)) -> Self {
        Self { rate, means, squares, powers }
    }

    /// All that it remembers.
    pub(crate) fn memory(&self) -> ([&[f32]; 2], (f64, f64)) {
        ([&self.means, &self.squares], self.powers)
    }

    /// Moves the parameters one step down the gradients.
    #[expect(clippy::cast_possible_truncation, reason = "the corrections are between 0 and 1")]
    pub(crate) fn step(&mut self, params: &mut [f32], grads: &[f32]) {
        self.powers.0 *= f64::from(BETAS.0);
        self.powers.1 *= f64::from(BETAS.1);
        let rate = self.rate / (1.0 - self.powers.0) as f32;
        let root = (1.0 - self.powers.1).sqrt() as f32;
        let memory = self.means.iter_mut().zip(&mut self.squares);
        for ((param, gradient), (mean, square)) in params.iter_mut().zip(grads).zip(memory) {
            *mean += (1.0 - BETAS.0) * (gradient - *mean);
            *square += (1.0 - BETAS.1) * (gradient * gradient - *square);
            *param -= rate * *mean / (square.sqrt() / root + EPSILON);
        }
    }
}
