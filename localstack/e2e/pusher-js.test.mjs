// pusher-js in Node, with the npm SDK as publisher. The numbers are those of protocol.md §9.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { app } from './lib/app.mjs';
import { calm, channel, connected, heard, once, pusherJS, server, subscribed } from './lib/clients.mjs';
import { target } from './lib/target.mjs';

const hark = await target();
const { authEndpoint, requests } = await app(hark, { authorize: (name) => !name.includes('forbidden') });
const sdk = server(hark);

test('2, 3, 6: it connects and gets a socket ID', async (t) => {
  const pusher = pusherJS(t, hark);
  assert.match(await connected(pusher), /^\d+\.\d+$/);
});

test('30, 100: a public channel: subscribe, event, unsubscribe', async (t) => {
  const pusher = pusherJS(t, hark);
  const name = channel('room-');
  const news = heard('news');
  (await subscribed(pusher.subscribe(name))).bind('news', news);
  const res = await sdk.trigger(name, 'news', { title: 'Rain' });
  assert.equal(res.status, 200);
  assert.equal(await res.text(), '{}');
  assert.deepEqual(await news.next(), { title: 'Rain' });

  // 47: after unsubscribe nothing comes, not even to global listeners.
  pusher.unsubscribe(name);
  const any = heard('event of a channel that was left', (event) => event);
  pusher.bind_global(any);
  const other = await subscribed(pusher.subscribe(channel('other-')));
  await new Promise((resolve) => { setTimeout(resolve, calm); });
  await sdk.trigger([name, other.name], 'news', {});
  while (await any.next() !== 'news');
  await any.quiet();
});

test('31, 93: a private channel is authorised by the app with npm pusher', async (t) => {
  const pusher = pusherJS(t, hark, { authEndpoint });
  const name = channel('private-orders.');
  const shipped = heard('shipped');
  (await subscribed(pusher.subscribe(name))).bind('shipped', shipped);
  assert.ok(requests.some((r) => r.channel === name && r.id === pusher.connection.socket_id));
  await sdk.trigger(name, 'shipped', { id: 7 });
  assert.deepEqual(await shipped.next(), { id: 7 });
});

test('32, 37, 38: a wrong signature reaches the channel as an error and leaves the connection alone', async (t) => {
  const pusher = pusherJS(t, hark, {
    channelAuthorization: { customHandler: (_, done) => done(null, { auth: `${hark.app.key}:${'0'.repeat(64)}` }) },
  });
  const error = heard('pusher:error');
  pusher.connection.bind('error', error);
  const failed = await once(pusher.subscribe(channel('private-orders.')), 'pusher:subscription_error');
  assert.equal(failed.type, 'AuthError');
  assert.equal(failed.status, 401);
  assert.equal((await error.next()).data.code, 4009);
  await subscribed(pusher.subscribe(channel('room-')));
  assert.equal(pusher.connection.state, 'connected');
});

test('9, 13: an unknown key: 4001, disconnected, no second try', async (t) => {
  const pusher = pusherJS(t, hark, { key: 'no-such-key' });
  const states = heard('state');
  pusher.connection.bind('state_change', ({ current }) => states(current));
  const error = await once(pusher.connection, 'error');
  assert.equal(error.data?.code ?? error.error?.data?.code, 4001);
  let state;
  do state = await states.next(); while (state === 'connecting');
  assert.ok(['disconnected', 'failed'].includes(state), state);
  await states.quiet(2500); // it would retry after 1 s
});

test('15, 16, 18: it keeps a silent connection alive with pings', async (t) => {
  const pusher = pusherJS(t, hark, { activityTimeout: 500, pongTimeout: 10_000 });
  await connected(pusher);
  const pong = heard('pong');
  const change = heard('state change');
  pusher.connection.bind('message', ({ event }) => event === 'pusher:pong' && pong());
  pusher.connection.bind('state_change', change);
  await pong.next();
  await pong.next();
  await change.quiet(0);
});

test('103: the SDK leaves the sender out', async (t) => {
  const name = channel('room-');
  const [alice, bob] = [pusherJS(t, hark), pusherJS(t, hark)];
  const [toAlice, toBob] = [heard('event at the sender'), heard('event')];
  (await subscribed(alice.subscribe(name))).bind('message', toAlice);
  (await subscribed(bob.subscribe(name))).bind('message', toBob);
  await sdk.trigger(name, 'message', { n: 1 }, { socket_id: alice.connection.socket_id });
  await sdk.trigger(name, 'message', { n: 2 });
  assert.deepEqual([await toBob.next(), await toBob.next()], [{ n: 1 }, { n: 2 }]);
  assert.deepEqual(await toAlice.next(), { n: 2 });
  await toAlice.quiet();
});

test('104: any text arrives as it was sent', async (t) => {
  const pusher = pusherJS(t, hark);
  const name = channel('room-');
  const event = heard('event');
  (await subscribed(pusher.subscribe(name))).bind('text', event);
  for (const text of ['"quoted" \\ back/slash', 'Zażółć 你好 🎉 👩‍👩‍👧', '\u0000\u0001\u001f\u007f\u2028\uffff', '<script>&amp;']) {
    await sdk.trigger(name, 'text', { text });
    assert.deepEqual(await event.next(), { text });
  }
});

test('fifty events published one after another arrive in order', async (t) => {
  const name = channel('room-');
  const clients = [pusherJS(t, hark), pusherJS(t, hark), pusherJS(t, hark)];
  const ticks = await Promise.all(clients.map(async (pusher) => {
    const tick = heard('tick');
    (await subscribed(pusher.subscribe(name))).bind('tick', tick);
    return tick;
  }));
  const numbers = [...Array(50).keys()];
  for (const n of numbers) await sdk.trigger(name, 'tick', n);
  for (const tick of ticks) {
    const got = [];
    for (const _ of numbers) got.push(await tick.next());
    assert.deepEqual(got, numbers);
    await tick.quiet();
  }
});

test('140: when the server closes the socket it reconnects, subscribes again and hears each event once', async (t) => {
  const pusher = pusherJS(t, hark, { authEndpoint });
  const names = [channel('room-'), channel('private-room-')];
  const channels = await Promise.all(names.map((name) => subscribed(pusher.subscribe(name))));
  const before = pusher.connection.socket_id;
  const again = channels.map((ch) => once(ch, 'pusher:subscription_succeeded'));
  const news = heard('news');
  for (const ch of channels) ch.bind('news', news);

  pusher.send_event('client-too-large', 'x'.repeat(33 * 1024)); // API Gateway closes over 32 KB, with 1009
  await once(pusher.connection, 'connected');
  await Promise.all(again);
  assert.notEqual(pusher.connection.socket_id, before);
  await sdk.trigger(names, 'news', {});
  await news.next();
  await news.next();
  await news.quiet();
});

test('48, 50: leaving and joining quickly ends subscribed', async (t) => {
  const pusher = pusherJS(t, hark);
  const name = channel('room-');
  await subscribed(pusher.subscribe(name));
  pusher.unsubscribe(name);
  const news = heard('news');
  (await subscribed(pusher.subscribe(name))).bind('news', news);
  await sdk.trigger(name, 'news', {});
  await news.next();
  await news.quiet();
});

test('94: the SDK reports a wrong secret', async () => {
  const wrong = server({ ...hark, app: { ...hark.app, secret: 'wrong' } });
  await assert.rejects(wrong.trigger('room', 'news', {}), (err) => {
    assert.equal(err.status, 401);
    assert.match(err.body, /Invalid signature/);
    return true;
  });
});

test('102: the SDK sends to a hundred channels', async (t) => {
  const names = Array.from({ length: 100 }, () => channel('hundred-'));
  const pusher = pusherJS(t, hark);
  const news = heard('news');
  (await subscribed(pusher.subscribe(names[99]))).bind('news', news);
  await sdk.trigger(names, 'news', {});
  await news.next();
});
