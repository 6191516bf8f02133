//! `castkeep-verify CERTIFICATE --keys KEYS`: whether a certificate of destruction is genuine, without a network.

use std::{env, fs, path::PathBuf, process::ExitCode};

use certificate::{Certificate, Digest, Item, Keys, Outcome, Proof, Verified, page, prove_item, verify};

const HELP: &str = "\
Checks a certificate of destruction, without a network.

Usage: castkeep-verify CERTIFICATE --keys KEYS [--proof PROOF] [--page PAGE]
       castkeep-verify CERTIFICATE --keys KEYS --item ITEM --leaves LEAVES --proof PROOF

  CERTIFICATE    the certificate's file (JSON)
  --keys KEYS    the keys that you trust to sign certificates: a JWK set, from whoever destroyed the data
  --proof PROOF  a proof (JSON) that one item is among what was destroyed
  --item ITEM    an item (JSON: store, key and, of an object, version and bytes): a proof of it is made and written to PROOF
  --leaves LEAVES
                 the hashes of all leaves of the item's store, from whoever destroyed the data
  --page PAGE    where to write the certificate as a page to read and print (HTML)
  --help         this text

Ends with 0 where all of it holds, with 1 where something does not, and with 2 where that cannot be told, as a file or the keys
are missing.
";

/// What was asked for.
#[derive(Default)]
struct Arguments {
    certificate: PathBuf,
    keys: Option<PathBuf>,
    proof: Option<PathBuf>,
    item: Option<PathBuf>,
    leaves: Option<PathBuf>,
    page: Option<PathBuf>,
}

/// How it ended, and what is said about it.
enum End {
    Holds(String),
    DoesNotHold(String),
    CannotTell(String),
}

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--help" || argument == "-h") {
        print!("{HELP}");
        return ExitCode::SUCCESS;
    }
    let end = match parse(arguments) {
        Ok(arguments) => check(&arguments).unwrap_or_else(|end| end),
        Err(problem) => End::CannotTell(format!("{problem}\nTry castkeep-verify --help.")),
    };
    match end {
        End::Holds(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        End::DoesNotHold(said) => {
            println!("{said}");
            ExitCode::from(1)
        }
        End::CannotTell(said) => {
            eprintln!("{said}");
            ExitCode::from(2)
        }
    }
}

fn parse(arguments: Vec<std::ffi::OsString>) -> Result<Arguments, String> {
    let mut parsed = Arguments::default();
    let mut certificate = None;
    let mut rest = arguments.into_iter();
    while let Some(argument) = rest.next() {
        let place = match argument.to_str() {
            Some("--keys") => &mut parsed.keys,
            Some("--proof") => &mut parsed.proof,
            Some("--item") => &mut parsed.item,
            Some("--leaves") => &mut parsed.leaves,
            Some("--page") => &mut parsed.page,
            Some(unknown) if unknown.starts_with('-') => return Err(format!("There is no {unknown}.")),
            _ if certificate.is_none() => {
                certificate = Some(PathBuf::from(argument));
                continue;
            }
            _ => return Err("One certificate at a time.".to_owned()),
        };
        let value = rest.next().ok_or_else(|| format!("{} needs a file.", argument.to_string_lossy()))?;
        *place = Some(PathBuf::from(value));
    }
    parsed.certificate = certificate.ok_or("Name the file of a certificate.")?;
    Ok(parsed)
}

fn check(arguments: &Arguments) -> Result<End, End> {
    let json = read(&arguments.certificate)?;
    let keys = arguments.keys.as_ref().ok_or_else(|| {
        End::CannotTell("Without keys nobody can say who signed it: name them with --keys.".to_owned())
    })?;
    let keys = Keys::from_jwks(&read(keys)?)
        .map_err(|_| End::CannotTell(format!("{} has no key that signs certificates.", keys.display())))?;
    if let Some(item) = &arguments.item {
        write_proof(item, arguments)?;
    }
    let proof = arguments.proof.as_ref().map(read).transpose()?;

    let verified = verify(&json, &keys)
        .map_err(|why| End::DoesNotHold(format!("Do not believe this certificate. {why}")))?;
    let mut said = describe(&verified);
    if let Some(proof) = proof {
        said.push_str(&check_proof(&proof, &verified.certificate)?);
    }

    if let Some(path) = &arguments.page {
        fs::write(path, page(&verified))
            .map_err(|error| End::CannotTell(format!("{}: {error}", path.display())))?;
    }
    Ok(End::Holds(said))
}

/// Makes the proof of an item. Whether it holds, is looked at like that of any other.
fn write_proof(item: &PathBuf, arguments: &Arguments) -> Result<(), End> {
    let (Some(leaves), Some(to)) = (&arguments.leaves, &arguments.proof) else {
        let needs = "A proof of an item is made of --leaves, and written to --proof: name both.";
        return Err(End::CannotTell(needs.to_owned()));
    };
    let unreadable = |path: &PathBuf, why: String| End::CannotTell(format!("{}: {why}", path.display()));
    let read_item: Item =
        serde_json::from_str(&read(item)?).map_err(|error| unreadable(item, error.to_string()))?;
    let hashes = read(leaves)?.split_whitespace().map(str::parse).collect::<Result<Vec<Digest>, _>>();
    let hashes = hashes.map_err(|error| unreadable(leaves, error.to_string()))?;
    let proof = prove_item(read_item, &hashes).map_err(|error| unreadable(item, error.to_string()))?;
    let proof = proof.ok_or_else(|| End::DoesNotHold("The item is none of these leaves.".to_owned()))?;
    let json = serde_json::to_string(&proof).map_err(|error| unreadable(to, error.to_string()))?;
    fs::write(to, json).map_err(|error| unreadable(to, error.to_string()))
}

fn check_proof(json: &str, certificate: &Certificate) -> Result<String, End> {
    let proof: Proof = serde_json::from_str(json).map_err(|error| {
        End::DoesNotHold(format!("The certificate is genuine. The proof is none: {error}."))
    })?;
    let (key, store) = (&proof.item.key, &proof.item.store);
    if proof.holds(certificate) {
        Ok(format!("\nThe proof holds: {key:?} of {store} is among what was destroyed."))
    } else {
        Err(End::DoesNotHold(format!(
            "The certificate is genuine. The proof does not hold: it does not show that {key:?} of {store} was destroyed."
        )))
    }
}

fn describe(verified: &Verified) -> String {
    let Verified { certificate, key_id } = verified;
    let mut said = format!(
        "The certificate {} is genuine: the key {key_id} signed it, and nothing was changed since.\n",
        certificate.deletion_id
    );
    said.push_str(match certificate.outcome {
        Outcome::Erased => "It says that everything was destroyed",
        Outcome::Partial => "It says that NOT everything could be destroyed",
    });
    said.push_str(&format!(
        " of {} {}, asked for by {}",
        certificate.scope, certificate.subject_id, certificate.requested.by
    ));
    if let Some(approved) = &certificate.approved {
        said.push_str(&format!(" and approved by {}", approved.by));
    }
    said.push_str(".\n");
    for store in &certificate.stores {
        said.push_str(&format!(
            "{}: {} items, {} versions, {} bytes destroyed; {} left when counted.\n",
            store.store, store.items, store.versions, store.bytes, store.verification.remaining
        ));
    }
    for item in &certificate.not_destroyed {
        said.push_str(&format!("Not destroyed: {:?} of {}. {}\n", item.key, item.store, item.reason));
    }
    said.push_str(&format!("Every store was counted at {}.\n", certificate.verified_at));
    if let Some(key) = &certificate.key {
        said.push_str(&format!("The key {} is destroyed at {}.\n", key.key_id, key.destroyed_at));
    }
    said.push_str(&format!("The last backup expires at {}.", certificate.backups_gone_at));
    said
}

fn read(path: &PathBuf) -> Result<String, End> {
    fs::read_to_string(path).map_err(|error| End::CannotTell(format!("{}: {error}", path.display())))
}
