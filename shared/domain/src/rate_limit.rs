//! Rate limits: in each window a principal, and a tenancy in sum, is served so many requests.
//!
//! An instance of a function does not count every request in the store. It leases some from the window's counter and counts
//! them down by itself; what it does not use is lost until the window ends. A lease is at most one more than the instance has
//! served in the window before, so that a tenancy of many callers on many instances loses less than it uses.

use std::time::Duration;

use tenant_context::Timestamp;

/// How long a window is. Windows follow each other without a gap, from 1970-01-01T00:00:00Z on.
pub const RATE_LIMIT_WINDOW: Duration = Duration::from_secs(60);

const LARGEST_LEASE: u32 = 10;
/// A lease takes at most this part of what is left, so that the last requests of a window are not all one instance's.
const LARGEST_PART: u32 = 8;

/// How many requests are served in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimits {
    /// To one principal.
    pub per_principal: u32,
    /// To all principals of one tenancy together.
    pub per_tenancy: u32,
}

/// A stretch of time in which requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    number: u64,
}

/// Whose requests are counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RatePolicy {
    /// One principal's.
    Principal,
    /// All of a tenancy's.
    Tenancy,
}

/// One policy's part of a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    /// Whose requests.
    pub policy: RatePolicy,
    /// How many are served in a window.
    pub limit: u32,
    taken: u32,
}

/// What one instance of a function knows of one principal's window, and what it holds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    window: Window,
    shares: Vec<Share>,
    held: u32,
    served: u32,
}

/// What is next for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// It is served, from what was held.
    Serve,
    /// It is refused until the window ends.
    Refuse,
    /// The counter must be asked for this many requests first.
    Lease(u32),
}

/// Where a caller stands after a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Whether the request is served.
    pub is_served: bool,
    /// Whole seconds until the window ends, rounded up: from 1 on.
    pub seconds_left: u64,
    /// Each policy, with what is left of it as far as this instance knows. Others may have taken more by now.
    pub left: Vec<(Share, u32)>,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { per_principal: 1_200, per_tenancy: 6_000 }
    }
}

impl Window {
    /// The window that `moment` is in.
    pub fn of(moment: Timestamp) -> Self {
        Self { number: moment.unix_seconds() / RATE_LIMIT_WINDOW.as_secs() }
    }

    /// Its first moment.
    pub fn starts_at(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.number * RATE_LIMIT_WINDOW.as_secs())
    }

    /// The first moment of the next window.
    pub fn ends_at(self) -> Timestamp {
        self.starts_at().plus(RATE_LIMIT_WINDOW)
    }

    fn seconds_left(self, now: Timestamp) -> u64 {
        self.ends_at().unix_milliseconds().saturating_sub(now.unix_milliseconds()).div_ceil(1000).max(1)
    }
}

impl RatePolicy {
    /// The policy's public name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Principal => "principal",
            Self::Tenancy => "tenancy",
        }
    }
}

impl Share {
    fn left(&self) -> u32 {
        self.limit.saturating_sub(self.taken)
    }
}

impl Lease {
    /// Nothing held yet, and nothing known of the counter.
    pub fn new(window: Window, limits: &[(RatePolicy, u32)]) -> Self {
        let share = |&(policy, limit)| Share { policy, limit, taken: 0 };
        Self { window, shares: limits.iter().map(share).collect(), held: 0, served: 0 }
    }

    /// The window it is good for.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Which policies it is counted under, in the order in which `taken` is given below.
    pub fn shares(&self) -> &[Share] {
        &self.shares
    }

    /// Serves one request, or says what must come first.
    pub fn step(&mut self) -> Step {
        if self.held > 0 {
            self.held -= 1;
            self.served = self.served.saturating_add(1);
            return Step::Serve;
        }
        let left = self.shares.iter().map(Share::left).min().unwrap_or_default();
        match left.div_ceil(LARGEST_PART).min(LARGEST_LEASE).min(self.served.saturating_add(1)) {
            0 => Step::Refuse,
            size => Step::Lease(size),
        }
    }

    /// The counter gave `size` requests, and has given `taken` of each policy by now.
    pub fn extend(&mut self, size: u32, taken: &[u32]) {
        self.held = self.held.saturating_add(size);
        self.learn(taken);
    }

    /// The counter has given `taken` of each policy by now, and less than was asked for is left.
    pub fn learn(&mut self, taken: &[u32]) {
        for (share, taken) in self.shares.iter_mut().zip(taken) {
            share.taken = share.taken.max(*taken);
        }
    }

    /// Where the caller stands at `now`.
    pub fn standing(&self, is_served: bool, now: Timestamp) -> Standing {
        let left = |share: &Share| (share.clone(), share.left().saturating_add(self.held));
        Standing {
            is_served,
            seconds_left: self.window.seconds_left(now),
            left: self.shares.iter().map(left).collect(),
        }
    }
}

impl Standing {
    /// The policy for whose sake the request is refused.
    pub fn used_up(&self) -> Option<&Share> {
        self.left.iter().find(|(_, left)| !self.is_served && *left == 0).map(|(share, _)| share)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    /// The counter in the store: of one tenancy, in one window.
    #[derive(Default)]
    struct Counter {
        taken: HashMap<Option<usize>, u32>,
    }

    /// One principal's requests, as one instance serves them.
    struct Instance {
        principal: usize,
        lease: Lease,
        served: u32,
    }

    impl Counter {
        fn taken(&self, principal: usize) -> [u32; 2] {
            [Some(principal), None].map(|key| self.taken.get(&key).copied().unwrap_or_default())
        }

        /// What the store's condition and update do.
        fn ask(&mut self, principal: usize, limits: RateLimits, size: u32) -> bool {
            let [mine, all] = self.taken(principal);
            let is_given = mine + size <= limits.per_principal && all + size <= limits.per_tenancy;
            if is_given {
                self.taken.insert(Some(principal), mine + size);
                self.taken.insert(None, all + size);
            }
            is_given
        }
    }

    impl Instance {
        fn request(&mut self, counter: &mut Counter, limits: RateLimits) -> Standing {
            let is_served = loop {
                match self.lease.step() {
                    Step::Serve => break true,
                    Step::Refuse => break false,
                    Step::Lease(size) if counter.ask(self.principal, limits, size) => {
                        self.lease.extend(size, &counter.taken(self.principal));
                    }
                    Step::Lease(_) => self.lease.learn(&counter.taken(self.principal)),
                }
            };
            self.served += u32::from(is_served);
            self.lease.standing(is_served, self.lease.window().starts_at())
        }
    }

    fn lease(limits: RateLimits) -> Lease {
        let limits =
            [(RatePolicy::Principal, limits.per_principal), (RatePolicy::Tenancy, limits.per_tenancy)];
        Lease::new(Window::of(Timestamp::EPOCH), &limits)
    }

    fn limits() -> impl Strategy<Value = RateLimits> {
        (0..200_u32, 0..400_u32)
            .prop_map(|(per_principal, per_tenancy)| RateLimits { per_principal, per_tenancy })
    }

    proptest! {
        #[test]
        fn no_more_is_served_than_the_limits_allow(
            limits in limits(),
            principals in prop::collection::vec(0..4_usize, 1..12),
            order in prop::collection::vec(any::<prop::sample::Index>(), 1..800),
        ) {
            let mut counter = Counter::default();
            let mut instances: Vec<_> = principals
                .into_iter()
                .map(|principal| Instance { principal, lease: lease(limits), served: 0 })
                .collect();
            for next in order {
                let at = next.index(instances.len());
                instances[at].request(&mut counter, limits);
            }

            let sum = |of: Option<usize>| -> u32 {
                let instances = instances.iter().filter(|instance| of.is_none_or(|of| of == instance.principal));
                instances.map(|instance| instance.served).sum()
            };
            prop_assert!(sum(None) <= limits.per_tenancy);
            for principal in 0..4 {
                prop_assert!(sum(Some(principal)) <= limits.per_principal);
            }
            let leased = counter.taken.get(&None).copied().unwrap_or_default();
            prop_assert!(leased - sum(None) <= sum(None), "more is lost than used");
        }

        #[test]
        fn one_instance_serves_the_whole_limit(limits in limits()) {
            let mut counter = Counter::default();
            let mut instance = Instance { principal: 0, lease: lease(limits), served: 0 };
            for _ in 0..500 {
                instance.request(&mut counter, limits);
            }
            prop_assert_eq!(instance.served, limits.per_principal.min(limits.per_tenancy));
        }

        #[test]
        fn what_is_left_only_falls_and_ends_at_nothing(
            limits in limits(),
            others in prop::collection::vec(0..3_u32, 500),
        ) {
            let mut counter = Counter::default();
            let mut instance = Instance { principal: 0, lease: lease(limits), served: 0 };
            let mut before = vec![u32::MAX; 2];
            let mut last = None;
            for size in others {
                counter.ask(1, limits, size);
                let standing = instance.request(&mut counter, limits);
                let left: Vec<u32> = standing.left.iter().map(|(_, left)| *left).collect();
                prop_assert!(left.iter().zip(&before).all(|(now, before)| now <= before), "{before:?} {left:?}");
                before = left;
                last = Some(standing);
            }
            let last = last.unwrap();
            prop_assert!(!last.is_served && last.used_up().is_some());
        }

        #[test]
        fn windows_follow_each_other(milliseconds in 0..4_102_444_800_000_u64) {
            let moment = Timestamp::from_unix_milliseconds(milliseconds);
            let window = Window::of(moment);
            prop_assert!(window.starts_at() <= moment && moment < window.ends_at());
            prop_assert!((1..=60).contains(&window.seconds_left(moment)));
            let next = Window::of(window.ends_at());
            prop_assert!(next.starts_at() == window.ends_at() && next > window);
            let last = Timestamp::from_unix_milliseconds(window.ends_at().unix_milliseconds() - 1);
            prop_assert!(Window::of(last) == window && window.seconds_left(last) == 1);
        }

        #[test]
        fn seconds_left_only_fall(milliseconds in 0..4_102_444_800_000_u64, later in 0..60_000_u64) {
            let moment = Timestamp::from_unix_milliseconds(milliseconds);
            let later = moment.plus(Duration::from_millis(later));
            let window = Window::of(moment);
            prop_assert!(Window::of(later) != window || window.seconds_left(later) <= window.seconds_left(moment));
        }
    }

    #[test]
    fn a_busy_instance_asks_once_in_ten_requests() {
        let limits = RateLimits::default();
        let (mut counter, mut lease, mut asked) = (Counter::default(), lease(limits), 0);
        for _ in 0..1_000 {
            while let Step::Lease(size) = lease.step() {
                asked += 1;
                assert!(counter.ask(0, limits, size));
                lease.extend(size, &counter.taken(0));
            }
        }
        assert!((100..=120).contains(&asked), "asked {asked} times");
    }
}
