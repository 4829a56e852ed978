// Opens what the suites run against: the deployment that HARK_URL names (with HARK_API_URL,
// HARK_APP_ID, HARK_APP_KEY and HARK_APP_SECRET), or else a local cloud that is built, started on
// free ports and stopped again. HARK_TEMPLATE names the template that a local cloud runs.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../..', import.meta.url));
const startSeconds = 600; // a first start compiles every function and the SDK
const stopSeconds = 20; // functions may finish what they do: 10 s at most

// target opens what the file's tests run against and closes it after them. A local cloud also has
// aws (the endpoint), tables and queues.
export async function target() {
  if (process.env.HARK_URL) return deployment(process.env);
  const cloud = await start(['-json']);
  after(() => cloud.stop());
  const ready = JSON.parse(await cloud.line((text) => text.startsWith('{')));
  return {
    url: ready.listen, apiURL: ready.listen, app: ready.app, aws: ready.aws, tables: ready.tables,
    queues: ready.queues,
  };
}

function deployment(env) {
  if (env.HARK_TEMPLATE) throw new Error(
    'HARK_TEMPLATE is for a local cloud, and HARK_URL names a deployment',
  );
  const app = { id: env.HARK_APP_ID, key: env.HARK_APP_KEY, secret: env.HARK_APP_SECRET };
  if (!app.id || !app.key || !app.secret) {
    throw new Error('HARK_URL needs HARK_APP_ID, HARK_APP_KEY and HARK_APP_SECRET beside it');
  }
  return { url: env.HARK_URL, apiURL: env.HARK_API_URL ?? env.HARK_URL, app };
}

// start builds and starts the local cloud on free ports. line(found) waits for a line of its
// standard output, text() is all of it so far, stop() stops it as Ctrl-C does and fails if it
// leaves a process behind.
export async function start(flags) {
  const dir = await mkdtemp(join(tmpdir(), 'hark-e2e-'));
  const binary = join(dir, 'localstack');
  await run('go', ['build', '-o', binary, './localstack'], { cwd: root });
  const template = process.env.HARK_TEMPLATE ? ['-template', process.env.HARK_TEMPLATE] : [];
  const child = spawn(
    binary, ['-listen', '127.0.0.1:0', '-aws', '127.0.0.1:0', ...template, ...flags], { cwd: root },
  );
  const ended = new Promise((resolve) => child.once(
    'exit', (code, signal) => resolve(signal ?? code),
  ));
  const stdout = [];
  const stderr = [];
  const waiting = new Set();
  createInterface({ input: child.stdout }).on('line', (line) => {
    stdout.push(line);
    for (const check of waiting) check();
  });
  createInterface({ input: child.stderr }).on('line', (line) => {
    stderr.push(line);
    stderr.splice(0, stderr.length - 200);
  });

  async function line(found) {
    const seen = new Promise((resolve) => {
      const check = () => {
        const text = stdout.find(found);
        if (text === undefined) return;
        waiting.delete(check);
        resolve(text);
      };
      waiting.add(check);
      check();
    });
    const dead = new Promise((_, reject) => {
      const fail = (how) => reject(
        new Error(`the local cloud ${how} before it was ready:\n${stderr.join('\n')}`),
      );
      ended.then((how) => fail(`ended (${how})`));
      setTimeout(fail, startSeconds * 1000, 'took too long').unref();
    });
    dead.catch(() => {}); // it is also rejected after a normal end
    return Promise.race([seen, dead]);
  }

  async function stop() {
    const below = await descendants(child.pid);
    child.kill('SIGINT');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopSeconds * 1000);
    const how = await ended;
    clearTimeout(timer);
    await rm(dir, { recursive: true });
    if (how !== 0) throw new Error(
      `the local cloud ended with ${how} after Ctrl-C:\n${stderr.join('\n')}`,
    );
    const left = below.filter((pid) => existsSync(`/proc/${pid}/exe`));
    if (left.length > 0) throw new Error(
      `the local cloud left processes behind: ${left.join(', ')}`,
    );
  }

  return { line, text: () => stdout.join('\n'), stop };
}

// descendants lists the processes below pid. It reads /proc, and finds none on systems without it.
async function descendants(pid) {
  if (!existsSync('/proc/self/stat')) return [];
  const children = new Map();
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The process may have just ended.
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const all = [];
  for (const queue = [pid]; queue.length > 0;) {
    const below = children.get(queue.shift()) ?? [];
    all.push(...below);
    queue.push(...below);
  }
  return all;
}
