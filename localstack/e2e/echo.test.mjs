// Laravel Echo in Node with the options of Laravel's stub. The numbers are those of
// docs/protocol.md §9 and the sections those of docs/protocol.md §8.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { app, userInfo } from './lib/app.mjs';
import { channel, connected, echo, spy, server, users } from './lib/clients.mjs';
import { target } from './lib/target.mjs';

const hark = await target();
const { authEndpoint, userEndpoint } = await app(
  hark, { authorize: (name) => !name.includes('forbidden') },
);
const sdk = server(hark);

// joined waits until Echo says that a channel is subscribed.
async function joined(ch) {
  const subscribed = spy('subscribed()');
  ch.subscribed(subscribed);
  await subscribed.next();
  return ch;
}

// as returns an Echo whose user is logged in at the app.
const as = (t, user) => echo(
  t, hark,
  { authEndpoint, bearerToken: user, userAuthentication: { endpoint: userEndpoint, headers: {} } },
);

test('138: a presence channel: here, joining, leaving, and whispers', async (t) => {
  const name = channel('room.');
  const names = (members) => members.map((info) => info.name).sort();
  const [here, joining, leaving] = [spy('here', names), spy('joining'), spy('leaving')];
  as(t, '1').join(name).here(here).joining(joining).leaving(leaving);
  assert.deepEqual(await here.next(), ['User 1']);
  const bob = as(t, '2');
  const hereForBob = spy('here', names);
  const [typing, own] = [spy('whisper'), spy('own whisper')];
  bob.join(name).here(hereForBob).listenForWhisper('typing', typing);
  assert.deepEqual(await hereForBob.next(), ['User 1', 'User 2']);
  assert.deepEqual(await joining.next(), userInfo('2'));
  const eve = as(t, '3').join(name);
  eve.listenForWhisper('typing', own);
  await joined(eve);
  assert.deepEqual(await joining.next(), userInfo('3'));
  eve.whisper('typing', { name: 'Eve' });
  assert.deepEqual(await typing.next(), { name: 'Eve' });
  await own.quiet();
  bob.leave(name);
  assert.deepEqual(await leaving.next(), userInfo('2'));
});

test('138: whispers on a private channel, also without data', async (t) => {
  const name = channel('orders.');
  const [ann, bob] = await Promise.all(['1', '2'].map((user) => joined(as(t, user).private(name))));
  const [typing, exit] = [spy('typing'), spy('exit')];
  bob.listenForWhisper('typing', typing).listenForWhisper('exit', exit);
  ann.whisper('typing', { name: 'Ann' });
  assert.deepEqual(await typing.next(), { name: 'Ann' });
  ann.whisper('exit');
  await exit.next();
});

test('83, 88: Echo signs in, and its user gets what the app sends', async (t) => {
  const id = channel('user-');
  const client = as(t, id);
  const hello = spy('hello');
  client.connector.pusher.user.bind('hello', hello);
  client.connector.signin();
  await client.connector.pusher.user.signinDonePromise;
  await sdk.sendToUser(id, 'hello', { n: 1 });
  assert.deepEqual(await hello.next(), { n: 1 });
});

test('140: after a forced close Echo is on its presence channel again, and nobody is there twice',
  async (t) => {
  const name = channel('room.');
  const ann = await joined(as(t, '1').join(name));
  const bob = as(t, '2');
  const here = spy('here', (members) => members.map((info) => info.name).sort());
  bob.join(name).here(here);
  await here.next();
  // API Gateway closes with 1009
  bob.connector.pusher.send_event('client-too-large', 'x'.repeat(33 * 1024));
  assert.deepEqual(await here.next(), ['User 1', 'User 2']);
  const fence = spy('fence');
  ann.listen('.fence', fence);
  await sdk.trigger(`presence-${name}`, 'fence', {});
  await fence.next();
  assert.deepEqual(users(ann.subscription), ['1', '2']);
});

test('138: it connects and knows its socket ID', async (t) => {
  const client = echo(t, hark);
  await connected(client.connector.pusher);
  assert.match(client.socketId(), /^\d+\.\d+$/);
});

test('138, 105: listen gets App\\Events\\X on a public channel', async (t) => {
  const client = echo(t, hark);
  const name = channel('orders-');
  const shipped = spy('OrderShipped');
  (await joined(client.channel(name))).listen('OrderShipped', shipped);
  await sdk.trigger(name, 'App\\Events\\OrderShipped', { id: 7 });
  assert.deepEqual(await shipped.next(), { id: 7 });
});

test('138: a private channel: broadcastAs, another namespace, all events', async (t) => {
  const client = echo(t, hark, { authEndpoint });
  const name = channel('orders.');
  const [named, foreign] = [spy('.order.shipped'), spy('\\Foo\\Bar')];
  const any = spy('listenToAll', (event, data) => [event, data]);
  (await joined(client.private(name)))
    .listen('.order.shipped', named).listen('\\Foo\\Bar', foreign).listenToAll(any);
  await sdk.trigger(`private-${name}`, 'order.shipped', { n: 1 });
  assert.deepEqual(await named.next(), { n: 1 });
  await sdk.trigger(`private-${name}`, 'Foo\\Bar', { n: 2 });
  assert.deepEqual(await foreign.next(), { n: 2 });
  assert.deepEqual(await any.next(), ['.order.shipped', { n: 1 }]);
  assert.deepEqual(await any.next(), ['.Foo\\Bar', { n: 2 }]);
  await any.quiet();
});

test('8.1: a notification arrives on the channel of its user', async (t) => {
  const client = echo(t, hark, { authEndpoint });
  const name = channel('App.Models.User.');
  const notification = spy('notification');
  (await joined(client.private(name))).notification(notification);
  const data = { id: 'a-b', type: 'App\\Notifications\\InvoicePaid', amount: 5 };
  await sdk.trigger(
    `private-${name}`, 'Illuminate\\Notifications\\Events\\BroadcastNotificationCreated', data,
  );
  assert.deepEqual(await notification.next(), data);
});

test('8.1: an event without payload, whose data is []', async (t) => {
  const client = echo(t, hark);
  const name = channel('orders-');
  const empty = spy('Empty');
  (await joined(client.channel(name))).listen('Empty', empty);
  await sdk.trigger(name, 'App\\Events\\Empty', '[]');
  assert.deepEqual(await empty.next(), []);
});

test('3.13: an encrypted channel: only the app and its clients can read', async (t) => {
  const client = echo(t, hark, { authEndpoint });
  const name = channel('vault-');
  const secret = spy('Secret');
  (await joined(client.encryptedPrivate(name))).listen('Secret', secret);
  const frame = spy('frame');
  client.connector.pusher.connection.bind(
    'message', (message) => message.event === 'App\\Events\\Secret' && frame(message),
  );
  await sdk.trigger(`private-encrypted-${name}`, 'App\\Events\\Secret', { pin: 1234 });
  assert.deepEqual(await secret.next(), { pin: 1234 });
  assert.deepEqual(Object.keys((await frame.next()).data).sort(), ['ciphertext', 'nonce']);
});

test('138, 37: error() is called if the app refuses the channel', async (t) => {
  const client = echo(t, hark, { authEndpoint });
  const failed = spy('error()');
  client.private(channel('forbidden.')).error(failed);
  assert.equal((await failed.next()).status, 403);
});

test('138, 37: error() is called if the server refuses the signature', async (t) => {
  const client = echo(t, hark, {
    channelAuthorization: { customHandler: (_, done) => done(
      null, { auth: `${hark.app.key}:${'0'.repeat(64)}` },
    ) },
  });
  const failed = spy('error()');
  client.private(channel('orders.')).error(failed);
  assert.equal((await failed.next()).status, 401);
});

test('139: toOthers skips the socket that Echo names', async (t) => {
  const name = channel('orders-');
  const [mine, theirs] = [echo(t, hark), echo(t, hark)];
  const [toMe, toThem] = [spy('event at the sender'), spy('event')];
  (await joined(mine.channel(name))).listen('OrderShipped', toMe);
  (await joined(theirs.channel(name))).listen('OrderShipped', toThem);
  await sdk.trigger(name, 'App\\Events\\OrderShipped', { n: 1 }, { socket_id: mine.socketId() });
  assert.deepEqual(await toThem.next(), { n: 1 });
  await toMe.quiet();
});

test('8.4: leave() stops every variant of a channel', async (t) => {
  const client = echo(t, hark, { authEndpoint });
  const name = channel('room.');
  const event = spy('event of a channel that was left');
  (await joined(client.channel(name))).listenToAll(event);
  (await joined(client.private(name))).listenToAll(event);
  client.leave(name);
  const fence = spy('fence');
  (await joined(client.channel(channel('fence.')))).listen('.fence', fence);
  await new Promise((resolve) => { setTimeout(resolve, 400); });
  await sdk.trigger([name, `private-${name}`], 'x', {});
  await event.quiet(800);
});

test('140: after a forced close Echo is back on its channels, and nothing comes twice',
  async (t) => {
  const client = echo(t, hark, { authEndpoint });
  const name = channel('orders.');
  const [subscribed, shipped] = [spy('subscribed()'), spy('OrderShipped')];
  client.private(name).subscribed(subscribed).listen('OrderShipped', shipped);
  await subscribed.next();
  const before = client.socketId();
  // API Gateway closes with 1009
  client.connector.pusher.send_event('client-too-large', 'x'.repeat(33 * 1024));
  await subscribed.next();
  assert.notEqual(client.socketId(), before);
  await sdk.trigger(`private-${name}`, 'App\\Events\\OrderShipped', {});
  await shipped.next();
  await shipped.quiet();
});
