// Laravel Echo in Chromium, on pages that a small app serves. The numbers are those of
// docs/protocol.md §9.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { app, page, userInfo } from './lib/app.mjs';
import { browser, open } from './lib/browser.mjs';
import { channel, eventually, server, stub } from './lib/clients.mjs';
import { target } from './lib/target.mjs';

const hark = await target();
const sdk = server(hark);
const chromium = await browser();

// What Laravel's resources/js/echo.js does, and the few lines that a test needs to see what
// happened: received(n) waits for n events.
const echoPage = (options) => page(`
import Echo from 'laravel-echo';
import Pusher from 'pusher-js';

window.Pusher = Pusher;
const user = new URLSearchParams(location.search).get('user');
window.Echo = new Echo({ ...${JSON.stringify(options)}, bearerToken: user });

const events = [];
window.states = [];
window.Echo.connector.pusher.connection.bind('state_change', ({ current }) => states.push(current));
window.join = (kind, name) => new Promise((resolve, reject) => {
  window.Echo[kind](name)
    .subscribed(() => resolve(name))
    .error((err) => reject(new Error(JSON.stringify(err))))
    .listenToAll((event, data) => events.push([event, data]));
});
window.room = (name) => {
  const seen = (what) => (who) => events.push([what, who]);
  window.Echo.join(name).here(seen('here')).joining(seen('joining')).leaving(seen('leaving'))
    .listenForWhisper('typing', seen('typing'));
};
window.received = async (n) => {
  while (events.length < n) await new Promise((resolve) => { setTimeout(resolve, 10); });
  return events;
};
window.received.events = () => events;
`);

// What a page with pusher-js alone does, in the build that can encrypt.
const encryptedPage = page(`
import Pusher from 'pusher-js/with-encryption';

const { key, ...options } = ${JSON.stringify(stub(hark))};
const channelAuthorization = { endpoint: '/broadcasting/auth' };
const pusher = new Pusher(key, { cluster: '', ...options, channelAuthorization });
window.secret = (name) => new Promise((resolve, reject) => {
  const ch = pusher.subscribe(name);
  ch.bind('pusher:subscription_error', (err) => reject(new Error(JSON.stringify(err))));
  ch.bind('pusher:subscription_succeeded', () => { document.title = 'subscribed'; });
  ch.bind('secret', resolve);
});
`);

const { url } = await app(hark, {
  authorize: (name) => !name.includes('forbidden'),
  pages: {
    '/': echoPage(stub(hark)),
    '/encrypted': encryptedPage,
    '/unknown': echoPage({ ...stub(hark), key: 'no-such-key' }),
  },
});

test('138: a page connects, joins a public and a private channel and gets events', async (t) => {
  const { page: tab, trouble } = await open(t, chromium, url);
  const [room, orders] = [channel('room-'), channel('orders.')];
  await tab.evaluate((name) => join('channel', name), room);
  await tab.evaluate((name) => join('private', name), orders);
  await sdk.trigger(room, 'App\\Events\\Headline', { title: 'Zażółć 🎉' });
  await tab.evaluate(() => received(1));
  await sdk.trigger(`private-${orders}`, 'App\\Events\\OrderShipped', { id: 7 });
  assert.deepEqual(await tab.evaluate(() => received(2)), [
    ['Headline', { title: 'Zażółć 🎉' }],
    ['OrderShipped', { id: 7 }],
  ]);
  assert.deepEqual(trouble, []);
});

test('138: pages on a presence channel: here, joining, whispers, leaving', async (t) => {
  const [ann, bob] = [
    await open(t, chromium, `${url}/?user=1`), await open(t, chromium, `${url}/?user=2`),
  ];
  const name = channel('room.');
  await ann.page.evaluate((room) => window.room(room), name);
  await ann.page.evaluate(() => received(1));
  await bob.page.evaluate((room) => window.room(room), name);
  assert.deepEqual(
    await bob.page.evaluate(() => received(1)), [['here', [userInfo('1'), userInfo('2')]]],
  );
  await ann.page.evaluate(() => received(2));
  await bob.page.evaluate(
    (room) => { window.Echo.join(room).whisper('typing', { name: 'Bob' }); }, name,
  );
  await ann.page.evaluate(() => received(3));
  await bob.page.close();
  assert.deepEqual(await ann.page.evaluate(() => received(4)), [
    ['here', [userInfo('1')]],
    ['joining', userInfo('2')],
    ['typing', { name: 'Bob' }],
    ['leaving', userInfo('2')],
  ]);
  assert.deepEqual([...ann.trouble, ...bob.trouble], []);
});

test('3.13, 43: pusher-js/with-encryption reads what the SDK has encrypted', async (t) => {
  for (const prefix of ['private-encrypted-vault-', 'private-encrypted-cache-vault-']) {
    const { page: tab, trouble } = await open(t, chromium, `${url}/encrypted`);
    const name = channel(prefix);
    const secret = tab.evaluate((ch) => window.secret(ch), name);
    await Promise.race([secret, tab.waitForFunction(() => document.title === 'subscribed')]);
    await sdk.trigger(name, 'secret', { pin: 1234 });
    assert.deepEqual(await secret, { pin: 1234 });
    assert.deepEqual(trouble, []);
  }
});

test('138, 37: error() is called if the app refuses a channel', async (t) => {
  const { page: tab } = await open(t, chromium, url);
  await assert.rejects(tab.evaluate((name) => join('private', name), channel('forbidden.')), /403/);
});

test('139: toOthers skips the tab whose X-Socket-ID was sent', async (t) => {
  const [mine, theirs] = [await open(t, chromium, url), await open(t, chromium, url)];
  const room = channel('room-');
  for (const { page: tab } of [mine, theirs]) {
    await tab.evaluate((name) => join('channel', name), room);
  }
  await mine.page.evaluate((name) => fetch('/publish', {
    method: 'POST',
    headers: { 'X-Socket-ID': window.Echo.socketId() },
    body: JSON.stringify({ channel: name, event: 'App\\Events\\Moved', data: { n: 1 } }),
  }), room);
  assert.deepEqual(await theirs.page.evaluate(() => received(1)), [['Moved', { n: 1 }]]);
  await sdk.trigger(room, 'App\\Events\\Moved', { n: 2 });
  assert.deepEqual(await mine.page.evaluate(() => received(1)), [['Moved', { n: 2 }]]);
});

test('140: after a forced close the page is a member again, and nobody is there twice',
  async (t) => {
  const [ann, bob] = [
    await open(t, chromium, `${url}/?user=1`), await open(t, chromium, `${url}/?user=2`),
  ];
  const name = channel('room.');
  for (const { page: tab } of [ann, bob]) {
    await tab.evaluate((room) => window.room(room), name);
    await tab.evaluate(() => received(1));
  }
  const list = await bob.page.evaluate(async (room) => {
    const { pusher } = window.Echo.connector;
    const again = new Promise((resolve) => {
      pusher.channel(`presence-${room}`).bind(
        'pusher:subscription_succeeded', ({ members }) => resolve(Object.keys(members)),
      );
    });
    pusher.send_event('client-too-large', 'x'.repeat(33 * 1024)); // API Gateway closes with 1009
    return again;
  }, name);
  assert.deepEqual(list, ['1', '2']);
  await bob.page.evaluate((room) => { window.Echo.join(room).whisper('typing', {}); }, name);
  await ann.page.waitForFunction(
    () => window.received.events().some(([what]) => what === 'typing'),
  );
  const members = await ann.page.evaluate((room) => {
    const { members } = window.Echo.connector.pusher.channel(`presence-${room}`);
    return [Object.keys(members.members), members.count];
  }, name);
  assert.deepEqual(members, [['1', '2'], 2]);
});

test('140: after a forced close the page is back, on its channels, and hears each event once',
  async (t) => {
  const { page: tab } = await open(t, chromium, url);
  const room = channel('room-');
  await tab.evaluate((name) => join('channel', name), room);
  const before = await tab.evaluate(() => window.Echo.socketId());
  const after = await tab.evaluate(async (name) => {
    const { pusher } = window.Echo.connector;
    const again = new Promise((resolve) => {
      pusher.channel(name).bind(
        'pusher:subscription_succeeded', () => resolve(window.Echo.socketId()),
      );
    });
    pusher.send_event('client-too-large', 'x'.repeat(33 * 1024)); // API Gateway closes with 1009
    return again;
  }, room);
  assert.notEqual(after, before);
  await sdk.trigger(room, 'App\\Events\\Moved', { n: 1 });
  await sdk.trigger(room, 'App\\Events\\Moved', { n: 2 });
  assert.deepEqual(
    await tab.evaluate(() => received(2)), [['Moved', { n: 1 }], ['Moved', { n: 2 }]],
  );
});

test('9: a page with an unknown key gives up and stays quiet', async (t) => {
  const { page: tab } = await open(t, chromium, `${url}/unknown`);
  const states = await tab.evaluate(async () => {
    while (!states.some((s) => s === 'disconnected' || s === 'failed')) {
      await new Promise((resolve) => { setTimeout(resolve, 10); });
    }
    const seen = states.length;
    await new Promise((resolve) => { setTimeout(resolve, 2500); }); // it would retry after 1 s
    return states.slice(seen);
  });
  assert.deepEqual(states, []);
});

test('26: a closed tab is no longer subscribed, and the others stay', async (t) => {
  const [stays, goes] = [await open(t, chromium, url), await open(t, chromium, url)];
  const room = channel('room-');
  for (const { page: tab } of [stays, goes]) {
    await tab.evaluate((name) => join('channel', name), room);
  }
  await goes.page.close();
  await sdk.trigger(room, 'App\\Events\\Moved', {});
  assert.deepEqual(await stays.page.evaluate(() => received(1)), [['Moved', {}]]);
  await eventually('one subscriber is left', async () => { // its $disconnect may be on its way
    const res = await sdk.get({
      path: `/channels/${room}`, params: { info: 'subscription_count' },
    });
    return await res.text() === '{"occupied":true,"subscription_count":1}';
  });
});
