//! Many jobs on few threads, and how far they are.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Mutex;

/// Who is told how far jobs are.
pub trait Progress: Sync {
    /// The job has come to a stage.
    fn stage(&self, job: &str, stage: &str);
    /// The job is done.
    fn done(&self, job: &str);
}

/// Nobody is told.
impl Progress for () {
    fn stage(&self, _job: &str, _stage: &str) {}
    fn done(&self, _job: &str) {}
}

/// Does `work` on all of `jobs`, `threads` at a time; the results are in the order of the jobs.
///
/// # Errors
/// That of the first job that failed; no job is begun after it.
pub(crate) fn each<J: Sync, R: Send, E: Send>(
    jobs: &[J],
    threads: usize,
    work: impl Fn(&J) -> Result<R, E> + Sync,
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let worker = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = jobs.get(number) else { return };
        let result = work(job);
        if result.is_err() {
            next.store(jobs.len(), Ordering::Relaxed);
        }
        let mut results = results.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        results.push((number, result));
    };
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(worker);
        }
    });
    let mut results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    results.sort_by_key(|(number, _)| *number);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_order_and_the_first_error_ends_it() {
        let jobs: Vec<u32> = (0..50).collect();
        assert_eq!(each(&jobs, 3, |job| Ok::<_, u32>(2 * job)).unwrap()[49], 98);
        assert_eq!(each(&jobs, 3, |job| if *job == 7 { Err(*job) } else { Ok(*job) }), Err(7));
    }
}
