//! Proves what `policy.cedar` must never allow, for every request there can be, and not by example.
//!
//! Cedar's symbolic compiler turns the page and a claim into formulas, one pair for each kind of request that the schema knows:
//! a membership or a worker, each action, the tenancy or a show, and any attributes. The solver cvc5 then looks for a request
//! which the page allows and the claim does not. That there is none is the proof; one that it finds is a counterexample.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests are tests")]

use cedar_policy::{Authorizer, Decision, PolicySet, RequestEnv, Schema};
use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, CompiledPolicySet, Env, solver::LocalSolver};

const PAGE: &str = include_str!("../policy.cedar");
const SCHEMA: &str = include_str!("../policy.cedarschema");
const MATRIX: &str =
    include_str!("../src/snapshots/tenant_context__policy__tests__the_matrix_is_as_reviewed.snap");

const GROUPS: [&str; 6] = ["owners", "editors", "publishers", "contributors", "analysts", "auditors"];

/// A sentence that must hold of every request which the page allows: a policy that permits just the requests of which it holds.
struct Claim {
    says: &'static str,
    policy: String,
}

const OWN_TENANCY: &str = "a principal reaches its own tenancy only";
const SECOND_FACTOR: &str = "what administers or destroys asks for a second factor";
const ACTIVE_GROUP: &str = "a membership allows what the matrix or its own group says, while it is active";
const SCOPE: &str = "a membership allows nothing outside of its scope";
const WORKERS: &str = "a worker's work is for that worker, and a worker does nothing else";

fn claims() -> Vec<Claim> {
    let claim = |says, policy: &str| Claim { says, policy: policy.to_owned() };
    vec![
        claim(
            OWN_TENANCY,
            "permit (principal, action, resource is Tenancy) when { resource == principal.tenancy };
             permit (principal, action, resource is Show) when { resource in principal.tenancy };",
        ),
        claim(
            SECOND_FACTOR,
            r#"permit (principal, action, resource)
               unless { action in Action::"administers" || action in Action::"destroys" };
               permit (principal is Membership, action, resource) when { principal.mfa };"#,
        ),
        Claim { says: ACTIVE_GROUP, policy: granted_to_groups() },
        claim(
            SCOPE,
            r#"permit (principal is Membership, action, resource is Tenancy) when { principal.covers_all_shows };
               permit (principal is Membership, action in Action::"reaches-show", resource is Show)
               when { principal.covers_all_shows || principal.shows.contains(resource) };
               permit (principal is Worker, action, resource is Tenancy);"#,
        ),
        Claim { says: WORKERS, policy: granted_to_workers() },
    ]
}

/// One row of the reviewed matrix.
struct Row {
    action: &'static str,
    reaches_shows: bool,
    needs_mfa: bool,
    groups: Vec<&'static str>,
    workers: Vec<&'static str>,
}

fn matrix() -> Vec<Row> {
    let (_, table) = MATRIX.rsplit_once("---\n").unwrap();
    let read = |line: &'static str| {
        let words: Vec<_> = line.split_whitespace().collect();
        Row {
            action: words.first().unwrap(),
            reaches_shows: words.contains(&"show"),
            needs_mfa: words.contains(&"mfa"),
            groups: GROUPS.into_iter().filter(|group| words.contains(group)).collect(),
            workers: words.iter().filter_map(|word| word.strip_prefix("worker:")).collect(),
        }
    };
    table.lines().map(read).collect()
}

impl Row {
    /// That a membership is in a group that may, the tenancy's own too.
    fn group_grants(&self) -> String {
        let groups = self.groups.iter().map(|group| format!(r#"principal in Group::"{group}" || "#));
        let groups = groups.collect::<String>();
        format!(r#"{groups}principal.permissions.contains(Action::"{}")"#, self.action)
    }
}

fn granted_to_groups() -> String {
    let policy = |row: &Row| {
        format!(
            r#"permit (principal is Membership, action == Action::"{}", resource)
               when {{ principal.is_active }}
               when {{ {} }};"#,
            row.action,
            row.group_grants()
        )
    };
    let policies = matrix().iter().map(policy).collect::<String>();
    format!("permit (principal is Worker, action, resource); {policies}")
}

fn granted_to_workers() -> String {
    let policy = |Row { action, workers, .. }: &Row| {
        if workers.is_empty() {
            return format!(r#"permit (principal is Membership, action == Action::"{action}", resource);"#);
        }
        let of = |worker: &&str| {
            format!(r#"permit (principal == Worker::"{worker}", action == Action::"{action}", resource);"#)
        };
        workers.iter().map(of).collect::<String>()
    };
    matrix().iter().map(policy).collect()
}

/// All that the matrix grants, inside of the walls.
fn granted() -> String {
    let policy = |row: &Row| {
        let action = row.action;
        if !row.workers.is_empty() {
            let of = |worker: &&str| {
                format!(
                    r#"permit (principal == Worker::"{worker}", action == Action::"{action}", resource is Tenancy)
                       when {{ resource == principal.tenancy }};"#
                )
            };
            return row.workers.iter().map(of).collect::<String>();
        }
        let place = if row.reaches_shows { "resource" } else { "resource is Tenancy" };
        let factor = if row.needs_mfa { "principal.mfa" } else { "true" };
        format!(
            r#"permit (principal is Membership, action == Action::"{action}", {place})
               when {{ resource in principal.tenancy && principal.is_active && {factor} }}
               when {{ principal.covers_all_shows || (resource is Show && principal.shows.contains(resource)) }}
               when {{ {} }};"#,
            row.group_grants()
        )
    };
    matrix().iter().map(policy).collect()
}

/// The schema, and the solver that searches.
struct Prover {
    schema: Schema,
    compiler: CedarSymCompiler<LocalSolver>,
}

impl Prover {
    fn new() -> Self {
        let (schema, _) = Schema::from_cedarschema_str(SCHEMA).unwrap();
        let solver = LocalSolver::cvc5().expect("cvc5 is installed: apt-get install cvc5");
        Self { schema, compiler: CedarSymCompiler::new(solver).unwrap() }
    }

    fn kinds_of_request(&self) -> Vec<RequestEnv> {
        self.schema.request_envs().collect()
    }

    /// A request that `page` allows and `claim` does not; none when there cannot be one.
    async fn counterexample(&mut self, page: &PolicySet, claim: &PolicySet) -> Option<Env> {
        for kind in self.kinds_of_request() {
            let page = CompiledPolicySet::compile(page, &kind, &self.schema).unwrap();
            let claim = CompiledPolicySet::compile(claim, &kind, &self.schema).unwrap();
            let found = self.compiler.check_implies_with_counterexample_opt(&page, &claim).await.unwrap();
            if found.is_some() {
                return found;
            }
        }
        None
    }
}

/// The request, who asks, and where.
fn describe(found: &Env) -> String {
    let (principal, resource) = (found.request.principal().unwrap(), found.request.resource().unwrap());
    let entity = |uid| found.entities.get(uid).map(|entity| entity.to_string()).unwrap_or_default();
    let action = found.request.action().unwrap();
    format!("{action} in {resource}\n{}\n{}", entity(principal), entity(resource))
}

#[tokio::test]
async fn allowed_requests_stay_inside_the_walls() {
    let mut prover = Prover::new();
    let page = PAGE.parse().unwrap();

    for claim in claims() {
        let found = prover.counterexample(&page, &claim.policy.parse().unwrap()).await;

        assert!(found.is_none(), "not so: {}: {}", claim.says, describe(&found.unwrap()));
        println!("proven for {} kinds of request: {}", prover.kinds_of_request().len(), claim.says);
    }
}

#[tokio::test]
async fn all_that_the_matrix_grants_is_allowed() {
    let found = Prover::new().counterexample(&granted().parse().unwrap(), &PAGE.parse().unwrap()).await;
    assert!(found.is_none(), "denied: {}", describe(&found.unwrap()));
}

/// Cedar passes over a policy that fails, and that could be a wall.
#[tokio::test]
async fn no_policy_fails() {
    let mut prover = Prover::new();
    let page: PolicySet = PAGE.parse().unwrap();

    for kind in prover.kinds_of_request() {
        for policy in page.policies() {
            let compiled = CompiledPolicy::compile(policy, &kind, &prover.schema).unwrap();
            assert!(prover.compiler.check_never_errors_opt(&compiled).await.unwrap(), "{policy}");
        }
    }
}

#[tokio::test]
async fn a_hole_in_any_wall_is_found() {
    let mut prover = Prover::new();
    for (hole, written, instead, broken) in [
        ("no tenancy test", "unless { resource in principal.tenancy }", "unless { true }", OWN_TENANCY),
        ("no second factor", "unless { principal.mfa }", "unless { true }", SECOND_FACTOR),
        (
            "no second factor to destroy",
            r#"action in [Action::"administers", Action::"destroys"], resource)
unless"#,
            r#"action in Action::"administers", resource)
unless"#,
            SECOND_FACTOR,
        ),
        (
            "a show's scope reaches the tenancy",
            "unless { principal.covers_all_shows ||",
            "unless { resource is Tenancy ||",
            SCOPE,
        ),
        ("a show's scope reaches every show", "|| resource in principal.shows", "|| resource is Show", SCOPE),
        (
            "the tenancy is changed through a show",
            r#"forbid (principal, action in Action::"reaches-tenancy", resource is Show);"#,
            "",
            SCOPE,
        ),
        ("a suspended member goes on", "unless { principal.is_active }", "unless { true }", ACTIVE_GROUP),
        (
            "one more action for analysts",
            r#"Action::"shows:read", Action::"episodes:read"],"#,
            r#"Action::"shows:read", Action::"episodes:read", Action::"uploads:read"],"#,
            ACTIVE_GROUP,
        ),
        (
            "everything for editors",
            r#"permit (principal in Group::"auditors", action in Action::"reads", resource);"#,
            r#"permit (principal in Group::"editors", action, resource);"#,
            ACTIVE_GROUP,
        ),
        (
            "a group of one's own allows more than it was given",
            "when { principal.permissions.contains(action) }",
            r#"when { principal.permissions.contains(Action::"tenancy:read") }"#,
            ACTIVE_GROUP,
        ),
        (
            "everything for owners, a worker's work too",
            r#"forbid (principal is Membership, action in Action::"works", resource);"#,
            r#"forbid (principal is Membership, action in Action::"works", resource)
               when { principal.permissions.contains(action) };
               permit (principal in Group::"owners", action, resource);"#,
            WORKERS,
        ),
        (
            "a worker's work for a group that was given it",
            r#"forbid (principal is Membership, action in Action::"works", resource);"#,
            "",
            WORKERS,
        ),
        ("one worker does another's work", r#"principal == Worker::"sweep""#, "principal is Worker", WORKERS),
    ] {
        assert_eq!(PAGE.matches(written).count(), 1, "{hole}: the page reads otherwise now");
        let page: PolicySet = PAGE.replace(written, instead).parse().unwrap();
        let claim = claims().into_iter().find(|claim| claim.says == broken).unwrap();
        let claim: PolicySet = claim.policy.parse().unwrap();

        let found = prover.counterexample(&page, &claim).await.unwrap_or_else(|| panic!("{hole}: not found"));

        let decide =
            |policies| Authorizer::new().is_authorized(&found.request, policies, &found.entities).decision();
        assert_eq!((decide(&page), decide(&claim)), (Decision::Allow, Decision::Deny), "{hole}");
        println!("{hole}: {}\n", describe(&found));
    }
}
