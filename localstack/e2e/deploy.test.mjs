// Tests `cdk deploy` and `cdk destroy` with the unchanged CDK CLI on the emulator that
// HARK_EMULATOR_URL names (scripts/localstack). A stage of its own is deployed from a copy of the
// tree, deployed again, changed, broken and destroyed. HARK_CDK_CONTEXT holds the emulator's
// context values. HARK_AWS_CLI names the aws command.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const skip = !process.env.HARK_EMULATOR_URL &&
  'deployments are tried on an emulator: scripts/localstack';

const root = fileURLToPath(new URL('../..', import.meta.url));
const tree = await mkdtemp(join(tmpdir(), 'hark-deploy-'));
after(() => rm(tree, { recursive: true }));
const stage = 'trial';
const stack = `Hark-${stage}`;

// cdk runs the CDK CLI in the copy of the tree and returns its output.
async function cdk(command, name, ...flags) {
  const context = [
    '-c', `stage=${name}`, ...(process.env.HARK_CDK_CONTEXT ?? '').split(' ').filter(Boolean),
  ];
  const { stdout, stderr } = await run('npx', ['cdk', command, ...context, ...flags], {
    cwd: tree, env: { HARK_BUILD: 'host', ...process.env, NO_COLOR: '1' }, maxBuffer: 1 << 24,
  });
  return stdout + stderr;
}

const deploy = (name) => cdk('deploy', name, '--require-approval', 'never');

async function aws(...args) {
  const { stdout } = await run(
    process.env.HARK_AWS_CLI ?? 'aws',
    ['--endpoint-url', process.env.HARK_EMULATOR_URL, '--output', 'json', ...args],
    { maxBuffer: 1 << 24 },
  );
  return stdout.trim() ? JSON.parse(stdout) : null;
}

// all lists the account's resources of every kind that the stack has.
async function all() {
  const kinds = [
    ['dynamodb', 'list-tables', 'TableNames'],
    ['sqs', 'list-queues', 'QueueUrls'],
    ['lambda', 'list-functions', 'Functions[].FunctionName'],
    ['lambda', 'list-event-source-mappings', 'EventSourceMappings[].UUID'],
    ['apigatewayv2', 'get-apis', 'Items[].ApiId'],
    ['iam', 'list-roles', 'Roles[].RoleName'],
    ['logs', 'describe-log-groups', 'logGroups[].logGroupName'],
    ['cloudfront', 'list-distributions', 'DistributionList.Items[].Id'],
    ['cloudfront', 'list-functions', 'FunctionList.Items[].Name'],
    ['events', 'list-rules', 'Rules[].Name'],
  ];
  const lists = await Promise.all(kinds.map(([service, operation, query]) => aws(
    service, operation, '--query', query,
  )));
  return lists.flatMap((names, i) => (names ?? []).map((name) => `${kinds[i][0]} ${name}`)).sort();
}

// functions returns, by function name, the hash of the code and the time of the last change.
async function functions() {
  const list = await aws(
    'lambda', 'list-functions', '--query', 'Functions[].[FunctionName,CodeSha256,LastModified]',
  );
  return Object.fromEntries(list
    .filter(([name]) => name.startsWith(`${stack}-`))
    .map(([name, ...rest]) => [name, rest.join(' ')]));
}

const minus = (a, b) => a.filter((x) => !b.includes(x));

let before;

test('cdk deploy creates the stack', { skip }, async () => {
  for (const part of [
    'cdk.json', 'go.mod', 'go.sum', 'package.json', 'functions', 'infra', 'shared', 'scripts',
  ]) {
    await cp(join(root, part), join(tree, part), { recursive: true });
  }
  await symlink(join(root, 'node_modules'), join(tree, 'node_modules'));
  before = await all();
  assert.match(await deploy(stage), /PublishHost = \w+\.lambda-url\./);
  const made = minus(await all(), before);
  for (const name of ['connect', 'message', 'disconnect', 'api', 'broadcast', 'sweep']) {
    assert.ok(made.includes(`lambda ${stack}-${name}`), `function ${name} in ${made}`);
  }
});

test('cdk deploy again changes nothing', { skip }, async () => {
  const [there, were] = await Promise.all([all(), functions()]);
  assert.match(await deploy(stage), /\(no changes\)/);
  assert.deepEqual(await all(), there);
  assert.deepEqual(await functions(), were);
});

test('a changed function is the only one that is updated', { skip }, async () => {
  const were = await functions();
  const main = join(tree, 'functions', 'sweep', 'main.go');
  await appendFile(main, '\nfunc init() { println("changed") }\n');
  await deploy(stage);
  const are = await functions();
  assert.deepEqual(Object.keys(are).filter((name) => are[name] !== were[name]), [`${stack}-sweep`]);
});

test('a deployment that fails half-way is rolled back', { skip }, async (t) => {
  const name = 'broken';
  const taken = `Hark-${name}-us-east-1-viewer-request`; // one of the last that the stack creates
  const code = join(tree, 'taken.js');
  await writeFile(code, 'function handler(event) { return event.request; }');
  const { ETag } = await aws('cloudfront', 'create-function', '--name', taken, '--function-code',
    `fileb://${code}`,
    '--function-config', 'Comment=taken,Runtime=cloudfront-js-2.0');
  t.after(() => aws('cloudfront', 'delete-function', '--name', taken, '--if-match', ETag));
  const there = await all();
  await assert.rejects(deploy(name), /ROLLBACK|already exists/i);
  const status = await aws(
    'cloudformation', 'describe-stacks', '--stack-name', `Hark-${name}`, '--query',
    'Stacks[0].StackStatus',
  );
  assert.equal(status, 'ROLLBACK_COMPLETE');
  assert.deepEqual(await retained(minus(await all(), there)), []);
  await cdk('destroy', name, '--force');
});

test('cdk destroy leaves nothing behind but the apps', { skip }, async () => {
  await cdk('destroy', stage, '--force');
  const left = minus(await all(), before);
  assert.equal(left.length, 1, `left: ${left}`);
  assert.deepEqual(await retained(left), []);
  assert.deepEqual(minus(before, await all()), []);
});

// retained deletes the table of apps, which a deleted stack leaves behind, and returns what else is
// left.
async function retained(left) {
  const tables = left.filter((name) => /^dynamodb Hark-\w+-Apps-/.test(name));
  for (const name of tables) {
    const table = ['--table-name', name.replace('dynamodb ', '')];
    await aws('dynamodb', 'update-table', ...table, '--no-deletion-protection-enabled');
    await aws('dynamodb', 'delete-table', ...table);
  }
  return minus(left, tables);
}
