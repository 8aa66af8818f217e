//! Order from "comes after": everything after what it depends on, or the circle that makes that impossible.

/// Nodes by number, each with those that come before it.
pub(super) struct Graph {
    before: Vec<Vec<usize>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

impl Graph {
    pub(super) fn new(size: usize, before: impl Fn(usize) -> Vec<usize>) -> Self {
        Self { before: (0..size).map(before).collect() }
    }

    /// All nodes, by number where nothing else decides. `Err`: the members of a circle, the first one not repeated.
    pub(super) fn sorted(&self) -> Result<Vec<usize>, Vec<usize>> {
        let mut marks = vec![Mark::New; self.before.len()];
        let mut order = Vec::with_capacity(marks.len());
        for start in 0..self.before.len() {
            self.visit(start, &mut marks, &mut order)?;
        }
        Ok(order)
    }

    /// Depth first, without recursion: chains may be as long as there are services.
    fn visit(&self, start: usize, marks: &mut [Mark], order: &mut Vec<usize>) -> Result<(), Vec<usize>> {
        if marks.get(start) != Some(&Mark::New) {
            return Ok(());
        }
        let mut path: Vec<(usize, usize)> = vec![(start, 0)];
        set(marks, start, Mark::Open);
        while let Some((node, next)) = path.last_mut() {
            let node = *node;
            let Some(before) = self.before.get(node).and_then(|before| before.get(*next)).copied() else {
                set(marks, node, Mark::Done);
                order.push(node);
                path.pop();
                continue;
            };
            *next += 1;
            match marks.get(before) {
                Some(Mark::New) => {
                    set(marks, before, Mark::Open);
                    path.push((before, 0));
                }
                Some(Mark::Open) => {
                    return Err(path.iter().map(|(node, _)| *node).skip_while(|node| *node != before).collect());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn set(marks: &mut [Mark], node: usize, mark: Mark) {
    if let Some(slot) = marks.get_mut(node) {
        *slot = mark;
    }
}

/// `a → b → a`.
pub(super) fn circle<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.extend(names.first().copied());
    names.join(" → ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(before: &[&[usize]]) -> Result<Vec<usize>, Vec<usize>> {
        Graph::new(before.len(), |node| before[node].to_vec()).sorted()
    }

    #[test]
    fn what_is_needed_comes_first_and_else_the_order_stays() {
        assert_eq!(sorted(&[&[], &[], &[]]), Ok(vec![0, 1, 2]));
        assert_eq!(sorted(&[&[2], &[], &[1]]), Ok(vec![1, 2, 0]));
    }

    #[test]
    fn a_circle_is_told_without_what_only_leads_to_it() {
        assert_eq!(sorted(&[&[1], &[2], &[1]]), Err(vec![1, 2]));
        assert_eq!(sorted(&[&[0]]), Err(vec![0]));
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let size = 100_000;
        let graph = Graph::new(size, |node| if node + 1 < size { vec![node + 1] } else { Vec::new() });
        assert_eq!(graph.sorted().map(|order| order.len()), Ok(size));
    }
}
