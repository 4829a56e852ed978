// usage: node scripts/lib/differences.mjs skip
//
// Reads the file that HARK_DIFFERENCES names: tests of localstack/e2e that do not pass on an emulator, why, and what was
// seen instead. Some Go tests are not even run there: skip prints a pattern of them, for go test -skip.
import { readFileSync } from 'node:fs';
import { argv, env } from 'node:process';

// differences are by the name of a test; none without HARK_DIFFERENCES.
export function differences() {
  if (!env.HARK_DIFFERENCES) return new Map();
  const { differences: all } = JSON.parse(readFileSync(env.HARK_DIFFERENCES, 'utf8'));
  return new Map(all.map((difference) => [difference.test, difference]));
}

if (argv[2] === 'skip') {
  const names = [...differences().values()].filter(({ run }) => run === false).map(({ test }) => test);
  console.log(`^(${names.join('|')})$`);
}
