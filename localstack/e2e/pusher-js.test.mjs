// pusher-js in Node, with the npm SDK as publisher. The numbers are those of docs/protocol.md §9.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { app, userInfo } from './lib/app.mjs';
import {
  calm, channel, connected, spy, newApp, once, pusherJS, server, subscribed, users,
} from './lib/clients.mjs';
import { target } from './lib/target.mjs';

const hark = await target();
const watching = new Map(); // user → whom it watches
const { authEndpoint, userEndpoint, requests } = await app(hark, {
  authorize: (name) => !name.includes('forbidden'), watchlist: (user) => watching.get(user) ?? [],
});
const sdk = server(hark);
const as = (t, user) => pusherJS(t, hark, { authEndpoint, userEndpoint, user });

// signedIn signs in as the user who is logged in at the app.
async function signedIn(pusher) {
  pusher.signin();
  await pusher.user.signinDonePromise;
  await subscribed(pusher.user.serverToUserChannel);
}

// join subscribes to a presence channel. added and removed collect what its callbacks are called
// with.
async function join(pusher, name) {
  const ch = pusher.subscribe(name);
  const added = spy('member_added', ({ id, info }) => [id, info]);
  const removed = spy('member_removed', ({ id }) => id);
  ch.bind('pusher:member_added', added).bind('pusher:member_removed', removed);
  await subscribed(ch);
  return { ch, added, removed };
}

test('2, 3, 6: it connects and gets a socket ID', async (t) => {
  const pusher = pusherJS(t, hark);
  assert.match(await connected(pusher), /^\d+\.\d+$/);
});

test('30, 100: a public channel: subscribe, event, unsubscribe', async (t) => {
  const pusher = pusherJS(t, hark);
  const name = channel('room-');
  const news = spy('news');
  (await subscribed(pusher.subscribe(name))).bind('news', news);
  const res = await sdk.trigger(name, 'news', { title: 'Rain' });
  assert.equal(res.status, 200);
  assert.equal(await res.text(), '{}');
  assert.deepEqual(await news.next(), { title: 'Rain' });

  // 47: after unsubscribe nothing comes, not even to global listeners.
  pusher.unsubscribe(name);
  const any = spy('event of a channel that was left', (event) => event);
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
  const shipped = spy('shipped');
  (await subscribed(pusher.subscribe(name))).bind('shipped', shipped);
  assert.ok(requests.some((r) => r.channel === name && r.id === pusher.connection.socket_id));
  await sdk.trigger(name, 'shipped', { id: 7 });
  assert.deepEqual(await shipped.next(), { id: 7 });
});

test('32, 37, 38: a wrong signature is an error of the channel only', async (t) => {
  const pusher = pusherJS(t, hark, {
    channelAuthorization: { customHandler: (_, done) => done(
      null, { auth: `${hark.app.key}:${'0'.repeat(64)}` },
    ) },
  });
  const error = spy('pusher:error');
  pusher.connection.bind('error', error);
  const failed = await once(
    pusher.subscribe(channel('private-orders.')), 'pusher:subscription_error',
  );
  assert.equal(failed.type, 'AuthError');
  assert.equal(failed.status, 401);
  assert.equal((await error.next()).data.code, 4009);
  await subscribed(pusher.subscribe(channel('room-')));
  assert.equal(pusher.connection.state, 'connected');
});

test('9, 13: an unknown key: 4001, disconnected, no second try', async (t) => {
  const pusher = pusherJS(t, hark, { key: 'no-such-key' });
  const states = spy('state');
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
  const pong = spy('pong');
  const change = spy('state change');
  pusher.connection.bind('message', ({ event }) => event === 'pusher:pong' && pong());
  pusher.connection.bind('state_change', change);
  await pong.next();
  await pong.next();
  await change.quiet(0);
});

test('103: the SDK leaves the sender out', async (t) => {
  const name = channel('room-');
  const [alice, bob] = [pusherJS(t, hark), pusherJS(t, hark)];
  const [toAlice, toBob] = [spy('event at the sender'), spy('event')];
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
  const event = spy('event');
  (await subscribed(pusher.subscribe(name))).bind('text', event);
  for (const text of [
    '"quoted" \\ back/slash', 'Zażółć 你好 🎉 👩‍👩‍👧', '\u0000\u0001\u001f\u007f\u2028\uffff',
    '<script>&amp;',
  ]) {
    await sdk.trigger(name, 'text', { text });
    assert.deepEqual(await event.next(), { text });
  }
});

test('fifty events published one after another arrive in order', async (t) => {
  const name = channel('room-');
  const clients = [pusherJS(t, hark), pusherJS(t, hark), pusherJS(t, hark)];
  const ticks = await Promise.all(clients.map(async (pusher) => {
    const tick = spy('tick');
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

test('140: closed by the server, it reconnects, subscribes again and gets each event once',
  async (t) => {
  const pusher = pusherJS(t, hark, { authEndpoint });
  const names = [channel('room-'), channel('private-room-')];
  const channels = await Promise.all(names.map((name) => subscribed(pusher.subscribe(name))));
  const before = pusher.connection.socket_id;
  const again = channels.map((ch) => once(ch, 'pusher:subscription_succeeded'));
  const news = spy('news');
  for (const ch of channels) ch.bind('news', news);

  // API Gateway closes over 32 KB, with 1009
  pusher.send_event('client-too-large', 'x'.repeat(33 * 1024));
  await once(pusher.connection, 'connected');
  await Promise.all(again);
  assert.notEqual(pusher.connection.socket_id, before);
  await sdk.trigger(names, 'news', {});
  await news.next();
  await news.next();
  await news.quiet();
});

test('18: events count as activity, so that it pings only in silence', async (t) => {
  const pusher = pusherJS(t, hark, { activityTimeout: 4000, pongTimeout: 10_000 });
  const name = channel('room-');
  const [tick, pong] = [spy('tick'), spy('pong')];
  (await subscribed(pusher.subscribe(name))).bind('tick', tick);
  pusher.connection.bind('message', ({ event }) => event === 'pusher:pong' && pong());
  for (let n = 0; n < 10; n += 1) { // for longer than the timeout
    await sdk.trigger(name, 'tick', n);
    await tick.next();
    await new Promise((resolve) => { setTimeout(resolve, 500); });
  }
  await pong.quiet(0);
  await pong.next();
});

test('54, 57 to 60, 62, 65: a presence channel knows its members', async (t) => {
  const name = channel('presence-room-');
  const ann = await join(as(t, '1'), name);
  assert.deepEqual(users(ann.ch), ['1']);
  assert.deepEqual(ann.ch.members.me, { id: '1', info: userInfo('1') });
  const [bobsPhone, bobsDesk] = [as(t, '2'), as(t, '2')];
  const phone = await join(bobsPhone, name);
  assert.deepEqual(await ann.added.next(), ['2', userInfo('2')]);
  const desk = await join(bobsDesk, name);
  for (const { ch } of [ann, phone, desk]) assert.deepEqual(users(ch), ['1', '2']);
  bobsPhone.unsubscribe(name);
  await ann.removed.quiet();
  bobsDesk.disconnect();
  assert.equal(await ann.removed.next(), '2');
  assert.deepEqual(users(ann.ch), ['1']);
  await ann.added.quiet(0);
});

test('52: a presence channel that the app does not authorise', async (t) => {
  const failed = await once(
    pusherJS(t, hark, { authEndpoint }).subscribe(channel('presence-room-')),
    'pusher:subscription_error',
  );
  assert.equal(failed.status, 403);
});

test('72, 76 to 79: client events reach the others, in presence with user_id', async (t) => {
  for (const [prefix, metadata] of [['private-room-', {}], ['presence-room-', { user_id: '1' }]]) {
    const name = channel(prefix);
    const [ann, bob] = await Promise.all(
      ['1', '2'].map((user) => subscribed(as(t, user).subscribe(name))),
    );
    const own = spy('own event');
    const typing = spy('client-typing', (data, more) => [data, more]);
    ann.bind('client-typing', own);
    bob.bind('client-typing', typing);
    for (const data of [{ name: 'Ann' }, 'text', [1], undefined]) {
      assert.equal(ann.trigger('client-typing', data), true);
      const [got, more] = await typing.next();
      assert.deepEqual(got, data ?? '');
      assert.deepEqual({ ...more }, metadata);
    }
    await own.quiet();
  }
});

test('67, 68, 71: a late subscriber gets the newest event, or cache_miss', async (t) => {
  const name = channel('cache-');
  const first = pusherJS(t, hark).subscribe(name);
  await once(first, 'pusher:cache_miss');
  const price = spy('price');
  first.bind('price', price);
  for (const v of [1, 2]) await sdk.trigger(name, 'price', { v });
  assert.deepEqual([await price.next(), await price.next()], [{ v: 1 }, { v: 2 }]);
  const late = pusherJS(t, hark).subscribe(name);
  const [cached, miss] = [spy('cached price'), spy('cache_miss')];
  late.bind('price', cached).bind('pusher:cache_miss', miss);
  assert.deepEqual(await cached.next(), { v: 2 });
  await miss.quiet();
});

test('3.13, 43: only the app and its clients read an encrypted channel', async (t) => {
  const pusher = as(t, '1');
  for (const prefix of ['private-encrypted-vault-', 'private-encrypted-cache-vault-']) {
    const name = channel(prefix);
    const [secret, frame] = [spy('secret'), spy('frame')];
    (await subscribed(pusher.subscribe(name))).bind('secret', secret);
    pusher.connection.bind(
      'message',
      (message) => message.event === 'secret' && message.channel === name && frame(message),
    );
    await sdk.trigger(name, 'secret', { pin: 1234 });
    assert.deepEqual(await secret.next(), { pin: 1234 });
    assert.deepEqual(Object.keys((await frame.next()).data).sort(), ['ciphertext', 'nonce']);
  }
});

test('83, 87, 88: a user signs in, and gets what the app sends to it', async (t) => {
  const [ann, bob] = [channel('ann-'), channel('bob-')];
  const [phone, desk, other] = [as(t, ann), as(t, ann), as(t, bob)];
  const toBob = spy('event of another user');
  other.user.bind('hello', toBob);
  const tabs = await Promise.all([phone, desk, other].map(async (pusher) => {
    const hello = spy('hello');
    pusher.user.bind('hello', hello);
    await signedIn(pusher);
    return hello;
  }));
  assert.equal(phone.user.user_data.id, ann);
  await sdk.sendToUser(ann, 'hello', { n: 1 });
  assert.deepEqual(await tabs[0].next(), { n: 1 });
  assert.deepEqual(await tabs[1].next(), { n: 1 });
  await toBob.quiet();
  await t.test('92: and its connections are terminated', async () => {
    const states = spy('state', ({ current }) => current);
    phone.connection.bind('state_change', states);
    const res = await sdk.terminateUserConnections(ann);
    assert.equal(await res.text(), '{}');
    assert.equal(await states.next(), 'connecting'); // pusher-js comes back, and signs in again
    await once(phone.connection, 'connected');
    await sdk.sendToUser(bob, 'hello', { n: 2 });
    assert.deepEqual(await tabs[2].next(), { n: 2 });
  });
});

test('89: a signed-in client joins a presence channel as its user', async (t) => {
  const id = channel('user-');
  const pusher = pusherJS(t, hark, {
    userEndpoint, user: id,
    channelAuthorization: { customHandler: ({ channelName, socketId }, done) => done(
      null, sdk.authorizeChannel(socketId, channelName),
    ) },
  });
  pusher.signin();
  const ch = await subscribed(pusher.subscribe(channel('presence-room-')));
  assert.deepEqual(ch.members.me, { id, info: userInfo(id) });
});

test('90: a watchlist reports who is online, and each change', async (t) => {
  const [ann, bob, eve] = [channel('ann-'), channel('bob-'), channel('eve-')];
  watching.set(ann, [bob, eve]);
  const bobs = as(t, bob);
  await signedIn(bobs);
  const pusher = as(t, ann);
  const online = spy('online', ({ user_ids: ids }) => ids);
  const offline = spy('offline', ({ user_ids: ids }) => ids);
  pusher.user.watchlist.bind('online', online);
  pusher.user.watchlist.bind('offline', offline);
  pusher.signin();
  const reports = async (call, user) => { // a status may be sent twice
    for (let users; users?.[0] !== user;) users = await call.next();
  };
  await reports(online, bob);
  await reports(offline, eve);
  as(t, eve).signin();
  await reports(online, eve);
  bobs.disconnect();
  await reports(offline, bob);
});

test('3.8: subscribers are sent their count, where the app wants it',
  { skip: !hark.aws && 'needs an app of its own' }, async (t) => {
  const counting = await newApp(hark, { subscription_count: { BOOL: true } });
  const name = channel('room-');
  const count = spy('subscription_count', ({ subscription_count: n }) => n);
  const ch = pusherJS(t, counting).subscribe(name);
  ch.bind('pusher:subscription_count', count);
  assert.equal(await count.next(), 1);
  const other = pusherJS(t, counting);
  await subscribed(other.subscribe(name));
  assert.equal(await count.next(), 2);
  assert.equal(ch.subscriptionCount, 2);
  other.disconnect();
  assert.equal(await count.next(), 1);
});

test('140: after a forced close it is a member again, and nobody is there twice', async (t) => {
  const name = channel('presence-room-');
  const ann = await join(as(t, '1'), name);
  const pusher = as(t, '2');
  const bob = await join(pusher, name);
  await ann.added.next();
  for (let n = 0; n < 3; n += 1) {
    const again = once(bob.ch, 'pusher:subscription_succeeded');
    pusher.send_event('client-too-large', 'x'.repeat(33 * 1024));
    await again;
    assert.deepEqual(users(bob.ch), ['1', '2']);
  }
  const fence = spy('fence');
  ann.ch.bind('fence', fence);
  await sdk.trigger(name, 'fence', {});
  await fence.next();
  assert.deepEqual(users(ann.ch), ['1', '2']);
});

test('48, 50: leaving and joining quickly ends subscribed', async (t) => {
  const pusher = pusherJS(t, hark);
  const name = channel('room-');
  await subscribed(pusher.subscribe(name));
  pusher.unsubscribe(name);
  const news = spy('news');
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
  const news = spy('news');
  (await subscribed(pusher.subscribe(names[99]))).bind('news', news);
  await sdk.trigger(names, 'news', {});
  await news.next();
});
