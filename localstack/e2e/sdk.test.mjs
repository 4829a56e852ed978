// Every call of npm pusher that pusher-js.test.mjs does not use. The numbers are those of
// docs/protocol.md §9.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';

import Pusher from 'pusher';

import { app } from './lib/app.mjs';
import { channel, connected, spy, newApp, pusherJS, server, subscribed } from './lib/clients.mjs';
import { target } from './lib/target.mjs';

const hark = await target();
const { authEndpoint, userEndpoint } = await app(hark);
const sdk = server(hark);
const as = (t, user) => pusherJS(t, hark, { authEndpoint, userEndpoint, user });

// listener subscribes to a channel and collects one of its events.
async function listener(t, name, event = 'news', pusher = pusherJS(t, hark)) {
  const news = spy(event);
  (await subscribed(pusher.subscribe(name))).bind(event, news);
  return { pusher, news };
}

const json = async (answer) => (await answer).json();

test('93, 109, 110: trigger to several channels but one connection, with info', async (t) => {
  const [a, b] = [channel('room-'), channel('presence-room-')];
  const { pusher, news } = await listener(t, a);
  const other = await listener(t, a);
  const res = await sdk.trigger([a, b], 'news', { n: 7, text: '<é> & 😀' }, {
    socket_id: pusher.connection.socket_id, info: 'subscription_count,user_count',
  });
  assert.equal(res.status, 200);
  assert.deepEqual(
    await res.json(), { channels: { [a]: { subscription_count: 2 }, [b]: { user_count: 0 } } },
  );
  assert.deepEqual(await other.news.next(), { n: 7, text: '<é> & 😀' });
  await news.quiet();
});

test('trigger with an idempotency key: once, with one answer', async (t) => {
  const name = channel('room-');
  const { news } = await listener(t, name);
  const params = { info: 'subscription_count', idempotency_key: channel('order-') };
  const first = await json(sdk.trigger(name, 'news', { n: 1 }, params));
  await listener(t, name);
  assert.deepEqual(await json(sdk.trigger(name, 'news', { n: 1 }, params)), first);
  assert.deepEqual(await news.next(), { n: 1 });
  await assert.rejects(
    sdk.trigger(name, 'news', { n: 2 }, params),
    { status: 422, body: /was used for another request/ },
  );
  await sdk.trigger(name, 'news', { n: 3 });
  assert.deepEqual(await news.next(), { n: 3 });
  await news.quiet();
});

test('an idempotency key on an encrypted channel: the SDK encrypts anew', async (t) => {
  const name = channel('private-encrypted-');
  const { news } = await listener(t, name, 'news', pusherJS(t, hark, { authEndpoint }));
  const params = { idempotency_key: channel('order-') };
  for (let i = 0; i < 2; i++) await sdk.trigger(name, 'news', { n: 1 }, params);
  assert.deepEqual(await news.next(), { n: 1 });
  await news.quiet();
});

test('111 to 113: triggerBatch, with and without info', async (t) => {
  const [a, b] = [channel('room-'), channel('presence-room-')];
  const { news } = await listener(t, a);
  const event = (name, data, more) => ({ channel: name, name: 'news', data, ...more });
  assert.deepEqual(await json(sdk.triggerBatch([event(a, { n: 1 }), event(a, 'two')])), {});
  assert.deepEqual(await news.next(), { n: 1 });
  assert.equal(await news.next(), 'two');
  const answer = await json(sdk.triggerBatch([event(b, {}, { info: 'user_count' }), event(a, {})]));
  assert.deepEqual(answer, { batch: [{ user_count: 0 }, {}] });
  await assert.rejects(
    sdk.triggerBatch(Array.from({ length: 11 }, () => event(a, {}))),
    { status: 400, body: /more than 10/ },
  );
});

test('115 to 122: channels, channel and users', async (t) => {
  const room = channel('presence-room-');
  const get = (path, params) => json(sdk.get({ path, params }));
  assert.deepEqual(await get('/channels', { filter_by_prefix: room }), { channels: {} });
  assert.deepEqual(await get(`/channels/${room}`), { occupied: false });
  assert.deepEqual(await get(`/channels/${room}/users`), { users: [] });
  for (const user of ['7', '8', '7']) await subscribed(as(t, user).subscribe(room));
  assert.deepEqual(
    await get('/channels', { filter_by_prefix: room, info: 'user_count' }),
    { channels: { [room]: { user_count: 2 } } },
  );
  assert.deepEqual(await get(`/channels/${room}`, { info: 'user_count,subscription_count' }),
    { occupied: true, user_count: 2, subscription_count: 3 });
  assert.deepEqual(await get(`/channels/${room}/users`), { users: [{ id: '7' }, { id: '8' }] });
  await assert.rejects(sdk.get({ path: `/channels/${channel('room-')}/users` }), { status: 400 });
  await assert.rejects(
    sdk.get({ path: '/channels', params: { info: 'user_count' } }), { status: 400 },
  );
});

test('84, 92, 123: authenticateUser, sendToUser and terminateUserConnections', async (t) => {
  const user = channel('user-');
  const pusher = as(t, user);
  pusher.signin();
  await pusher.user.signinDonePromise;
  const news = spy('news');
  pusher.user.bind('news', news);
  assert.equal((await sdk.sendToUser(user, 'news', { n: 1 })).status, 200);
  assert.deepEqual(await news.next(), { n: 1 });
  const [error, again] = [spy('error', ({ data }) => data), spy('connected')];
  pusher.connection.bind('error', error).bind('connected', again);
  assert.deepEqual(await json(sdk.terminateUserConnections(user)), {});
  assert.equal((await error.next()).code, 4009);
  await again.next(); // 140: a user who is not banned comes back, and signs in by itself
  await pusher.user.signinDonePromise;
  await sdk.sendToUser(user, 'news', { n: 2 });
  assert.deepEqual(await news.next(), { n: 2 });
});

test('post reaches what the SDK has no call for: a ban', { skip: !hark.aws }, async (t) => {
  const theirs = await newApp(hark, { bans: { BOOL: true } });
  const their = await app(theirs);
  const user = channel('user-');
  const path = `/users/${user}/terminate_connections`;
  assert.deepEqual(await json(server(theirs).post({ path, body: { ban_seconds: 60 } })), {});
  const pusher = pusherJS(t, theirs, { ...their, user });
  const error = spy('error', ({ data }) => data);
  pusher.connection.bind('error', error);
  await connected(pusher);
  pusher.signin();
  const { code, message } = await error.next();
  assert.equal(code, 4009);
  assert.match(message, new RegExp(`^The user ${user} is banned until `));
  assert.equal(pusher.connection.state, 'connected');
  await server(theirs).post({ path, body: { ban_seconds: 0 } });
  const another = pusherJS(t, theirs, { ...their, user }); // the first one does not ask twice
  another.signin();
  await another.user.signinDonePromise;
  assert.equal(another.user.user_data.id, user);
});

test('94, 96, 125: a refusal has a status and a text', async () => {
  const wrong = (change) => server({ ...hark, app: { ...hark.app, ...change } }).trigger(
    'a', 'b', 'c',
  );
  await assert.rejects(wrong({ secret: 'wrong' }), { status: 401, body: /Invalid signature/ });
  await assert.rejects(wrong({ key: 'wrong' }), { status: 401, body: /Unknown auth_key/ });
  await assert.rejects(wrong({ id: 'nobody' }), { status: 404, body: /No matching application/ });
  await assert.rejects(
    sdk.trigger('a', 'b', 'x'.repeat(10_241)), { status: 413, body: /10240 bytes.*10241/ },
  );
});

test('129: webhook accepts the vector of docs/protocol.md §6.1, and nothing else', () => {
  const vector = new Pusher({
    appId: '3', key: '278d425bdf160c739803', secret: '7ad3773142a6692b25b8',
  });
  const event = '{"name":"channel_occupied","channel":"my-channel"}';
  const rawBody = `{"time_ms":1327078148132,"events":[${event}]}`;
  const headers = {
    'content-type': 'application/json', 'x-pusher-key': '278d425bdf160c739803',
    'x-pusher-signature': 'c19001ae3963ccb13bf618e5b16ba9848e7e74df0993aa0689168e341c6833cf',
  };
  const webhook = vector.webhook({ headers, rawBody });
  assert.ok(webhook.isValid());
  assert.deepEqual(webhook.getEvents(), [{ name: 'channel_occupied', channel: 'my-channel' }]);
  assert.ok(!vector.webhook({ headers, rawBody: `${rawBody} ` }).isValid());
});

test('129: webhook accepts what is sent', { skip: !hark.queues?.Checks }, async (t) => {
  const requests = spy('webhook');
  const endpoint = createServer(async (req, res) => {
    const chunks = [];
    for await (const chunk of req) chunks.push(chunk);
    res.end();
    requests({ headers: req.headers, rawBody: Buffer.concat(chunks).toString() });
  });
  await new Promise((resolve) => { endpoint.listen(0, '127.0.0.1', resolve); });
  after(() => endpoint.close());
  const url = `http://127.0.0.1:${endpoint.address().port}/hook`;
  const theirs = await newApp(hark, { webhooks: { L: [{ M: { url: { S: url } } }] } });
  const name = channel('room-');
  await subscribed(pusherJS(t, theirs).subscribe(name));
  const webhook = server(theirs).webhook(await requests.next());
  assert.ok(webhook.isValid());
  assert.deepEqual(webhook.getEvents(), [{ name: 'channel_occupied', channel: name }]);
  assert.ok(Math.abs(Date.now() - webhook.getTime()) < 60_000);
});
