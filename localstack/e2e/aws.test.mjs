// The unchanged aws CLI on the AWS port of a local cloud. HARK_AWS_CLI names the program; without
// it the one on the path is used.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import { channel, connected, pusherJS, subscribed } from './lib/clients.mjs';
import { target } from './lib/target.mjs';

const hark = await target();
const skip = !hark.aws && 'the aws CLI is tried on a local cloud, and HARK_URL names a deployment';

const dir = await mkdtemp(join(tmpdir(), 'hark-aws-'));
after(() => rm(dir, { recursive: true }));
const config = join(dir, 'config'); // instead of the user's own
// Version 2 of the CLI would expect base64.
await writeFile(config, '[default]\ncli_binary_format = raw-in-base64-out\n');

// aws runs one command and returns what it prints.
async function aws(...args) {
  const { stdout } = await promisify(execFile)(
    process.env.HARK_AWS_CLI ?? 'aws',
    ['--endpoint-url', hark.aws, '--region', 'us-east-1', '--output', 'json', ...args],
    { env: {
      ...process.env, AWS_ACCESS_KEY_ID: 'admin', AWS_SECRET_ACCESS_KEY: 'admin',
      AWS_CONFIG_FILE: config, AWS_PAGER: '',
    } },
  );
  return stdout.trim() ? JSON.parse(stdout) : undefined;
}

test('dynamodb scan shows the rows of a subscriber', { skip }, async (t) => {
  const pusher = pusherJS(t, hark);
  await connected(pusher);
  const { name } = await subscribed(pusher.subscribe(channel('room-')));
  const { Items, Count } = await aws('dynamodb', 'scan', '--table-name', hark.tables.State);
  assert.equal(Items.length, Count);
  const row = Items.find(
    ({ pk, sk }) => pk.S === `chan#${hark.app.id}#${name}` && sk.S.startsWith('sub#'),
  );
  assert.ok(row, JSON.stringify(Items));
  assert.ok(Number(row.expires.N) > Date.now() / 1000);
});

test('dynamodb query, get-item and describe-table answer', { skip }, async () => {
  const { Item } = await aws('dynamodb', 'get-item', '--table-name', hark.tables.Apps, '--key',
    JSON.stringify({ pk: { S: `app#${hark.app.id}` } }));
  assert.equal(Item.key.S, hark.app.key);
  const { Count } = await aws('dynamodb', 'query', '--table-name', hark.tables.Apps,
    '--key-condition-expression', 'pk = :pk', '--expression-attribute-values',
    JSON.stringify({ ':pk': { S: `key#${hark.app.key}` } }));
  assert.equal(Count, 1);
});

test('sqs get-queue-attributes shows the broadcasts queue', { skip }, async () => {
  const { Attributes } = await aws(
    'sqs', 'get-queue-attributes', '--queue-url', hark.queues.Broadcasts, '--attribute-names',
    'All',
  );
  assert.equal(Attributes.FifoQueue, 'true');
  assert.equal(Attributes.VisibilityTimeout, '15');
  assert.ok(Attributes.RedrivePolicy);
  assert.match(Attributes.ApproximateNumberOfMessages, /^\d+$/);
});

test('lambda invoke runs a function', { skip }, async () => {
  const out = join(dir, 'out.json');
  const result = await aws(
    'lambda', 'invoke', '--function-name', 'Hark-api', '--payload', JSON.stringify(up), out,
  );
  assert.equal(result.StatusCode, 200);
  assert.equal(result.FunctionError, undefined);
  const answer = JSON.parse(await readFile(out, 'utf8'));
  assert.equal(answer.statusCode, 200);
  const body = answer.isBase64Encoded ? Buffer.from(answer.body, 'base64').toString() : answer.body;
  assert.equal(body, '{"health":"OK"}');
});

test('a command for a table that is not there fails as on AWS', { skip }, async () => {
  await assert.rejects(
    aws('dynamodb', 'scan', '--table-name', 'no-such-table'), /ResourceNotFoundException/,
  );
});

// GET /up as a function URL sends it, payload format 2.0.
const up = {
  version: '2.0',
  routeKey: '$default',
  rawPath: '/up',
  rawQueryString: '',
  headers: { host: 'example.lambda-url.us-east-1.on.aws' },
  requestContext: { http: {
    method: 'GET', path: '/up', protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'aws',
  } },
  isBase64Encoded: false,
};
