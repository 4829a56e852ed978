// Clients and publishers as their makers ship them, set up as a Laravel app does.
import Echo from 'laravel-echo';
import Pusher from 'pusher';
import PusherJS from 'pusher-js';

// patience is how long a test waits for a frame that must come; calm, how long it waits to see that
// none comes.
const patience = 40_000; // ms: more than a redelivery by the queue takes
export const calm = 400;

let names = 0;

// channel returns a channel name that no other test uses, not even one of another run against the
// same deployment.
export function channel(prefix) {
  names += 1;
  return `${prefix}${Date.now()}-${process.pid}-${names}`;
}

// stub is what Laravel's stubs/echo-js-reverb.stub passes to Echo; pusher-js takes the same
// options.
export function stub(hark, authEndpoint) {
  const url = new URL(hark.url);
  return {
    broadcaster: 'reverb',
    key: hark.app.key,
    wsHost: url.hostname,
    wsPort: url.port || 80,
    wssPort: url.port || 443,
    forceTLS: url.protocol === 'https:',
    enabledTransports: ['ws', 'wss'],
    ...(authEndpoint && { authEndpoint }),
  };
}

// echo is a Laravel Echo on pusher-js. The test's end disconnects it.
export function echo(t, hark, options = {}) {
  const client = new Echo({ ...stub(hark, options.authEndpoint), Pusher: PusherJS, ...options });
  t.after(() => client.disconnect());
  return client;
}

// pusherJS is a pusher-js without Echo. The test's end disconnects it. user is the ID of the
// user who is logged in at the app.
export function pusherJS(
  t, hark, { key = hark.app.key, authEndpoint, userEndpoint, user, ...options } = {},
) {
  const headers = user ? { Authorization: `Bearer ${user}` } : {};
  const client = new PusherJS(key, {
    cluster: '', ...stub(hark),
    ...(authEndpoint && { channelAuthorization: { endpoint: authEndpoint, headers } }),
    ...(userEndpoint && { userAuthentication: { endpoint: userEndpoint, headers } }),
    ...options,
  });
  t.after(() => client.disconnect());
  return client;
}

// newApp puts an app with these settings, as DynamoDB writes them, into the table of a local cloud,
// and returns what a client of that app needs.
export async function newApp(hark, settings) {
  const app = { id: channel('app-'), key: channel('key-'), secret: 'secret' };
  const text = (fields) => Object.fromEntries(Object.entries(fields).map(([name, value]) => [
    name, { S: value },
  ]));
  for (const Item of [
    { ...text({ pk: `app#${app.id}`, ...app }), ...settings },
    text({ pk: `key#${app.key}`, app: app.id }),
  ]) {
    const res = await fetch(hark.aws, {
      method: 'POST',
      headers: {
        'X-Amz-Target': 'DynamoDB_20120810.PutItem', 'Content-Type': 'application/x-amz-json-1.0',
      },
      body: JSON.stringify({ TableName: hark.tables.Apps, Item }),
    });
    if (!res.ok) throw new Error(`PutItem: ${res.status} ${await res.text()}`);
  }
  return { ...hark, app };
}

// masterKey encrypts what is published to private-encrypted- channels; Hark never sees it.
const masterKey = Buffer.alloc(32, 7).toString('base64');

// server is the npm SDK that apps publish with.
export function server(hark) {
  const url = new URL(hark.apiURL);
  return new Pusher({
    appId: hark.app.id, key: hark.app.key, secret: hark.app.secret,
    host: url.hostname, ...(url.port && { port: url.port }), useTLS: url.protocol === 'https:',
    encryptionMasterKeyBase64: masterKey,
  });
}

// spy collects what a callback is called with: its first argument, or what pick makes of all.
// next() waits for the next call, quiet() for none.
export function spy(what, pick = (first) => first) {
  const calls = [];
  let wake = () => {};
  const record = (...args) => {
    calls.push(pick(...args));
    wake();
  };
  record.next = async () => {
    if (calls.length === 0) {
      await new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`no ${what} within ${patience / 1000} s`)), patience,
        );
        wake = () => {
          clearTimeout(timer);
          wake = () => {};
          resolve();
        };
      });
    }
    return calls.shift();
  };
  record.quiet = async (ms = calm) => {
    await new Promise((resolve) => { setTimeout(resolve, ms); });
    if (calls.length > 0) throw new Error(`unwanted ${what}: ${JSON.stringify(calls)}`);
  };
  return record;
}

// users is the list of members that a presence channel of pusher-js keeps, as its app knows them.
export function users(ch) {
  const ids = [];
  ch.members.each(({ id }) => ids.push(id));
  if (ids.length !== ch.members.count) throw new Error(
    `${ids.length} members, and a count of ${ch.members.count}`,
  );
  return ids.sort();
}

// once waits for one event of a connection or a channel of pusher-js.
export function once(emitter, event) {
  const call = spy(event);
  emitter.bind(event, call);
  return call.next().finally(() => emitter.unbind(event, call));
}

// eventually waits until a condition holds that must come true soon.
export async function eventually(what, holds) {
  for (const end = Date.now() + patience; !await holds();) {
    if (Date.now() > end) throw new Error(`not within ${patience / 1000} s: ${what}`);
    await new Promise((resolve) => { setTimeout(resolve, 20); });
  }
}

// connected waits until a pusher-js is connected.
export async function connected(pusher) {
  if (pusher.connection.state !== 'connected') await once(pusher.connection, 'connected');
  return pusher.connection.socket_id;
}

// subscribed waits until a channel of pusher-js is subscribed.
export async function subscribed(ch) {
  if (!ch.subscribed) await once(ch, 'pusher:subscription_succeeded');
  return ch;
}
