// What pusher-js does when the local cloud breaks something on purpose (localstack/README.md,
// "Making it break").
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { app } from './lib/app.mjs';
import {
  channel, connected, spy, once, pusherJS, server, subscribed, users,
} from './lib/clients.mjs';
import { target } from './lib/target.mjs';

const hark = await target();
const { authEndpoint } = await app(hark);
const sdk = server(hark);

// breaks sets faults until the test ends.
async function breaks(t, ...faults) {
  t.after(() => fetch(`${hark.aws}/_hark/faults`, { method: 'DELETE' }));
  const res = await fetch(
    `${hark.aws}/_hark/faults`, { method: 'POST', body: JSON.stringify({ seed: 7, faults }) },
  );
  assert.equal(res.status, 200, await res.text());
}

// both waits until two clients that have come back see each other.
async function both(...channels) {
  for (const ch of channels) {
    while (users(ch).length !== 2) await once(ch, 'pusher:member_added');
  }
}

const skip = !hark.aws && 'faults need a local cloud, and HARK_URL names a deployment';

test('every socket is cut: pusher-js is back on its channels, once', { skip }, async (t) => {
  const [room, news] = [channel('presence-room-'), channel('private-news-')];
  const clients = ['alice', 'bob'].map((user) => pusherJS(t, hark, { authEndpoint, user }));
  const rooms = clients.map((pusher) => pusher.subscribe(room));
  const newses = clients.map((pusher) => pusher.subscribe(news));
  await Promise.all([...rooms, ...newses].map(subscribed));
  await both(...rooms);
  const events = newses.map((ch) => {
    const event = spy('event');
    ch.bind('news', event);
    return event;
  });
  for (const n of [1, 2]) {
    const ids = clients.map((pusher) => pusher.connection.socket_id);
    const again = [...rooms, ...newses].map((ch) => once(ch, 'pusher:subscription_succeeded'));
    await breaks(t, { do: 'cut' });
    await Promise.all(again);
    for (const [i, pusher] of clients.entries()) assert.notEqual(await connected(pusher), ids[i]);
    await both(...rooms);
    await sdk.trigger(news, 'news', { n });
    for (const event of events) {
      assert.deepEqual(await event.next(), { n });
      await event.quiet();
    }
    assert.deepEqual(rooms.map(users), [['alice', 'bob'], ['alice', 'bob']]);
    const res = await sdk.get({ path: `/channels/${room}`, params: { info: 'user_count' } });
    assert.deepEqual(await res.json(), { occupied: true, user_count: 2 });
  }
});
