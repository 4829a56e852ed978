// The banner that the local cloud prints, used as people use it: its Echo snippet becomes a page,
// its curl is pasted into a shell, and the page receives the event.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, test } from 'node:test';
import { promisify } from 'node:util';

import { app, page } from './lib/app.mjs';
import { browser, open } from './lib/browser.mjs';
import { start } from './lib/target.mjs';

const skip = process.env.HARK_URL &&
  'the banner is the local cloud\'s, and HARK_URL names a deployment';
const banner = skip || await print();
const chromium = skip || await browser();

const env = Object.fromEntries([...banner.matchAll(/^(\w+)=(\S*)$/gm)].map(([, name, value]) => [
  name, value,
]));
const snippet = /^import Echo[\s\S]*?(?=\n\nPublish)/m.exec(banner)?.[0];
// lines that end in a backslash, and one that does not
const curl = /^curl (?:.*\\\n)*.*$/m.exec(banner)?.[0];
const served = skip || await app({
  apiURL: `${env.REVERB_SCHEME}://${env.REVERB_HOST}:${env.REVERB_PORT}`,
  app: { id: env.REVERB_APP_ID, key: env.REVERB_APP_KEY, secret: env.REVERB_APP_SECRET },
}, { pages: { '/': page(snippet) } });

// print starts a local cloud as people do and returns what it prints.
async function print() {
  const cloud = await start([]);
  after(() => cloud.stop());
  await cloud.line((line) => line.includes('aws --endpoint-url')); // the last
  return cloud.text();
}

test('the .env block has what Laravel reads', { skip }, () => {
  assert.equal(env.BROADCAST_CONNECTION, 'reverb');
  for (const name of ['APP_ID', 'APP_KEY', 'APP_SECRET', 'HOST', 'PORT', 'SCHEME']) {
    assert.ok(env[`REVERB_${name}`], `REVERB_${name}`);
  }
  for (const name of ['APP_KEY', 'HOST', 'PORT', 'SCHEME']) {
    assert.equal(env[`VITE_REVERB_${name}`], `"\${REVERB_${name}}"`);
  }
});

test('a page made from the snippet receives what the curl publishes', { skip }, async (t) => {
  const { page: tab, trouble } = await open(t, chromium, 'about:blank');
  const logged = new Promise((resolve) => {
    tab.on('console', (message) => message.type() === 'log' && resolve(message.text()));
  });
  await tab.goto(served.url);
  await tab.waitForFunction(
    () => window.Echo?.connector.pusher.allChannels().some((ch) => ch.subscribed),
  );
  const { stdout } = await promisify(execFile)('sh', ['-c', curl]);
  assert.equal(stdout.trim(), '{}');
  assert.equal(await logged, 'Rain');
  assert.deepEqual(trouble, []);
});
