//! What is learned from.

/// Rows and their labels, and as many again to judge by.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) n_columns: usize,
    pub(crate) learned: Part,
    pub(crate) unseen: Part,
}

#[derive(Debug)]
pub(crate) struct Part {
    /// One row after the other; NaN where a value is missing. All of them fit 32 bits, in which some programs hold them.
    pub(crate) values: Vec<f64>,
    pub(crate) labels: Vec<bool>,
}

/// Numbers from 0 to 1, the same in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Table {
    /// Skewed columns like degrees of a graph, of which the first three matter, two of them only together.
    pub(crate) fn draw(n_rows: usize, n_columns: usize) -> Self {
        let mut random = Random(1);
        let mut part = || {
            let (mut values, mut labels) = (Vec::new(), Vec::new());
            for _ in 0..n_rows {
                let row: Vec<f64> =
                    (0..n_columns).map(|_| f64::from((random.next() * 7.0).exp() as f32)).collect();
                let log = |column: usize| row[column].ln();
                let both = if log(1) > 3.0 && log(2) < 4.0 { 2.0 } else { 0.0 };
                labels.push(log(0) + both + random.next() * 3.0 < 4.5);
                let is_missing = |random: &mut Random| random.next() < 0.02;
                values
                    .extend(row.iter().map(|value| if is_missing(&mut random) { f64::NAN } else { *value }));
            }
            Part { values, labels }
        };
        Self { n_columns, learned: part(), unseen: part() }
    }
}

impl Part {
    pub(crate) fn n_rows(&self) -> usize {
        self.labels.len()
    }

    /// Rows, one after the other.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.values.chunks_exact(self.values.len() / self.labels.len())
    }

    /// The values of one column.
    pub(crate) fn column(&self, column: usize) -> Vec<f64> {
        self.rows().map(|row| row[column]).collect()
    }

    /// The values as programs hold them that use 32 bits.
    pub(crate) fn narrow(&self) -> Vec<f32> {
        self.values.iter().map(|value| *value as f32).collect()
    }

    /// The area under the ROC curve of scores, with ties counted half.
    pub(crate) fn auc(&self, scores: &[f64]) -> f64 {
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        let (mut rank_sum, mut at) = (0.0, 0);
        for tie in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
            let rank = at as f64 + (tie.len() as f64 + 1.0) / 2.0;
            rank_sum += rank * tie.iter().filter(|row| self.labels[**row]).count() as f64;
            at += tie.len();
        }
        let n_positive = self.labels.iter().filter(|label| **label).count() as f64;
        let n_other = scores.len() as f64 - n_positive;
        (rank_sum - n_positive * (n_positive + 1.0) / 2.0) / (n_positive * n_other)
    }
}
