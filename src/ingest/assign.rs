//! The best assignment of columns to roles that only one column may play.

/// For each row the column that it is given, so that the sum of gains is largest; a gain of 0 or
/// less is not taken. Ties go to the earlier columns.
///
/// The Hungarian method with potentials (Kuhn 1955; Munkres 1957), O(rows² · columns).
pub(super) fn best_assignment(gains: &[Vec<f64>]) -> Vec<Option<usize>> {
    let n_rows = gains.len();
    let n_columns = gains.first().map_or(0, Vec::len);
    // A dummy column per row stands for "not taken"; costs are negated gains.
    let width = n_columns + n_rows;
    let cost = |row: usize, column: usize| match gains[row].get(column) {
        Some(gain) if *gain > 0.0 => column as f64 * 1e-9 - gain,
        Some(_) => 1e6,
        None if column - n_columns == row => 0.0,
        None => 1e6,
    };
    // Columns and rows count from 1; 0 is "none yet".
    let (mut row_potential, mut column_potential) = (vec![0.0; n_rows + 1], vec![0.0; width + 1]);
    let mut row_of = vec![0usize; width + 1];
    let mut previous = vec![0usize; width + 1];
    for row in 1..=n_rows {
        row_of[0] = row;
        let mut at = 0;
        let mut least = vec![f64::INFINITY; width + 1];
        let mut is_used = vec![false; width + 1];
        while row_of[at] != 0 {
            is_used[at] = true;
            let (mut step, mut next) = (f64::INFINITY, 0);
            for column in 1..=width {
                if is_used[column] {
                    continue;
                }
                let reduced = cost(row_of[at] - 1, column - 1)
                    - row_potential[row_of[at]]
                    - column_potential[column];
                if reduced < least[column] {
                    least[column] = reduced;
                    previous[column] = at;
                }
                if least[column] < step {
                    step = least[column];
                    next = column;
                }
            }
            for column in 0..=width {
                if is_used[column] {
                    row_potential[row_of[column]] += step;
                    column_potential[column] -= step;
                } else {
                    least[column] -= step;
                }
            }
            at = next;
        }
        while at != 0 {
            row_of[at] = row_of[previous[at]];
            at = previous[at];
        }
    }
    let mut columns = vec![None; n_rows];
    for column in 1..=n_columns {
        let row = row_of[column];
        if row > 0 && gains[row - 1][column - 1] > 0.0 {
            columns[row - 1] = Some(column - 1);
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(gains: &[&[f64]], expected: &[Option<usize>]) {
        let gains: Vec<Vec<f64>> = gains.iter().map(|row| row.to_vec()).collect();
        assert_eq!(best_assignment(&gains), expected, "{gains:?}");
    }

    #[test]
    fn the_sum_of_gains_is_largest() {
        check(&[&[5.0, 4.0], &[4.0, 1.0]], &[Some(1), Some(0)]);
        check(&[&[5.0, 4.0], &[1.0, 0.0]], &[Some(0), None]);
        check(&[&[0.0, 0.0]], &[None]);
        check(&[&[1.0, 1.0, 1.0]], &[Some(0)]);
        check(
            &[&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0], &[3.0, 6.0, 9.0]],
            &[Some(0), Some(1), Some(2)],
        );
        check(&[], &[]);
        check(&[&[], &[]], &[None, None]);
    }
}
