// Plays a Laravel app: it authorises channels and users as Broadcast::routes() does, publishes for
// its pages, and serves the pages and the modules that they import. The bearer token of a request
// is the ID of the logged-in user.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { after } from 'node:test';
import { fileURLToPath } from 'node:url';

import { server } from './clients.mjs';

const modules = fileURLToPath(new URL('../node_modules', import.meta.url));
const types = { '.js': 'text/javascript', '.mjs': 'text/javascript', '.map': 'application/json' };

// For browsers pusher-js ships scripts that set a global. A bundler would turn them into modules.
const pusherModule = (name) => `import '/node_modules/pusher-js/dist/web/${name}.js';
export default globalThis.Pusher;
`;

const forbidden = (res) => answer(
  res, 403, 'application/json', '{"message":"This action is unauthorized."}',
);

// userInfo is the user_info of a user on presence channels.
export const userInfo = (id) => ({ name: `User ${id}` });

// app starts the app on a free port and closes it after the file's tests. authorize says whether a
// client may join a channel, watchlist returns the users whom a user watches, and pages maps paths
// to HTML.
export async function app(hark, { authorize = () => true, watchlist = () => [], pages = {} } = {}) {
  const sdk = server(hark);
  const requests = [];
  const routes = {
    'POST /broadcasting/auth': async (req, res) => {
      const form = new URLSearchParams(await text(req));
      const [id, channel, user] = [form.get('socket_id'), form.get('channel_name'), loggedIn(req)];
      requests.push({ id, channel });
      const presence = channel.startsWith('presence-');
      if (!authorize(channel) || presence && !user) return forbidden(res);
      const data = presence ? { user_id: user, user_info: userInfo(user) } : undefined;
      return answer(
        res, 200, 'application/json', JSON.stringify(sdk.authorizeChannel(id, channel, data)),
      );
    },
    'POST /broadcasting/user-auth': async (req, res) => {
      const form = new URLSearchParams(await text(req));
      const user = loggedIn(req);
      if (!user) return forbidden(res);
      const data = { id: user, user_info: userInfo(user), watchlist: watchlist(user) };
      return answer(
        res, 200, 'application/json',
        JSON.stringify(sdk.authenticateUser(form.get('socket_id'), data)),
      );
    },
    // broadcast(new X)->toOthers() leaves out the socket that Echo names in this header.
    'POST /publish': async (req, res) => {
      const { channel, event, data } = JSON.parse(await text(req));
      await sdk.trigger(channel, event, data, { socket_id: req.headers['x-socket-id'] });
      return answer(res, 200, 'application/json', '{}');
    },
    'GET /pusher-js.mjs': (req, res) => answer(res, 200, types['.mjs'], pusherModule('pusher')),
    'GET /pusher-js-with-encryption.mjs': (req, res) => answer(
      res, 200, types['.mjs'], pusherModule('pusher-with-encryption'),
    ),
  };
  for (const [path, html] of Object.entries(pages)) {
    routes[`GET ${path}`] = (req, res) => answer(res, 200, 'text/html; charset=utf-8', html);
  }
  const http = createServer((req, res) => {
    const { pathname } = new URL(req.url, 'http://app');
    const route = routes[`${req.method} ${pathname}`] ?? (() => file(res, pathname));
    Promise.resolve(route(req, res)).catch((err) => answer(res, 500, 'text/plain', String(err)));
  });
  await new Promise((resolve) => { http.listen(0, '127.0.0.1', resolve); });
  after(() => {
    http.closeAllConnections();
    http.close();
  });
  const url = `http://127.0.0.1:${http.address().port}`;
  return {
    url, authEndpoint: `${url}/broadcasting/auth`, userEndpoint: `${url}/broadcasting/user-auth`,
    requests,
  };
}

const loggedIn = (req) => /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1];

// page wraps the text of a module, whose imports it resolves as a bundler would.
export function page(module) {
  const imports = {
    'laravel-echo': '/node_modules/laravel-echo/dist/echo.js',
    'pusher-js': '/pusher-js.mjs',
    'pusher-js/with-encryption': '/pusher-js-with-encryption.mjs',
  };
  return `<!doctype html><meta charset="utf-8"><title>page</title><link rel="icon" href="data:,">
<script type="importmap">${JSON.stringify({ imports })}</script>
<script type="module">
${module}
</script>`;
}

async function text(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

function answer(res, status, type, body) {
  res.writeHead(status, { 'Content-Type': type }).end(body);
}

function file(res, pathname) {
  const path = normalize(pathname);
  if (!path.startsWith('/node_modules/')) return answer(res, 404, 'text/plain', 'not found');
  const name = join(modules, path.slice('/node_modules'.length));
  if (!existsSync(name)) return answer(res, 404, 'text/plain', 'not found');
  res.writeHead(200, { 'Content-Type': types[extname(name)] ?? 'application/octet-stream' });
  return createReadStream(name).pipe(res);
}
