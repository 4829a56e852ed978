// A real browser: the Chromium that the machine has, driven by puppeteer-core, which downloads
// none.
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

import puppeteer from 'puppeteer-core';

const executablePath = [
  process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome',
]
  .find((path) => path && existsSync(path));

// browser starts Chromium with an empty profile and has it closed after the file's tests.
export async function browser() {
  if (!executablePath) throw new Error('no Chromium here: install it, or name it in CHROMIUM');
  const userDataDir = await mkdtemp(join(tmpdir(), 'hark-chromium-'));
  const chromium = await puppeteer.launch({
    executablePath,
    headless: true,
    userDataDir,
    protocolTimeout: 90_000, // twice as long as a test waits for anything
    args: [
      '--no-sandbox', // it runs as root in CI
      '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
  after(async () => {
    await chromium.close();
    await rm(userDataDir, { recursive: true, force: true });
  });
  return chromium;
}

// open loads a page. trouble holds what went wrong in it: uncaught exceptions, console errors.
export async function open(t, chromium, url) {
  const page = await chromium.newPage();
  const trouble = [];
  page.on('pageerror', (err) => trouble.push(String(err)));
  page.on('console', (message) => message.type() === 'error' && trouble.push(message.text()));
  t.after(() => page.isClosed() || page.close());
  await page.goto(url);
  return { page, trouble };
}
