//! Conditions combined.

use super::{Node, Truth};

/// The truths of a tree, evaluation by evaluation, from those of its leaves: `any` is the maximum,
/// `all` the minimum. `next` is the first leaf of the tree.
pub(super) fn combine(node: &Node, leaves: &[Vec<Truth>], next: &mut usize) -> Vec<Truth> {
    match node {
        Node::Not(part) => {
            let mut truths = combine(part, leaves, next);
            for truth in &mut truths {
                *truth = truth.negated();
            }
            truths
        }
        Node::Condition(_) => {
            *next += 1;
            leaves[*next - 1].clone()
        }
        Node::Any(parts) => fold(parts, leaves, next, Truth::max),
        Node::All(parts) => fold(parts, leaves, next, Truth::min),
    }
}

fn fold(
    parts: &[Node],
    leaves: &[Vec<Truth>],
    next: &mut usize,
    pick: impl Fn(Truth, Truth) -> Truth,
) -> Vec<Truth> {
    let mut parts = parts.iter();
    let mut whole = parts
        .next()
        .map(|part| combine(part, leaves, next))
        .unwrap_or_default();
    for part in parts {
        let truths = combine(part, leaves, next);
        for (a, b) in whole.iter_mut().zip(&truths) {
            *a = pick(*a, *b);
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::presets;

    #[test]
    fn trees_follow_kleene() {
        let rulebook = presets::rulebook(&["monitor-canary"]).unwrap();
        let Node::All(parts) = &rulebook.rules[0].root else {
            panic!("the preset is one condition");
        };
        let (f, u, t) = (Truth::False, Truth::Unknown, Truth::True);
        let leaves = vec![
            vec![f, f, t, u, u],
            vec![t, u, t, u, t],
            vec![f, f, t, f, f],
        ];
        let leaf = || parts[0].clone();
        let any = Node::Any(vec![leaf(), leaf()]);
        assert_eq!(combine(&any, &leaves, &mut 0), [t, u, t, u, t]);
        let all = Node::All(vec![leaf(), leaf()]);
        assert_eq!(combine(&all, &leaves, &mut 0), [f, f, t, u, u]);
        let not = Node::Not(Box::new(leaf()));
        assert_eq!(combine(&not, &leaves, &mut 0), [t, t, f, u, u]);
        let nested = Node::Any(vec![all, leaf()]);
        assert_eq!(combine(&nested, &leaves, &mut 0), [f, f, t, u, u]);
    }
}
