// Run with: node --test infra/edge/viewer_request.test.mjs
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

// CloudFront has no modules: the file is a script that defines handler.
const source = readFileSync(new URL('viewer_request.js', import.meta.url), 'utf8');
const handler = new Function(`${source}; return handler;`)();

// A viewer-request event of CloudFront Functions, version 1.0: header names in lower case, the
// query parsed.
function viewerRequest(uri, { method = 'GET', querystring = {}, headers = {} } = {}) {
  return {
    version: '1.0',
    context: {
      distributionDomainName: 'd111111abcdef8.cloudfront.net',
      eventType: 'viewer-request',
    },
    viewer: { ip: '198.51.100.7' },
    request: {
      method, uri, querystring: values(querystring), headers: values(headers), cookies: {},
    },
  };
}

function values(object) {
  return Object.fromEntries(Object.entries(object).map(([name, value]) => [name, { value }]));
}

// The query that the function makes of one.
function query(uri, querystring) {
  return handler(viewerRequest(uri, { querystring })).querystring;
}

const handshake = {
  upgrade: 'websocket',
  connection: 'Upgrade',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'a',
};

test('a handshake of pusher-js goes to the root, with its key and the known parameters', () => {
  const request = handler(viewerRequest('/app/local-key', {
    querystring: { protocol: '7', client: 'js', version: '8.6.0', flash: 'false' },
    headers: handshake,
  }));
  assert.equal(request.uri, '/');
  assert.deepEqual(request.querystring, values({
    app: 'local-key', protocol: '7', client: 'js', version: '8.6.0',
  }));
  assert.deepEqual(request.headers, values({ ...handshake, 'x-hark-ip': '198.51.100.7' }));
});

test('a trailing slash does no harm', () => {
  assert.deepEqual(query('/app/local-key/'), values({ app: 'local-key' }));
});

test('what a client leaves out is left out', () => {
  assert.deepEqual(handler(viewerRequest('/app/k')).querystring, values({ app: 'k' }));
});

test('a client cannot name another app than its path does', () => {
  for (const querystring of [
    { app: 'other' },
    { App: 'other', 'app[]': 'other' },
    { version: '1&app=other' },
    { version: '1%26app=other' },
    { client: 'js#app=other', protocol: '7;app=other' },
    { protocol: '' },
  ]) {
    assert.deepEqual(query('/app/mine', querystring), values({ app: 'mine' }));
  }
});

test('a parameter given twice cannot smuggle a second value', () => {
  const event = viewerRequest('/app/mine');
  event.request.querystring.protocol = {
    value: '7', multiValue: [{ value: '7' }, { value: '8&app=other' }],
  };
  assert.deepEqual(handler(event).querystring, values({ app: 'mine', protocol: '7' }));
});

test('a client can set neither its address nor the secret of the origin', () => {
  const { headers } = handler(viewerRequest('/app/k', {
    headers: { 'x-hark-ip': '127.0.0.1', 'x-hark-origin': 'guess', origin: 'https://example.com' },
  }));
  assert.deepEqual(headers, values({ 'x-hark-ip': '198.51.100.7', origin: 'https://example.com' }));
});

test('the answer to every other path says what this host is for', () => {
  for (const uri of [
    '/', '', '/app', '/app/', '/app//', '/app/a/b', '/app/a//', '//app/a', '/App/a',
    '/prefix/app/a', '/app/a b', '/app/a%2Fb', '/app/a#b', '/app/a\n',
    '/app/' + 'k'.repeat(65), '/apps/local/events', '/up', '/favicon.ico',
  ]) {
    const response = handler(viewerRequest(uri));
    assert.equal(response.statusCode, 404, uri);
    assert.match(response.headers['content-type'].value, /^text\/plain/);
    assert.match(response.body, /\/app\/\{key\}/);
  }
});

test('the answer to a publish says where to publish', () => {
  const response = handler(viewerRequest('/apps/local/events', { method: 'POST' }));
  assert.equal(response.statusCode, 404);
  assert.match(response.body, /PublishHost/);
});

test('only a GET can become a WebSocket', () => {
  for (const method of ['HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE']) {
    assert.equal(handler(viewerRequest('/app/k', { method })).statusCode, 404, method);
  }
});

test('the longest key that an app can have passes', () => {
  const key = 'Az09_-'.padEnd(64, 'k');
  assert.deepEqual(handler(viewerRequest('/app/' + key)).querystring, values({ app: key }));
});

test('the code fits into a CloudFront Function', () => {
  assert.ok(Buffer.byteLength(source) < 10 * 1024);
});
