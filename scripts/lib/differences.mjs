// usage: node scripts/lib/differences.mjs skip
//
// Reads the file that HARK_DIFFERENCES names: tests of localstack/e2e that do not pass on an
// emulator, the reason, and what was observed instead. Some Go tests do not run there at all: skip
// prints a pattern of them for go test -skip.
import { readFileSync } from 'node:fs';
import { argv, env } from 'node:process';

// differences maps the name of a test to its difference. It is empty without HARK_DIFFERENCES.
export function differences() {
  if (!env.HARK_DIFFERENCES) return new Map();
  const { differences: all } = JSON.parse(readFileSync(env.HARK_DIFFERENCES, 'utf8'));
  return new Map(all.map((difference) => [difference.test, difference]));
}

if (argv[2] === 'skip') {
  const skipped = [...differences().values()].filter(({ run }) => run === false);
  console.log(`^(${skipped.map(({ test }) => test).join('|')})$`);
}
