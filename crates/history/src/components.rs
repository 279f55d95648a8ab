//! Cycles of a directed graph: its strongly connected components (Tarjan 1972, without recursion), and a shortest cycle of each.

use std::collections::{HashMap, VecDeque};

/// Nodes by number, each with those that come after it.
pub(crate) type Graph = Vec<Vec<usize>>;

/// The components that have a cycle, each with its nodes ascending.
pub(crate) fn cyclic_components(graph: &Graph) -> Vec<Vec<usize>> {
    let mut search = Search {
        graph,
        visits: vec![None; graph.len()],
        next_index: 0,
        stack: Vec::new(),
        found: Vec::new(),
    };
    for node in 0..graph.len() {
        search.visit_all_from(node);
    }
    search.found
}

/// A shortest cycle through the component's first node.
pub(crate) fn cycle_in(graph: &Graph, component: &[usize]) -> Vec<usize> {
    let Some(start) = component.first().copied() else { return Vec::new() };
    let mut reached_from = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for next in graph.get(node).into_iter().flatten().copied() {
            if next == start {
                return path(&reached_from, start, node);
            }
            if component.binary_search(&next).is_ok() && !reached_from.contains_key(&next) {
                reached_from.insert(next, node);
                queue.push_back(next);
            }
        }
    }
    Vec::new()
}

fn path(reached_from: &HashMap<usize, usize>, start: usize, end: usize) -> Vec<usize> {
    let mut path = vec![end];
    let mut node = end;
    while node != start {
        let Some(before) = reached_from.get(&node) else { break };
        node = *before;
        path.push(node);
    }
    path.reverse();
    path
}

#[derive(Clone, Copy)]
struct Visit {
    index: usize,
    /// The lowest index that is known to be reachable and still on the stack.
    low: usize,
    on_stack: bool,
}

struct Search<'a> {
    graph: &'a Graph,
    visits: Vec<Option<Visit>>,
    next_index: usize,
    stack: Vec<usize>,
    found: Vec<Vec<usize>>,
}

impl Search<'_> {
    fn visit_all_from(&mut self, root: usize) {
        if self.visit(root).is_some() {
            return;
        }
        self.enter(root);
        // Nodes on the way, each with the number of its edges that are done.
        let mut way = vec![(root, 0)];
        while let Some((node, edge)) = way.last_mut() {
            let node = *node;
            let next = self.graph.get(node).and_then(|after| after.get(*edge)).copied();
            *edge += 1;
            let Some(next) = next else {
                way.pop();
                let low = self.leave(node);
                if let Some((before, _)) = way.last() {
                    self.lower(*before, low);
                }
                continue;
            };
            match self.visit(next) {
                None => {
                    self.enter(next);
                    way.push((next, 0));
                }
                Some(visit) if visit.on_stack => self.lower(node, visit.index),
                Some(_) => {}
            }
        }
    }

    fn visit(&self, node: usize) -> Option<Visit> {
        self.visits.get(node).copied().flatten()
    }

    fn enter(&mut self, node: usize) {
        let index = self.next_index;
        self.next_index += 1;
        self.stack.push(node);
        if let Some(visit) = self.visits.get_mut(node) {
            *visit = Some(Visit { index, low: index, on_stack: true });
        }
    }

    fn lower(&mut self, node: usize, low: usize) {
        if let Some(Some(visit)) = self.visits.get_mut(node) {
            visit.low = visit.low.min(low);
        }
    }

    /// Takes the component off the stack if the node is its root. Returns the node's `low`.
    fn leave(&mut self, node: usize) -> usize {
        let Some(visit) = self.visit(node) else { return usize::MAX };
        if visit.low < visit.index {
            return visit.low;
        }
        let from = self.stack.iter().rposition(|other| *other == node).unwrap_or_default();
        let mut component = self.stack.split_off(from);
        for member in &component {
            if let Some(Some(visit)) = self.visits.get_mut(*member) {
                visit.on_stack = false;
            }
        }
        let reaches_itself = self.graph.get(node).is_some_and(|after| after.contains(&node));
        if component.len() > 1 || reaches_itself {
            component.sort_unstable();
            self.found.push(component);
        }
        visit.low
    }
}
