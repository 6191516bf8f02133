// Judges requests by IAM documents: JSON in on standard input, JSON out on standard output; simulator.rs has the shapes.
//
//     node simulate.mjs FOLDER        FOLDER holds node_modules, as package-lock.json has them

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const load = createRequire(`${process.argv[2]}/`);
const { createValidatedPolicy, validateIdentityPolicy, validateResourcePolicy, validateTrustPolicy } =
  load('@cloud-copilot/iam-policy');
const { allowedContextKeysForRequest, isConditionKeyArray, runUnsafeSimulation, typeForContextKey } =
  load('@cloud-copilot/iam-simulate');

const VALIDATE = { identity: validateIdentityPolicy, resource: validateResourcePolicy, trust: validateTrustPolicy };

// The simulator compares names of operators by a language's rules, which takes it most of its time. They are plain ASCII.
const compare = String.prototype.localeCompare;
String.prototype.localeCompare = function (other, locales, options) {
  const isCaseBlind = locales === undefined && ['accent', 'base'].includes(options?.sensitivity);
  if (!isCaseBlind) return compare.call(this, other, locales, options);
  const [left, right] = [this.toLowerCase(), other.toLowerCase()];
  return left < right ? -1 : Number(left > right);
};

// The simulator knows no condition key kms:EncryptionContext:… and would take it for absent: what it denies would prove
// nothing. A tag of the request is a key of the same kind which it knows, so documents and requests carry it as one.
const { documents, callers, requests, cases, weakened } = JSON.parse(
  readFileSync(0, 'utf8').replaceAll('"kms:EncryptionContext:', '"aws:RequestTag/kms:EncryptionContext:'),
);

const policies = Object.fromEntries(Object.entries(documents).map(([name, { kind, policy }]) =>
  [name, createValidatedPolicy(policy, VALIDATE[kind], { name })]));
const denied = deniedByDocument();
const complaints = [...complaintsAboutDocuments(), ...(await complaintsAboutRequests())];
const answer = complaints.length > 0 ? { complaints } : {
  complaints,
  wrong: cases.flatMap((one, index) => {
    const result = judge(one, policies);
    return (result === 'Allowed') === one.allowed ? [] : [{ case: index, result }];
  }),
  unnoticed: weakened.flatMap((copy, index) => (isNoticed(copy) ? [] : [index])),
};
process.stdout.write(JSON.stringify(answer));

/** A weakened copy is noticed where it allows what should be denied, and what the sound one denies. */
function isNoticed({ document, sound, weaker, actions }) {
  const [before, after] = [sound, weaker].map((policy) =>
    ({ ...policies, [document]: createValidatedPolicy(policy, () => [], { name: document }) }));
  return (denied.get(document) ?? []).some((one) =>
    actions.some((pattern) => isLike(pattern, requests[one.request].action))
    && judge(one, after) === 'Allowed' && judge(one, before) !== 'Allowed');
}

/** The cases that should be denied, by each document that has a say in them. */
function deniedByDocument() {
  const found = new Map();
  for (const one of cases.filter(({ allowed }) => !allowed)) {
    for (const document of [...callers[one.caller].documents, requests[one.request].document]) {
      if (!found.has(document)) found.set(document, []);
      found.get(document).push(one);
    }
  }
  return found;
}

function isLike(pattern, action) {
  return pattern.endsWith('*') ? action.startsWith(pattern.slice(0, -1)) : action === pattern;
}

function judge({ caller, request }, policies) {
  const { arn, account, documents, context } = callers[caller];
  const asked = requests[request];
  // KMS adds the caller's account to a request, other services do not.
  const fromKms = asked.action.startsWith('kms:') && account ? { 'kms:CallerAccount': account } : {};
  return runUnsafeSimulation({
    request: {
      principal: arn,
      action: asked.action,
      resource: { resource: asked.resource, accountId: asked.account },
      contextVariables: { ...context, ...asked.context, ...fromKms },
    },
    identityPolicies: documents.map((name) => ({ name, policy: policies[name] })),
    resourcePolicy: policies[asked.document],
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {});
}

function complaintsAboutDocuments() {
  return Object.entries(policies).flatMap(([name, { errors }]) =>
    errors.map((error) => `${name}: ${error.path}: ${error.message}`));
}

/** What AWS would not put into such a request proves nothing, nor does an action on what it has nothing to do with. */
async function complaintsAboutRequests() {
  const found = new Set();
  const [keysOf, isArray] = [remembered(allowedContextKeysForRequest), remembered(isArrayOfValues)];
  for (const { action, resource, context } of requests) {
    try {
      const known = await keysOf(...action.split(':'), resource, false);
      for (const [key, value] of Object.entries(context)) {
        if (!known.some((pattern) => fits(pattern, key.toLowerCase())) || (await isArray(key)) !== Array.isArray(value)) {
          found.add(`${action} on ${resource} has no such ${key}`);
        }
      }
    } catch (error) {
      found.add(`${action} on ${resource}: ${error.message}`);
    }
  }
  return found;
}

async function isArrayOfValues(key) {
  return isConditionKeyArray(await typeForContextKey(key));
}

/** The catalogue of services is slow to ask. */
function remembered(ask) {
  const answers = new Map();
  return (...question) => {
    const key = question.join(' ');
    if (!answers.has(key)) answers.set(key, ask(...question));
    return answers.get(key);
  };
}

function fits(pattern, key) {
  const [prefix, variable] = pattern.split('/');
  return variable === undefined ? pattern === key : key.startsWith(`${prefix}/`);
}
