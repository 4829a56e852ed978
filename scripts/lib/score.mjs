// usage: node scripts/lib/score.mjs LINES
//
// Prints how many lines of the conformance checklist (localstack/e2e/testdata/checklist.json) are
// met, and why the others are not. LINES is what count.mjs kept of the suites that ran. A line is
// met if a test named for it has passed, and none has failed or was skipped. Fails if a line is not
// met that is not marked notYet.
import { existsSync, readFileSync } from 'node:fs';
import { argv } from 'node:process';

const path = new URL('../../localstack/e2e/testdata/checklist.json', import.meta.url);
const checklist = JSON.parse(readFileSync(path, 'utf8'));

const outcomes = new Map(); // line → outcome → tests
for (const text of existsSync(argv[2]) ? readFileSync(argv[2], 'utf8').trim().split('\n') : []) {
  const [line, outcome, test] = text.split('\t');
  const all = outcomes.get(Number(line)) ?? { pass: [], fail: [], skip: [] };
  all[outcome].push(test);
  outcomes.set(Number(line), all);
}

// why returns why a line is not met, or undefined if it is.
function why({ line, notYet }) {
  if (notYet) return notYet;
  const { pass, fail, skip } = outcomes.get(line) ?? { pass: [], fail: [], skip: [] };
  if (fail.length > 0) return `failed: ${innermost(fail)}`;
  if (skip.length > 0) return `skipped: ${innermost(skip)}`;
  return pass.length > 0 ? undefined : 'no test ran';
}

// innermost lists tests without those that have subtests in the list.
const innermost = (tests) => tests
  .filter((test) => !tests.some((other) => other.startsWith(`${test}/`))).join(', ');

const parts = [
  ['sockets: lines 1 to 92, 138 to 140', (line) => line <= 92 || line >= 138],
  ['HTTP API: lines 93 to 128', (line) => line >= 93 && line <= 128],
  ['webhooks: lines 129 to 137', (line) => line >= 129 && line <= 137],
];
for (const [name, has] of parts) {
  const lines = checklist.filter(({ line }) => has(line));
  const met = lines.filter((l) => !why(l)).length;
  console.log(`   ${name.padEnd(36)}${String(met).padStart(3)} of ${lines.length}`);
}
for (const l of checklist.filter((each) => !each.notYet && why(each))) {
  console.log(`   ${l.line}. ${l.title}\n      ${why(l)}`);
}
for (const reason of new Set(checklist.map(({ notYet }) => notYet).filter(Boolean))) {
  const numbers = checklist.filter(({ notYet }) => notYet === reason).map(({ line }) => line);
  console.log(`   ${numbers.join(', ')}: not yet: ${reason}`);
}
process.exitCode = checklist.some((l) => !l.notYet && why(l)) ? 1 : 0;
