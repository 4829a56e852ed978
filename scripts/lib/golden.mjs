// usage: node scripts/lib/golden.mjs SYNTHESIZED GOLDEN
//
// Compares what `npx cdk synth` wrote with the golden template, in which the places of the
// functions' code are blank. Users must deploy the template that was reviewed.
import { deepStrictEqual } from 'node:assert';
import { readFileSync } from 'node:fs';

const [synthesized, golden] = process.argv.slice(2)
  .map((path) => JSON.parse(readFileSync(path, 'utf8')));

for (const { Type, Properties } of Object.values(synthesized.Resources)) {
  if (Type === 'AWS::Lambda::Function') {
    Object.assign(Properties.Code, { S3Bucket: 'assets', S3Key: 'blank.zip' });
  }
}
deepStrictEqual(synthesized, golden);
console.log(`${Object.keys(golden.Resources).length} resources, as in the golden template`);
