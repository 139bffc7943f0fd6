//! How is a small system of linear equations solved?

/// The solution of `matrix x = right` for a symmetric positive definite matrix of any (small) size, by Cholesky's
/// decomposition; `None` where the matrix is not positive definite within rounding.
pub(crate) fn solve_positive(matrix: &[Vec<f64>], right: &[f64]) -> Option<Vec<f64>> {
    let n = right.len();
    let mut lower = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let known: f64 = (0..j).map(|k| lower[i][k] * lower[j][k]).sum();
            let rest: f64 = matrix[i][j] - known;
            if i == j {
                // What is left of a diagonal element that the columns before explain entirely is rounding.
                if rest.is_nan() || rest <= matrix[i][i] * 1e-13 {
                    return None;
                }
                lower[i][i] = rest.sqrt();
            } else {
                lower[i][j] = rest / lower[j][j];
            }
        }
    }
    let mut x = right.to_vec();
    for i in 0..n {
        let known: f64 = (0..i).map(|k| lower[i][k] * x[k]).sum();
        x[i] = (x[i] - known) / lower[i][i];
    }
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|k| lower[k][i] * x[k]).sum();
        x[i] = (x[i] - known) / lower[i][i];
    }
    x.iter().all(|value| value.is_finite()).then_some(x)
}

/// The inverse of a symmetric positive definite matrix; `None` where it is not.
pub(crate) fn invert_positive(matrix: &[Vec<f64>]) -> Option<Vec<Vec<f64>>> {
    let n = matrix.len();
    (0..n)
        .map(|column| solve_positive(matrix, &(0..n).map(|row| f64::from(u8::from(row == column))).collect::<Vec<_>>()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves() {
        let matrix = [vec![4.0, 2.0, 0.6], vec![2.0, 5.0, 1.0], vec![0.6, 1.0, 3.0]];
        let x = solve_positive(&matrix, &[1.0, -2.0, 0.5]).unwrap();
        for (row, right) in matrix.iter().zip([1.0, -2.0, 0.5]) {
            let left: f64 = row.iter().zip(&x).map(|(a, b)| a * b).sum();
            assert!((left - right).abs() < 1e-14);
        }
        let inverse = invert_positive(&matrix).unwrap();
        for (i, row) in matrix.iter().enumerate() {
            // The inverse is symmetric: its rows are its columns.
            for (j, column) in inverse.iter().enumerate() {
                let product: f64 = row.iter().zip(column).map(|(a, b)| a * b).sum();
                assert!((product - f64::from(u8::from(i == j))).abs() < 1e-14);
            }
        }
        assert_eq!(solve_positive(&[vec![1.0, 1.0], vec![1.0, 1.0]], &[1.0, 1.0]), None);
        assert_eq!(solve_positive(&[vec![-1.0]], &[1.0]), None);
        assert_eq!(solve_positive(&[vec![f64::NAN]], &[1.0]), None);
    }
}
