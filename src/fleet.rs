//! Many hosts at once, with a bounded number of threads; results come in the order of the hosts, whatever their speed.

use std::sync::Arc;

use crate::diag::{Diagnostic, Result};

/// Does the work for every host, at most `jobs` at a time.
pub fn over<T, R, F>(hosts: Vec<T>, jobs: usize, work: F) -> Result<Vec<R>>
where
    T: Send + 'static,
    R: Send + 'static,
    F: Fn(T) -> R + Send + Sync + 'static,
{
    // One host needs no pool.
    if hosts.len() == 1 {
        return Ok(hosts.into_iter().map(work).collect());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .max_blocking_threads(jobs.max(1))
        .thread_name("host")
        .build()
        .map_err(|error| Diagnostic::error(format!("cannot start threads: {error}")).remedy("give fewer `--jobs`"))?;
    let work = Arc::new(work);
    runtime.block_on(async {
        let running: Vec<_> = hosts
            .into_iter()
            .map(|host| {
                let work = Arc::clone(&work);
                tokio::task::spawn_blocking(move || work(host))
            })
            .collect();
        let mut results = Vec::with_capacity(running.len());
        for task in running {
            let result = task.await.map_err(|error| {
                Diagnostic::error(format!("the work on a host ended abnormally: {error}"))
                    .remedy("please report this with the command you ran")
            })?;
            results.push(result);
        }
        Ok(results)
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_hosts_and_threads_are_bounded() {
        static RUNNING: AtomicUsize = AtomicUsize::new(0);
        static MOST: AtomicUsize = AtomicUsize::new(0);
        let results = over((0_u64..40).collect(), 4, |host| {
            MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(10 - host % 10));
            RUNNING.fetch_sub(1, Ordering::SeqCst);
            host
        });
        assert_eq!(results, Ok((0..40).collect()));
        assert!(MOST.load(Ordering::SeqCst) <= 4);
    }
}
