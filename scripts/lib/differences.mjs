// usage: node scripts/lib/differences.mjs skip
//
// Reads the file that HARK_DIFFERENCES names: tests of localstack/e2e that do not pass on an emulator, why, and what was
// seen instead. skip prints, for go test -skip and node --test-skip-pattern, those that are not even run there.
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
  console.log(names.length > 0 ? `^(${names.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|')})$` : '^$');
}
