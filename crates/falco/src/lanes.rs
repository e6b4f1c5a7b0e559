//! Falco's threads, and which instance of the plugin each of them has.
//!
//! The SDK gives whoever calls an instance all of it, so no two threads may call one at once. Falco holds one pointer and may call it
//! from any number of threads. Behind it is an instance for each of them, handed out when a thread first calls and given back when
//! it ends, and one for what concerns all of them, behind a lock.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use falco_plugin::api::ss_plugin_t;

/// An instance of the plugin.
pub(crate) type Instance = *mut ss_plugin_t;

/// The instances behind one pointer.
struct Lanes {
    /// The one that Falco knows; whoever calls it holds the lock.
    front: Mutex<AtomicPtr<ss_plugin_t>>,
    all: Vec<AtomicPtr<ss_plugin_t>>,
    /// Those that no thread has.
    free: Mutex<Vec<AtomicPtr<ss_plugin_t>>>,
    is_open: AtomicBool,
}

/// What a thread was given.
struct Held {
    lanes: Arc<Lanes>,
    instance: AtomicPtr<ss_plugin_t>,
}

impl Drop for Held {
    fn drop(&mut self) {
        locked(&self.lanes.free).push(AtomicPtr::new(self.instance.load(Ordering::Relaxed)));
    }
}

/// The plugins that are open, by the address that Falco knows.
static OPEN: RwLock<BTreeMap<usize, Arc<Lanes>>> = RwLock::new(BTreeMap::new());

/// Changes whenever a plugin is opened or closed.
static EDITION: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
    /// The plugin that this thread called last, its instance of it, and in which edition.
    static LAST: Cell<(usize, Instance, Instance)> =
        const { Cell::new((0, std::ptr::null_mut(), std::ptr::null_mut())) };
}

fn locked<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Opens a plugin: what Falco knows, and instances for threads.
pub(crate) fn open(front: Instance, instances: &[Instance]) {
    let pointers = || instances.iter().copied().map(AtomicPtr::new).collect();
    let (all, free) = (pointers(), Mutex::new(pointers()));
    let lanes = Lanes { front: Mutex::new(AtomicPtr::new(front)), all, free, is_open: AtomicBool::new(true) };
    OPEN.write().unwrap_or_else(PoisonError::into_inner).insert(front.addr(), Arc::new(lanes));
    EDITION.fetch_add(1, Ordering::AcqRel);
}

/// Closes a plugin, and returns the instances of its threads. No thread is given one any more.
pub(crate) fn close(front: Instance) -> Vec<Instance> {
    let closed = OPEN.write().unwrap_or_else(PoisonError::into_inner).remove(&front.addr());
    EDITION.fetch_add(1, Ordering::AcqRel);
    closed.map_or_else(Vec::new, |lanes| {
        lanes.is_open.store(false, Ordering::Release);
        lanes.all.iter().map(|instance| instance.load(Ordering::Relaxed)).collect()
    })
}

/// This thread's instance of a plugin; `None` if there are none left, or the plugin is not open.
pub(crate) fn of_thread(plugin: Instance) -> Option<Instance> {
    let edition = EDITION.load(Ordering::Acquire);
    match LAST.get() {
        (of, last, instance) if of == edition && last == plugin && !instance.is_null() => Some(instance),
        _ => find(plugin, edition),
    }
}

/// Whom this thread called last.
pub(crate) enum Last {
    /// Its own instance.
    Thread(Instance),
    /// The one that Falco knows.
    Front,
    /// There was no instance for it.
    Refused,
}

/// Whom this thread called last of a plugin, for what went wrong there.
pub(crate) fn last(plugin: Instance) -> Last {
    match LAST.get() {
        (of, last, instance) if of == EDITION.load(Ordering::Acquire) && last == plugin => {
            if instance.is_null() { Last::Refused } else { Last::Thread(instance) }
        }
        _ => Last::Front,
    }
}

#[cold]
fn find(plugin: Instance, edition: usize) -> Option<Instance> {
    let lanes = lanes(plugin)?;
    let find = |held: &RefCell<Vec<Held>>| {
        let mut held = held.borrow_mut();
        held.retain(|held| held.lanes.is_open.load(Ordering::Acquire));
        let own = held.iter().find(|held| Arc::ptr_eq(&held.lanes, &lanes));
        if let Some(own) = own {
            return Some(own.instance.load(Ordering::Relaxed));
        }
        let instance = locked(&lanes.free).pop()?.into_inner();
        held.push(Held { lanes, instance: AtomicPtr::new(instance) });
        Some(instance)
    };
    // A thread that is ending has nothing to give back any more.
    let instance = HELD.try_with(find).ok().flatten();
    LAST.set((edition, plugin, instance.unwrap_or(std::ptr::null_mut())));
    instance
}

fn lanes(plugin: Instance) -> Option<Arc<Lanes>> {
    OPEN.read().unwrap_or_else(PoisonError::into_inner).get(&plugin.addr()).cloned()
}

/// Calls the instance that Falco knows, while no other thread does.
pub(crate) fn at_front<T>(plugin: Instance, call: impl FnOnce(Instance) -> T) -> T {
    LAST.set((0, std::ptr::null_mut(), std::ptr::null_mut()));
    match lanes(plugin) {
        Some(lanes) => call(locked(&lanes.front).load(Ordering::Relaxed)),
        // It was never opened, so nobody else knows it.
        None => call(plugin),
    }
}
