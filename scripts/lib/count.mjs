// usage: go test -json ... | node scripts/lib/count.mjs go RESULTS
//        node scripts/lib/count.mjs tap LABEL RESULTS < FILE
//
// Adds a line "suite<TAB>passed<TAB>failed<TAB>skipped" for each suite to the file RESULTS, prints
// what failed and what was skipped, and fails if anything failed or nothing ran. Of a test with
// subtests only the subtests count. HARK_TEMPLATE, if set, becomes part of the names of the suites
// of go test. On an emulator HARK_DIFFERENCES lists tests that cannot pass there: they count as
// skipped, and as failed if they pass. The outcomes of tests that are named for lines of the
// conformance checklist go to RESULTS.lines, which score.mjs reads.
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

import { differences } from './differences.mjs';

// Which suite a Go test belongs to: the first that matches "package test".
const suites = [
  [
    'DynamoDB engine: AWS\'s DynamoDB Local',
    /^hark\/localstack\/cloud\/dynamodb \S*(DynamoDBLocal|Referee)/i,
  ],
  ['DynamoDB engine: ours', /^hark\/localstack\/cloud\/dynamodb /],
  ['SQS engine: ElasticMQ', /^hark\/localstack\/cloud\/sqs \S*ElasticMQ/i],
  ['SQS engine: ours', /^hark\/localstack\/cloud\/sqs /],
  ['conformance: frames and requests by hand', /^hark\/localstack\/e2e /],
  ['our cloud and an emulator, call by call', /^hark\/localstack\/referee /],
  ['infra', /^hark\/infra /],
  ['unit: the local cloud', /^hark\/localstack/],
  ['unit: tools', /^hark\/scripts/],
  ['unit: the product', /^hark\//],
];

const [kind, ...rest] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin });
const counts = new Map(); // suite → { pass, fail, skip }
const complaints = [];
const listed = differences();
const lined = []; // what goes to RESULTS.lines
const template = process.env.HARK_TEMPLATE;

// judge returns what the outcome of a test counts as, and complains about a test that is listed.
function judge(test, outcome) {
  const difference = listed.get(test);
  if (!difference || outcome === 'skip') return outcome;
  complaints.push(outcome === 'fail'
    ? `--- ${test}: ${difference.reason} Observed: ${difference.observed}: skip`
    : `--- ${test}: it is listed as different here, and passes: take it off the list`);
  return outcome === 'fail' ? 'skip' : 'fail';
}

function count(suite, outcome, n = 1) {
  if (!counts.has(suite)) counts.set(suite, { pass: 0, fail: 0, skip: 0 });
  counts.get(suite)[outcome] += n;
}

// keepLines keeps the outcome of a test that is named for lines of the checklist. What another form
// of the stack does not have is skipped there, and has been tested on the default one.
function keepLines(test, outcome) {
  if (template && outcome === 'skip') return;
  const [, numbers] = /^(?:TestLine(\d+)_.*)$/.exec(test) ?? /^((?:\d+, )*\d+): /.exec(test) ?? [];
  for (const number of numbers?.split(', ') ?? []) lined.push(`${number}\t${outcome}\t${test}\n`);
}

// go reads the events of go test -json.
async function go() {
  const output = new Map(); // "package test" → its lines
  const ended = []; // [package, test, outcome]
  const parents = new Set();
  const seeds = new Map(); // package → its order of tests
  for await (const line of lines) {
    if (!line.startsWith('{')) {
      complaints.push(line); // of the go command itself
      continue;
    }
    const { Action, Package, ImportPath, Test, Output } = JSON.parse(line);
    const id = `${Package ?? ImportPath} ${Test ?? ''}`;
    if (Output) output.set(id, [...(output.get(id) ?? []), Output]);
    if (!Test && Output?.startsWith('-test.shuffle ')) seeds.set(Package, Output);
    if (Test?.includes('/')) parents.add(`${Package} ${Test.slice(0, Test.lastIndexOf('/'))}`);
    if (['pass', 'fail', 'skip', 'build-fail'].includes(Action)) {
      ended.push([Package ?? ImportPath, Test, Action]);
    }
  }
  const failures = ended.filter(([, test, outcome]) => test && outcome === 'fail');
  const failed = new Set(failures.map(([pkg]) => pkg));
  for (const pkg of failed) {
    complaints.push(`--- ${pkg}: ran with ${seeds.get(pkg) ?? 'its tests in order\n'}`);
  }
  for (const [pkg, test, outcome] of ended) {
    if (test) keepLines(test, outcome);
    const id = `${pkg} ${test ?? ''}`;
    const suite = (suites.find(([, re]) => re.test(id))?.[0] ?? 'go')
      + (template ? `, ${template}` : '');
    const printed = (output.get(id) ?? []).join('');
    const complain = () => complaints.push(`--- ${id}: ${outcome}\n${printed}`);
    if (!test) {
      // A package fails by itself when it does not build, panics, or its TestMain does.
      if (outcome === 'build-fail') complain();
      if (outcome === 'fail' && !failed.has(pkg)) {
        count(suite, 'fail');
        complain();
      }
      continue;
    }
    // Of a test with subtests only the subtests count, unless it fails by itself.
    const byItself = outcome === 'fail'
      && !failures.some(([p, t]) => p === pkg && t.startsWith(`${test}/`));
    if (parents.has(id) && !byItself) continue;
    const judged = judge(test, outcome);
    if (outcome !== 'pass' && judged === outcome) complain();
    count(suite, judged);
  }
}

// tap reads what node --test wrote: the outcomes of tests that are listed, and the totals at the
// end.
async function tap(label) {
  for await (const line of lines) {
    const [, not, name] = /^ *(not )?ok \d+ - (.*)$/.exec(line) ?? [];
    const [test, skipped] = name?.split(' # SKIP') ?? [];
    const outcome = not ? 'fail' : skipped === undefined ? 'pass' : 'skip';
    if (test) keepLines(test.replaceAll(/\\(.)/g, '$1'), outcome);
    if (listed.has(test) && !line.startsWith(' ')) {
      count(label, outcome, -1);
      count(label, judge(test, outcome));
    }
    const [, what, n] = /^# (pass|fail|cancelled|skipped|todo) (\d+)$/.exec(line) ?? [];
    if (what) count(label, { pass: 'pass', skipped: 'skip' }[what] ?? 'fail', Number(n));
  }
}

await (kind === 'go' ? go() : tap(rest[0]));
appendFileSync(`${rest.at(-1)}.lines`, lined.join(''));
for (const text of complaints) console.log(text);
let failures = 0;
for (const [suite, { pass, fail, skip }] of counts) {
  appendFileSync(rest.at(-1), `${suite}\t${pass}\t${fail}\t${skip}\n`);
  failures += fail;
  if (pass + fail === 0) {
    console.log(`${suite}: no test ran`);
    failures += 1;
  }
}
if (counts.size === 0) console.log('no test ran');
process.exitCode = failures > 0 || counts.size === 0 ? 1 : 0;
